"""The words of a turn in flight, as the researcher sees them grow."""

import asyncio
import json

from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.agents.claude.books.speech import PERIOD_S, Speech, legible
from mlrcopilot_tui.agents.claude.turns import Delta

REPLY = {
    "thought": 'The "plain" changes first,\nthen more.',
    "ideas": [{"title": "Raise it", "scores": {"novelty": 5}}],
}


def test_a_form_is_shown_as_lines() -> None:
    shown = legible(json.dumps(REPLY))
    assert shown.splitlines() == [
        'thought: The "plain" changes first, then more.',
        "ideas:",
        "title: Raise it",
        "scores:",
        "novelty: 5",
    ]


@given(st.integers(min_value=0))
def test_a_form_that_is_half_there_is_shown_as_far_as_it_came(cut: int) -> None:
    whole = json.dumps(REPLY)
    shown = legible(whole[: cut % (len(whole) + 1)])
    assert not set("{}[]") & set(shown)


async def test_words_are_shown_together_and_an_action_by_its_length() -> None:
    shown: list[str] = []
    speech = Speech(shown.append)
    for delta in (Delta("text", "I "), Delta("text", "look."), Delta("action", '{"path"', "read_file")):
        speech.heard(delta)
    await asyncio.sleep(2 * PERIOD_S)
    speech.end()
    assert shown == ["I look.\nread_file: 7 characters", ""]
