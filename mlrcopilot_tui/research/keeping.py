"""Keeping: a verdict goes into the journal, its evidence into a git note, and a kept patch onto the session's line."""

import asyncio
import contextlib
from collections.abc import Sequence

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.research.attempts import Attempts
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.contended import contention_mark
from mlrcopilot_tui.research.noting import note_all, note_idea
from mlrcopilot_tui.research.overlaps import builds_on, standing_patches
from mlrcopilot_tui.research.plan_check import plan_marks
from mlrcopilot_tui.session.events import ChampionChanged, IdeaStarted, IdeaWithdrawn, VerdictReached
from mlrcopilot_tui.session.model import Attempt, Verdict
from mlrcopilot_tui.session.model_events import PlanChecked
from mlrcopilot_tui.session.state import IdeaState, RunState, VerdictState
from mlrcopilot_tui.workspace.git import RefHeldError
from mlrcopilot_tui.workspace.patch import parse

PATIENCE_S = 1.0
MANY_LOOKS = 20
"""So many looks at one test set, and the best of what was tried owes part of its lead to luck with it."""

_OWN = frozenset({"smoke", "idea"})
"""What the runs of an attempt are for; those of its parent are not its cost."""


class Keeper:
    """Concludes experiments."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._attempts = Attempts(bench)

    async def recover(self) -> None:
        """Brings line and notes in step with the journal, which is the truth.

        A branch that somebody stands on is left to `catch_up`: nobody is to wait here.
        """
        bench = self._bench
        with contextlib.suppress(RefHeldError):
            await align_line(bench)
        await note_all(bench)
        for attempt in self._behind():
            if bench.is_due(attempt.idea):
                await self._move(attempt)

    async def catch_up(self) -> None:
        """Moves the line to what an earlier process kept and could not move it to."""
        for attempt in self._behind():
            await self._advance(attempt)

    def _behind(self) -> list[Attempt]:
        """The kept attempts that the line has not been moved to, in the order of their verdicts."""
        state = self._bench.state
        moved = {change.commit for change in state.line}
        last = [idea.verdicts[-1] for idea in state.ideas.values() if idea.status == "kept" and idea.verdicts]
        unmoved = (verdict for verdict in sorted(last, key=lambda verdict: verdict.seq) if verdict.commit not in moved)
        return [attempt for verdict in unmoved if (attempt := state.attempt_of(verdict.commit)) is not None]

    async def conclude(self, idea: IdeaState, attempt: Attempt, verdict: Verdict, runs: Sequence[RunState]) -> None:
        """Journals the verdict with the runs that it rests on, attaches the evidence, and keeps what is to be kept."""
        bench = self._bench
        made = (attempt.idea, attempt.number)
        own = [run for run in bench.state.runs.values() if (run.idea, run.attempt) == made and run.purpose in _OWN]
        checked = await asyncio.to_thread(self._check_plan, idea, attempt, [*runs, *own])
        await bench.turn_of(attempt.idea)
        bench.session.record(
            VerdictReached(
                idea=attempt.idea,
                attempt=attempt.number,
                commit=attempt.commit,
                parent=attempt.parent,
                verdict=verdict,
                runs=tuple(run.run for run in runs),
                wall_s=sum(run.wall_s for run in own),
                contention=contention_mark(runs, time_boxed=bench.config.run.time_boxed),
            ),
            *checked,
        )
        self._warn_of_looks(idea.verdicts[-1])
        await note_idea(bench, attempt.idea)
        if verdict.kind == "keep":
            await self._advance(attempt)

    def _warn_of_looks(self, judged: VerdictState) -> None:
        """Says once, with the first verdict for which it holds, that the test set has worn out."""
        verdicts = (verdict for idea in self._bench.state.ideas.values() for verdict in idea.verdicts)
        before = max((verdict.looks for verdict in verdicts if verdict is not judged), default=0)
        if before < MANY_LOOKS <= judged.looks:
            self._bench.warn(
                f"Evaluations have looked at the hidden files {judged.looks} times. The more verdicts rest on one test "
                "set, the more of a gain is luck with it.",
                "Confirm the champion on data that no verdict has seen.",
            )

    def _check_plan(self, idea: IdeaState, attempt: Attempt, runs: Sequence[RunState]) -> tuple[PlanChecked, ...]:
        """The plan held against the attempt; nothing where its author claims nothing."""
        if not attempt.claims:
            return ()
        patch = parse(self._bench.repository.diff(attempt.parent, attempt.commit))
        # Runs that were reused are another commit's, of the same tree.
        good = [run.run for run in runs if run.commit != attempt.parent and run.value is not None]
        marks = plan_marks(idea.idea.plan, attempt.claims, patch, good)
        return (PlanChecked(idea=attempt.idea, attempt=attempt.number, marks=marks),)

    async def _advance(self, attempt: Attempt) -> None:
        """Moves the line to a kept attempt, as soon as nobody stands on the branch any more."""
        warned = False
        while (refusal := await self._move(attempt)) is not None:
            if not warned:
                self._bench.warn(f"Idea {attempt.idea} is kept, but {refusal.sentence}", refusal.mend, about="branch")
            warned = True
            await asyncio.sleep(PATIENCE_S)

    async def _move(self, attempt: Attempt) -> RefHeldError | None:
        """Moves the line to a kept attempt; where its parent is not the champion it is to beat that first.

        Returns:
            Why the line cannot be moved now: somebody stands on the branch.
        """
        bench = self._bench
        await bench.turn_of(attempt.idea)
        async with bench.line_moves:
            if attempt.parent != bench.champion.commit:
                bench.session.record(IdeaStarted(idea=attempt.idea, parent=bench.champion.commit))
                return None
            try:
                await align_line(bench)
                grounds = await asyncio.to_thread(self._keep, attempt.commit)
            except RefHeldError as error:
                return error
            bench.session.record(
                ChampionChanged(commit=attempt.commit, reason="kept", idea=attempt.idea, builds_on=grounds)
            )
            return None

    def _keep(self, commit: str) -> tuple[str, ...]:
        """Moves the line to a commit; returns the patches there that it builds on."""
        bench = self._bench
        before = bench.line.tip
        bench.line.keep(commit)
        return builds_on(bench, standing_patches(bench.state), before, commit)

    async def rebase(self, idea: IdeaState, attempt: Attempt) -> None:
        """Writes a kept attempt anew on the champion as the idea's next attempt, or withdraws it where that fails."""
        bench = self._bench
        await bench.turn_of(attempt.idea)
        async with bench.line_moves:
            champion = bench.champion.commit
            if idea.parent_commit != champion:
                bench.session.record(IdeaStarted(idea=attempt.idea, parent=champion))
            try:
                commit = await asyncio.to_thread(self._written_anew, attempt, champion)
            except RefusedError as error:
                reason = f"It beats its own base, but does not join the champion. {error}"
                await bench.turn_of(attempt.idea)
                bench.session.record(IdeaWithdrawn(idea=attempt.idea, reason=reason))
                return
            proposal = await self._attempts.made_of(attempt, idea, commit)
            await self._attempts.record(idea, commit, proposal, attempt.by, moved_from=attempt.commit)

    def _written_anew(self, attempt: Attempt, champion: str) -> str:
        """The attempt as one commit on the champion, with all that lies between the two where it grew from there."""
        repository = self._bench.repository
        if not repository.is_ancestor(champion, attempt.commit):
            return self._bench.line.rebase(attempt.commit)
        written = repository.commit(attempt.commit)
        return repository.write_commit(written.tree, (champion,), written.message + "\n", author=written.author)


async def align_line(bench: Bench) -> None:
    """Puts the line where the journal has it: a process may have died, or been told to let go, between the two.

    Raises:
        RefHeldError: somebody stands on its branch.
    """
    if branch := await asyncio.to_thread(_align, bench):
        bench.warn(
            f"Somebody committed on {bench.line.branch}, which follows the journal: the commits are on {branch} now.",
            f"`git log {branch}` shows them; merge them where you like.",
            about="branch",
        )


def _align(bench: Bench) -> str:
    if bench.state.started is not None:
        bench.line.start(bench.state.started.base)
    return bench.line.align(bench.champion.commit)
