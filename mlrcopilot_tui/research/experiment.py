"""An experiment: an idea's patch, its runs and their verdict, carried on from wherever the journal says it stands."""

import asyncio
from pathlib import Path

import msgspec

from mlrcopilot_tui.agents.base import Assignment, Failure, Withdrawal
from mlrcopilot_tui.research.attempts import Attempts
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.gates import Gatekeeper
from mlrcopilot_tui.research.keeping import Keeper
from mlrcopilot_tui.research.measure import Laboratory, Purpose
from mlrcopilot_tui.research.steps import (
    Ask,
    Done,
    GiveUp,
    Implement,
    Measure,
    Step,
    TakeEdit,
    TakeSelection,
    next_step,
)
from mlrcopilot_tui.research.verdicts import Rule, judge
from mlrcopilot_tui.session.events import IdeaEdited, IdeaStarted, IdeaWithdrawn
from mlrcopilot_tui.session.model import Attempt, Verdict
from mlrcopilot_tui.session.state import IdeaState, RunState
from mlrcopilot_tui.text import printable
from mlrcopilot_tui.workspace.config import parse_min_effect
from mlrcopilot_tui.workspace.idea_tree import IdeaTree

LOG_TAIL_BYTES = 8000


class Experimenter:
    """Takes ideas to their end: a verdict, a rejection or a withdrawal."""

    def __init__(self, bench: Bench, gates: Gatekeeper, laboratory: Laboratory) -> None:
        self._bench = bench
        self._gates = gates
        self._laboratory = laboratory
        self._attempts = Attempts(bench)
        self._keeper = Keeper(bench)

    async def recover(self) -> None:
        """Finishes what an earlier process was deciding when it ended."""
        await self._keeper.recover()

    async def carry_out(self, number: int) -> None:
        """Takes idea `number` from where it stands to its end."""
        bench = self._bench
        idea = bench.state.ideas[number]
        if idea.status in {"proposed", "approved"}:
            bench.session.record(IdeaStarted(idea=number, parent=idea.idea.base or bench.champion.commit))
        while True:
            await self._gates.unpaused()
            step = next_step(bench.state, idea, bench.settings)
            if isinstance(step, Done):
                break
            await self._take(idea, step)
        await asyncio.to_thread(self._tree(idea).remove)

    async def _take(self, idea: IdeaState, step: Step) -> None:
        match step:
            case Implement():
                await self._implement(idea, step)
            case Ask(attempt=attempt):
                gate = self._gates.open(
                    "patch",
                    f"May idea {attempt.idea} run? {attempt.subject}",
                    idea=attempt.idea,
                    commit=attempt.commit,
                    forecast=self._forecast(),
                )
                await self._gates.answer(gate)
            case TakeSelection(attempt=attempt, patch=patch):
                await self._take_selection(idea, attempt, patch)
            case TakeEdit(attempt=attempt):
                await self._take_edit(idea, attempt)
            case Measure(attempt=attempt):
                await self._measure(idea, attempt)
            case GiveUp(attempt=attempt, failed=failed):
                await self._keeper.conclude(idea, attempt, _failure_verdict(failed))

    # Attempts

    async def _implement(self, idea: IdeaState, step: Implement) -> None:
        """Lets the agent write the next attempt, or give the idea up."""
        bench = self._bench
        number = idea.idea.number
        start = (
            idea.attempt.commit if idea.attempt and idea.attempt.parent == idea.parent_commit else idea.parent_commit
        )
        tree = self._tree(idea)
        await asyncio.to_thread(tree.check_out, start)
        assignment = Assignment(
            idea=idea.idea,
            attempt=step.number,
            failure=self._failure(step.failed) if step.failed else None,
            feedback=step.feedback,
        )
        brief = bench.brief(tree, "ExperimentAgent", number)
        outcome = await bench.engine.experiments.implement(brief, assignment)
        if isinstance(outcome, Withdrawal):
            bench.session.record(IdeaWithdrawn(idea=number, reason=outcome.reason))
            return
        body = "\n\n".join(part for part in (outcome.body, f"Hypothesis: {idea.idea.hypothesis}") if part)
        message = self._attempts.message(idea, outcome.subject, body, "agent")
        commit = await asyncio.to_thread(tree.commit, message)
        if commit is None or bench.repository.tree_id(commit) == bench.repository.tree_id(start):
            bench.session.record(IdeaWithdrawn(idea=number, reason="The agent's edit changes nothing."))
            return
        if outcome.recipe is not None and outcome.recipe != idea.idea.recipe:
            revised = msgspec.structs.replace(idea.idea, recipe=outcome.recipe)
            bench.session.record(IdeaEdited(idea=revised, by=bench.engine.name))
        await self._attempts.record(idea, commit, outcome.subject, "agent")

    async def _take_selection(self, idea: IdeaState, attempt: Attempt, patch: str) -> None:
        """What the researcher took of an attempt becomes the next one, and needs no further approval."""
        body = "Only the hunks that the researcher took; the rest was left out."
        message = self._attempts.message(idea, attempt.subject, body, "researcher")
        author = self._attempts.author("researcher")
        commit = await asyncio.to_thread(self._tree(idea).commit_patch, patch, message, author=author)
        if commit is not None:  # the desk takes no decision that leaves nothing
            await self._attempts.record(idea, commit, attempt.subject, "researcher")

    async def _take_edit(self, idea: IdeaState, attempt: Attempt) -> None:
        """The researcher's edit becomes the next attempt, which waits for approval in its turn."""
        message = self._attempts.message(idea, attempt.subject, "As edited by the researcher.", "researcher")
        author = self._attempts.author("researcher")
        commit = await asyncio.to_thread(self._tree(idea).commit, message, author=author)
        if commit is None:
            reason = "The edit took the whole patch back."
            self._bench.session.record(IdeaWithdrawn(idea=attempt.idea, reason=reason))
        else:
            await self._attempts.record(idea, commit, attempt.subject, "researcher")

    def _failure(self, run: RunState) -> Failure:
        log = self._bench.layout.run(self._bench.state.session, run.run) / "output.log"
        return Failure(outcome=run.outcome, reason=run.reason, log_tail=tail(log))

    # Measuring

    async def _measure(self, idea: IdeaState, attempt: Attempt) -> None:
        """Runs child and parent over seeds until the rule decides; a failed run ends it without a verdict."""
        rule = self._rule()
        child: dict[int, float] = {}
        parent: dict[int, float] = {}
        for seed in range(rule.max_seeds):
            for commit, values in ((attempt.commit, child), (attempt.parent, parent)):
                await self._gates.unpaused()
                purpose: Purpose = "idea" if commit == attempt.commit else "parent"
                run = await self._laboratory.measure(commit, seed, purpose, idea=attempt.idea, attempt=attempt.number)
                if run.value is None:
                    await self._parent_failed(idea, attempt, run)
                    return
                values[seed] = run.value
            if (seed or rule.max_seeds == 1 or rule.deterministic) and (verdict := judge(child, parent, rule)):
                await self._keeper.conclude(idea, attempt, verdict)
                return

    async def _parent_failed(self, idea: IdeaState, attempt: Attempt, run: RunState) -> None:
        """A child's failure is the next step's business; a parent that fails where it ran before decides nothing."""
        if run.commit == attempt.parent and run.outcome != "lost":
            rule = f"the parent failed at seed {run.seed}: {run.reason}"
            await self._keeper.conclude(idea, attempt, Verdict(kind="inconclusive", rule=rule))

    def _rule(self) -> Rule:
        bench = self._bench
        baseline = bench.state.baseline
        deterministic = baseline is not None and baseline.deterministic
        effect = parse_min_effect(bench.config.verdict.min_effect)
        return Rule(
            direction=bench.config.metric.direction,
            min_effect=effect.value,
            relative=effect.relative,
            deterministic=deterministic,
            paired=baseline is None or baseline.repeatable,
            max_seeds=1 if deterministic else bench.settings.seeds,
        )

    def _forecast(self) -> str:
        """What a yes will cost, from what runs have cost so far."""
        walls = [run.wall_s for run in self._bench.state.runs.values() if run.outcome == "ok"]
        if not walls:
            return ""
        rule = self._rule()
        least = 1 if rule.deterministic else min(2, rule.max_seeds)
        each = sum(walls) / len(walls)
        span = f"{least} to {rule.max_seeds} runs" if rule.max_seeds > least else f"{least} run{'s' * (least > 1)}"
        return f"{span} of about {each:.0f} s each"

    # The idea's worktree

    def _tree(self, idea: IdeaState) -> IdeaTree:
        bench = self._bench
        path = bench.layout.idea_tree(bench.state.session, idea.idea.number)
        return IdeaTree(bench.repository, path, idea.parent_commit, bench.rules)


def tail(log: Path) -> str:
    """The end of a run's output as text that is safe to show and to quote; empty when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
            return printable(file.read().decode("utf-8", "replace"), keep_newlines=True)
    except OSError:
        return ""


def _failure_verdict(run: RunState) -> Verdict:
    if run.outcome == "stopped":
        return Verdict(kind="inconclusive", rule=f"run {run.run} at seed {run.seed} was stopped before it was decided")
    return Verdict(kind="crash", rule=f"run {run.run} at seed {run.seed} failed: {run.reason}")
