"""A diff as a person moves through it: rows, cursor, marked range, layout and choice; everything but the drawing."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from mlrcopilot_tui.tui.views import Notes
from mlrcopilot_tui.tui.widgets.diff_choice import Choice
from mlrcopilot_tui.tui.widgets.diff_code import shown
from mlrcopilot_tui.tui.widgets.diff_folds import distance, refolded
from mlrcopilot_tui.tui.widgets.diff_rows import (
    CONTEXTS,
    NOTHING_SAID,
    Layout,
    Row,
    RowKind,
    note_of,
    only_spaced,
    rows_of,
)
from mlrcopilot_tui.tui.widgets.painting import occurrences
from mlrcopilot_tui.workspace.patch import DiffLine, FileChange, Hunk, Patch
from mlrcopilot_tui.workspace.surroundings import Surroundings

SPLIT_FROM: Final = 112
"""Cells from which on old and new stand side by side unasked: a pane of 120 columns less its frame and margin."""
SPLIT_LEAST: Final = 72
"""Cells from which on they do so when asked: a pane of 80 columns, with some thirty for the code of each."""
_MARGIN: Final = 2  # rows kept in view above and below the cursor


class DiffPage:
    """One patch; `perform` does what a key says.

    Args:
        patch: the patch.
        around: what is around its hunks.
        like: the page whose layout is taken over.
        selectable: whether hunks and lines can be taken in and out.
        notes: what is said of hunks and lines.
    """

    def __init__(
        self,
        patch: Patch,
        around: Surroundings | None = None,
        *,
        like: "DiffPage | None" = None,
        selectable: bool = True,
        notes: Notes = NOTHING_SAID,
    ) -> None:
        self.patch = patch
        self.hunks = patch.hunks
        self.around = around or Surroundings(patch)
        self.choice = Choice(patch)
        self.selectable = selectable
        self.notes = notes
        self.width: int = like.width if like else 0
        """Cells that there are for a row."""
        self.layout: Layout = replace(like.layout, opened={}, closed=frozenset()) if like else Layout()
        self.beside: bool | None = like.beside if like else None
        """Whether old and new are wanted side by side; None as long as the width decides."""
        self.cursor = 0
        self.anchor: int | None = None
        self.size = (patch.added, patch.removed, len(self.hunks))
        """Lines added, lines removed, hunks."""
        self.layout = replace(self.layout, split=self._split_fits)
        self.rows = rows_of(patch, self.layout, self.around, notes)
        self.to_next("hunk", 1)

    @property
    def split(self) -> bool:
        """Whether old and new stand side by side."""
        return self.layout.split

    @property
    def row(self) -> Row | None:
        """The row under the cursor; None in an empty patch."""
        return self.rows[self.cursor] if self.rows else None

    @property
    def file(self) -> FileChange | None:
        """The file under the cursor."""
        return self.patch.files[self.row.file] if self.row else None

    @property
    def hunk(self) -> Hunk | None:
        """The hunk under the cursor; None on a file's rows and in an empty patch."""
        return self.hunks[self.row.hunk - 1] if self.row and self.row.hunk else None

    @property
    def active(self) -> range:
        """The marked rows, or the one under the cursor."""
        first, last = sorted((self.cursor if self.anchor is None else self.anchor, self.cursor))
        return range(first, last + 1)

    @property
    def place(self) -> tuple[str, int]:
        """The file under the cursor and the line in its new state, for an editor; ("", 0) in an empty patch."""
        row, file = self.row, self.file
        if row is None or file is None:
            return "", 0
        if not row.hunk:
            return file.path, file.hunks[0].new_start if file.hunks else 1
        if row.kind == "around":
            return file.path, row.right
        hunk = self.hunks[row.hunk - 1]
        lines = hunk.lines[max(row.right if row.kind == "line" else 0, row.left, 0) :]
        return file.path, next((line.new_no for line in lines if line.new_no is not None), max(1, hunk.new_start))

    def line(self, row: Row) -> DiffLine | None:
        """The line that a row shows, the new one where it shows two; None for other rows."""
        return self.line_at(row, row.right if row.right >= 0 else row.left)

    def line_at(self, row: Row, place: int) -> DiffLine | None:
        """The line at a row's left or right place; None where there is none."""
        if row.kind == "around":
            return self.around.line(row.file, place)
        return self.hunks[row.hunk - 1].lines[place] if row.kind == "line" and place >= 0 else None

    def only_spaced(self, row: Row) -> bool:
        """Whether a row shows a removed and an added line that differ in white space, and that is left out of view."""
        if self.layout.white_space or row.kind != "line" or row.left == row.right or min(row.left, row.right) < 0:
            return False
        lines = self.hunks[row.hunk - 1].lines
        return not self.split or only_spaced(lines[row.left], lines[row.right])

    def text(self, row: Row) -> str:
        """What a row says, without gutter and sign."""
        line = self.line(row)
        if line is not None:
            return shown(line)
        if row.kind == "hunk":
            return self.hunks[row.hunk - 1].header
        if row.kind == "remark":
            return self.notes[row.hunk, row.left][row.right].text
        file = self.patch.files[row.file]
        return file.path if row.kind == "file" else note_of(file) if row.kind == "note" else ""

    def move_to(self, row: int) -> None:
        """Put the cursor on a row, or the nearest there is."""
        self.cursor = max(0, min(row, len(self.rows) - 1))

    def to_next(self, kind: RowKind, step: int) -> None:
        """Put the cursor on the next row of this kind, or the one before where `step` is -1; stay if there is none."""
        ahead = range(self.cursor + step, len(self.rows) if step > 0 else -1, step)
        self.cursor = next((at for at in ahead if self.rows[at].kind == kind), self.cursor)

    def to_hunk(self, number: int) -> None:
        """Put the cursor on the head of a hunk, and show the file that it is in."""
        self.to_file(next(at for at, file in enumerate(self.patch.files) if number in {h.index for h in file.hunks}))
        self.move_to(next(row for row, shown in enumerate(self.rows) if (shown.kind, shown.hunk) == ("hunk", number)))

    def to_file(self, at: int) -> None:
        """Put the cursor on a file's name, and show what is in it."""
        if at in self.layout.closed:
            self.lay_out(replace(self.layout, closed=self.layout.closed - {at}))
        self.move_to(next(row for row, shown in enumerate(self.rows) if shown.file == at))

    def in_view(self, top: int, room: int, *, jumped: bool) -> int:
        """The first of `room` rows that are to be seen, `top` if the cursor is in view there.

        Of a hunk that the cursor jumped to, as much comes into view as there is room for.
        """
        margin = min(_MARGIN, room // 4)
        last = self.cursor + margin
        if jumped and self.row is not None and self.row.kind == "hunk":
            ends = (at for at in range(self.cursor + 1, len(self.rows)) if self.rows[at].hunk != self.row.hunk)
            last = min(next(ends, len(self.rows)) - 1, self.cursor + room - 1)
        return min(max(top, last - room + 1), max(0, self.cursor - margin))

    def find(self, pattern: str, step: int) -> bool:
        """Put the cursor on the next row that holds the pattern, around the end if need be; False if none does."""
        count = len(self.rows)
        for at in ((self.cursor + step * way) % count for way in range(1, count + 1)):
            row = self.rows[at]
            old = self.line_at(row, row.left)
            if occurrences(self.text(row), pattern, "") or (old and occurrences(shown(old), pattern, "")):
                self.cursor = at
                return True
        return False

    def say(self, notes: Notes) -> None:
        """Say something else of the patch; the cursor stays on its line."""
        self.notes = notes
        self.lay_out(self.layout)

    def resume(self, like: "DiffPage", notes: Notes) -> None:
        """Come into view again, laid out as another page is, with what was taken and the cursor on its line."""
        self.width, self.beside, self.notes = like.width, like.beside, notes
        self.lay_out(replace(like.layout, opened=self.layout.opened, closed=self.layout.closed))

    def perform(self, command: str) -> None:
        """Do one of `COMMANDS`."""
        if self.rows and (self.selectable or command not in CHOOSING):
            COMMANDS[command](self)

    def fit(self, width: int) -> None:
        """Lay the rows out for so many cells."""
        self.width = width
        if self._split_fits != self.split:
            self.lay_out(self.layout)

    def lay_out(self, layout: Layout) -> None:
        """Lay the rows out in another way; the cursor stays on its line."""
        here = self.row
        self.layout = replace(layout, split=self._split_fits)
        self.rows = rows_of(self.patch, self.layout, self.around, self.notes)
        self.anchor = None
        if here is not None:
            same = [at for at, row in enumerate(self.rows) if (row.hunk, row.file) == (here.hunk, here.file)]
            self.cursor = min(same or range(len(self.rows)), key=lambda at: distance(self.rows[at], here))

    @property
    def _split_fits(self) -> bool:
        if self.beside is not None:
            return self.beside and self.width >= SPLIT_LEAST
        added, removed, _ = self.size
        # Beside nothing but additions stands nothing: half of the pane would be empty, and lines cut for it.
        return self.width >= SPLIT_FROM and bool(added and removed)

    def turn(self) -> None:
        """Put old and new side by side, or one below the other."""
        self.beside = not self.split
        self.lay_out(self.layout)

    def toggle(self) -> None:
        """Take the marked lines in or out; without marked lines the hunk, or on a file's row the file."""
        row, file = self.row, self.file
        if self.anchor is not None:
            marked = [self.rows[at] for at in self.active if self.rows[at].kind == "line"]
            self.anchor = None
            self.choice.toggle_lines((row.hunk, at) for row in marked for at in (row.left, row.right))
        elif row is not None and row.hunk:
            self.choice.toggle_hunk(row.hunk)
        elif file is not None:
            self.choice.toggle_file(file)

    def mark(self) -> None:
        """Begin to mark lines at the cursor, or stop."""
        self.anchor = self.cursor if self.anchor is None else None

    def unmark(self) -> None:
        """Stop marking lines."""
        self.anchor = None

    def fold(self, step: int) -> None:
        """Show more unchanged lines, or fewer where `step` is -1; steps that change nothing are passed over."""
        for context in range(self.layout.context + step, len(CONTEXTS) if step > 0 else -1, step):
            before = len(self.rows)
            self.lay_out(replace(self.layout, context=context, opened={}))
            if len(self.rows) != before:
                return

    def unfold(self) -> None:
        """Show what is folded at the cursor, or fold it again: unchanged lines, or a file."""
        row, line = self.row, self.line(self.row) if self.row else None
        if row is not None and (line is None or line.kind == "context"):
            layout = refolded(self.layout, row, self.hunk)
            if layout != self.layout:
                self.lay_out(layout)


def _layout(change: Callable[[Layout], Layout]) -> Callable[[DiffPage], None]:
    return lambda page: page.lay_out(change(page.layout))


CHOOSING: Final = frozenset({"toggle", "range", "undo", "redo"})
"""Commands that make sense only while something is to be decided."""
COMMANDS: Final[Mapping[str, Callable[[DiffPage], object]]] = {
    "toggle": DiffPage.toggle,
    "range": DiffPage.mark,
    "unmark": DiffPage.unmark,
    "undo": lambda page: page.choice.undo(),
    "redo": lambda page: page.choice.redo(),
    "next_hunk": lambda page: page.to_next("hunk", 1),
    "previous_hunk": lambda page: page.to_next("hunk", -1),
    "next_file": lambda page: page.to_next("file", 1),
    "previous_file": lambda page: page.to_next("file", -1),
    "side_by_side": DiffPage.turn,
    "white_space": _layout(lambda layout: replace(layout, white_space=not layout.white_space)),
    "less_context": lambda page: page.fold(-1),
    "more_context": lambda page: page.fold(1),
    "unfold": DiffPage.unfold,
}
