"""Exchanges with a model are read back as they were, survive being cut anywhere, and hold no secret."""

import json
import stat
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlrcopilot_tui.agents.claude.books.exchanges import (
    EXCHANGES_NAME,
    Exchange,
    ExchangeLog,
    ExchangeReader,
    ExchangesDamagedError,
    request_digest,
)
from mlrcopilot_tui.agents.claude.books.redaction import REDACTED
from mlrcopilot_tui.agents.claude.turns import ModelFaultError, Request, Tool, Turn, Wire
from mlrcopilot_tui.session.model_events import Usage

WIRE = Wire("a-model", 4096)

texts = st.text(st.characters(codec=None), max_size=20)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, json_values, max_size=3)
messages = st.builds(
    lambda role, content: {"role": role, "content": content},
    st.sampled_from(["user", "assistant"]),
    st.lists(objects, max_size=3),
)
requests = st.builds(
    Request,
    purpose=texts,
    system=texts,
    messages=st.lists(messages, max_size=4),
    max_tokens=st.integers(1, 10**6),
    tools=st.lists(st.builds(Tool, texts, texts, objects), max_size=2).map(tuple),
    role=st.sampled_from(["main", "fast"]),
    schema=st.none() | objects,
    one_action=st.booleans(),
    idea=st.integers(0, 9),
    attempt=st.integers(0, 9),
    step=st.integers(0, 99),
    resumable=st.booleans(),
)
usages = st.builds(Usage, input_tokens=st.integers(0, 10**6), output_tokens=st.integers(0, 10**6), exact=st.booleans())
turns = st.builds(
    Turn,
    content=st.lists(objects, max_size=3).map(tuple),
    stop_reason=st.sampled_from(["end_turn", "tool_use", "max_tokens"]),
    usage=usages,
    model=texts,
    request_id=texts,
)
faults = st.builds(
    ModelFaultError,
    st.sampled_from(["overloaded", "truncated", "refusal"]),
    texts,
    texts,
    transient=st.booleans(),
    retry_after_s=st.none() | st.floats(0, 100),
    usage=st.none() | usages,
    request_id=texts,
)
outcomes = st.none() | turns | faults


def asked(*words: str, resumable: bool = True, step: int = 0) -> Request:
    said = [{"role": "user", "content": [{"type": "text", "text": word}]} for word in words]
    return Request(
        purpose="step", system="Be brief.", messages=said, max_tokens=100, resumable=resumable, step=step
    )  # fmt: skip


def answered(text: str) -> Turn:
    return Turn(({"type": "text", "text": text},), "end_turn", Usage(input_tokens=3, output_tokens=1), "a-model")


def read(folder: Path) -> list[Exchange]:
    return list(ExchangeReader(folder / EXCHANGES_NAME).exchanges())


def told(outcome: Turn | ModelFaultError | None) -> object:
    """What an outcome tells, comparable: an error is equal only to itself."""
    if isinstance(outcome, ModelFaultError):
        return (outcome.args, vars(outcome))
    return outcome and replace(outcome, exchange="")


