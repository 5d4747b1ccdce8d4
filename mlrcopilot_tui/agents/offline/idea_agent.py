"""The offline IdeaAgent: reads the paper by rules and grows ideas from techniques, knobs and measured results."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mlrcopilot_tui.agents.base import Brief, IdeaDraft, Understanding
from mlrcopilot_tui.agents.offline.advice import Advice, advise, joint
from mlrcopilot_tui.agents.offline.answering import asked_for, drafted, understood
from mlrcopilot_tui.agents.offline.catalogue import TECHNIQUES
from mlrcopilot_tui.agents.offline.knobs import Knob, find_knobs
from mlrcopilot_tui.agents.offline.literals import Setting
from mlrcopilot_tui.agents.offline.proposals import (
    Match,
    affordable,
    combined_draft,
    cost_of,
    counted,
    joint_draft,
    knob_draft,
    technique_draft,
)
from mlrcopilot_tui.agents.offline.reading import summarize
from mlrcopilot_tui.agents.offline.recipe import from_dict
from mlrcopilot_tui.agents.offline.regrouping import parts_apart, together
from mlrcopilot_tui.agents.offline.snapshots import snapshot
from mlrcopilot_tui.agents.offline.source import SourceFile, load_sources
from mlrcopilot_tui.agents.offline.study import History, history, next_values
from mlrcopilot_tui.agents.offline.words import Locks, locks
from mlrcopilot_tui.papers.model import Paper
from mlrcopilot_tui.session.model import Summary
from mlrcopilot_tui.session.words import Words

MAX_STUDY_KNOBS = 12
"""More dimensions than a session's few dozen trials can tell apart."""


@dataclass(frozen=True, slots=True)
class View:
    """What the agent sees when it thinks of ideas: the code, what may be turned, what was tried, and what was said.

    `said` are all words of the researcher that hold: one idea's tell what they like in others too.
    """

    brief: Brief
    said: tuple[Words, ...]
    sources: tuple[SourceFile, ...]
    knobs: tuple[Knob, ...]
    locks: Locks
    past: History
    seed: int

    def free_knobs(self) -> list[Knob]:
        """The knobs that may be turned and that no open idea turns (else any), the most promising first."""
        unlocked = [k for k in self.knobs if not self.locks.knob(k)]
        free = [k for k in unlocked if not self.past.open(k.id)] or unlocked
        return sorted(free, key=lambda k: -advise(k, self.past).expectation)[:MAX_STUDY_KNOBS]


class OfflineIdeaAgent:
    """Implements `IdeaAgent` without a model. Thinking happens in a thread, so that the loop stays responsive."""

    def __init__(self, name: str, seed: int) -> None:
        self._name, self._seed = name, seed

    async def summarize(self, paper: Paper, brief: Brief) -> Summary:
        """The paper's own sentences on each aspect; see `reading`."""
        brief.say("action", f"Reading {paper.title or paper.source} sentence by sentence, by rules.")
        summary = await asyncio.to_thread(summarize, paper, self._name)
        brief.say(
            "observation", f"{counted(len(summary.gaps), 'sentence')} in it tell of a gap; they are quoted as printed."
        )
        return summary

    async def propose(self, brief: Brief, count: int) -> Sequence[IdeaDraft]:
        """The best new ideas: techniques that fit this code, and knobs with their next values."""
        drafts, view = await asyncio.to_thread(_proposed, snapshot(brief), count, self._seed)
        brief.host.took_in("propose", view.said, idea=0)
        techniques = sum("technique" in str(draft.recipe) for draft in drafts)
        brief.say(
            "observation",
            f"{len(view.knobs)} settings can be turned in {counted(len(view.sources), 'editable Python file')}; "
            f"{techniques} of {len(drafts)} ideas come from the catalogue of {len(TECHNIQUES)} techniques.",
        )
        return drafts

    async def reflect(self, brief: Brief, idea: int) -> Sequence[IdeaDraft]:
        """What the verdict suggests: further the same way, the other way, or near misses together."""
        frozen = snapshot(brief)
        drafts = await asyncio.to_thread(lambda: list(_reflected(frozen, idea, self._seed)))
        brief.host.took_in("reflect", _said(frozen), idea=idea)
        for draft in drafts:
            brief.say("thought", f"After idea {idea}: {draft.title}.")
        return drafts

    async def draft(self, brief: Brief, words: str, parent: int | None) -> IdeaDraft | None:
        """A technique or a knob that the words name, as an idea."""
        return await asyncio.to_thread(drafted, snapshot(brief), words, parent)

    async def revise(self, brief: Brief, idea: int, words: str) -> IdeaDraft | None:
        """What the words ask for; without words, the best other idea."""
        now = brief.state.ideas[idea].idea
        if not words:
            return next(iter(await self.propose(brief, 1)), None)
        draft = await self.draft(brief, words, now.parent)
        same = draft is not None and from_dict(draft.recipe).key() == from_dict(now.recipe).key()
        return None if same else draft

    async def split(self, brief: Brief, idea: int) -> Sequence[IdeaDraft]:
        """One idea for each part of the recipe that was not tested alone."""
        return await asyncio.to_thread(parts_apart, snapshot(brief), idea)

    async def merge(self, brief: Brief, ideas: Sequence[int]) -> IdeaDraft | None:
        """The ideas' changes in one patch, where they do not overlap."""
        return await asyncio.to_thread(together, snapshot(brief), ideas)

    async def understand(self, brief: Brief, words: str, idea: int) -> Understanding:
        """What the rules read in the words, and what they could not read."""
        return await asyncio.to_thread(understood, snapshot(brief), words, idea)


