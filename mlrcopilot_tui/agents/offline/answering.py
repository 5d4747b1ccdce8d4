"""Answers the researcher's words: what was understood, and the ideas that they ask for."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mlrcopilot_tui.agents.base import Brief, IdeaDraft, Understanding
from mlrcopilot_tui.agents.offline.advice import Advice, advise, first_values
from mlrcopilot_tui.agents.offline.catalogue import technique_by_id
from mlrcopilot_tui.agents.offline.knobs import Knob, find_knobs
from mlrcopilot_tui.agents.offline.literals import Setting
from mlrcopilot_tui.agents.offline.proposals import Match, knob_draft, listed, technique_draft
from mlrcopilot_tui.agents.offline.source import SourceFile, load_sources
from mlrcopilot_tui.agents.offline.steering import wished_value
from mlrcopilot_tui.agents.offline.study import History, history
from mlrcopilot_tui.agents.offline.words import Wish, read


def drafted(brief: Brief, words: str, parent: int | None) -> IdeaDraft | None:
    """The first idea that the words ask for and this code has room for."""
    sources = load_sources(brief.tree, brief.command)
    draft = next(asked_for(brief, sources, find_knobs(sources, brief.command), history(brief.state), words), None)
    return replace(draft, parent=parent) if draft is not None else None


def asked_for(
    brief: Brief, sources: Sequence[SourceFile], knobs: Sequence[Knob], past: History, words: str
) -> Iterator[IdeaDraft]:
    """The ideas that the words ask for, as far as this code has room for them."""
    for wish in read(words, knobs).wishes:
        if wish.part or wish.kind not in {"set", "raise", "lower", "use"}:
            continue
        draft = _with_technique(brief, sources, wish) or _with_setting(brief, knobs, past, wish)
        if draft is not None:
            yield replace(draft, recipe={**draft.recipe, "asked": words})


def _with_technique(brief: Brief, sources: Sequence[SourceFile], wish: Wish) -> IdeaDraft | None:
    technique = technique_by_id(wish.target.technique)
    for source in sources if technique is not None else ():
        change = technique.apply(source) if technique is not None else None
        if technique is not None and change is not None:
            return technique_draft(brief, Match(technique, source, change))
    return None


def _with_setting(brief: Brief, knobs: Sequence[Knob], past: History, wish: Wish) -> IdeaDraft | None:
    for knob in wish.target.knobs(knobs):
        value = _value_for(knob, past, wish)
        if value is not None and value != knob.value:
            advice = Advice(8.0, (), f'the researcher asked for it: "{wish.said}"', None)
            return knob_draft(brief, knob, value, advice)
    return None


def _value_for(knob: Knob, past: History, wish: Wish) -> Setting | None:
    if wish.kind != "use":
        return wished_value(wish, knob, knob.value)
    return next(iter([*advise(knob, past).values, *first_values(knob)]), None)


def understood(brief: Brief, words: str, idea: int) -> Understanding:
    """What the rules make of the words on an idea, or on the session where `idea` is 0; honest about the rest."""
    sources = load_sources(brief.tree, brief.command)
    knobs = find_knobs(sources, brief.command)
    reading = read(words, knobs)
    if not reading.wishes:
        mend = "name a setting, a technique or a part of the patch"
        return Understanding(f"The offline rules understand none of this; {mend}.")
    meant = [_meaning(wish, knobs, idea) for wish in reading.wishes]
    text = f"Understood{f' for idea {idea}' if idea else ''}: {'; '.join(meant)}."
    if reading.unread:
        text += f" Not understood: {listed([repr(clause) for clause in reading.unread])}."
    standing = [wish.said for wish in reading.wishes if wish.kind in {"lock", "unlock"} or not idea]
    return Understanding(text, "; ".join(dict.fromkeys(standing)))


def _meaning(wish: Wish, knobs: Sequence[Knob], idea: int) -> str:
    """One wish in words, with what cannot be done about it."""
    technique = technique_by_id(wish.target.technique)
    found = wish.target.knobs(knobs)
    place = f" ({listed([knob.where for knob in found[:3]])})" if found and not wish.target.name else ""
    about = (technique.claim.known_as if technique is not None else wish.target.about) + place
    nowhere = "" if found or technique else ", but nothing like it can be set in the editable code"
    later = "" if idea else ", as an idea of its own"
    match wish.kind:
        case "lock":
            return f"{about} is left alone for the rest of the session"
        case "unlock":
            return f"{about} may be changed again"
        case "set":
            return f"{about} is set to {wish.value}{nowhere or later}"
        case "raise" | "lower":
            by = f" by a factor of {wish.factor:g}" if wish.factor else ""
            return f"{about} becomes {'larger' if wish.kind == 'raise' else 'smaller'}{by}{nowhere or later}"
        case "use":
            return f"{about} is tried{nowhere or later}"
        case "only" | "drop":
            part = "the last part" if wish.part < 0 else f"part {wish.part}" if wish.part else about
            what = f"only {part} is kept" if wish.kind == "only" else f"{part} is taken out"
            return what if idea else f"{what}, but that needs a patch that waits"
