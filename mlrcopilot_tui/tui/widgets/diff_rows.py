"""The rows of a diff as it is laid out: which line stands beside or below which, what is folded, what is noted."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import Final, Literal, NamedTuple

from mlrcopilot_tui.tui.views import WHOLE, Notes
from mlrcopilot_tui.workspace.patch import DiffLine, FileChange, Hunk, Patch

RowKind = Literal["file", "note", "hunk", "remark", "line", "fold"]
NOTHING_SAID: Final[Notes] = {}
CONTEXTS: Final = (0, 1, 3, 6, 12, 1 << 30)
"""Unchanged lines that can be shown around a change; the last one is all that the patch holds."""


class Row(NamedTuple):
    """One row; a tuple, because a patch of a hundred thousand lines has as many.

    A "line" row has the position in the hunk's lines of what stands on the old and on the new side, -1 where nothing
    does; both are the same for context. A "fold" row has the first hidden position and how many are hidden. A "remark"
    row has the position of the line that something is said of, or `WHOLE`, and the place among what is said of it.
    """

    kind: RowKind
    file: int
    hunk: int = 0
    left: int = -1
    right: int = -1


@dataclass(frozen=True, slots=True)
class Layout:
    """How rows are laid out; `context` is a place in `CONTEXTS`."""

    split: bool = False
    white_space: bool = True
    context: int = len(CONTEXTS) - 1


def rows_of(patch: Patch, layout: Layout, notes: Notes = NOTHING_SAID) -> list[Row]:
    """Lay out a patch: for each file its name, what is to be noted, and its hunks with what is said of them."""
    rows: list[Row] = []
    for at, file in enumerate(patch.files):
        rows.append(Row("file", at))
        if note_of(file):
            rows.append(Row("note", at))
        for hunk in file.hunks:
            rows.append(Row("hunk", at, hunk.index))
            rows += _hunk_rows(hunk, at, layout)
    return list(_with_remarks(rows, notes)) if notes else rows


def _with_remarks(rows: Iterable[Row], notes: Notes) -> Iterator[Row]:
    for row in rows:
        yield row
        ats = {WHOLE} if row.kind == "hunk" else {row.left, row.right} - {-1} if row.kind == "line" else ()
        for at in sorted(ats):
            yield from (Row("remark", row.file, row.hunk, at, i) for i in range(len(notes.get((row.hunk, at), ()))))


def note_of(file: FileChange) -> str:
    """Say what no line of a file's diff shows: a rename, a mode, a binary content; empty if there is nothing."""
    notes = []
    if file.kind in {"renamed", "copied"}:
        notes.append(f"{file.kind} from {file.old_path}")
    if file.kind == "modified" and file.old_mode != file.new_mode:
        notes.append(f"mode {file.old_mode} becomes {file.new_mode}")
    special = {"120000": "symbolic link", "160000": "another repository", "100755": "executable"}
    if file.kind == "added" and file.new_mode in special:
        notes.append(special[file.new_mode])
    if file.binary:
        notes.append("binary, its content is not shown")
    elif not file.hunks and file.kind in {"added", "deleted"}:
        notes.append("empty file")
    return " · ".join(notes)


def pairs(lines: Sequence[DiffLine]) -> dict[int, int]:
    """Pair each removed line with the added line that took its place, both ways, by position in the hunk."""
    partners: dict[int, int] = {}
    for removed, added in _blocks(lines):
        for old, new in zip(removed, added, strict=False):
            partners[old], partners[new] = new, old
    return partners


def _blocks(lines: Sequence[DiffLine]) -> Iterator[tuple[list[int], list[int]]]:
    for changed, members in groupby(range(len(lines)), key=lambda at: lines[at].kind != "context"):
        if changed:
            block = list(members)
            yield [at for at in block if lines[at].kind == "remove"], [at for at in block if lines[at].kind == "add"]


def _hunk_rows(hunk: Hunk, file: int, layout: Layout) -> Iterator[Row]:
    lines = hunk.lines
    for changed, members in groupby(range(len(lines)), key=lambda at: lines[at].kind != "context"):
        run = list(members)
        if changed:
            for left, right in _changed_rows(lines, run, layout):
                yield Row("line", file, hunk.index, left, right)
        else:
            yield from _context_rows(run, hunk, file, CONTEXTS[layout.context])


def _context_rows(run: list[int], hunk: Hunk, file: int, context: int) -> Iterator[Row]:
    before = 0 if run[0] == 0 else context
    after = 0 if run[-1] == len(hunk.lines) - 1 else context
    # A fold takes a row itself, so one line is not worth folding.
    if len(run) <= before + after + 1:
        before, after = len(run), 0
    for at in run[:before]:
        yield Row("line", file, hunk.index, at, at)
    if hidden := len(run) - before - after:
        yield Row("fold", file, hunk.index, run[before], hidden)
        for at in run[len(run) - after :]:
            yield Row("line", file, hunk.index, at, at)


def _changed_rows(lines: Sequence[DiffLine], run: list[int], layout: Layout) -> Iterator[tuple[int, int]]:
    removed = [at for at in run if lines[at].kind == "remove"]
    added = [at for at in run if lines[at].kind == "add"]
    if layout.split:
        yield from zip_longest(removed, added, fillvalue=-1)
        return
    same = {} if layout.white_space or len(removed) != len(added) else _only_spaced(lines, removed, added)
    pending: list[int] = []
    for old, new in zip(removed, added, strict=True) if same else ():
        if same.get(old) != new:
            yield old, -1
            pending.append(new)
            continue
        yield from ((-1, at) for at in pending)
        pending.clear()
        yield old, new
    yield from ((-1, at) for at in pending)
    if not same:
        yield from ((at, -1) if lines[at].kind == "remove" else (-1, at) for at in run)


def _only_spaced(lines: Sequence[DiffLine], removed: list[int], added: list[int]) -> dict[int, int]:
    return {
        old: new
        for old, new in zip(removed, added, strict=True)
        if "".join(lines[old].text.split()) == "".join(lines[new].text.split())
    }
