"""Decisions about the idea tree: add, rewrite, prune, reorder, ask for more."""

import asyncio

import msgspec

from mlrcopilot_tui.agents.base import IdeaDraft
from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.effects import Effect, Handler
from mlrcopilot_tui.research.ideas import MORE_IDEAS, IdeaGrower
from mlrcopilot_tui.session.events import FeedbackTaken, IdeaEdited, IdeaPruned, IdeasReordered
from mlrcopilot_tui.session.model import Decision, Idea
from mlrcopilot_tui.session.state import IdeaState, SessionState

_REWRITABLE = frozenset({"title", "hypothesis", "rationale", "plan", "prediction"})


class IdeaDecisions:
    """Works out what decisions about a session's ideas do."""

    def __init__(self, bench: Bench, ideas: IdeaGrower) -> None:
        self._bench = bench
        self._ideas = ideas

    def handlers(self) -> dict[str, Handler]:
        """By kind of decision."""
        return {
            "idea.add": self._add,
            "idea.edit": self._edit,
            "idea.prune": self.prune,
            "idea.order": self._order,
            "idea.more": self._more,
        }

    async def _add(self, decision: Decision) -> Effect:
        bench = self._bench
        if decision.idea and decision.idea not in bench.state.ideas:
            raise InputError(f"There is no idea {decision.idea} to grow from.", "`mlrcopilot log` lists the ideas.")
        base = await asyncio.to_thread(self._base, decision.commit) if decision.commit else None
        draft = await self._drafted(decision.text, decision.idea or None)
        if draft is None:
            raise RefusedError(
                f"The {bench.engine.name} engine cannot turn these words into an experiment.",
                "Name a technique or a setting of the code, such as a constant and its new value.",
            )
        proposed = self._ideas.numbered([draft], by="researcher", base=base)
        return Effect(f"Idea {proposed[0].idea.number} stands in the tree: {draft.title}.", tuple(proposed))

    async def _edit(self, decision: Decision) -> Effect:
        """Rewrites an idea; new words for what it tests give it a new plan where the engine can make one of them."""
        number = self._untried(decision.idea).idea.number
        changes = {name: value for name, value in decision.draft.items() if name in _REWRITABLE}
        said = f"Idea {number} was rewritten."
        if decision.text:
            draft = await self._drafted(decision.text, self._untried(number).idea.parent)
            if draft is None:
                said = f"{said} Its plan stays: the {self._bench.engine.name} engine can make none of these words."
            else:
                changes = {"plan": draft.plan, "prediction": draft.prediction, "recipe": draft.recipe} | changes
        try:
            idea = msgspec.convert({**msgspec.to_builtins(self._untried(number).idea), **changes}, Idea)
        except msgspec.ValidationError as error:
            raise InputError(f"That is no idea: {error}.") from error
        return Effect(said, (IdeaEdited(idea=idea, by=decision.by),))

    async def prune(self, decision: Decision) -> Effect:
        """Takes an idea that was not tried out of the queue."""
        number = self._untried(decision.idea).idea.number
        pruned = IdeaPruned(idea=number, reason=decision.text, by=decision.by)
        return Effect(f"Idea {number} will not be tried.", (pruned,))

    async def _order(self, decision: Decision) -> Effect:
        known = tuple(number for number in decision.order if number in self._bench.state.ideas)
        return Effect("The order stands.", (IdeasReordered(order=known, by=decision.by),))

    async def _more(self, decision: Decision) -> Effect:
        bench = self._bench
        if decision.text and all(said.text != decision.text for said in bench.state.feedback):
            bench.session.record(await understood(bench, decision.text))  # first, so that the agent heeds it
        proposed = self._ideas.numbered(await self._ideas.propose(MORE_IDEAS))
        count = len(proposed)
        said = f"{count} more idea{'s' * (count > 1)}." if count else "The IdeaAgent has no further idea."
        return Effect(said, tuple(proposed))

    def _base(self, commit: str) -> str:
        """The commit to start from, which has to be one of this session's."""
        base = self._bench.repository.resolve(commit)
        if not self._bench.repository.is_ancestor(self._bench.line.base, base):
            raise InputError(f"{base[:10]} is no commit of this session.", "Name an attempt, or the champion.")
        return base

    async def _drafted(self, words: str, parent: int | None) -> IdeaDraft | None:
        bench = self._bench
        work = bench.engine.ideas.draft(bench.brief(bench.code(), "IdeaAgent"), words, parent)
        return await bench.asked("IdeaAgent", work)

    def _untried(self, number: int) -> IdeaState:
        idea = self._bench.state.ideas.get(number)
        if idea is None or idea.status not in {"proposed", "approved"}:
            raise not_waiting(self._bench.state, number)
        return idea


def not_waiting(state: SessionState, number: int) -> RefusedError:
    """Why nothing can be decided about an idea any more."""
    idea = state.ideas.get(number)
    if idea is None:
        return RefusedError(
            f"There is no idea {number} that waits." if number else "No idea waits for approval.",
            "`mlrcopilot status` shows what waits.",
        )
    return RefusedError(f"Idea {number} is {idea.status} already.", f"`mlrcopilot show {number}` tells more.")


async def understood(bench: Bench, words: str, idea: int = 0, commit: str = "") -> FeedbackTaken:
    """What the IdeaAgent makes of the researcher's words.

    Args:
        bench: the session.
        words: what they said.
        idea: which idea it is about; 0 for the session.
        commit: the code that it is about, where that is not the champion's.
    """
    work = bench.engine.ideas.understand(bench.brief(bench.code(commit), "IdeaAgent", idea), words, idea)
    understanding = await bench.asked("IdeaAgent", work)
    return FeedbackTaken(text=words, understood=understanding.said, idea=idea)
