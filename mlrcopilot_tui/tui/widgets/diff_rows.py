"""The rows of a diff as it is laid out: which line stands beside or below which, what is folded, what is noted."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, zip_longest
from typing import Final, Literal

import msgspec

from mlrcopilot_tui.tui.views import WHOLE, Notes
from mlrcopilot_tui.tui.widgets.diff_pairs import partners
from mlrcopilot_tui.workspace.patch import DiffLine, FileChange, Hunk, Patch
from mlrcopilot_tui.workspace.surroundings import Surroundings

RowKind = Literal["file", "note", "hunk", "remark", "line", "fold", "around", "rest"]
NOTHING_SAID: Final[Notes] = {}
CONTEXTS: Final = (0, 1, 3, 6, 12, 25, 1 << 30)
"""Unchanged lines that can be shown around a change: as git has it 3, and in the end all that is known."""
ABOVE: Final = -1
BELOW: Final = -2
"""Instead of a position in a hunk's lines: the unchanged lines around it."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """One row.

    A patch of ten thousand lines has as many: tracked by the collector they would cost 60 ms now and then.

    What `left` and `right` are depends on the kind:

    - "line": the position in the hunk's lines of what stands on the old and on the new side, -1 where nothing does;
      both are the same for context.
    - "fold": the first hidden position in the hunk, and how many are hidden.
    - "around": twice the number, in the new state, of an unchanged line above or below the hunk.
    - "hunk", "rest": on the right, how many unchanged lines are hidden above the hunk, or below the file's last.
    - "remark": the position of the line that something is said of, or `WHOLE`, and the place among what is said of it.
    """

    kind: RowKind
    file: int
    hunk: int = 0
    left: int = -1
    right: int = -1


@dataclass(frozen=True, slots=True)
class Layout:
    """How rows are laid out.

    Attributes:
        split: whether old and new stand side by side.
        white_space: whether changes of white space are shown.
        context: a place in `CONTEXTS`.
        opened: unchanged lines shown beyond that, by hunk and position: how many `ABOVE` it, how many `BELOW` it, or
            all of the run that begins there.
        closed: positions of the files of which only the name is shown.
    """

    split: bool = False
    white_space: bool = True
    context: int = CONTEXTS.index(3)
    opened: Mapping[tuple[int, int], int] = field(default_factory=dict)
    closed: frozenset[int] = frozenset()


def rows_of(patch: Patch, layout: Layout, around: Surroundings, notes: Notes = NOTHING_SAID) -> list[Row]:
    """Lay out a patch: for each file its name, what is to be noted, and its hunks with what is said of them."""
    rows: list[Row] = []
    for at, file in enumerate(patch.files):
        rows.append(Row("file", at))
        if note_of(file):
            rows.append(Row("note", at))
        if at not in layout.closed:
            rows += _file_rows(file, at, layout, around)
    return list(_with_remarks(rows, notes)) if notes else rows


def _file_rows(file: FileChange, at: int, layout: Layout, around: Surroundings) -> Iterator[Row]:
    before: Hunk | None = None
    for hunk, gap in zip((*file.hunks, None), around.gaps(at, file), strict=True):
        up = min(gap.above, _wanted(before, BELOW, layout))
        down = min(gap.below, _wanted(hunk, ABOVE, layout), gap.lines - up)
        hidden = gap.lines - up - down
        if before is not None:
            yield from (Row("around", at, before.index, no, no) for no in range(gap.first, gap.first + up))
        if hunk is not None:
            first = gap.first + gap.lines
            yield Row("hunk", at, hunk.index, right=hidden if gap.below else 0)
            yield from (Row("around", at, hunk.index, no, no) for no in range(first - down, first))
            yield from _hunk_rows(hunk, at, layout)
        elif before is not None and hidden:
            yield Row("rest", at, before.index, right=hidden)
        before = hunk


def _wanted(hunk: Hunk | None, side: int, layout: Layout) -> int:
    """How many lines above or below a hunk are to be shown, beside the unchanged ones that it begins and ends with."""
    if hunk is None:
        return 0
    wanted = layout.opened.get((hunk.index, side), 0)
    if layout.context > Layout().context:
        lines = hunk.lines if side == ABOVE else reversed(hunk.lines)
        own = next((at for at, line in enumerate(lines) if line.kind != "context"), 0)
        wanted += CONTEXTS[layout.context] - own
    return max(0, wanted)


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


def _hunk_rows(hunk: Hunk, file: int, layout: Layout) -> Iterator[Row]:
    lines = hunk.lines
    for changed, members in groupby(range(len(lines)), key=lambda at: lines[at].kind != "context"):
        run = list(members)
        if changed:
            for left, right in _changed_rows(lines, run, layout):
                yield Row("line", file, hunk.index, left, right)
        else:
            opened = (hunk.index, run[0]) in layout.opened
            yield from _context_rows(run, hunk, file, len(run) if opened else CONTEXTS[layout.context])


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
        yield from _beside(lines, removed, added)
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


def _beside(lines: Sequence[DiffLine], removed: list[int], added: list[int]) -> Iterator[tuple[int, int]]:
    left = right = 0
    for old, new in (*partners(lines, removed, added), (None, None)):
        i = len(removed) if old is None else removed.index(old, left)
        j = len(added) if new is None else added.index(new, right)
        yield from zip_longest(removed[left:i], added[right:j], fillvalue=-1)
        if old is not None and new is not None:
            yield old, new
        left, right = i + 1, j + 1


def _only_spaced(lines: Sequence[DiffLine], removed: list[int], added: list[int]) -> dict[int, int]:
    return {old: new for old, new in zip(removed, added, strict=True) if only_spaced(lines[old], lines[new])}


def only_spaced(old: DiffLine, new: DiffLine) -> bool:
    """Whether two lines are the same but for white space."""
    return "".join(old.text.split()) == "".join(new.text.split())
