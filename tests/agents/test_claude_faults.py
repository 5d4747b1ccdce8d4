"""Every way in which asking a model was seen to fail, over real HTTP and the real SDK: what the researcher reads."""

import json
import socket
from datetime import UTC, datetime

import httpx2
import pytest

from mlrcopilot_tui.agents.claude import turns
from mlrcopilot_tui.agents.claude.turns import FaultKind, ModelFaultError
from mlrcopilot_tui.agents.claude.wire import connection
from mlrcopilot_tui.agents.claude.wire.endpoint import Credentials, Endpoint
from mlrcopilot_tui.agents.claude.wire.faults import Call, Told, fault_told, kind_of, seconds_asked
from mlrcopilot_tui.agents.claude.wire.patience import Patience
from mlrcopilot_tui.session.model_events import Usage
from tests.agents.claude_asking import KEY, MODEL, fault_of, port_on, request, turn_of
from tests.fakes.messages_faults import (
    BadJson,
    Cut,
    ErrorEvent,
    HangUp,
    JsonBody,
    NoEventLines,
    NoUsage,
    Raw,
    Reset,
    Stall,
    UnknownEvents,
    cut_tool_call,
    malformed_tool_call,
)
from tests.fakes.messages_script import Answer, Body, Reply, Status, Wire, refusal, sse, text, tool_use
from tests.fakes.messages_server import FakeMessagesServer

HASTE = Patience(connect_s=2.0, read_s=0.15, stall_s=5.0)

STATUSES: list[tuple[Status, FaultKind, bool, str]] = [
    (Status(401, "authentication_error", f"invalid x-api-key {KEY}"), "credentials", False, "does not accept the key"),
    (Status(403, "permission_error", f"{KEY} may not"), "permission", False, "does not let this key use"),
    (Status(402, "billing_error", "pay"), "billing", False, "wants to be paid first: pay."),
    (Status(400, "invalid_request_error", "Your credit balance is too low"), "billing", False, "paid first"),
    (Status(404, "not_found_error", f"model: {MODEL}"), "not_found", False, f"does not know the model {MODEL}"),
    (Status(404, html="<h1>404</h1>"), "not_found", False, "has no Messages API at"),
    (Status(405, html="<h1>405</h1>"), "not_found", False, "has no Messages API at"),
    (Status(413, "request_too_large", "big"), "too_large", False, "larger than"),
    (
        Status(400, "invalid_request_error", "max_tokens: odd"),
        "bad_request",
        False,
        "refuses the request: max_tokens: odd.",
    ),
    (Status(422, html='{"detail": "no such field"}'), "bad_request", False, "refuses the request"),
    (
        Status(400, "invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum"),
        "context_overflow",
        False,
        "longer than",
    ),
    (
        Status(400, "BadRequestError", "This model's maximum context length is 8192 tokens."),
        "context_overflow",
        False,
        "maximum context length is 8192",
    ),
    (Status(429, "rate_limit_error", headers={"retry-after": "7"}), "rate_limited", True, "limits how much"),
    (Status(529, "overloaded_error"), "overloaded", True, "overloaded"),
    (Status(503, html="Loading model"), "overloaded", True, "still loading"),
    (Status(500, html="<html>oops</html>"), "server", True, "failed with status 500"),
    (Status(502, html="<html>bad gateway</html>"), "server", True, "failed with status 502"),
    (Status(504, "timeout_error"), "timeout", True, "took too long"),
]


@pytest.mark.parametrize(("answer", "kind", "transient", "words"), STATUSES, ids=lambda value: str(value)[:30])
async def test_an_http_error_is_one_sentence(answer: Status, kind: FaultKind, transient: bool, words: str) -> None:
    fault = await fault_of([answer])
    assert (fault.kind, fault.transient) == (kind, transient)
    assert words in fault.sentence
    assert fault.mend
    assert fault.usage is None, "nothing reached the model, so nothing is booked"
    assert fault.request_id.startswith("req_")
    assert fault.exit_code == 3


async def test_a_wait_that_the_server_asks_for_is_passed_on() -> None:
    assert (await fault_of([Status(429, "rate_limit_error", headers={"retry-after": "7"})])).retry_after_s == 7.0
    assert (await fault_of([Status(529, "overloaded_error", headers={"retry-after-ms": "250"})])).retry_after_s == 0.25
    assert (await fault_of([Status(429, "rate_limit_error")])).retry_after_s is None
    assert (await fault_of([Status(401, "authentication_error", headers={"retry-after": "7"})])).retry_after_s is None


def test_waits_are_seconds_or_dates_and_never_nonsense() -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert seconds_asked({"retry-after": "Fri, 20 Nov 2026 12:00:30 GMT"}, noon) == 30.0
    assert seconds_asked({"retry-after": "Fri, 20 Nov 2026 11:00:00 GMT"}, noon) == 0.0
    for nonsense in ("-5", "nan", "inf", "soon", ""):
        assert seconds_asked({"retry-after": nonsense}, noon) is None


