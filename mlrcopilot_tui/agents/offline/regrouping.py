"""Takes ideas apart and puts them together: a recipe's parts as ideas of their own, several recipes as one."""

from collections.abc import Iterator, Sequence

from mlrcopilot_tui.agents.base import Brief, IdeaDraft
from mlrcopilot_tui.agents.offline.advice import advise
from mlrcopilot_tui.agents.offline.catalogue import technique_by_id
from mlrcopilot_tui.agents.offline.knobs import find_knobs
from mlrcopilot_tui.agents.offline.proposals import Match, knob_draft, listed, technique_draft
from mlrcopilot_tui.agents.offline.recipe import ImportPart, KnobPart, Part, Recipe, TechniquePart, from_dict, to_dict
from mlrcopilot_tui.agents.offline.source import load_sources, parse
from mlrcopilot_tui.agents.offline.study import history
from mlrcopilot_tui.session.entities import IdeaState
from mlrcopilot_tui.session.state import mean


def parts_apart(brief: Brief, number: int) -> list[IdeaDraft]:
    """One idea for each part of idea `number` that this code has room for and no other idea tests or tested alone."""
    mine = brief.state.ideas[number]
    alone = {
        from_dict(other.idea.recipe).key()
        for other in brief.state.ideas.values()
        if other is not mine and other.status != "pruned"  # pruned: it never ran
    }
    parts = [part for part in from_dict(mine.idea.recipe).parts if not isinstance(part, ImportPart)]
    return [] if len(parts) < 2 else list(_alone(brief, [p for p in parts if Recipe(parts=(p,)).key() not in alone]))


def _alone(brief: Brief, parts: Sequence[Part]) -> Iterator[IdeaDraft]:
    sources = load_sources(brief.tree, brief.command)
    knobs = {knob.id: knob for knob in find_knobs(sources, brief.command)}
    past = history(brief.state)
    for part in parts:
        if isinstance(part, KnobPart):
            if (knob := knobs.get(part.knob)) is not None and knob.value != part.to:
                yield knob_draft(brief, knob, part.to, advise(knob, past))
        elif isinstance(part, TechniquePart) and (technique := technique_by_id(part.technique)) is not None:
            fitting = [source for source in sources if part.path in {"", source.path}]
            changes = ((source, technique.apply(source)) for source in fitting)
            found = next((Match(technique, source, change) for source, change in changes if change is not None), None)
            if found is not None:
                yield technique_draft(brief, found)


def together(brief: Brief, numbers: Sequence[int]) -> IdeaDraft | None:
    """The ideas' changes as one; None where two of them change the same thing, or one leaves no room for another."""
    ideas = [brief.state.ideas[number] for number in sorted(numbers)]
    recipes = [from_dict(idea.idea.recipe) for idea in ideas]
    subjects = [subject for recipe in recipes for subject in recipe.subjects]
    parts = [part for recipe in recipes for part in recipe.parts]
    if not all(recipe.parts for recipe in recipes) or len(set(subjects)) < len(subjects):
        return None
    return _merged(brief, ideas, parts) if _fit(brief, [p for p in parts if isinstance(p, TechniquePart)]) else None


def _fit(brief: Brief, techniques: Sequence[TechniquePart]) -> bool:
    """Whether the techniques can be applied one after the other."""
    sources = {source.path: source for source in load_sources(brief.tree, brief.command)}
    for part in techniques:
        technique = technique_by_id(part.technique)
        paths = [part.path] if part.path else list(sources)
        for path in paths:
            change = technique.apply(sources[path]) if technique is not None and path in sources else None
            after = parse(path, change.text) if change is not None else None
            if after is not None:
                sources[path] = after
                break
        else:
            return False
    return True


def _merged(brief: Brief, ideas: Sequence[IdeaState], parts: Sequence[Part]) -> IdeaDraft:
    titles = [idea.idea.title for idea in ideas]
    names = {name for idea in ideas for name in idea.idea.scores}
    return IdeaDraft(
        title=f"Try ideas {listed([str(idea.idea.number) for idea in ideas])} in one patch",
        hypothesis=f"These changes improve {brief.metric} together: {'; '.join(titles)}.",
        rationale="They touch different parts of the code, so one experiment can test them at once; it will not tell "
        "which of them did it.",
        plan=tuple(dict.fromkeys(step for idea in ideas for step in idea.idea.plan)),
        prediction=f"{brief.metric} improves over the parent on equal seeds; if not, they do not help together.",
        evidence=tuple({(e.kind, e.ref, e.text): e for idea in ideas for e in idea.idea.evidence}.values()),
        scores={name: round(mean(idea.idea.scores.get(name, 5.0) for idea in ideas), 1) for name in sorted(names)},
        recipe=to_dict(Recipe(parts=tuple(parts))),
        parent=ideas[0].idea.number,
    )
