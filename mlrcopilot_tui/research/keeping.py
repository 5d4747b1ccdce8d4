"""Keeping: a verdict goes into the journal, its evidence into a git note, and a kept patch onto the session's line."""

import asyncio

from mlrcopilot_tui.errors import CopilotError, RefusedError
from mlrcopilot_tui.research.attempts import Attempts
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.session.events import ChampionChanged, IdeaStarted, IdeaWithdrawn, VerdictReached
from mlrcopilot_tui.session.model import Attempt, Verdict
from mlrcopilot_tui.session.state import IdeaState, VerdictState
from mlrcopilot_tui.workspace.evidence import CommitEvidence, write_note


class Keeper:
    """Concludes experiments."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._attempts = Attempts(bench)

    async def recover(self) -> None:
        """Brings line and notes in step with the journal, which is the truth."""
        bench = self._bench
        await asyncio.to_thread(self._align_line)
        on_line = {moved.commit for moved in bench.state.line}
        for idea in bench.state.ideas.values():
            if idea.status == "kept" and idea.verdicts[-1].commit not in on_line:
                await self._note(idea, idea.verdicts[-1])
                await self._advance(idea, idea.attempts[-1])

    def _align_line(self) -> None:
        line, champion = self._bench.line, self._bench.champion
        if line.tip != champion.commit:
            self._bench.repository.move_ref(line.ref, champion.commit, line.tip, "mlrcopilot: as journaled")

    async def conclude(self, idea: IdeaState, attempt: Attempt, verdict: Verdict) -> None:
        """Journals the verdict, attaches the evidence, and moves the line where it is a keep."""
        bench = self._bench
        runs = [
            run
            for run in bench.state.runs.values()
            if run.commit in {attempt.commit, attempt.parent} and run.outcome == "ok" and run.seed in verdict.values
        ]
        own = [run for run in bench.state.runs.values() if run.commit == attempt.commit]
        bench.session.record(
            VerdictReached(
                idea=attempt.idea,
                attempt=attempt.number,
                commit=attempt.commit,
                parent=attempt.parent,
                verdict=verdict,
                runs=tuple(run.run for run in (runs or own)),
                wall_s=sum(run.wall_s for run in own),
            )
        )
        await self._note(idea, idea.verdicts[-1])
        if verdict.kind == "keep":
            await self._advance(idea, attempt)

    async def _advance(self, idea: IdeaState, attempt: Attempt) -> None:
        """Moves the line to a kept attempt, or starts the idea anew on a champion that moved meanwhile."""
        bench = self._bench
        champion = bench.champion
        if bench.repository.is_ancestor(champion.commit, attempt.commit):
            await asyncio.to_thread(bench.line.keep, attempt.commit)
            bench.session.record(ChampionChanged(commit=attempt.commit, reason="kept", idea=attempt.idea))
            return
        number = attempt.idea
        try:
            moved = await asyncio.to_thread(bench.line.rebase, attempt.commit)
        except RefusedError as error:
            bench.session.record(
                IdeaWithdrawn(idea=number, reason=f"It beats its own base, but does not join the champion. {error}")
            )
            return
        bench.session.record(IdeaStarted(idea=number, parent=champion.commit))
        await self._attempts.record(idea, moved, attempt.subject, attempt.by)

    async def _note(self, idea: IdeaState, judged: VerdictState) -> None:
        bench = self._bench
        logs = {run.seed: run.log_sha256 for run in bench.state.runs.values() if run.commit == judged.commit}
        evidence = CommitEvidence(
            session=bench.state.session,
            idea=idea.idea.number,
            title=idea.idea.title,
            commit=judged.commit,
            parent=judged.parent,
            metric=bench.config.metric.name,
            direction=bench.config.metric.direction,
            verdict=judged.verdict,
            wall_s=judged.wall_s,
            environment={"engine": bench.engine.name, "sandbox": bench.sandbox.level},
            log_digests=logs,
        )
        try:
            await asyncio.to_thread(write_note, bench.repository, evidence)
        except CopilotError as error:
            bench.warn(f"The evidence of {judged.commit[:10]} has no git note: {error.sentence}", error.mend)
