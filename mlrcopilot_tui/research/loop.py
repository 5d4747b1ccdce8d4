"""The loop: measures the starter, grows ideas, and carries them out, as many at once as runs have places."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

from mlrcopilot_tui.agents.host import BudgetSpentError
from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.research import unfenced
from mlrcopilot_tui.research.ablation import Ablator
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.consent import OFFLINE, consented
from mlrcopilot_tui.research.experiment import Experimenter
from mlrcopilot_tui.research.ideas import FIRST_IDEAS, IdeaGrower, has_ended
from mlrcopilot_tui.research.keeping import Keeper
from mlrcopilot_tui.research.limits import reached
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.research.tip import measure_tip
from mlrcopilot_tui.research.turns import LOOP
from mlrcopilot_tui.session.events import BaselineMeasured, SessionFinished
from mlrcopilot_tui.session.state import RunState

T = TypeVar("T")


class BaselineFailedError(CopilotError):
    """The starter itself does not run, or reports no metric."""


class Loop:
    """Goes from the paper to the last verdict, taken up wherever the journal says it stands.

    Runs of several ideas go on side by side; their patches are written one after another, for agents keep what they
    learn in one place.
    """

    def __init__(self, bench: Bench, laboratory: Laboratory) -> None:
        self._bench = bench
        self._gates = bench.gates
        self._laboratory = laboratory
        self._ideas = IdeaGrower(bench, bench.gates)
        self._experimenter = Experimenter(bench, bench.gates, laboratory)
        self._ablator = Ablator(bench, laboratory)
        self._works: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> str:
        """Carries the session on to its end; returns why it ended."""
        bench = self._bench
        await self._gates.unpaused()
        if not await consented(bench):
            return f"Nothing was sent: you did not agree to it. {OFFLINE}"
        if not await unfenced.agreed(bench):
            return unfenced.HOW_ELSE
        baseline = asyncio.create_task(self._measure_baseline())
        try:
            await self._ideas.summarize()
            if not bench.state.ideas:
                proposed = self._ideas.numbered(await self._ideas.propose(FIRST_IDEAS))
                bench.session.record(*proposed)
            await baseline
        finally:
            baseline.cancel()
            await asyncio.gather(baseline, return_exceptions=True)
        await Keeper(bench).catch_up()
        async with _together() as group:
            return await self._without_money(self._try_ideas(group, await bench.places.count()))

    def finish(self, reason: str) -> str:
        """Ends the session."""
        self._gates.close("ideas", "reject")
        self._bench.session.record(SessionFinished(reason=reason))
        return reason

    async def _try_ideas(self, group: asyncio.TaskGroup, places: int) -> str:
        """Starts ideas until a limit is reached or none is left.

        What it does next hangs on the journal alone, not on how far a work is beyond that: so a replay does the same.
        """
        bench, barren = self._bench, -1
        while True:
            await self._gates.unpaused()
            if bench.champion.unmeasured or self._ideas.active(but=self._works) is None:
                await bench.turn_of(LOOP)  # what is at work is taken up without a word in the journal
            await measure_tip(bench, self._laboratory)
            if self._ideas.active(but=self._works) is None and bench.state.ablating:
                await self._ablator.carry_out()
                continue
            idea, reason = self._ideas.active(but=self._works), ""
            if idea is None:
                await self._ideas.reflect()
                reason, ended = reached(bench.state, bench.settings), len(self._works) - len(self._at_work())
                if not reason and (barren == ended or not await self._ideas.replenish()):
                    reason, barren = "No idea is left to try.", ended if self._at_work() else -1
                if reason and not self._at_work() and not self._undecided():
                    return self.finish(reason)
                idea = None if reason else self._ideas.next()
            if idea is None:
                await self._wait(asking=not reason)
                continue
            self._gates.close("ideas", "approve")
            number = idea.idea.number
            self._experimenter.begin(number)
            work = self._works[number] = group.create_task(self._without_money(self._experimenter.carry_out(number)))
            if places == 1:
                await asyncio.wait({work})
            while len(self._at_work()) >= places:
                await self._gates.change()

    async def _without_money(self, work: Awaitable[T]) -> T:
        """What a work gives; where the money is spent, what others do without an agent comes to its end first."""
        try:
            return await work
        except BudgetSpentError:
            while self._experimenter.measures:
                await self._gates.change()
            raise

    def _at_work(self) -> set[int]:
        """The ideas that were taken up and have not come to their end."""
        return {number for number in self._works if not has_ended(self._bench.state, number)}

    def _undecided(self) -> bool:
        """Whether a decision waits; one that was applied before may lie there again, and nothing will come of it."""
        bench = self._bench
        return any(decision.id not in bench.state.decisions for decision in bench.session.inbox.waiting())

    async def _wait(self, *, asking: bool) -> None:
        """Waits for the researcher's word: on which idea to try, or on what is in the inbox when all else is done."""
        if asking:
            self._gates.open("ideas", "Which idea may be tried next?")
        await self._gates.change()

    async def _measure_baseline(self) -> None:
        state = self._bench.state
        if state.baseline is not None:
            return
        measured = await self._laboratory.baseline(self._bench.line.base)
        if isinstance(measured, RunState):
            log = self._bench.layout.run(state.session, measured.run) / "output.log"
            if measured.outcome in {"stopped", "lost", "disturbed", "not_evaluated"}:
                raise BaselineFailedError(f"The starter was not measured: {measured.reason}", "Run the session again.")
            raise BaselineFailedError(
                f"The starter does not run: {measured.reason}",
                f"Mend the run command or the metric in mlrcopilot.toml; the output is in {log}.",
            )
        self._bench.session.record(BaselineMeasured(baseline=measured))


@contextlib.asynccontextmanager
async def _together() -> AsyncIterator[asyncio.TaskGroup]:
    """Works of which none outlives the others' failure; that failure is what is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
