"""Finding the JSON object in what a model wrote around it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.agents.claude.wire.schemas import in_words, json_of

VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)


@pytest.mark.parametrize(
    "reply",
    [
        '{"a": 1}',
        '```json\n{"a": 1}\n```',
        'Here it is:\n```\n{"a": 1}\n```\nAnything else?',
        'Set {x} and {y: z} aside. {"a": 1} is it.',
        '{ "a": 1 } {}',
        '\ufeff  {"a": 1}',
    ],
)
def test_words_and_fences_around_it_do_not_matter(reply: str) -> None:
    assert json_of(reply) == {"a": 1}


def test_the_longest_of_several_counts() -> None:
    assert json_of('For example {"a": 0}, and so: {"a": 1, "b": [2, {"c": 3}]}') == {"a": 1, "b": [2, {"c": 3}]}


@pytest.mark.parametrize("reply", ["", "No.", "[1, 2]", '{"a": ', "{" * 100_000, '{"a": "' * 10_000])
def test_a_reply_without_one_is_an_error_soon(reply: str) -> None:
    with pytest.raises(ValueError, match="no JSON object"):
        json_of(reply)


@given(st.dictionaries(st.text(), VALUES), st.text(alphabet=st.characters(blacklist_characters="{}")))
def test_any_object_is_found_in_any_prose(value: dict[str, object], prose: str) -> None:
    assert json_of(f"{prose}{json.dumps(value)}{prose}") == value


def test_a_schema_in_words_holds_the_schema() -> None:
    assert '"required": ["n"]' in in_words({"type": "object", "required": ["n"]})
