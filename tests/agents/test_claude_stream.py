"""A turn is all of its events or none: no prefix, no garbled event and no order of them passes for one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.agents.claude.turns import ModelFaultError
from mlrcopilot_tui.agents.claude.wire.endpoint import Credentials, Endpoint
from mlrcopilot_tui.agents.claude.wire.faults import Call
from mlrcopilot_tui.agents.claude.wire.stream import Assembly
from mlrcopilot_tui.session.model_events import Usage

CALL = Call(Endpoint("http://127.0.0.1:8000"), Credentials("local", "nowhere"), "m")
LIMIT = Usage(input_tokens=3000, output_tokens=1000, exact=False)

Event = dict[str, Any]


def delta(index: int, **what: str) -> Event:
    return {"type": "content_block_delta", "index": index, "delta": what}


EVENTS: list[Event] = [
    {"type": "message_start", "message": {"model": "m-1", "usage": {"input_tokens": 20, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
    delta(0, type="thinking_delta", thinking="Hm."),
    delta(0, type="signature_delta", signature="c2ln"),
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": "", "citations": None}},
    delta(1, type="text_delta", text="I re"),
    delta(1, type="text_delta", text="ad."),
    {"type": "content_block_stop", "index": 1},
    {
        "type": "content_block_start",
        "index": 2,
        "content_block": {"type": "tool_use", "id": "t1", "name": "r", "input": {}},
    },
    delta(2, type="input_json_delta", partial_json='{"path": '),
    delta(2, type="input_json_delta", partial_json='"a.py"}'),
    {"type": "content_block_stop", "index": 2},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 33}},
    {"type": "message_stop"},
]

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(["text", "tool_use", "type", "index", "error", ""]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "usage", "delta"]), inner)
    ),
    max_leaves=6,
)
GARBLED = st.fixed_dictionaries(
    {"type": st.sampled_from([event["type"] for event in EVENTS] + ["error", "weather"])},
    optional=dict.fromkeys(("index", "delta", "content_block", "message", "usage", "error"), JSON),
)


def assembled(events: list[Event]) -> Assembly:
    assembly = Assembly(CALL, LIMIT, "req_1")
    for event in events:
        assembly.take(event)
    return assembly


def test_all_of_its_events_make_a_turn() -> None:
    turn = assembled(EVENTS).turn()
    assert turn.content == (
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "text", "text": "I read."},
        {"type": "tool_use", "id": "t1", "name": "r", "input": {"path": "a.py"}},
    )
    assert turn.usage == Usage(input_tokens=20, output_tokens=33)
    assert (turn.model, turn.request_id) == ("m-1", "req_1")


@pytest.mark.parametrize("count", range(len(EVENTS)))
def test_no_beginning_of_it_does(count: int) -> None:
    with pytest.raises(ModelFaultError) as caught:
        assembled(EVENTS[:count]).turn()
    assert (caught.value.kind, caught.value.transient) == ("truncated", True)
    assert caught.value.usage is not None


@given(st.permutations(EVENTS), st.lists(st.tuples(st.integers(0, 15), GARBLED), max_size=4))
def test_whatever_comes_is_a_turn_or_a_fault(events: list[Event], garbled: list[tuple[int, Event]]) -> None:
    for at, event in garbled:
        events.insert(at, event)
    try:
        turn = assembled(events).turn()
    except ModelFaultError:
        return
    assert json.loads(json.dumps(turn.content)) == list(turn.content)
    assert all(isinstance(action.input, dict) for action in turn.actions)
    assert turn.usage.output_tokens >= 0


def test_what_the_server_does_not_know_of_tokens_does_not_overwrite_what_it_said() -> None:
    events = [
        *EVENTS[:-2],
        {**EVENTS[-2], "usage": {"input_tokens": 0, "output_tokens": 33, "cache_read_input_tokens": None}},
    ]
    assert assembled([*events, EVENTS[-1]]).turn().usage == Usage(input_tokens=20, output_tokens=33)


def test_a_servers_late_count_of_the_input_is_taken() -> None:
    """Some servers count the prompt only when they are done."""
    begun = {"type": "message_start", "message": {"usage": {"input_tokens": 0, "output_tokens": 0}}}
    ended = {**EVENTS[-2], "usage": {"input_tokens": 321, "output_tokens": 33}}
    assert assembled([begun, *EVENTS[1:-2], ended, EVENTS[-1]]).turn().usage.input_tokens == 321


def test_a_tools_input_may_come_whole_and_without_an_id() -> None:
    block = {"type": "tool_use", "id": "", "name": "r", "input": {"path": "a.py"}}
    begun = {"type": "content_block_start", "index": 0, "content_block": block}
    (action,) = assembled([EVENTS[0], begun, *EVENTS[-2:]]).turn().actions
    assert action.input == {"path": "a.py"}
    assert action.id.startswith("toolu_")


def test_an_end_for_tools_without_tools_is_an_end() -> None:
    assert assembled([*EVENTS[:9], *EVENTS[-2:]]).turn().stop_reason == "end_turn"


def test_halves_of_characters_are_put_together_and_lone_ones_replaced() -> None:
    halves = [delta(1, type="text_delta", text=piece) for piece in ("\ud83d", "\ude42 and \ud83d.")]
    path = [delta(2, type="input_json_delta", partial_json=piece) for piece in ('{"a": "\\ud83d', '\\ude42 \\ud83d"}')]
    turn = assembled([*EVENTS[:6], *halves, EVENTS[9], *path, *EVENTS[-2:]]).turn()
    assert turn.text == "🙂 and \ufffd."
    assert turn.actions[0].input == {"a": "🙂 \ufffd"}
