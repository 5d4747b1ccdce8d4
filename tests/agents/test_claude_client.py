"""What goes over the wire in both profiles, what comes back, and that a turn can be cut at any moment."""

import asyncio
import itertools
import json
import logging
import threading
from dataclasses import replace

import pytest

from mlrcopilot_tui.agents.claude.turns import Delta, Message, Request, Turn, Wire
from mlrcopilot_tui.agents.claude.wire.endpoint import Profile
from tests.agents.claude_asking import BEGIN, KEY, MODEL, port_on, request, turn_of
from tests.fakes.messages_faults import Stall
from tests.fakes.messages_rules import Body
from tests.fakes.messages_script import Answer, Reply, text, thinking, tool_use
from tests.fakes.messages_server import CAPABILITIES, FakeMessagesServer

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}


async def asked(
    *requests: Request, profile: Profile = "full", plain: bool = False, models: dict[str, Body | None] | None = None
) -> list[Body]:
    """The bodies that arrive for some requests, one after the other through one port."""
    with FakeMessagesServer([Reply([text("Yes.")])] * len(requests), plain=plain, models=models) as server:
        async with port_on(server, profile) as port:
            for one in requests:
                await port.turn(one, Wire(MODEL, one.max_tokens), lambda _: None)
        return server.turns


def result(identifier: str) -> Message:
    block = {"type": "tool_result", "tool_use_id": identifier, "content": "fine"}
    return {"role": "user", "content": [block]}


def marks(body: Body) -> list[str]:
    """Where breakpoints are."""
    found = [f"tool {tool['name']}" for tool in body.get("tools", ()) if "cache_control" in tool]
    found += ["system" for block in body["system"] if "cache_control" in block]
    for number, message in enumerate(body["messages"]):
        found += [f"message {number}.{at}" for at, block in enumerate(message["content"]) if "cache_control" in block]
    return found


async def test_full_asks_with_all_that_the_api_knows() -> None:
    (body,) = await asked(request())
    assert body["model"] == MODEL
    assert body["stream"] is True
    assert body["max_tokens"] == 1000
    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert [tool["name"] for tool in body["tools"]] == ["read_file", "write_file"]
    assert body["system"][0]["text"] == "You write code."
    assert marks(body) == ["tool write_file", "system", "message 0.0"]


async def test_plain_asks_with_the_core_alone() -> None:
    history = (
        BEGIN,
        {"role": "assistant", "content": [thinking("Hm."), {"type": "redacted_thinking", "data": "x"}]},
        {"role": "assistant", "content": [thinking("Hm."), {**tool_use("read_file", {}, "t1"), "caller": None}]},
        {"role": "user", "content": [{**result("t1")["content"][0], "cache_control": {"type": "ephemeral"}}]},
    )
    (body,) = await asked(request(*history), profile="plain", plain=True)
    assert set(body) == {"model", "max_tokens", "messages", "system", "tools", "stream"}
    assert body["system"] == "You write code."
    assert set(body["tools"][0]) == {"name", "description", "input_schema"}
    said = json.dumps(body)
    assert not any(word in said for word in ("cache_control", "thinking", "caller", "tool_choice"))
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]


async def test_plain_asks_nothing_beside_the_turn() -> None:
    with FakeMessagesServer([Reply([text("Yes.")])], plain=True) as server:
        async with port_on(server, "plain") as port:
            await port.turn(request(), Wire(MODEL, 10), lambda _: None)
            assert await port.count(request(), Wire(MODEL, 10)) is None
        assert [seen.path for seen in server.requests] == ["/v1/messages"]


async def test_a_schema_is_enforced_where_it_can_be_and_asked_for_in_words_where_not() -> None:
    wanted = replace(request(), schema=SCHEMA, tools=())
    (full,) = await asked(wanted)
    form = full["output_config"]["format"]
    assert form["type"] == "json_schema"
    assert form["schema"]["additionalProperties"] is False
    assert "minimum" not in form["schema"]["properties"]["n"], "the API refuses what it cannot enforce"
    assert "JSON schema" not in full["system"][0]["text"]
    (plain,) = await asked(wanted, profile="plain", plain=True)
    assert "output_config" not in plain
    assert json.dumps(SCHEMA) in plain["system"]
    unable = {**CAPABILITIES, "structured_outputs": {"supported": False}}
    (old,) = await asked(wanted, models={MODEL: unable})
    assert "output_config" not in old
    assert json.dumps(SCHEMA) in old["system"][0]["text"]