BROKEN: list[tuple[Answer, FaultKind, bool]] = [
    (Reset(3), "connection", True),
    (HangUp(3), "connection", True),
    (Cut(4), "truncated", True),
    (Cut(1), "truncated", True),
    (Cut(0), "truncated", True),
    (BadJson(3), "malformed", True),
    (Raw(sse(("message_start", {"message": {"usage": {}}})) + sse(("content_block_start", {}))), "malformed", True),
    (ErrorEvent(3), "overloaded", True),
    (ErrorEvent(3, type="api_error", message="boom"), "server", True),
    (ErrorEvent(3, type="rate_limit_error"), "rate_limited", True),
    (ErrorEvent(3, type="invalid_request_error", message="prompt is too long"), "context_overflow", False),
    (JsonBody(), "not_a_stream", False),
    (Raw(b'data: {"choices": [{"delta": {"content": "Hi"}}]}\n\ndata: [DONE]\n\n'), "not_a_stream", False),
    (malformed_tool_call("write_file", '{"path": "a.p'), "malformed", True),
    (malformed_tool_call("write_file", '["a.py"]'), "malformed", True),
]


@pytest.mark.parametrize(("answer", "kind", "transient"), BROKEN, ids=lambda value: str(value)[:40])
async def test_a_broken_turn_is_no_turn_and_is_booked_at_its_bound(
    answer: Answer, kind: FaultKind, transient: bool
) -> None:
    fault = await fault_of([answer])
    assert (fault.kind, fault.transient) == (kind, transient)
    assert fault.usage is not None
    assert fault.request_id.startswith("req_")
    if not fault.usage.exact:
        assert fault.usage.output_tokens == 1000
    assert fault.usage.read_tokens > 0


async def test_input_that_was_reported_before_a_cut_is_booked_as_reported() -> None:
    spoken = Reply([text("Half.")], usage={"input_tokens": 40, "cache_read_input_tokens": 900, "output_tokens": 3})
    usage = (await fault_of([Reset(3, spoken)])).usage
    assert usage is not None
    assert (usage.input_tokens, usage.cache_read_tokens, usage.output_tokens, usage.exact) == (40, 900, 1000, False)


@pytest.mark.parametrize("after", [-1, 0, 3])
async def test_a_silent_server_is_given_up(after: int) -> None:
    fault = await fault_of([Stall(after_events=after)], patience=HASTE)
    assert (fault.kind, fault.transient) == ("timeout", True)
    assert "fell silent" in fault.sentence
    assert fault.usage is not None


async def test_pings_alone_do_not_keep_a_turn_alive() -> None:
    class Pinging:
        def play(self, wire: Wire, body: Body) -> None:
            wire.begin()
            for _ in range(500):
                wire.wait(0.02)
                wire.send(sse(("ping", {})))

    fault = await fault_of([Pinging()], patience=Patience(read_s=5.0, stall_s=0.2))
    assert fault.kind == "timeout"


async def test_a_reset_before_the_headers_may_have_reached_the_model() -> None:
    fault = await fault_of([Reset(-1)])
    assert (fault.kind, fault.transient) == ("connection", True)
    assert fault.usage is not None


async def test_a_closed_port_is_said_and_nothing_is_booked() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    async with port_on(url) as port:
        with pytest.raises(ModelFaultError) as caught:
            await port.turn(request(), turns.Wire(MODEL, 10), lambda _: None)
    fault = caught.value
    assert (fault.kind, fault.transient, fault.usage) == ("connection", True, None)
    assert "cannot be reached" in fault.sentence
    assert "Start the server" in fault.mend


async def test_a_refusal_says_why_and_that_benign_work_can_meet_it() -> None:
    fault = await fault_of([refusal("frontier_llm", "This would help to build a rival.")])
    assert (fault.kind, fault.transient) == ("refusal", False)
    assert "This would help to build a rival." in fault.sentence
    assert "Benign machine learning" in fault.mend
    assert fault.usage is not None
    assert fault.usage.exact


async def test_a_full_context_window_is_an_overflow() -> None:
    fault = await fault_of([Reply([text("Hm")], stop="model_context_window_exceeded")])
    assert (fault.kind, fault.transient) == ("context_overflow", False)


async def test_a_tool_call_that_ran_out_of_tokens_is_not_carried_out() -> None:
    turn = await turn_of([cut_tool_call("write_file", '{"path": "a.py", "content": "import o')])
    assert (turn.stop_reason, turn.actions, turn.content) == ("max_tokens", (), ())


async def test_a_tool_call_in_a_turn_that_only_ended_is_not_carried_out() -> None:
    turn = await turn_of([Reply([text("Done."), tool_use("write_file", {"path": "a.py"})], stop="end_turn")])
    assert (turn.actions, turn.text) == ((), "Done.")
    assert len(turn.content) == 1, "no result can answer a call that is not carried out"


