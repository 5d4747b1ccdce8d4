"""An experiment: an idea's patch, its runs and their verdict, carried on from wherever the journal says it stands."""

import asyncio

import msgspec

from mlrcopilot_tui.agents.base import Assignment, Failure, Proposal, Withdrawal
from mlrcopilot_tui.errors import CopilotError, InputError, RefusedError
from mlrcopilot_tui.research.attempts import EDITED, Attempts, left_out, selection_body
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.edits import Edits
from mlrcopilot_tui.research.failures import failure_of, failure_verdict
from mlrcopilot_tui.research.forecast import in_words
from mlrcopilot_tui.research.gates import Gatekeeper
from mlrcopilot_tui.research.keeping import Keeper
from mlrcopilot_tui.research.measure import Laboratory, Purpose
from mlrcopilot_tui.research.noting import note_idea
from mlrcopilot_tui.research.smoke import SmokeTester
from mlrcopilot_tui.research.steps import (
    Ask,
    Done,
    Foretell,
    GiveUp,
    Implement,
    Measure,
    Rebase,
    Step,
    TakeEdit,
    TakeSelection,
    Trying,
    answer_on,
    next_step,
)
from mlrcopilot_tui.research.tagging import answer_by_rule, warning_of
from mlrcopilot_tui.research.verdicts import judge, rule_of
from mlrcopilot_tui.session.events import IdeaEdited, IdeaStarted, IdeaWithdrawn
from mlrcopilot_tui.session.model import Attempt, Verdict
from mlrcopilot_tui.session.run_events import ForecastMade
from mlrcopilot_tui.session.state import ACTIVE_STATUSES, IdeaState, RunState
from mlrcopilot_tui.workspace.recorded_tree import RecordedTree


class MinutesShortError(CopilotError):
    """What is left of the budget of minutes suffices for no experiment."""