async def test_an_unknown_model_is_asked_without_thinking_and_for_the_schema_in_both_ways() -> None:
    (body,) = await asked(replace(request(), schema=SCHEMA), plain=True)
    assert "thinking" not in body
    assert "output_config" in body
    assert json.dumps(SCHEMA) in body["system"][0]["text"]
    assert "cache_control" in body["system"][0]


async def test_what_a_model_can_do_is_asked_once() -> None:
    with FakeMessagesServer([Reply([text("Yes.")])] * 3) as server:
        async with port_on(server) as port:
            for _ in range(3):
                await port.turn(request(), Wire(MODEL, 10), lambda _: None)
        assert [seen.path for seen in server.requests].count(f"/v1/models/{MODEL}") == 1


async def test_several_actions_may_be_allowed_and_none_need_be() -> None:
    several, none = await asked(replace(request(), one_action=False), replace(request(), tools=()))
    assert "tool_choice" not in several
    assert "tool_choice" not in none
    assert "tools" not in none


async def test_steps_share_their_prefix_and_never_mark_more_than_four_places() -> None:
    def script(body: Body) -> Answer:
        return Reply([text("Step."), tool_use("read_file", {"path": f"{len(body['messages'])}.py"})])

    read: list[tuple[int, int]] = []
    with FakeMessagesServer(script) as server:
        async with port_on(server) as port:
            history: list[Message] = [BEGIN]
            for _ in range(6):
                turn = await port.turn(request(*history), Wire(MODEL, 10), lambda _: None)
                read.append((turn.usage.cache_read_tokens, turn.usage.read_tokens))
                history += [{"role": "assistant", "content": list(turn.content)}, result(turn.actions[0].id)]
        assert max(len(marks(body)) for body in server.turns) == 4
    for (_, before), (cached, _) in itertools.pairwise(read):
        assert cached == before, "all that the last step sent is read from the cache"


async def test_what_the_api_would_refuse_is_not_sent_back() -> None:
    history = (
        BEGIN,
        {"role": "assistant", "content": [text(" \n")]},
        {"role": "user", "content": [text(""), text("On.")]},
    )
    (body,) = await asked(request(*history))
    assert [[block["text"] for block in message["content"]] for message in body["messages"]] == [["Begin."], ["On."]]


async def test_what_the_caller_holds_is_not_changed() -> None:
    history = [BEGIN]
    before = json.dumps(history)
    await asked(request(*history), request(*history))
    assert json.dumps(history) == before


async def test_thinking_goes_back_to_the_model_that_thought_it_and_to_no_other() -> None:
    thought = Reply([thinking("Let me see.", "c2ln"), tool_use("read_file", {}, "t1")])
    with FakeMessagesServer([thought, *[Reply([text("Yes.")])] * 3]) as server:
        async with port_on(server) as port:
            turn = await port.turn(request(), Wire(MODEL, 10), lambda _: None)
            later = request(BEGIN, {"role": "assistant", "content": list(turn.content)}, result("t1"))
            await port.turn(later, Wire(MODEL, 10), lambda _: None)
            await port.turn(later, Wire("claude-sonnet-5-5", 10), lambda _: None)
        async with port_on(server) as resumed:
            await resumed.turn(later, Wire(MODEL, 10), lambda _: None)
        kinds = [[block["type"] for block in body["messages"][1]["content"]] for body in server.turns[1:]]
        assert kinds == [["thinking", "tool_use"], ["tool_use"], ["tool_use"]]
        kept = server.turns[1]["messages"][1]["content"][0]
        assert kept == {"type": "thinking", "thinking": "Let me see.", "signature": "c2ln"}


