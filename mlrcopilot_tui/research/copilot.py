"""The copilot: the one process that holds a session's lock and carries its loop on."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import Final, Literal, NoReturn

from mlrcopilot_tui import __version__
from mlrcopilot_tui.agents.host import BudgetSpentError
from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.research.ablation import Ablator
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.curve_watch import CurveWatch
from mlrcopilot_tui.research.desk import URGENT, DecisionDesk
from mlrcopilot_tui.research.edits import Edits
from mlrcopilot_tui.research.experiment import MinutesShortError
from mlrcopilot_tui.research.keeping import Keeper
from mlrcopilot_tui.research.limits import dollars_spent, gpu_minutes_spent, minutes_spent
from mlrcopilot_tui.research.loop import Loop
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.research.room import RoomWatch
from mlrcopilot_tui.research.tip import measure_tip
from mlrcopilot_tui.research.trials import Trials
from mlrcopilot_tui.research.upkeep import remove_leftovers
from mlrcopilot_tui.research.watch import watch_inbox
from mlrcopilot_tui.session.ablation_events import AblationEnded
from mlrcopilot_tui.session.events import (
    CopilotStarted,
    CopilotStopped,
    SessionReopened,
)
from mlrcopilot_tui.session.journal import utc_now

LIMIT_CHECK_S: Final = 1.0
Errand = Literal["", "ablation"]
TOLD_TO_STOP: Final = "It was told to stop; live runs go on."


class Copilot:
    """Runs a session until it is finished, stopped, or told to let go.

    Args:
        bench: the session.
        laboratory: measures; by default the machine's own.
        budget_spent: returns, with the reason, when the budget of minutes is spent; by default by the clock.
        errand: what it does instead of carrying the session on: an ablation that was asked for.
        meanwhile: carried on beside the loop, and cancelled at its end; what it journals must be no replay's business.

    Attributes:
        signalled: the signal that ended the loop, if one did.
        out_of_budget: whether the session ended because a budget is spent.
    """

    def __init__(
        self,
        bench: Bench,
        laboratory: Laboratory | None = None,
        budget_spent: Callable[[], Awaitable[str]] | None = None,
        meanwhile: Callable[[Bench], Coroutine[None, None, None]] | None = None,
        errand: Errand = "",
    ) -> None:
        self._bench = bench
        self._meanwhile = meanwhile
        self._gates = bench.gates
        self._laboratory = laboratory or Laboratory(
            bench, obeys_pause=True, beside=CurveWatch(bench), room=RoomWatch(bench)
        )
        self._budget_spent = budget_spent or self._minutes_spent
        self._loop = Loop(bench, self._laboratory)
        self._errand: Errand = errand
        self._quit = asyncio.Event()
        self._desk = DecisionDesk(bench, self._laboratory, self._quit.set)
        self.signalled: signal.Signals | None = None
        self.out_of_budget = False

    async def run(self) -> str:
        """Carries the loop on; returns why it ended.

        Raises:
            CopilotError: the starter does not run, or the machine gave out; the session can be resumed.
        """
        bench = self._bench
        started = CopilotStarted(
            pid=os.getpid(),
            host=socket.gethostname(),
            program=__version__,
            engine=bench.engine.name,
            places=await bench.places.count(),
            errand=self._errand,
        )
        bench.session.record(started)
        reason = "It broke off."
        try:
            async with self._signals(), self._laboratory, self._accompanied():
                await self._recover()
                async with watch_inbox(bench.session.inbox, self._desk.apply, URGENT) as desk:
                    reason = await self._until_told(asyncio.create_task(self._work()), desk)
        except CopilotError as error:
            reason = str(error)
            raise
        except OSError as error:
            reason = f"The machine gave out: {error.strerror or error}."
            raise
        except Exception as error:
            reason = f"An error of mlrcopilot's own broke it off: {bench.note_error(error)}"
            raise
        finally:
            await bench.engine.close()
            with contextlib.suppress(CopilotError):  # a full disk must not hide the error that ended the loop
                bench.session.record(CopilotStopped(reason=reason))
        return reason

    async def _work(self) -> str:
        """The loop, or the errand in its place."""
        if self._errand == "ablation":
            await measure_tip(self._bench, self._laboratory)
            said = await Ablator(self._bench, self._laboratory).carry_out()
            await measure_tip(self._bench, self._laboratory)  # a revert that came meanwhile was told so
            return said
        return await self._loop.run()

    def let_go(self) -> None:
        """Ends the loop in good order; live runs go on."""
        self._quit.set()

    async def _recover(self) -> None:
        """Finishes what an earlier process was at, before any decision can come in between."""
        if self._bench.state.finished and not self._errand:
            self._bench.session.record(SessionReopened(reason="It was run again."))
        await asyncio.to_thread(self._bench.line.free_locks)
        await self._laboratory.recover()
        await asyncio.to_thread(Trials(self._bench).remove_leftovers)
        await Edits(self._bench).end_decided()
        await asyncio.to_thread(remove_leftovers, self._bench.layout, self._bench.repository, self._bench.state)
        await Keeper(self._bench).recover()

    async def _until_told(self, work: "asyncio.Task[str]", desk: "Sequence[asyncio.Task[NoReturn]]") -> str:
        """Waits for the loop, the researcher's word, or the end of the budget, whichever is first."""
        told = asyncio.create_task(self._quit.wait())
        spent = asyncio.ensure_future(self._budget_spent())
        try:
            await asyncio.wait({work, *desk, told, spent}, return_when=asyncio.FIRST_COMPLETED)
            for lane in desk:
                if lane.done():
                    lane.result()
            if work.done():
                try:
                    return work.result()
                except BudgetSpentError as error:
                    bench = self._bench
                    return await self._end_spent(dollars_spent(bench.state, bench.settings, error.sentence))
                except MinutesShortError as error:
                    return await self._end_spent(error.sentence)
            if spent.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                return await self._end_spent(spent.result())
            await self._bench.turn(CopilotStopped(reason=TOLD_TO_STOP))  # what was under way may come first
            return TOLD_TO_STOP
        finally:
            for task in (work, told, spent):
                task.cancel()
            await asyncio.gather(work, told, spent, return_exceptions=True)

    async def _end_spent(self, reason: str) -> str:
        """Ends the session, or the errand, because a budget is spent."""
        await asyncio.gather(*(self._laboratory.end(run, "budget") for run in self._bench.state.live_runs))
        self.out_of_budget = True
        if self._errand:
            self._bench.session.record(AblationEnded(reason=reason))
            return reason
        return self._loop.finish(reason)

    async def _minutes_spent(self) -> str:
        while True:
            state, settings, now = self._bench.state, self._bench.settings, utc_now()
            if reason := minutes_spent(state, settings, now) or gpu_minutes_spent(state, settings, now):
                return reason
            await asyncio.sleep(LIMIT_CHECK_S)

    @contextlib.asynccontextmanager
    async def _accompanied(self) -> AsyncIterator[None]:
        beside = asyncio.create_task(self._meanwhile(self._bench)) if self._meanwhile else None
        try:
            yield
        finally:
            if beside is not None:
                beside.cancel()
                await asyncio.gather(beside, return_exceptions=True)

    def _signal(self, number: signal.Signals) -> None:
        self.signalled = number
        self.let_go()

    @contextlib.asynccontextmanager
    async def _signals(self) -> AsyncIterator[None]:
        """SIGTERM and SIGHUP let go in good order; SIGINT too, so that ctrl+c on a headless run loses nothing."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
        for number in numbers:
            loop.add_signal_handler(number, self._signal, number)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)
