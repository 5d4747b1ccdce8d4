"""Asking a model so that it can be paused, interrupted and paid for, and so that its faults are seen and survived."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from mlrcopilot_tui.agents.claude.books.exchanges import ExchangeLog
from mlrcopilot_tui.agents.claude.books.ledger import affordable_output, bound, capped, cost, input_bound
from mlrcopilot_tui.agents.claude.books.prices import CacheTime, Price, Prices
from mlrcopilot_tui.agents.claude.books.speech import Speech
from mlrcopilot_tui.agents.claude.turns import ModelFaultError, ModelPort, Request, Turn, Wire
from mlrcopilot_tui.agents.host import Allowance, BudgetSpentError, Host
from mlrcopilot_tui.session.model_events import ModelCalled, ModelFaulted, Usage

RetryPolicy = Callable[[ModelFaultError, int], float | None]
"""Seconds to wait after so many tries that failed; None where it is not tried again."""

MakeLog = Callable[[Path], ExchangeLog]
"""Opens the record of exchanges in a folder."""

LONGEST_WAIT_S: Final = 1800.0
"""All waits of one turn together; whoever is away longer finds the session stopped, and resumes it."""
LOOK_S: Final = 0.1
"""How often a wait looks whether the researcher did something about it."""
PAUSED_S: Final = 0.05
"""`unpaused` returns at once where nothing is paused; having taken this long, there was a pause."""
CLOSING_S: Final = 1.0
"""How long a port that was cancelled may take to close its connection."""

Cut = Literal["interrupted", "cut", "broken", "vanished"]
"""Why a turn did not come to its end: the researcher's word, the end of the copilot in good order, an error of the
program's own, the end of the copilot without a word."""


@dataclass(frozen=True, slots=True)
class Models:
    """The engine's own choice of models; an empty `fast` is the main one."""

    main: str
    fast: str = ""


@dataclass(frozen=True, slots=True)
class _Call:
    """One request on its way.

    Attributes:
        most: its tokens at their bound.
        usd: its dollars at that bound; None where the model has no price.
    """

    request: Request
    wire: Wire
    price: Price | None
    most: Usage
    usd: float | None


