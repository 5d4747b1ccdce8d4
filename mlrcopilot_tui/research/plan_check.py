"""Holds what an agent says of the steps of a plan against the patch and the runs: what nothing shows is not done."""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

import msgspec

from mlrcopilot_tui.session.model import PlanClaim
from mlrcopilot_tui.session.model_events import PlanMark
from mlrcopilot_tui.workspace.patch import FileChange, Hunk, LineKind, Patch

_PLACE: Final = re.compile(
    r"(?P<path>[^\s:,;][^:,;]*):\s*(?:L|lines? )?(?P<first>\d{1,7})(?:\s*[-\u2013]\s*L?(?P<last>\d{1,7}))?"
)
_MOST_PLACES: Final = 3
_TAKEN_OUT: Final = "What did it was taken out of the patch."


@dataclass(frozen=True, slots=True)
class _Change:
    """A changed line; a removed one stands where its successor does now."""

    line: int
    kind: LineKind
    text: str

    def is_in(self, first: int, last: int) -> bool:
        """Whether it lies in a range of lines; a removed one lies at both of its neighbours."""
        return first <= self.line and self.line - (self.kind == "remove") <= last


def plan_marks(
    plan: Sequence[str], claims: Sequence[PlanClaim], patch: Patch, runs: Sequence[str]
) -> tuple[PlanMark, ...]:
    """What became of each step of a plan.

    A step is done if its author says so and either the patch changes lines that they name or they leave it to the runs,
    and a run of the patch ended well.

    Args:
        plan: the steps.
        claims: what the patch's author says of them, in any order.
        patch: what was run.
        runs: the names of the runs of it that ended well, oldest first.
    """
    return tuple(
        _mark(step, [claim for claim in claims if claim.step == step], patch, runs) for step in range(1, len(plan) + 1)
    )


def followed(claims: Sequence[PlanClaim], before: Patch, after: Patch) -> tuple[PlanClaim, ...]:
    """The claims on a patch as claims on what others made of it: a part of it, an edit, the same on another base.

    The lines that a claim names are looked for by file and text; a step whose lines are gone is not done any more.
    """
    return tuple(_followed(claim, before, after) for claim in claims)


def _mark(step: int, claims: Sequence[PlanClaim], patch: Patch, runs: Sequence[str]) -> PlanMark:
    if not claims:
        return PlanMark(step=step, done=False, note="Its author says nothing of it.")
    marks = [_shown(claim, patch, runs) for claim in claims]
    return next((mark for mark in marks if mark.done), marks[0])


def _shown(claim: PlanClaim, patch: Patch, runs: Sequence[str]) -> PlanMark:
    if not claim.done:
        return PlanMark(step=claim.step, done=False, note=claim.note or "Its author says that it is not done.")
    where = ", ".join(itertools.islice(_changed_at(claim.where, patch), _MOST_PLACES))
    run = next(iter(runs), "")
    doubt = ""
    if claim.where and not where:
        doubt = f"Its author names {claim.where}, where the patch changes nothing."
    elif not (where or claim.by_run):
        doubt = "Its author names no lines that do it."
    elif not run:
        doubt = "The patch has it, but no run of it ended well." if where else "No run of the patch ended well."
    return PlanMark(
        step=claim.step, done=not doubt, where=where, run=run if not doubt else "", note=doubt or claim.note
    )


def _changed_at(where: str, patch: Patch) -> Iterator[str]:
    """The parts of hunks that lie in the named places, as `train.py:41-52`."""
    for file, first, last in _places(where, patch):
        for hunk in file.hunks:
            lines = [min(change.line, last) for change in _changes(hunk) if change.is_in(first, last)]
            if lines:
                yield _spelled(file.path, min(lines), max(lines))


def _places(where: str, patch: Patch) -> Iterator[tuple[FileChange, int, int]]:
    files = {file.path: file for file in patch.files}
    for match in _PLACE.finditer(where):
        first = int(match["first"])
        if file := files.get(match["path"].strip("`'\"( ").removeprefix("./")):
            yield file, first, int(match["last"] or first)


def _changes(hunk: Hunk) -> Iterator[_Change]:
    following = hunk.new_start
    for line in hunk.lines:
        if line.kind != "context":
            yield _Change(max(1, following), line.kind, line.text)
        following += line.kind != "remove"


def _followed(claim: PlanClaim, before: Patch, after: Patch) -> PlanClaim:
    if not (claim.done and claim.where):
        return claim
    files = {file.path: file for file in after.files}
    places = []
    for file, first, last in _places(claim.where, before):
        now = [found for found in _aligned(file, files.get(file.path)) if found[0].is_in(first, last)]
        if any(change.text.strip() for change, _ in now):
            lines = [line for _, line in now]
            places.append(_spelled(file.path, min(lines), max(lines)))
    if places:
        return msgspec.structs.replace(claim, where=", ".join(places))
    return msgspec.structs.replace(claim, done=False, where="", note=_TAKEN_OUT)


def _aligned(before: FileChange, after: FileChange | None) -> list[tuple[_Change, int]]:
    """Each change of a file that is found in what was made of it, with the line where it stands there."""
    old, new = (list(itertools.chain(*map(_changes, file.hunks))) if file else [] for file in (before, after))
    texts = [[(change.kind, change.text) for change in changes] for changes in (old, new)]
    blocks = SequenceMatcher(None, texts[0], texts[1], autojunk=False).get_matching_blocks()
    return [(old[a + at], new[b + at].line) for a, b, size in blocks for at in range(size)]


def _spelled(path: str, first: int, last: int) -> str:
    return f"{path}:{first}-{last}" if last > first else f"{path}:{first}"