class Experimenter:
    """Takes ideas to their end: a verdict, a rejection or a withdrawal."""

    def __init__(self, bench: Bench, gates: Gatekeeper, laboratory: Laboratory) -> None:
        self._bench = bench
        self._gates = gates
        self._laboratory = laboratory
        self._attempts = Attempts(bench)
        self._edits = Edits(bench)
        self._keeper = Keeper(bench)
        self._smoke = SmokeTester(bench, laboratory)
        self._trying = Trying.at(bench)
        self._writing = asyncio.Lock()

    @property
    def measures(self) -> bool:
        """Whether there is an idea that needs neither an agent nor the researcher for what comes next."""
        return any(not isinstance(self._next(idea), Implement | Ask | Done) for idea in self._active())

    def _active(self) -> list[IdeaState]:
        return [idea for idea in self._bench.state.ideas.values() if idea.status in ACTIVE_STATUSES]

    def _next(self, idea: IdeaState) -> Step:
        return next_step(self._bench.state, idea, self._bench.settings, self._trying)

    def begin(self, number: int) -> None:
        """Starts idea `number`, if an earlier process has not."""
        idea = self._bench.state.ideas[number]
        if idea.status in {"proposed", "approved"}:
            parent = idea.idea.base or self._bench.champion.commit
            self._bench.session.record(IdeaStarted(idea=number, parent=parent))

    async def carry_out(self, number: int) -> None:
        """Takes a started idea from where it stands to its end."""
        bench = self._bench
        idea = bench.state.ideas[number]
        while True:
            await self._gates.unpaused()
            step = self._next(idea)
            if isinstance(step, Done):
                break
            await self._take(idea, step)
        await self._edits.end(idea)
        await note_idea(bench, number)

    async def _take(self, idea: IdeaState, step: Step) -> None:
        bench = self._bench
        match step:
            case Implement():
                await self._bench.turn_of(idea.idea.number)
                async with self._writing:
                    await self._implement(idea, step)
            case Foretell():
                await self._foretell(idea, step)
            case Ask(attempt=attempt):
                await self._ask(idea, attempt)
            case TakeSelection(attempt=attempt, patch=patch):
                await self._take_selection(idea, attempt, patch)
            case TakeEdit(attempt=attempt):
                await self._take_edit(idea, attempt)
            case Rebase(attempt=attempt):
                await self._keeper.rebase(idea, attempt)
            case Measure(attempt=attempt):
                await self._measure(idea, attempt)
            case GiveUp(attempt=attempt, failed=failed):
                runs = [bench.state.runs[failed.run]] if failed.run else []
                await self._keeper.conclude(idea, attempt, failure_verdict(failed), runs)

    # Attempts

    async def _foretell(self, idea: IdeaState, step: Foretell) -> None:
        """Journals what the attempt will take, tried or not; ends the session where the budget holds no more.

        Raises:
            MinutesShortError: there are minutes for no experiment.
        """
        attempt, settings = step.attempt, self._bench.settings
        made = await self._smoke.foretell(idea, attempt, rule_of(self._bench), smoke=step.smoke, asked=step.asked)
        if made is not None and made.lacks == "budget" and settings.patches == "auto":
            while self._bench.settings == settings and idea.status != "pruned":  # with others it is foretold anew
                if not any(self._goes_on(other) for other in self._active() if other is not idea):
                    short = f"The budget of {settings.minutes:g} minutes is too small for another experiment."
                    raise MinutesShortError(f"{short} {made.obstacle}")
                await self._gates.change()

    def _goes_on(self, idea: IdeaState) -> bool:
        """Whether an active idea is not itself short of minutes, or is measured all the same."""
        made = self._bench.state.forecasts.get(idea.attempt.commit) if idea.attempt else None
        return made is None or made.lacks != "budget" or not isinstance(self._next(idea), Foretell)

    async def _ask(self, idea: IdeaState, attempt: Attempt) -> None:
        """Puts the attempt to the researcher; a question that an earlier process put is answered by a later rule."""
        if not self._gates.find("patch", "", idea=attempt.idea, commit=attempt.commit):
            await self._bench.turn_of(attempt.idea)
        if self._bench.recorded_tree(idea).start != attempt.commit:  # written anew: an edit is to be one of that
            await self._edits.check_out(idea, attempt.commit)
        made = self._bench.state.forecasts.get(attempt.commit)
        gate = self._gates.open(
            "patch",
            f"May idea {attempt.idea} run? {attempt.subject}" + (f". {warning_of(attempt)}" if attempt.tags else ""),
            idea=attempt.idea,
            commit=attempt.commit,
            forecast=in_words(made, self._bench.config.metric.name) if made else "",
        )
        if ruled := answer_by_rule(self._bench.state, self._bench.settings, gate, attempt):
            self._bench.session.record(ruled)
        await self._edits.answer(idea, gate)

    async def _implement(self, idea: IdeaState, step: Implement) -> None:
        """Lets the agent write the next attempt, or give the idea up; what cannot stand as a patch gives it up too."""
        bench = self._bench
        start = await self._set_out(idea)
        tree = bench.recorded_tree(idea)
        assignment = Assignment(
            idea=idea.idea,
            attempt=step.number,
            failure=self._failure(step.failed) if step.failed else None,
            feedback=step.feedback,
            left_out=await asyncio.to_thread(left_out, bench, idea),
            left_out_why=idea.left_out,
        )
        try:
            while True:
                brief, known = bench.brief(tree, "ExperimentAgent", idea.idea.number), len(idea.attempts)
                work = bench.engine.experiments.implement(brief, assignment)
                outcome = await bench.asked("ExperimentAgent", work, idea.idea.number)
                if bench.engine.model or not await self._overtaken(idea, known):
                    break
                start = await self._set_out(idea)
            if isinstance(outcome, Withdrawal):
                await self._withdraw(idea, outcome.reason)
            else:
                await self._take_proposal(idea, tree, start, outcome)
        except (RefusedError, InputError) as error:
            await self._withdraw(idea, str(error))
        self._gates.drop_questions(idea.idea.number)

    async def _set_out(self, idea: IdeaState) -> str:
        """Puts the files there on which the agent sets to work, the researcher's edits included; returns the commit."""
        await self._edits.take_aside(idea)
        newest = (attempt.commit for attempt in reversed(idea.attempts) if attempt.parent == idea.parent_commit)
        start = next(newest, idea.parent_commit)
        await self._edits.check_out(idea, start)
        return start

    async def _overtaken(self, idea: IdeaState, known: int) -> bool:
        """Whether the researcher changed what the agent was writing; their edit is kept then, and the agent's is not.

        Only an engine that costs nothing sets to work again; one that thinks in steps is told while it works.
        """
        tree = self._bench.recorded_tree(idea)
        if self._bench.watches and tree.overtaken and (await self._edits.settled(idea)).ready:
            await asyncio.to_thread(tree.rewind)
            await self._edits.take_aside(idea)
        return len(idea.attempts) > known

    async def _take_proposal(self, idea: IdeaState, tree: RecordedTree, start: str, proposal: Proposal) -> None:
        bench = self._bench
        body = "\n\n".join(part for part in (proposal.body, f"Hypothesis: {idea.idea.hypothesis}") if part)
        message = self._attempts.message(idea, proposal.subject, body, "agent")
        commit = await asyncio.to_thread(tree.commit, message)
        if commit is None or bench.repository.tree_id(commit) == bench.repository.tree_id(start):
            await self._withdraw(idea, "The agent's edit changes nothing.")
            return
        revised = []
        if proposal.recipe is not None and proposal.recipe != idea.idea.recipe:
            changed = msgspec.structs.replace(idea.idea, recipe=proposal.recipe)
            revised.append(IdeaEdited(idea=changed, by=bench.engine.name))
        await self._attempts.record(idea, commit, proposal, "agent", also=revised)

    async def _take_selection(self, idea: IdeaState, attempt: Attempt, patch: str) -> None:
        """What the researcher took of an attempt becomes the next one, and needs no further approval."""
        body = selection_body(answer_on(self._bench.state, attempt.commit))
        message = self._attempts.message(idea, attempt.subject, body, "researcher")
        author = self._attempts.author("researcher")
        tree = self._bench.idea_tree(idea)
        commit = await asyncio.to_thread(tree.commit_patch, patch, message, author)
        if commit is None:
            await self._withdraw(idea, "Nothing of the patch was taken.")
        else:
            await self._edits.check_out(idea, commit)
            proposal = await self._attempts.made_of(attempt, idea, commit)
            await self._attempts.record(idea, commit, proposal, "researcher")

    async def _take_edit(self, idea: IdeaState, attempt: Attempt) -> None:
        """The researcher's edit becomes the next attempt, which waits for approval in its turn."""
        message = self._attempts.message(idea, attempt.subject, EDITED, "researcher")
        try:
            commit = await self._edits.commit(idea, message)
        except (RefusedError, InputError) as error:
            self._bench.warn(f"The edit of idea {attempt.idea} was not taken. {error.sentence}", error.mend)
            await self._ask(idea, attempt)
            return
        if not commit:
            await self._withdraw(idea, "The edit took the whole patch back.")
        else:
            proposal = await self._attempts.made_of(attempt, idea, commit)
            await self._attempts.record(idea, commit, proposal, "researcher", edited_from=attempt.commit)
            self._bench.recorded_tree(idea).adopt(commit)

    async def _withdraw(self, idea: IdeaState, reason: str) -> None:
        await self._bench.turn_of(idea.idea.number)
        self._bench.session.record(IdeaWithdrawn(idea=idea.idea.number, reason=reason))

    def _failure(self, failed: RunState | ForecastMade) -> Failure:
        return failure_of(failed, self._bench.layout.run(self._bench.state.session, failed.run))

    # Measuring

    async def _measure(self, idea: IdeaState, attempt: Attempt) -> None:
        """Runs child and parent over seeds until the rule decides; a failed run ends it without a verdict.

        A child's failure is the next step's business; a parent that fails where it ran before decides nothing.
        """
        rule = rule_of(self._bench)
        child: dict[int, float] = {}
        parent: dict[int, float] = {}
        used: list[RunState] = []
        for seed in range(rule.max_seeds):
            run, other = await self._pair(attempt, seed)
            if run.value is None or other is None:
                return
            if other.value is None:
                why = f"the parent failed at seed {seed}: {other.reason}"
                await self._keeper.conclude(idea, attempt, Verdict(kind="inconclusive", rule=why), (other,))
                return
            child[seed], parent[seed] = run.value, other.value
            used += [run, other]
            if verdict := judge(child, parent, rule):
                await self._keeper.conclude(idea, attempt, verdict, used)
                return

    async def _pair(self, attempt: Attempt, seed: int) -> tuple[RunState, RunState | None]:
        """The runs of child and parent at a seed, side by side where there are places; None where the child failed."""
        if await self._bench.places.count() == 1:
            run = await self._run(attempt.commit, seed, "idea", attempt)
            return run, None if run.value is None else await self._run(attempt.parent, seed, "parent", attempt)
        beside = asyncio.create_task(self._run(attempt.parent, seed, "parent", attempt))
        try:
            run = await self._run(attempt.commit, seed, "idea", attempt)
            return run, None if run.value is None else await beside
        finally:
            beside.cancel()
            await asyncio.gather(beside, return_exceptions=True)

    async def _run(self, commit: str, seed: int, purpose: Purpose, attempt: Attempt) -> RunState:
        return await self._laboratory.measure(commit, seed, purpose, idea=attempt.idea, attempt=attempt.number)