class MeteredModel:
    """Implements `Model` over a port.

    Args:
        port: makes the calls.
        models: used where the researcher names none.
        wait_before_retry: decides about faults that may pass.
        prices: the list; a model without a price is bound by no budget of dollars.
        open_log: opens the record of exchanges in a folder; None keeps none.
        kept: for how long the port asks the server to keep what it caches.
    """

    def __init__(
        self,
        port: ModelPort,
        models: Models,
        wait_before_retry: RetryPolicy,
        *,
        prices: Prices | None = None,
        open_log: MakeLog | None = None,
        kept: CacheTime = "5m",
    ) -> None:
        self._port = port
        self._models = models
        self._wait_before_retry = wait_before_retry
        self._prices = prices or Prices()
        self._open_log = open_log
        self._kept: CacheTime = kept
        self._logs: dict[Path, ExchangeLog] = {}
        self._flying: list[_Call] = []
        self._landed = asyncio.Event()

    async def ask(self, build: Callable[[], Request], host: Host) -> Turn:
        """The turn that `build()` asks for; see `Model`."""
        log = self._log(host)
        tries, waited = 0, 0.0
        while True:
            await host.unpaused()
            request = build()
            allowed = host.allowance()
            model = self._model(request, allowed)
            if log and (recorded := log.earlier(request, Wire(model, request.max_tokens))):
                return replace(recorded, again=True)
            if (call := self._admit(request, model, allowed.usd)) is None:
                await self._landed.wait()
                continue
            outcome = await self._make(call, log, host)
            if isinstance(outcome, Turn):
                return outcome
            if outcome is not None:
                tries += 1
                wait = self._told(outcome, request, host, tries, waited)
                waited += wait
                await self._pass_time(wait, request, host)

    def _model(self, request: Request, allowed: Allowance) -> str:
        """The model for the request's role; who names another main one alone may ask a server that has no other."""
        main = allowed.model or self._models.main
        fast = self._models.fast if main == self._models.main else ""
        return main if request.role == "main" else allowed.fast_model or fast or main

    def _log(self, host: Host) -> ExchangeLog | None:
        """The record of exchanges; what an earlier process had on its way when it vanished is booked first."""
        if self._open_log is None:
            return None
        if (log := self._logs.get(host.exchanges)) is None:
            log = self._logs[host.exchanges] = self._open_log(host.exchanges)
            for lost in log.unended():
                call = self._call(lost.request, lost.wire, input_bound(lost.request))
                host.book(self._called(call, call.most, lost.id, 0.0, "vanished"))
                log.end(lost.id, None, 0.0)
        return log

    def _call(self, request: Request, wire: Wire, read: int) -> _Call:
        price = self._prices.of(wire.model)
        most = bound(read, wire.max_tokens)
        return _Call(request, wire, price, most, None if price is None else cost(most, price, self._kept))

    def _admit(self, request: Request, model: str, usd: float | None) -> _Call | None:
        """The call, small enough for what is left of the budget; None while calls on their way hold what it needs.

        Raises:
            BudgetSpentError: it does not fit, and would not when those have landed.
        """
        read = input_bound(request)
        left = None if usd is None else usd - sum(call.usd or 0.0 for call in self._flying)
        try:
            most = affordable_output(request, read, self._prices.of(model), left, self._kept)
        except BudgetSpentError:
            if not self._flying:
                raise
            self._landed.clear()
            return None
        call = self._call(request, Wire(model, most), read)
        self._flying.append(call)
        return call

    async def _make(self, call: _Call, log: ExchangeLog | None, host: Host) -> Turn | ModelFaultError | None:
        """Makes the call and books it, however it ends; None where the researcher interrupted it."""
        began, cut = time.monotonic(), asyncio.ensure_future(host.interruption())
        speech, turn, exchange = Speech(host.live, form=call.request.schema is not None), None, ""
        why: Cut = "cut"
        try:
            exchange = log.begin(call.request, call.wire) if log else ""
            turn = asyncio.ensure_future(self._port.turn(call.request, call.wire, speech.heard))
            await asyncio.wait({turn, cut}, return_when=asyncio.FIRST_COMPLETED)
            why = "broken" if turn.done() else "interrupted"
        finally:
            # Booked before anything else is awaited: who cancels may not wait.
            speech.end()
            outcome = _outcome(turn)
            self._flying.remove(call)
            self._landed.set()
            if turn is not None:
                self._book(call, outcome, exchange, time.monotonic() - began, why, host)
                if log:
                    log.end(exchange, outcome, time.monotonic() - began)
            await _close(turn, cut)
        if isinstance(outcome, Turn):
            return replace(outcome, exchange=exchange)
        if outcome is None and turn.done() and not turn.cancelled():
            turn.result()
        return outcome

    def _book(
        self, call: _Call, outcome: Turn | ModelFaultError | None, exchange: str, wall_s: float, why: Cut, host: Host
    ) -> None:
        """Books what the call cost: as it was reported, or at its bound."""
        if isinstance(outcome, Turn):
            called = self._called(call, outcome.usage, exchange, wall_s, "", outcome.request_id)
        elif outcome is None:
            called = self._called(call, call.most, exchange, wall_s, why)
        elif outcome.usage is None:  # nothing reached the model
            return
        else:
            called = self._called(call, outcome.usage, exchange, wall_s, outcome.kind, outcome.request_id)
        host.book(called)

    def _called(
        self, call: _Call, usage: Usage, exchange: str, wall_s: float, fault: str, request_id: str = ""
    ) -> ModelCalled:
        request, used = call.request, capped(usage, call.most)
        return ModelCalled(
            purpose=request.purpose,
            model=call.wire.model,
            role=request.role,
            usage=used,
            usd=None if call.price is None else cost(used, call.price, self._kept),
            wall_s=wall_s,
            idea=request.idea,
            attempt=request.attempt,
            step=request.step,
            exchange=exchange,
            fault=fault,
            request_id=request_id,
            words=request.words,
        )

    def _told(self, fault: ModelFaultError, request: Request, host: Host, tries: int, waited: float) -> float:
        """Tells the researcher of a fault, and returns after how many seconds it is tried again.

        Raises:
            ModelFaultError: it is not.
        """
        wait = self._wait_before_retry(fault, tries) if fault.transient else None
        if wait is not None and waited + wait > LONGEST_WAIT_S:
            wait = None
        host.book(
            ModelFaulted(
                purpose=request.purpose,
                fault=fault.kind,
                sentence=fault.sentence,
                mend=fault.mend,
                retry_in_s=wait,
                tries=tries,
                request_id=fault.request_id,
                idea=request.idea,
            )
        )
        if wait is None:
            raise fault
        return wait

    async def _pass_time(self, seconds: float, request: Request, host: Host) -> None:
        """Waits; an interruption, a pause or another model ends it early, because the researcher did something."""
        deadline, model = time.monotonic() + seconds, self._model(request, host.allowance())
        cut = asyncio.ensure_future(host.interruption())
        try:
            while (left := deadline - time.monotonic()) > 0 and not cut.done():
                await asyncio.wait({cut}, timeout=min(left, LOOK_S))
                looked = time.monotonic()
                await host.unpaused()
                if time.monotonic() - looked > PAUSED_S or self._model(request, host.allowance()) != model:
                    return
        finally:
            await _close(cut)


def _outcome(turn: "asyncio.Future[Turn] | None") -> Turn | ModelFaultError | None:
    """How a turn ended, if it did; errors of the program's own count as not ended."""
    if turn is None or not turn.done() or turn.cancelled():
        return None
    error = turn.exception()
    if error is None:
        return turn.result()
    return error if isinstance(error, ModelFaultError) else None


async def _close(*tasks: "asyncio.Future[Turn] | asyncio.Future[None] | None") -> None:
    """Cancels what still goes on, and lets it close what it holds."""
    going = {task for task in tasks if task is not None and not task.done()}
    for task in going:
        task.cancel()
    if going:
        done, _ = await asyncio.wait(going, timeout=CLOSING_S)
        for task in done:
            with contextlib.suppress(asyncio.CancelledError):
                task.exception()
