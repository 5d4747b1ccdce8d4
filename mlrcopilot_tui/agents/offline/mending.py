"""Mends a failed attempt by rules: smaller steps or batches, shorter runs, a missing import, or less of the patch."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlrcopilot_tui.agents.offline.knobs import Knob
from mlrcopilot_tui.agents.offline.literals import Setting, tidy
from mlrcopilot_tui.agents.offline.patching import Desk, applied, named
from mlrcopilot_tui.agents.offline.recipe import ImportPart, KnobPart, Part
from mlrcopilot_tui.agents.offline.repair import IMPORTS, Diagnosis


@dataclass(slots=True)
class Mended:
    """The parts of the next attempt and what was done to them; or why there is none."""

    parts: list[Part]
    said: list[str] = field(default_factory=list)
    withdrawn: str = ""


_COSTLY = ("epochs", "boosting_rounds", "width", "depth", "order")
_MOVED = {
    "diverged": ("learning_rate", "momentum", "init_scale"),
    "memory": ("batch_size", *_COSTLY),
    "timeout": _COSTLY,
}
"""The roles of numbers which, moved too far, lead to such a failure."""
_EASED = {"diverged": "learning_rate", "memory": "batch_size", "timeout": "epochs"}
"""The role of the number which, lowered, cures such a failure whatever led to it."""


def mended(parts: Sequence[Part], diagnosis: Diagnosis, desk: Desk, command: str) -> Mended:
    """What to try next. `desk` holds the files as the idea found them."""
    result = Mended(list(parts))
    if diagnosis.kind == "import" and diagnosis.detail in IMPORTS:
        part = ImportPart(name=diagnosis.detail, statement=IMPORTS[diagnosis.detail])
        if part not in result.parts:
            result.parts.append(part)
            result.said.append(f"Added the missing `{part.statement}`.")
            return result
    knobs = {knob.id: knob for knob in desk.knobs(command)}
    if diagnosis.kind in _MOVED and _turned_back(result, knobs, diagnosis):
        return result
    if diagnosis.kind in _EASED and _eased(result, desk, command, diagnosis):
        return result
    return _withdrawn(result, diagnosis)


def _turned_back(result: Mended, knobs: Mapping[str, Knob], diagnosis: Diagnosis) -> bool:
    """Goes half the way back where a part of the idea itself moved a number that such a failure comes from."""
    for index, part in enumerate(result.parts):
        knob = knobs.get(part.knob) if isinstance(part, KnobPart) else None
        if (
            not isinstance(part, KnobPart)
            or knob is None
            or knob.role is None
            or knob.role.id not in _MOVED[diagnosis.kind]
        ):
            continue
        half = _halfway(part.was, part.to)
        if half is None:
            continue
        result.parts[index] = KnobPart(knob=part.knob, was=part.was, to=half)
        result.said.append(f"Went half the way back with {knob.where}: {half} in the place of {part.to}.")
        return True
    return False


def _halfway(was: Setting, to: Setting) -> Setting | None:
    """Between the value that ran and the one that failed, on a log scale; None where there is nothing between."""
    if isinstance(was, str | bool) or isinstance(to, str | bool) or not was or not to:
        return None
    middle = (was * to) ** 0.5 if was * to > 0 else (was + to) / 2
    half = round(middle) if isinstance(was, int) else tidy(middle)
    return None if half in {was, to} or abs(half - to) < 0.1 * abs(to) else half


def _eased(result: Mended, desk: Desk, command: str, diagnosis: Diagnosis) -> bool:
    """Turns the number that such a failure is cured with, though the idea did not touch it: once only."""
    with_parts = Desk(dict(desk.original), dict(desk.texts), desk.order, desk.others)
    applied(with_parts, result.parts)
    role = _EASED[diagnosis.kind]
    knobs = [k for k in with_parts.knobs(command) if k.role is not None and k.role.id == role]
    touched = {part.knob for part in result.parts if isinstance(part, KnobPart)}
    for knob in knobs:
        if knob.id in touched or isinstance(knob.value, str | bool) or not knob.value:
            continue
        value: Setting = max(knob.value // 2, 1) if isinstance(knob.value, int) else tidy(knob.value / 5)
        if value == knob.value:
            continue
        result.parts.append(KnobPart(knob=knob.id, was=knob.value, to=value))
        result.said.append(f"Lowered {knob.where} from {knob.value} to {value}, since the run {_what(diagnosis)}.")
        return True
    return False


def _withdrawn(result: Mended, diagnosis: Diagnosis) -> Mended:
    """Takes the newest part back; with none left the idea is given up."""
    reason = re.sub(r"\s+", " ", diagnosis.detail).strip()[:160]
    gone = result.parts.pop() if result.parts else None
    if gone is None or not result.parts:
        result.withdrawn = f"It {_what(diagnosis)} and no rule mends that: {reason}"
    else:
        result.said.append(f"Took back: {named(gone)}, since the run {_what(diagnosis)}.")
    return result


def _what(diagnosis: Diagnosis) -> str:
    return {
        "diverged": "diverged",
        "memory": "ran out of memory",
        "timeout": "took too long",
        "import": "lacks a name",
        "package": "needs a package that is not installed",
        "shape": "failed on arrays that do not fit together",
        "other": "failed",
    }[diagnosis.kind]
