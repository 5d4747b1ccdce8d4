"""Follows the researcher's words on a patch: which of its parts change, and to what."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mlrcopilot_tui.agents.offline.catalogue import technique_by_id
from mlrcopilot_tui.agents.offline.knobs import Knob
from mlrcopilot_tui.agents.offline.literals import Setting, shown, tidy
from mlrcopilot_tui.agents.offline.recipe import KnobPart, Part, TechniquePart
from mlrcopilot_tui.agents.offline.study import bounds
from mlrcopilot_tui.agents.offline.words import Locks, Reading, Wish


@dataclass(slots=True)
class Steered:
    """An attempt's parts after the researcher's words, what was done, and what could not be."""

    parts: list[Part]
    done: list[str] = field(default_factory=list)
    not_done: list[str] = field(default_factory=list)


def adjusted(parts: Sequence[Part], reading: Reading, knobs: Sequence[Knob]) -> Steered:
    """The parts as the wishes want them. Values count from what the part set, or else from what the code has."""
    steered = Steered(list(parts))
    for wish in reading.wishes:
        _follow(steered, wish, knobs)
    steered.not_done += [f'"{clause}"' for clause in reading.unread]
    return steered


def freed(parts: Sequence[Part], locks: Locks, knobs: Sequence[Knob]) -> list[Part]:
    """The parts that touch nothing of what is to be left alone."""
    by_id = {knob.id: knob for knob in knobs}

    def locked(part: Part) -> bool:
        if isinstance(part, KnobPart):
            return part.knob in by_id and locks.knob(by_id[part.knob])
        technique = technique_by_id(part.technique) if isinstance(part, TechniquePart) else None
        return technique is not None and locks.technique(technique)

    return [part for part in parts if not locked(part)]


def _follow(steered: Steered, wish: Wish, knobs: Sequence[Knob]) -> None:
    if wish.kind in {"only", "drop"} and wish.part:
        _select(steered, wish)
    elif wish.kind in {"lock", "drop"}:
        _remove(steered, wish, knobs)
    elif wish.kind == "use" and wish.target.technique:
        _add_technique(steered, wish)
    elif wish.kind in {"set", "raise", "lower"}:
        _turn(steered, wish, knobs)


def _select(steered: Steered, wish: Wish) -> None:
    index = len(steered.parts) - 1 if wish.part < 0 else wish.part - 1
    if len(steered.parts) < 2 or not 0 <= index < len(steered.parts):
        count = len(steered.parts)
        steered.not_done.append(f'"{wish.said}": the patch has {count} part{"s" * (count != 1)}')
        return
    chosen = steered.parts[index]
    steered.parts = [chosen] if wish.kind == "only" else [part for part in steered.parts if part is not chosen]
    steered.done.append(f"{'kept only' if wish.kind == 'only' else 'dropped'} part {index + 1}")


def _remove(steered: Steered, wish: Wish, knobs: Sequence[Knob]) -> None:
    unwanted = {knob.id for knob in wish.target.knobs(knobs)}

    def concerned(part: Part) -> bool:
        if isinstance(part, KnobPart):
            return part.knob in unwanted
        technique = technique_by_id(part.technique) if isinstance(part, TechniquePart) else None
        return technique is not None and wish.target.covers(technique)

    kept = [part for part in steered.parts if not concerned(part)]
    if len(kept) < len(steered.parts):
        steered.done.append(f"left {wish.target.about} alone")
    steered.parts = kept


def _add_technique(steered: Steered, wish: Wish) -> None:
    technique = technique_by_id(wish.target.technique)
    if technique is None or any(isinstance(p, TechniquePart) and p.technique == technique.id for p in steered.parts):
        return
    steered.parts.append(TechniquePart(technique=technique.id, path=""))
    steered.done.append(f"added: {technique.claim.title.lower()}")


def _turn(steered: Steered, wish: Wish, knobs: Sequence[Knob]) -> None:
    found = wish.target.knobs(knobs)
    own = {part.knob for part in steered.parts if isinstance(part, KnobPart)}
    found = [knob for knob in found if knob.id in own] or found[:1]
    if not found:
        steered.not_done.append(f'"{wish.said}": nothing called {wish.target.about} can be set in the editable code')
        return
    for knob in found:
        part = next((p for p in steered.parts if isinstance(p, KnobPart) and p.knob == knob.id), None)
        now = part.to if part is not None else knob.value
        value = wished_value(wish, knob, now)
        if value is None or value == knob.value:
            steered.not_done.append(f'"{wish.said}": {knob.where} would stay at {knob.value}')
            continue
        new = KnobPart(knob=knob.id, was=knob.value, to=value)
        steered.parts = [new if p is part else p for p in steered.parts] if part is not None else [*steered.parts, new]
        steered.done.append(f"set {knob.where} to {shown(value, knob.written)}")


def wished_value(wish: Wish, knob: Knob, now: Setting) -> Setting | None:
    """The value that a wish gives the knob; None where it makes no sense for it."""
    if isinstance(knob.value, bool | str) or isinstance(now, bool | str):
        return wish.value if wish.kind == "set" and type(wish.value) is type(knob.value) else None
    if wish.kind == "set":
        if isinstance(wish.value, bool | str) or wish.value is None:
            return None
        return float(wish.value) if isinstance(knob.value, float) else round(wish.value)
    factor = wish.factor or (2.0 if isinstance(knob.value, int) else 3.0)
    low, high = bounds(knob, [float(now)])
    moved = min(max(now * factor if wish.kind == "raise" else now / factor, low), high)
    if not wish.factor and tidy(moved) == knob.value and now * knob.value > 0:
        moved = (now * knob.value) ** 0.5  # all the way back would be no patch: meet half-way
    return tidy(moved) if isinstance(knob.value, float) else max(round(moved), 1)
