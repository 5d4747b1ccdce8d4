"""Decisions about the idea tree: add, rewrite, prune, reorder, ask for more, think through again, split, merge."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import TypeVar

import msgspec

from mlrcopilot_tui.agents.base import IdeaDraft
from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.effects import Effect, Handler
from mlrcopilot_tui.research.ideas import MORE_IDEAS, IdeaGrower
from mlrcopilot_tui.research.steps import Foretell, Trying, next_step
from mlrcopilot_tui.session.events import FeedbackTaken, IdeaEdited, IdeaPruned, IdeasReordered
from mlrcopilot_tui.session.model import Decision, Idea
from mlrcopilot_tui.session.state import ACTIVE_STATUSES, IdeaState, SessionState
from mlrcopilot_tui.session.subjects import Subject

_REWRITABLE = frozenset({"title", "hypothesis", "rationale", "plan", "prediction"})
_THOUGHT_THROUGH = (*sorted(_REWRITABLE), "evidence", "scores", "recipe", "design")
T = TypeVar("T")


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
            "idea.revise": self._revise,
            "idea.split": self._split,
            "idea.merge": self._merge,
        }

    async def _add(self, decision: Decision) -> Effect:
        bench = self._bench
        if decision.idea and decision.idea not in bench.state.ideas:
            raise InputError(f"There is no idea {decision.idea} to grow from.", "`mlrcopilot log` lists the ideas.")
        base = await asyncio.to_thread(self._base, decision.commit) if decision.commit else None
        draft = await self._drafted(decision.text, decision.idea or None, base or "")
        if draft is None:
            raise RefusedError(
                f"The {bench.engine.name} engine cannot turn these words into an experiment.",
                "Name a technique or a setting of the code, such as a constant and its new value.",
            )
        draft = replace(draft, parent=decision.idea or draft.parent)
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
                planned = {name: getattr(draft, name) for name in ("plan", "prediction", "recipe", "design")}
                changes = planned | changes
        try:
            idea = msgspec.convert({**msgspec.to_builtins(self._untried(number).idea), **changes}, Idea)
        except msgspec.ValidationError as error:
            raise InputError(f"That is no idea: {error}.") from error
        return Effect(said, (IdeaEdited(idea=idea, by=decision.by),))

    async def prune(self, decision: Decision) -> Effect:
        """Takes an idea out of the queue; one that is only being tried, or waits for that, may still be dropped."""
        number = decision.idea
        if not self._is_tried(number):
            number = self._untried(number).idea.number
        pruned = IdeaPruned(idea=number, reason=decision.text, by=decision.by)
        return Effect(f"Idea {number} will not be tried.", (pruned,))

    async def _order(self, decision: Decision) -> Effect:
        known = tuple(number for number in decision.order if number in self._bench.state.ideas)
        return Effect("The order stands.", (IdeasReordered(order=known, by=decision.by),))

    async def _more(self, decision: Decision) -> Effect:
        bench = self._bench
        if decision.text and all(said.text != decision.text for said in bench.state.words.values() if said.stands()):
            bench.session.record(await understood(bench, decision.text, Subject()))  # first, so that the agent heeds it
        proposed = self._ideas.numbered(await self._ideas.propose(MORE_IDEAS))
        count = len(proposed)
        said = f"{count} more idea{'s' * (count > 1)}." if count else "The IdeaAgent has no further idea."
        return Effect(said, tuple(proposed))

    async def _revise(self, decision: Decision) -> Effect:
        """Puts the agent's new thought, which heeds the researcher's words if any, in the place of the old one."""
        bench, number = self._bench, self._untried(decision.idea).idea.number
        brief = bench.brief(bench.code(), "IdeaAgent", number)
        draft = await self._answer(bench.engine.ideas.revise(brief, number, decision.text))
        if draft is None:
            raise RefusedError(
                f"The {bench.engine.name} engine has nothing new to make of idea {number}.",
                f"`mlrcopilot revise {number} WORDS` tells it what to change.",
            )
        thought = {name: getattr(draft, name) for name in _THOUGHT_THROUGH}
        idea = msgspec.structs.replace(self._untried(number).idea, **thought)
        return Effect(f"Idea {number} is now: {idea.title}.", (IdeaEdited(idea=idea, by=decision.by),))

    async def _split(self, decision: Decision) -> Effect:
        """Puts ideas that can be tested apart in the place of one."""
        bench, number = self._bench, self._untried(decision.idea).idea.number
        brief = bench.brief(bench.code(), "IdeaAgent", number)
        drafts = await self._answer(bench.engine.ideas.split(brief, number))
        if len(drafts) < 2:
            raise RefusedError(
                f"The {bench.engine.name} engine finds no parts in idea {number} that are still to be tested apart.",
                f"`mlrcopilot revise {number} WORDS` changes it.",
            )
        return self._replaced([number], drafts, "Split into", decision.by)

    async def _merge(self, decision: Decision) -> Effect:
        """Puts one idea that tests several together in their place."""
        bench, numbers = self._bench, list(dict.fromkeys(decision.order))
        if len(numbers) < 2:
            raise InputError("Merging takes two ideas or more.", "`mlrcopilot status` lists those that wait.")
        if len({self._untried(number).idea.base for number in numbers}) > 1:
            raise RefusedError("These ideas start from different commits.", "Merge those that start from the same one.")
        draft = await self._answer(bench.engine.ideas.merge(bench.brief(bench.code(), "IdeaAgent"), numbers))
        if draft is None:
            raise RefusedError(
                f"The {bench.engine.name} engine cannot make one idea of {_listed(numbers)}: they contradict each "
                "other, or say nothing that it can put into one patch.",
                "`mlrcopilot revise` changes one of them.",
            )
        return self._replaced(numbers, [draft], "Merged into", decision.by)

    def _replaced(self, old: list[int], drafts: Sequence[IdeaDraft], verb: str, by: str) -> Effect:
        """New ideas that grow from old ones, which are pruned; they take their place in the researcher's order."""
        standing = [self._untried(number).idea for number in old]
        author = "researcher" if any(idea.by == "researcher" for idea in standing) else "engine"
        children = [replace(draft, parent=draft.parent if draft.parent in old else old[0]) for draft in drafts]
        proposed = self._ideas.numbered(children, by=author, base=standing[0].base)
        new = [event.idea.number for event in proposed]
        said = f"{verb} idea{'s' * (len(new) > 1)} {_listed(new)}."
        pruned = [IdeaPruned(idea=number, reason=said, by=by) for number in old]
        return Effect(said, (*proposed, *pruned, *self._reordered(old, new, by)))

    def _reordered(self, old: list[int], new: list[int], by: str) -> list[IdeasReordered]:
        order = self._bench.state.order
        at = next((place for place, number in enumerate(order) if number in old), None)
        if at is None:
            return []
        rest = [number for number in order[at:] if number not in old]
        return [IdeasReordered(order=(*order[:at], *new, *rest), by=by)]

    def _base(self, commit: str) -> str:
        """The commit to start from, which has to be one of this session's."""
        base = self._bench.repository.resolve(commit)
        if not self._bench.repository.is_ancestor(self._bench.line.base, base):
            raise InputError(f"{base[:10]} is no commit of this session.", "Name an attempt, or the champion.")
        return base

    async def _drafted(self, words: str, parent: int | None, base: str = "") -> IdeaDraft | None:
        """The words as an idea, about the code of `base`, where it is not the champion's."""
        bench = self._bench
        brief = bench.brief(bench.code(base), "IdeaAgent")
        return await self._answer(bench.engine.ideas.draft(brief, words, parent))

    async def _answer(self, work: Awaitable[T]) -> T:
        return await self._bench.asked("IdeaAgent", work)

    def _is_tried(self, number: int) -> bool:
        """Whether nothing is done for a started idea but finding out what it will take."""
        bench = self._bench
        idea = bench.state.ideas.get(number)
        if idea is None or idea.status not in ACTIVE_STATUSES:
            return False
        return isinstance(next_step(bench.state, idea, bench.settings, Trying.at(bench)), Foretell)

    def _untried(self, number: int) -> IdeaState:
        idea = self._bench.state.ideas.get(number)
        if idea is None or idea.status not in {"proposed", "approved"}:
            raise not_waiting(self._bench.state, number)
        return idea


