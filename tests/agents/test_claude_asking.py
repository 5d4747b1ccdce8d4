"""Asking: every call is booked whatever becomes of it, faults are seen and survived, and Esc ends a turn at once."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mlrcopilot_tui.agents.claude.books.asking import MeteredModel, Models
from mlrcopilot_tui.agents.claude.books.exchanges import ExchangeLog
from mlrcopilot_tui.agents.claude.books.ledger import input_bound
from mlrcopilot_tui.agents.claude.books.prices import Price, Prices
from mlrcopilot_tui.agents.claude.turns import Delta, ModelFaultError, Request, Turn, Wire
from mlrcopilot_tui.agents.host import Allowance, BudgetSpentError
from mlrcopilot_tui.session.model_events import ModelCalled, ModelFaulted, Role, Usage
from tests.fakes.model_port import FakePort, Hear, turn_of
from tests.fakes.quiet_host import FakeHost

PRICES = Prices({"m": Price(input=4, output=20)})
OVERLOADED = ModelFaultError("overloaded", "The server is overloaded.", "Wait.", transient=True, request_id="req_9")


def request(role: Role = "main", *, words: str = "Read this.", resumable: bool = False) -> Request:
    return Request(
        purpose="step",
        system="You are the ExperimentAgent.",
        messages=[{"role": "user", "content": words}],
        max_tokens=4000,
        role=role,
        idea=3,
        attempt=2,
        step=7,
        resumable=resumable,
    )


def metered(port: FakePort, waits: Sequence[float] = (), *, log: bool = True, fast: str = "m-fast") -> MeteredModel:
    """A model that tries again after each of `waits`."""
    return MeteredModel(
        port,
        Models("m", fast),
        lambda _, tries: waits[tries - 1] if tries <= len(waits) else None,
        prices=PRICES,
        open_log=ExchangeLog if log else None,
    )


def calls(host: FakeHost) -> list[ModelCalled]:
    return [event for event in host.booked if isinstance(event, ModelCalled)]


def faults(host: FakeHost) -> list[ModelFaulted]:
    return [event for event in host.booked if isinstance(event, ModelFaulted)]


def stalled(started: asyncio.Event) -> Callable[[Request, Wire, Hear], "asyncio.Future[Turn]"]:
    """A turn that begins to speak and never ends."""

    async def step(request: Request, wire: Wire, heard: Hear) -> Turn:
        heard(Delta("text", "I think"))
        started.set()
        await asyncio.sleep(60)
        raise AssertionError("nobody waits a minute")

    return lambda *given: asyncio.ensure_future(step(*given))


async def test_a_turn_is_booked_to_the_token() -> None:
    host, used = FakeHost(), Usage(input_tokens=7, cache_read_tokens=90, cache_write_tokens=11, output_tokens=5)
    turn = await metered(FakePort(turn_of("Hello.", usage=used))).ask(request, host)
    (call,) = calls(host)
    assert turn.text == "Hello."
    assert call.usage == used
    assert call.usd == pytest.approx((7 * 4 + 90 * 0.4 + 11 * 5 + 5 * 20) / 1e6)
    assert (call.purpose, call.model, call.idea, call.attempt, call.step) == ("step", "m", 3, 2, 7)
    assert (call.exchange, call.fault, call.request_id) == (turn.exchange, "", "req_1")
    assert turn.exchange
    assert faults(host) == []


async def test_a_model_without_a_price_is_counted_and_bound_by_no_budget() -> None:
    host = FakeHost(allowed=Allowance(usd=0.0, model="qwen3-coder"))
    await metered(FakePort(turn_of())).ask(request, host)
    assert (calls(host)[0].model, calls(host)[0].usd) == ("qwen3-coder", None)


async def test_the_role_and_the_researcher_choose_the_model() -> None:
    port, host = FakePort(*[turn_of()] * 6), FakeHost()
    model = metered(port)
    await model.ask(request, host)
    await model.ask(lambda: request("fast"), host)
    host.allowed = Allowance(model="m-new", fast_model="m-small")
    await model.ask(request, host)
    await model.ask(lambda: request("fast"), host)
    await metered(port, fast="").ask(lambda: request("fast"), FakeHost())
    host.allowed = Allowance(model="qwen3-coder")
    await model.ask(lambda: request("fast"), host)
    assert [wire.model for _, wire in port.asked] == ["m", "m-fast", "m-new", "m-small", "m", "qwen3-coder"]


async def test_what_may_be_written_is_lowered_to_fit_and_too_little_ends_it() -> None:
    port, host = FakePort(turn_of()), FakeHost()
    least = input_bound(request()) * 5 / 1e6
    host.allowed = Allowance(usd=least + 1000 * 20 / 1e6 + 1e-9)
    await metered(port).ask(request, host)
    assert port.asked[0][1].max_tokens == 1000
    host.allowed = Allowance(usd=least)
    with pytest.raises(BudgetSpentError, match="left"):
        await metered(port).ask(request, host)
    assert len(port.asked) == 1


async def test_calls_at_the_same_time_do_not_spend_the_same_dollars() -> None:
    host, going, go = FakeHost(), asyncio.Event(), asyncio.Event()

    async def slow(request: Request, wire: Wire, heard: Hear) -> Turn:
        going.set()
        await go.wait()
        return turn_of(usage=Usage(input_tokens=1, output_tokens=1))

    port = FakePort(slow, turn_of())
    model = metered(port)
    host.allowed = Allowance(usd=input_bound(request()) * 5 / 1e6 + 0.08)
    first = asyncio.create_task(model.ask(request, host))
    await going.wait()
    second = asyncio.create_task(model.ask(request, host))
    await asyncio.sleep(0.02)
    assert len(port.asked) == 1, "all of it is held for the call on its way"
    go.set()
    await asyncio.gather(first, second)
    assert len(port.asked) == 2


async def test_an_interruption_cuts_the_turn_books_its_bound_and_asks_anew() -> None:
    host, started = FakeHost(), asyncio.Event()
    words = ["first", "second"]
    port = FakePort(stalled(started), turn_of())
    asking = asyncio.create_task(metered(port).ask(lambda: request(words=words.pop(0)), host))
    await started.wait()
    host.interrupted.set()
    turn = await asking
    cut, ended = calls(host)
    assert (cut.fault, cut.usage.exact, cut.usage.output_tokens) == ("interrupted", False, 4000)
    assert cut.usage.input_tokens == input_bound(request(words="first"))
    assert cut.usd == pytest.approx((cut.usage.input_tokens * 5 + 4000 * 20) / 1e6)
    assert (ended.fault, ended.exchange) == ("", turn.exchange)
    assert cut.exchange not in {"", ended.exchange}
    assert port.asked[1][0].messages[0]["content"] == "second"
    assert faults(host) == []
    assert ExchangeLog(host.exchanges).unended() == []


async def test_the_end_of_the_copilot_books_the_turn_in_flight() -> None:
    host, started = FakeHost(), asyncio.Event()
    asking = asyncio.create_task(metered(FakePort(stalled(started))).ask(request, host))
    await started.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    (call,) = calls(host)
    assert (call.fault, call.usage.exact) == ("cut", False)
    assert ExchangeLog(host.exchanges).unended() == []


async def test_a_call_that_vanished_with_its_process_is_booked_by_the_next_one() -> None:
    host = FakeHost()
    lost = ExchangeLog(host.exchanges).begin(request(words="lost"), Wire("m", 1234))
    model = metered(FakePort(turn_of(), turn_of()))
    await model.ask(request, host)
    await metered(FakePort(turn_of())).ask(request, host)
    vanished = [call for call in calls(host) if call.fault]
    assert [(call.fault, call.exchange, call.usage.output_tokens) for call in vanished] == [("vanished", lost, 1234)]
    assert vanished[0].usage.input_tokens == input_bound(request(words="lost"))
    assert (vanished[0].usd or 0) > 0


async def test_an_earlier_process_s_turn_is_taken_without_a_call_or_money() -> None:
    host = FakeHost()
    await metered(FakePort(turn_of("Found."))).ask(lambda: request(resumable=True), host)
    host.allowed = Allowance(usd=0.0)
    port = FakePort()
    turn = await metered(port).ask(lambda: request(resumable=True), host)
    assert (turn.text, port.asked, len(calls(host))) == ("Found.", [], 1)
    with pytest.raises(BudgetSpentError):
        await metered(port).ask(request, host)


async def test_a_fault_that_passes_is_told_and_tried_again() -> None:
    host = FakeHost()
    turn = await metered(FakePort(OVERLOADED, OVERLOADED, turn_of("At last.")), waits=(0.01, 0.02)).ask(request, host)
    assert turn.text == "At last."
    told = [(fault.fault, fault.retry_in_s, fault.tries) for fault in faults(host)]
    assert told == [("overloaded", 0.01, 1), ("overloaded", 0.02, 2)]
    assert (faults(host)[0].sentence, faults(host)[0].mend) == ("The server is overloaded.", "Wait.")
    assert (faults(host)[0].request_id, faults(host)[0].idea) == ("req_9", 3)
    assert len(calls(host)) == 1, "nothing reached the model before"


async def test_a_fault_that_comes_too_often_is_raised() -> None:
    host, port = FakeHost(), FakePort(OVERLOADED, OVERLOADED)
    with pytest.raises(ModelFaultError, match="overloaded"):
        await metered(port, waits=(0.01,)).ask(request, host)
    assert [fault.retry_in_s for fault in faults(host)] == [0.01, None]


async def test_a_fault_that_does_not_pass_is_told_once() -> None:
    host = FakeHost()
    wrong_key = ModelFaultError("credentials", "The key is wrong.", "Set another.")
    with pytest.raises(ModelFaultError, match=r"The key is wrong\. Set another\."):
        await metered(FakePort(wrong_key), waits=(0.01,)).ask(request, host)
    assert [fault.retry_in_s for fault in faults(host)] == [None]


async def test_a_turn_that_broke_off_costs_what_it_used() -> None:
    host, used = FakeHost(), Usage(input_tokens=50, output_tokens=9)
    truncated = ModelFaultError("truncated", "It broke off.", transient=True, usage=used, request_id="req_3")
    bounded = ModelFaultError("truncated", "Again.", transient=True, usage=Usage(output_tokens=10**9, exact=False))
    await metered(FakePort(truncated, bounded, turn_of()), waits=(0.01, 0.01)).ask(request, host)
    first, second, _ = calls(host)
    assert (first.fault, first.usage, first.request_id) == ("truncated", used, "req_3")
    assert (second.usage.exact, second.usage.output_tokens) == (False, 4000)


@pytest.mark.parametrize("what", ["interruption", "model"])
async def test_the_researcher_ends_a_wait(what: str) -> None:
    host = FakeHost()
    port = FakePort(OVERLOADED, turn_of())
    asking = asyncio.create_task(metered(port, waits=(600.0,)).ask(request, host))
    await asyncio.sleep(0.05)
    assert len(faults(host)) == 1
    if what == "interruption":
        host.interrupted.set()
    else:
        host.allowed = Allowance(model="m-other")
    await asyncio.wait_for(asking, 5)
    assert port.asked[1][1].model == ("m" if what == "interruption" else "m-other")


async def test_a_pause_ends_a_wait_once_it_is_over() -> None:
    class PausingHost(FakeHost):
        """Was paused and is resumed while the second look goes on."""

        looks = 0

        async def unpaused(self) -> None:
            self.looks += 1
            if self.looks == 3:
                await asyncio.sleep(0.2)

    host, port = PausingHost(), FakePort(OVERLOADED, turn_of())
    await asyncio.wait_for(metered(port, waits=(600.0,)).ask(request, host), 5)
    assert len(port.asked) == 2


async def test_waits_have_a_cap_together() -> None:
    host = FakeHost()
    with pytest.raises(ModelFaultError):
        await metered(FakePort(OVERLOADED), waits=(4_294_967.0,)).ask(request, host)
    assert [fault.retry_in_s for fault in faults(host)] == [None]


async def test_the_turn_s_words_are_shown_at_a_pace_and_cleared() -> None:
    host = FakeHost()

    async def talkative(request: Request, wire: Wire, heard: Hear) -> Turn:
        heard(Delta("thinking", "Hm. "))
        for _ in range(500):
            heard(Delta("text", "a"))
            heard(Delta("action", "{", "edit_file"))
            await asyncio.sleep(0)
        await asyncio.sleep(0.12)
        return turn_of()

    await metered(FakePort(talkative)).ask(request, host)
    assert host.lived[-1] == ""
    assert host.lived[-2].startswith("Hm. \na\nedit_file: 1 characters")
    assert len(host.lived) < 30, "a thousand pieces, a few pictures"


async def test_an_error_of_the_port_s_own_is_booked_and_raised() -> None:
    async def broken(request: Request, wire: Wire, heard: Hear) -> Turn:
        raise ZeroDivisionError

    host = FakeHost()
    with pytest.raises(ZeroDivisionError):
        await metered(FakePort(broken)).ask(request, host)
    assert [(call.fault, call.usage.exact) for call in calls(host)] == [("broken", False)]


async def test_without_a_record_turns_have_no_place_in_one(tmp_path: Path) -> None:
    host = FakeHost(exchanges=tmp_path / "exchanges")
    turn = await metered(FakePort(turn_of()), log=False).ask(request, host)
    assert turn.exchange == ""
    assert not host.exchanges.exists()