@pytest.mark.parametrize("reason", ["frobnicated", "compaction"])
async def test_an_unknown_stop_reason_is_an_end(reason: str) -> None:
    assert (await turn_of([Reply([text("Done.")], stop=reason)])).stop_reason == "end_turn"


@pytest.mark.parametrize("wrap", [UnknownEvents, NoEventLines])
async def test_what_is_newer_or_sloppier_than_the_protocol_still_makes_a_turn(wrap: type[UnknownEvents]) -> None:
    turn = await turn_of([wrap(Reply([text("Well"), tool_use("read_file", {"path": "a.py"})]))])
    assert (turn.text, turn.actions[0].input) == ("Well", {"path": "a.py"})
    assert turn.usage.exact


async def test_missing_usage_is_a_bound_and_no_crash() -> None:
    turn = await turn_of([NoUsage(Reply([text("Hello")]))])
    assert turn.text == "Hello"
    assert not turn.usage.exact
    assert turn.usage.input_tokens > 0
    assert turn.usage.output_tokens == len("Hello")


@pytest.mark.parametrize("field", ["thinking: Extra inputs are not permitted", "Unexpected field cache_control"])
async def test_a_server_that_knows_only_the_core_is_told_how_to_be_asked(field: str) -> None:
    refused = Status(400, "invalid_request_error", field)
    assert 'profile = "plain"' in (await fault_of([refused])).mend
    assert 'profile = "plain"' not in (await fault_of([refused], profile="plain")).mend


async def test_the_port_is_usable_after_every_fault() -> None:
    answers = [answer for answer, _, _ in BROKEN]
    with FakeMessagesServer([one for answer in answers for one in (answer, Reply([text("Fine.")]))]) as server:
        async with port_on(server) as port:
            for _ in answers:
                with pytest.raises(ModelFaultError):
                    await port.turn(request(), turns.Wire(MODEL, 10), lambda _: None)
                assert (await port.turn(request(), turns.Wire(MODEL, 10), lambda _: None)).text == "Fine."


async def test_no_fault_is_retried_behind_our_back() -> None:
    with FakeMessagesServer([Status(529, "overloaded_error"), Reply([text("Late.")])]) as server:
        async with port_on(server) as port:
            with pytest.raises(ModelFaultError):
                await port.turn(request(), turns.Wire(MODEL, 10), lambda _: None)
        assert len(server.turns) == 1


def test_a_servers_words_are_made_safe_and_short() -> None:
    call = Call(Endpoint("http://gpubox:8000"), Credentials(KEY, "api_key_file"), "m")
    said = f"\x1b]52;c;aGk=\x07{KEY} {json.dumps({'a': 1})}\nline two " + "x" * 5000
    fault = fault_told(Told(status=400, message=said), call)
    assert "[key]" in fault.sentence
    assert KEY not in str(fault)
    assert fault.sentence.isprintable()
    assert len(fault.sentence) < 400


def test_spending_limits_are_about_money_whatever_their_status() -> None:
    assert kind_of(Told(status=429, type="rate_limit_error", code="enforced_spend_limit_reached")) == "billing"


async def test_nothing_is_sent_on_to_where_a_server_points() -> None:
    with FakeMessagesServer([Reply([text("Thanks!")])]) as elsewhere:
        for code in (302, 307):
            fault = await fault_of([Status(code, headers={"location": f"{elsewhere.url}/v1/messages"})])
            assert (fault.kind, fault.transient) == ("not_found", False)
            assert "base_url" in fault.mend
        assert elsewhere.requests == []


async def test_a_proxy_that_cannot_be_used_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "gopher://127.0.0.1:70")
    async with port_on("http://gpubox.invalid") as port:
        with pytest.raises(ModelFaultError, match="No connection can be prepared") as caught:
            await port.turn(request(), turns.Wire(MODEL, 10), lambda _: None)
    assert (caught.value.transient, caught.value.usage) == (False, None)
    assert "ALL_PROXY" in caught.value.mend


async def test_a_dead_proxy_is_said_and_nothing_is_booked(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{taken.getsockname()[1]}")
        async with port_on("http://gpubox.invalid", "plain") as port:
            with pytest.raises(ModelFaultError, match="cannot be reached") as caught:
                await port.turn(request(), turns.Wire(MODEL, 10), lambda _: None)
    assert caught.value.usage is None


def test_an_untrusted_certificate_says_so() -> None:
    call = Call(Endpoint("https://gpubox"), Credentials(KEY, "api_key_file"), "m")
    error = httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    fault = connection._fault(error, call, Usage(), "")
    assert not fault.transient
    assert "certificate that is not trusted" in fault.sentence
    assert "SSL_CERT_FILE" in fault.mend