@given(st.lists(st.tuples(requests, outcomes, st.booleans()), max_size=5))
@settings(max_examples=60)
def test_what_was_recorded_is_read_back_exactly(
    calls: list[tuple[Request, Turn | ModelFaultError | None, bool]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = ExchangeLog(Path(folder))
        for request, outcome, reopened in calls:
            log.end(log.begin(request, WIRE), outcome, 1.5)
            log = ExchangeLog(Path(folder)) if reopened else log
        found = read(Path(folder))
    assert [exchange.request for exchange in found] == [
        replace(request, messages=list(request.messages)) for request, _, _ in calls
    ]
    assert [told(exchange.outcome) for exchange in found] == [told(outcome) for _, outcome, _ in calls]
    assert [exchange.digest for exchange in found] == [request_digest(request, WIRE) for request, _, _ in calls]
    assert [exchange.id for exchange in found] == [f"x{at}" for at, _ in enumerate(calls, 1)]


@given(st.lists(st.tuples(requests, outcomes), min_size=1, max_size=3), st.data())
@settings(max_examples=60)
def test_a_file_torn_anywhere_opens_and_takes_more(
    calls: list[tuple[Request, Turn | ModelFaultError | None]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = ExchangeLog(folder)
        for request, outcome in calls:
            log.end(log.begin(request, WIRE), outcome, 1.5)
        path = folder / EXCHANGES_NAME
        whole = path.read_bytes()
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
        before = read(folder)
        assert all(
            exchange.request == replace(calls[at][0], messages=list(calls[at][0].messages))
            for at, exchange in enumerate(before)
        )
        log = ExchangeLog(folder)
        assert len(log.unended()) == sum(not exchange.ended for exchange in before)
        log.end(log.begin(asked("more"), WIRE), answered("yes"), 0.1)
        after = read(folder)
    assert [exchange.request for exchange in after] == [*(exchange.request for exchange in before), asked("more")]
    assert isinstance(after[-1].outcome, Turn)


@given(st.text(st.characters(codec=None, exclude_characters="[redact]"), min_size=6, max_size=12), st.data())
@settings(max_examples=60)
def test_no_secret_reaches_the_disk(secret: str, data: st.DataObject) -> None:
    def hidden(value: object) -> object:
        wrapped = data.draw(st.integers(0, 2))
        for _ in range(wrapped):
            value = json.dumps({"key": value})
        return {f"a {secret} b": [f"<{value}>"]}

    request = replace(asked("hello"), system=f"x{secret}y", schema={"deep": hidden(secret)})
    request = replace(request, tools=(Tool("t", secret, {"enum": [hidden(secret)]}),))
    turn = replace(answered(f"the key is {secret}"), request_id=secret)
    with tempfile.TemporaryDirectory() as name:
        log = ExchangeLog(Path(name), (secret, ""))
        log.end(log.begin(request, WIRE), turn, 0.0)
        log.end(log.begin(request, WIRE), ModelFaultError("server", secret, secret), 0.0)
        written = (Path(name) / EXCHANGES_NAME).read_text("ascii")
        found = read(Path(name))
        again = ExchangeLog(Path(name), (secret,)).earlier(request, WIRE)
    for _ in range(4):
        assert secret not in written
        written = written.replace("\\\\", "\\").replace('\\"', '"')
    assert REDACTED in found[0].request.system
    assert again is not None
    assert again.text == f"the key is {REDACTED}"


def test_a_secret_is_found_where_json_quotes_json(tmp_path: Path) -> None:
    log = ExchangeLog(tmp_path, ('sk-ant-"quoted"\\0123456789',))
    log.begin(asked('{"args": "{\\"key\\": \\"sk-ant-\\\\\\"quoted\\\\\\"\\\\\\\\0123456789\\"}"}'), WIRE)
    assert "0123456789" not in (tmp_path / EXCHANGES_NAME).read_text("ascii")


def test_a_call_is_on_disk_before_it_ends_and_is_named_until_it_is_settled(tmp_path: Path) -> None:
    begun = ExchangeLog(tmp_path)
    assert begun.begin(asked("hello"), WIRE) == "x1"
    assert begun.unended() == []
    successor = ExchangeLog(tmp_path)
    (cut,) = successor.unended()
    assert (cut.id, cut.request, cut.wire) == ("x1", asked("hello"), WIRE)
    successor.end("x1", None, 0.0)
    assert successor.unended() == []
    assert ExchangeLog(tmp_path).unended() == []
    assert successor.begin(asked("hello"), WIRE) == "x2"


def test_an_equal_request_gets_each_recorded_turn_of_an_earlier_process_once(tmp_path: Path) -> None:
    log = ExchangeLog(tmp_path)
    for text in ("first", "second"):
        log.end(log.begin(asked("hello"), WIRE), answered(text), 0.1)
    log.end(log.begin(asked("hello"), WIRE), ModelFaultError("server", "It failed."), 0.1)
    assert log.earlier(asked("hello"), WIRE) is None
    later = ExchangeLog(tmp_path)
    got = [later.earlier(asked("hello"), WIRE) for _ in range(3)]
    assert got == [replace(answered("first"), exchange="x1"), replace(answered("second"), exchange="x2"), None]


@pytest.mark.parametrize(
    ("request_", "wire"),
    [
        (asked("hello", resumable=False), WIRE),
        (asked("hello", "again"), WIRE),
        (replace(asked("hello"), system="Be long."), WIRE),
        (replace(asked("hello"), one_action=False), WIRE),
        (replace(asked("hello"), schema={}), WIRE),
        (replace(asked("hello"), tools=(Tool("t", "", {}),)), WIRE),
        (asked("hello"), Wire("another-model", 4096)),
        (asked("hello"), Wire("a-model", 4095)),
    ],
)
def test_another_request_gets_no_earlier_turn(request_: Request, wire: Wire, tmp_path: Path) -> None:
    log = ExchangeLog(tmp_path)
    log.end(log.begin(asked("hello"), WIRE), answered("yes"), 0.1)
    assert ExchangeLog(tmp_path).earlier(request_, wire) is None


def test_what_is_not_sent_makes_no_other_request(tmp_path: Path) -> None:
    log = ExchangeLog(tmp_path)
    log.end(log.begin(asked("hello", step=1), WIRE), answered("yes"), 0.1)
    assert ExchangeLog(tmp_path).earlier(asked("hello", step=2), WIRE) is not None


def test_a_long_conversation_is_stored_once(tmp_path: Path) -> None:
    words = [f"{at}" + "x" * 1000 for at in range(200)]
    log = ExchangeLog(tmp_path)
    for length in range(1, len(words) + 1):
        log.end(log.begin(asked(*words[:length]), WIRE), answered("yes"), 0.1)
    assert (tmp_path / EXCHANGES_NAME).stat().st_size < 2 * sum(map(len, words))
    assert read(tmp_path)[-1].request == asked(*words)


def test_only_the_owner_may_read_them(tmp_path: Path) -> None:
    ExchangeLog(tmp_path / "exchanges").begin(asked("hello"), WIRE)
    assert stat.S_IMODE((tmp_path / "exchanges").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "exchanges" / EXCHANGES_NAME).stat().st_mode) == 0o600


def test_a_damaged_line_is_told_and_nothing_is_cut(tmp_path: Path) -> None:
    log = ExchangeLog(tmp_path)
    log.end(log.begin(asked("hello"), WIRE), answered("yes"), 0.1)
    path = tmp_path / EXCHANGES_NAME
    damaged = b"{nonsense\n" + path.read_bytes()
    path.write_bytes(damaged)
    with pytest.raises(ExchangesDamagedError, match="Line 1 of"):
        ExchangeLog(tmp_path)
    assert path.read_bytes() == damaged