async def test_a_turn_is_whole_and_its_pieces_are_heard() -> None:
    heard: list[Delta] = []
    blocks = [
        thinking("I think äöü 🙂."),
        text("I write\na file."),
        tool_use("write_file", {"path": "a.py", "n": [1]}, "t9"),
    ]
    usage = {"input_tokens": 11, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 7, "output_tokens": 42}
    turn = await turn_of([Reply(blocks, usage=usage, model="claude-opus-5-5-20261001")], heard=heard.append)
    assert turn.content == tuple(blocks)
    assert (turn.stop_reason, turn.model) == ("tool_use", "claude-opus-5-5-20261001")
    assert turn.request_id.startswith("req_")
    assert turn.actions[0].input == {"path": "a.py", "n": [1]}
    told = turn.usage
    assert (told.input_tokens, told.cache_read_tokens, told.cache_write_tokens) == (11, 5, 7)
    assert (told.output_tokens, told.exact) == (42, True)
    spoken = {kind: "".join(d.text for d in heard if d.kind == kind) for kind in ("thinking", "text", "action")}
    assert spoken == {"thinking": turn.thinking, "text": turn.text, "action": json.dumps(turn.actions[0].input)}
    assert {delta.name for delta in heard if delta.kind == "action"} == {"write_file"}


async def test_five_thousand_pieces_make_one_turn() -> None:
    words = "0123456" * 5000
    count = 0

    def hear(delta: Delta) -> None:
        nonlocal count
        count += 1

    assert (await turn_of([Reply([text(words)])], heard=hear)).text == words
    assert count == 5000


@pytest.mark.parametrize("after", [-1, 0, 4])
async def test_a_turn_can_be_cut_at_any_moment_and_the_port_goes_on(after: int) -> None:
    arrived, spoken = threading.Event(), asyncio.Event()

    def script(body: Body) -> Answer:
        if arrived.is_set():
            return Reply([text("On.")])
        arrived.set()
        return Stall(after_events=after)

    with FakeMessagesServer(script) as server:
        async with port_on(server, "plain") as port:
            flying = asyncio.create_task(port.turn(request(), Wire(MODEL, 10), lambda _: spoken.set()))
            assert await asyncio.to_thread(arrived.wait, 10)
            if after > 1:
                await spoken.wait()
            flying.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(flying, timeout=5)
            assert (await port.turn(request(), Wire(MODEL, 10), lambda _: None)).text == "On."


async def test_a_turn_can_be_cut_while_the_sdk_is_still_loading() -> None:
    with FakeMessagesServer([Reply([text("On.")])]) as server:
        async with port_on(server, "plain") as port:
            flying = asyncio.create_task(port.turn(request(), Wire(MODEL, 10), lambda _: None))
            await asyncio.sleep(0)
            flying.cancel()
            with pytest.raises(asyncio.CancelledError):
                await flying
            assert server.turns == []
            assert (await port.turn(request(), Wire(MODEL, 10), lambda _: None)).text == "On."


async def test_turns_fly_side_by_side() -> None:
    def script(body: Body) -> Answer:
        return Reply([text(body["messages"][0]["content"][0]["text"])])

    with FakeMessagesServer(script) as server:
        async with port_on(server) as port:
            words = [f"I am number {number}." for number in range(8)]
            turns: list[Turn] = await asyncio.gather(
                *(
                    port.turn(request({"role": "user", "content": word}), Wire(MODEL, 9), lambda _: None)
                    for word in words
                )
            )
    assert [turn.text for turn in turns] == words


async def test_a_listener_that_fails_is_no_fault_of_the_server() -> None:
    def fail(delta: Delta) -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await turn_of([Reply([text("Hello.")])], heard=fail)


async def test_the_key_is_a_bearer_token_and_in_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-of-somebody-else")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ANTHROPIC_PROFILE", "work")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Team: vision")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    caplog.set_level(logging.DEBUG)
    with FakeMessagesServer([Reply([text("Yes.")])], key=KEY) as server:
        async with port_on(server) as port:
            turn = await port.turn(request(), Wire(MODEL, 10), lambda _: None)
        headers = server.requests[-1].headers
        assert headers["authorization"] == f"Bearer {KEY}"
        assert headers["x-team"] == "vision"
        assert KEY not in json.dumps(server.turns)
    assert KEY not in f"{turn!r} {port!r} {vars(port)} {caplog.text}"


async def test_tokens_are_counted_where_the_server_can() -> None:
    with FakeMessagesServer([]) as server:
        async with port_on(server) as port:
            assert (await port.count(request(), Wire(MODEL, 10)) or 0) > 0
            assert await port.knows(MODEL)
    with FakeMessagesServer([], models={MODEL: None}) as server:
        async with port_on(server) as port:
            assert await port.knows("claude-nonesuch") is False
    with FakeMessagesServer([], plain=True) as server:
        async with port_on(server) as port:
            assert await port.count(request(), Wire(MODEL, 10)) is None
            assert await port.knows(MODEL) is None
