"""Forms: strict schemas, patient reading, one chance to mend, and faults that a researcher understands."""

import asyncio
from typing import Any, Literal

import msgspec
import pytest

from mlrcopilot_tui.agents.claude.forms import Question, filled, read_form, schema_of
from mlrcopilot_tui.agents.claude.ideas.forms import IdeasForm
from mlrcopilot_tui.agents.claude.ideas.summaries import SummaryForm
from mlrcopilot_tui.agents.claude.turns import ModelFaultError
from mlrcopilot_tui.errors import RefusedError
from tests.fakes.quiet_host import FakeHost
from tests.fakes.scripted_model import FakeModel, Step, faulted, said, shown


class Inner(msgspec.Struct, kw_only=True):
    score: float
    kind: Literal["a", "b"] = "a"


class Form(msgspec.Struct, kw_only=True):
    name: str
    inner: list[Inner] = []
    note: Inner | None = None


GOOD = {"name": "x", "inner": [{"score": 3}]}


def ask(*steps: Step, wrong: str = "") -> tuple[Form, FakeModel]:
    model = FakeModel(*steps)
    question = Question(
        "propose",
        "be strict",
        lambda size: ("stable", f"shown at {size}"),
        Form,
        lambda f: ["bad name"] if f.name == wrong else [],
    )
    return asyncio.run(filled(model, FakeHost(), question)), model


def objects(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Every schema of an object within a schema."""
    found = [schema] if schema.get("type") == "object" else []
    for inner in (*schema.get("properties", {}).values(), schema.get("items", {})):
        found += objects(inner) if inner else []
    return found


@pytest.mark.parametrize("form", [Form, SummaryForm, IdeasForm])
def test_schemas_are_strict_and_stand_alone(form: type[msgspec.Struct]) -> None:
    schema = schema_of(form)
    assert "$" not in str(schema)
    assert not {"minimum", "maximum", "default", "anyOf"} & set(str(schema).replace("'", " ").split())
    for one in objects(schema):
        assert one["additionalProperties"] is False
        assert one["required"] == list(one["properties"])


def test_reading_is_patient() -> None:
    text = 'Here you are:\n```json\n{"name": "x", "inner": [{"score": "3.5", "why": 1}], "more": 2}\n```\nDone.'
    assert read_form(text, Form) == Form(name="x", inner=[Inner(score=3.5)])
    with pytest.raises(ValueError, match=r"name"):
        read_form('{"inner": []}', Form)
    with pytest.raises(ValueError, match="no JSON"):
        read_form("I would rather not.", Form)


def test_a_reply_that_is_no_form_is_mended_once() -> None:
    form, model = ask("I think that …", GOOD)
    assert form.name == "x"
    assert [message["role"] for message in model.requests[1].messages] == ["user", "assistant", "user"]
    assert "not in the form: there is no JSON" in shown(model.requests[1])
    with pytest.raises(RefusedError, match="not in the form that was asked for"):
        ask("no", {"inner": []})


def test_a_reply_that_was_cut_off_is_asked_for_more_briefly() -> None:
    _, model = ask(said('{"name": "x", "inner": [{"sc', stop="max_tokens"), GOOD)
    assert "cut off" in shown(model.requests[1])
    assert [request.max_tokens for request in model.requests] == [12_000, 24_000]


def test_flaws_are_mended_once_and_then_left_to_the_caller() -> None:
    form, model = ask({"name": "bad"}, GOOD, wrong="bad")
    assert (form.name, len(model.requests)) == ("x", 2)
    assert "- bad name" in shown(model.requests[1])
    form, model = ask({"name": "bad"}, {"name": "bad"}, wrong="bad")
    assert (form.name, len(model.requests)) == ("bad", 2)
    form, model = ask({"name": "bad"}, "sorry", wrong="bad")
    assert (form.name, len(model.requests)) == ("bad", 2), "what could be read is better than nothing"
    form, model = ask("no form", {"name": "bad"}, {"name": "bad"}, wrong="bad")
    assert len(model.requests) == 3


def test_what_changes_least_is_kept_in_the_cache() -> None:
    _, model = ask(GOOD)
    stable, last = model.requests[0].messages[0]["content"]
    assert (stable["text"], stable["cache_control"]) == ("stable", {"type": "ephemeral"})
    assert "cache_control" not in last


def test_thinking_is_not_sent_back() -> None:
    _, model = ask(said("no", thinking="deep"), GOOD)
    assert "deep" not in str(model.requests[1].messages)


def test_an_empty_reply_can_be_mended() -> None:
    _, model = ask("", GOOD)
    assert model.requests[1].messages[1]["content"] == [{"type": "text", "text": "(nothing)"}]


def test_a_context_that_is_too_small_is_shown_less_once() -> None:
    form, model = ask(faulted("context_overflow", "Too long."), GOOD)
    assert form.name == "x"
    assert [shown(request).splitlines()[-1] for request in model.requests] == ["shown at 1.0", "shown at 0.3"]
    with pytest.raises(RefusedError, match=r"Too long\."):
        ask(faulted("context_overflow", "Too long."), faulted("context_overflow", "Too long."))


def test_a_refusal_ends_the_idea_and_other_faults_end_the_copilot() -> None:
    with pytest.raises(RefusedError, match="would not"):
        ask(faulted("refusal"))
    with pytest.raises(ModelFaultError, match="key"):
        ask(faulted("credentials", "The key is wrong."))