def view_of(brief: Brief, seed: int) -> View:
    """The code and the session as they stand."""
    sources = load_sources(brief.tree, brief.command)
    knobs = find_knobs(sources, brief.command)
    said = _said(brief)
    locked = locks((words.text for words in said), knobs)
    return View(brief, said, sources, knobs, locked, history(brief.state), seed + 7919 * brief.seed)


def _said(brief: Brief) -> tuple[Words, ...]:
    return tuple(said for said in brief.state.words.values() if said.stands())


def _proposed(brief: Brief, count: int, seed: int) -> tuple[list[IdeaDraft], View]:
    view = view_of(brief, seed)
    drafts = sorted([*_technique_drafts(view), *_knob_drafts(view, count)], key=lambda draft: -_priority(draft))
    return [*_asked(view), *drafts][:count], view


def _asked(view: View) -> list[IdeaDraft]:
    """What the researcher's words on the whole session ask for and no idea took up yet, at the head of the queue."""
    taken_up = {from_dict(state.idea.recipe).asked for state in view.brief.state.ideas.values()}
    words = [said.text for said in view.said if not said.idea and said.text not in taken_up]
    drafts = [d for text in words for d in asked_for(view.brief, view.sources, view.knobs, view.past, text)]
    return [replace(draft, scores=draft.scores | {"effectiveness": 10.0}) for draft in drafts]


def _priority(draft: IdeaDraft) -> float:
    return sum(draft.scores.values()) / len(draft.scores)


def _technique_drafts(view: View) -> Iterator[IdeaDraft]:
    """One idea for each technique that fits, the best of each family only: two of one family seldom fit together."""
    tried = {part.technique for s in view.brief.state.ideas.values() for part in from_dict(s.idea.recipe).techniques}
    best: dict[str, IdeaDraft] = {}
    for technique in TECHNIQUES:
        if technique.id in tried or view.locks.technique(technique):
            continue
        for source in view.sources:
            change = technique.apply(source)
            if change is None:
                continue
            draft = technique_draft(view.brief, Match(technique, source, change))
            family = technique.claim.families[0]
            if family not in best or _priority(draft) > _priority(best[family]):
                best[family] = draft
            break
    yield from best.values()


def _knob_drafts(view: View, count: int) -> Iterator[IdeaDraft]:
    knobs = view.free_knobs()
    made = 0
    together = [k for k in joint(knobs, view.past) if k in knobs]
    if together:
        values = next_values(knobs, together, view.past, {}, view.seed)
        if values is not None and all(affordable(view.brief.state, cost_of(k, values[k.id])) for k in together):
            yield joint_draft(view.brief, together, values)
            made += 1
    for knob in knobs:
        if made == count:
            return
        draft = knob_idea(view, knob, advise(knob, view.past))
        if draft is not None:
            yield draft
            made += 1


def knob_idea(view: View, knob: Knob, advice: Advice, parent: int | None = None) -> IdeaDraft | None:
    """The idea that the advice on one knob leads to; None where there is no new value that the run can afford."""
    for value in (*advice.values, None):
        first: dict[str, Setting] = {} if value is None else {knob.id: value}
        knobs = view.free_knobs()
        values = next_values(knobs if knob in knobs else [knob, *knobs], [knob], view.past, first, view.seed)
        if values and affordable(view.brief.state, cost_of(knob, values[knob.id])):
            return knob_draft(view.brief, knob, values[knob.id], advice, parent)
    return None


def _reflected(brief: Brief, number: int, seed: int) -> Iterator[IdeaDraft]:
    yield from _asked(view_of(brief, seed))
    state = brief.state.ideas.get(number)
    if state is None or state.verdict is None or state.verdict.kind == "crash":
        return
    view = view_of(brief, seed)
    recipe = from_dict(state.idea.recipe)
    if state.status == "kept":
        yield from _after_keep(view, number)
    elif state.status in {"discarded", "inconclusive"} and len(recipe.parts) == 1 and recipe.knobs:
        knob = next((k for k in view.free_knobs() if k.id == recipe.knobs[0].knob), None)
        advice = advise(knob, view.past) if knob is not None else None
        if knob is not None and advice is not None and advice.values:
            draft = knob_idea(view, knob, advice, parent=number)
            yield from [draft] if draft is not None else []
    if state.status == "inconclusive":
        yield from _combined(view, number)


def _after_keep(view: View, number: int) -> Iterator[IdeaDraft]:
    """Further the way that won, and the constants that a kept technique brought."""
    recipe = from_dict(view.brief.state.ideas[number].idea.recipe)
    own = {part.knob for part in recipe.knobs} | set(recipe.brings)
    made = 0
    for knob in view.free_knobs():
        if knob.id in own and made < 2:
            draft = knob_idea(view, knob, advise(knob, view.past), parent=number)
            if draft is not None:
                yield draft
                made += 1


def _combined(view: View, number: int) -> Iterator[IdeaDraft]:
    """This near miss with the best other one that it does not overlap and was not tried with."""
    mine = from_dict(view.brief.state.ideas[number].idea.recipe)
    if _missed_by(view, number) <= 0:
        return
    for other in sorted(view.brief.state.ideas, key=lambda other: -_missed_by(view, other)):
        theirs = from_dict(view.brief.state.ideas[other].idea.recipe)
        if other == number or _missed_by(view, other) <= 0 or mine.subjects & theirs.subjects:
            continue
        draft = combined_draft(view.brief, sorted((other, number)), number)
        if from_dict(draft.recipe).key() not in view.past.keys:
            yield draft
            return


def _missed_by(view: View, number: int) -> float:
    """The gain of an idea that was undecided at the end; 0 where it was decided, or not this engine's."""
    state = view.brief.state.ideas[number]
    gain = state.verdict.relative if state.verdict is not None else None
    return max(gain or 0.0, 0.0) if state.status == "inconclusive" and from_dict(state.idea.recipe).parts else 0.0