def _listed(numbers: Sequence[int]) -> str:
    """`4`, `4 and 5`, `4, 5 and 6`."""
    *first, last = map(str, numbers)
    return f"{', '.join(first)} and {last}" if first else last


def not_waiting(state: SessionState, number: int) -> RefusedError:
    """Why nothing can be decided about an idea any more."""
    idea = state.ideas.get(number)
    if idea is None:
        return RefusedError(
            f"There is no idea {number} that waits." if number else "No idea waits for approval.",
            "`mlrcopilot status` shows what waits.",
        )
    mend = f"`mlrcopilot show {number}` tells more."
    if idea.status == "implementing":
        mend = f"`mlrcopilot interrupt` halts its agent, `mlrcopilot feedback {number} TEXT` tells it what you want."
    return RefusedError(f"Idea {number} is {idea.status} already.", mend)


async def understood(bench: Bench, words: str, about: Subject, commit: str = "") -> FeedbackTaken:
    """What the IdeaAgent makes of the researcher's words.

    Args:
        bench: the session.
        words: what they said.
        about: what it is about.
        commit: the code that it is about, where that is not the champion's.
    """
    idea = about.idea
    work = bench.engine.ideas.understand(bench.brief(bench.code(commit), "IdeaAgent", idea), words, idea)
    understanding = await bench.asked("IdeaAgent", work)
    plain = about.kind in {"session", "idea"}
    return FeedbackTaken(text=words, understood=understanding.said, idea=idea, about=None if plain else about)
