"""The copilot: the one process that holds a session's lock and carries its loop on."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator
from typing import Final, NoReturn

from mlrcopilot_tui import __version__
from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.papers.library import PaperLibrary
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.desk import DecisionDesk
from mlrcopilot_tui.research.experiment import Experimenter
from mlrcopilot_tui.research.gates import Gatekeeper
from mlrcopilot_tui.research.ideas import FIRST_IDEAS, IdeaGrower
from mlrcopilot_tui.research.limits import reached, seconds_left
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.research.watch import watch_inbox
from mlrcopilot_tui.session.events import (
    BaselineMeasured,
    ChampionMeasured,
    CopilotStarted,
    CopilotStopped,
    SessionFinished,
    SessionReopened,
)
from mlrcopilot_tui.session.state import RunState

LIMIT_CHECK_S: Final = 1.0


class BaselineFailedError(CopilotError):
    """The starter itself does not run, or reports no metric."""


class Copilot:
    """Runs a session until it is finished, stopped, or told to let go."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._gates = Gatekeeper(bench.session)
        self._laboratory = Laboratory(bench)
        self._ideas = IdeaGrower(bench, self._gates)
        self._experimenter = Experimenter(bench, self._gates, self._laboratory)
        self._quit = asyncio.Event()
        self.signalled: signal.Signals | None = None
        """The signal that ended the loop, if one did."""
        self._desk = DecisionDesk(bench, self._laboratory, self._ideas, self._quit.set)

    async def run(self) -> str:
        """Carries the loop on; returns why it ended.

        Raises:
            CopilotError: the starter does not run, or the machine gave out; the session can be resumed.
        """
        bench = self._bench
        bench.session.record(CopilotStarted(pid=os.getpid(), host=socket.gethostname(), program=__version__))
        if bench.state.finished:
            bench.session.record(SessionReopened(reason="It was run again."))
        reason = "It broke off."
        try:
            async with self._signals(), watch_inbox(bench.session.inbox, self._desk.apply) as desk:
                reason = await self._until_told(asyncio.create_task(self._loop()), desk)
        except CopilotError as error:
            reason = str(error)
            raise
        except Exception as error:
            reason = f"An error of mlrcopilot's own broke it off: {type(error).__name__}: {error}"
            raise
        finally:
            with contextlib.suppress(CopilotError):  # a full disk must not hide the error that ended the loop
                bench.session.record(CopilotStopped(reason=reason))
        return reason

    async def _until_told(self, work: "asyncio.Task[str]", desk: "asyncio.Task[NoReturn]") -> str:
        """Waits for the loop, the researcher's word, or the end of the budget, whichever is first."""
        told = asyncio.create_task(self._quit.wait())
        spent = asyncio.create_task(self._budget_spent())
        try:
            await asyncio.wait({work, desk, told, spent}, return_when=asyncio.FIRST_COMPLETED)
            if desk.done():
                desk.result()
            if work.done():
                return work.result()
            if spent.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                await asyncio.gather(*(self._laboratory.end(run) for run in self._bench.state.live_runs))
                return self._finish(spent.result())
            return "It was told to stop; live runs go on."
        finally:
            for task in (work, told, spent):
                task.cancel()
            await asyncio.gather(work, told, spent, return_exceptions=True)

    async def _loop(self) -> str:
        bench = self._bench
        await self._laboratory.recover()
        await self._experimenter.recover()
        baseline = asyncio.create_task(self._measure_baseline())
        try:
            await self._read_paper()
            if not bench.state.ideas:
                await self._ideas.propose(FIRST_IDEAS)
            await baseline
        finally:
            baseline.cancel()
        while True:
            await self._gates.unpaused()
            await self._measure_champion()
            if (active := self._ideas.active()) is None:
                if reason := reached(bench.state, bench.settings):
                    return self._finish(reason)
                active = await self._ideas.pick()
            if active is None:
                return self._finish("No idea is left to try.")
            await self._experimenter.carry_out(active.idea.number)
            await self._ideas.reflect(active.idea.number)

    def _finish(self, reason: str) -> str:
        self._bench.session.record(SessionFinished(reason=reason))
        return reason

    async def _read_paper(self) -> None:
        bench = self._bench
        if bench.state.paper is None or bench.state.summary is not None:
            return
        await self._ideas.read(PaperLibrary(bench.layout.papers(bench.state.session)), bench.state.paper.digest)

    async def _measure_baseline(self) -> None:
        state = self._bench.state
        if state.baseline is not None:
            return
        measured = await self._laboratory.baseline(self._bench.line.base)
        if isinstance(measured, RunState):
            raise BaselineFailedError(
                f"The starter does not run: {measured.reason}",
                f"Mend the run command or the metric in mlrcopilot.toml; the output is in "
                f"{self._bench.layout.run(state.session, measured.run) / 'output.log'}.",
            )
        self._bench.session.record(BaselineMeasured(baseline=measured))

    async def _measure_champion(self) -> None:
        """Measures a tip that `revert` or `redo` made, as the starter was measured."""
        state = self._bench.state
        champion, baseline = state.champion, state.baseline
        if champion is None or baseline is None or not champion.unmeasured:
            return
        values = {}
        for seed in baseline.values:
            run = await self._laboratory.measure(champion.commit, seed, "parent")
            if run.value is not None:
                values[seed] = run.value
        self._bench.session.record(ChampionMeasured(commit=champion.commit, values=values))

    async def _budget_spent(self) -> str:
        while True:
            await asyncio.sleep(LIMIT_CHECK_S)
            left = seconds_left(self._bench.state, self._bench.settings)
            if left is not None and left <= 0:
                return reached(self._bench.state, self._bench.settings)

    def _let_go(self, number: signal.Signals) -> None:
        self.signalled = number
        self._quit.set()

    @contextlib.asynccontextmanager
    async def _signals(self) -> AsyncIterator[None]:
        """SIGTERM and SIGHUP let go in good order; SIGINT too, so that ctrl+c on a headless run loses nothing."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
        for number in numbers:
            loop.add_signal_handler(number, self._let_go, number)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)
