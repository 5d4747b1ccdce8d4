"""A diff as a person moves through it: rows, cursor, marked range, layout and choice; everything but the drawing."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from mlrcopilot_tui.tui.views import Notes
from mlrcopilot_tui.tui.widgets.diff_choice import Choice
from mlrcopilot_tui.tui.widgets.diff_code import shown
from mlrcopilot_tui.tui.widgets.diff_rows import CONTEXTS, NOTHING_SAID, Layout, Row, RowKind, note_of, rows_of
from mlrcopilot_tui.tui.widgets.painting import occurrences
from mlrcopilot_tui.workspace.patch import DiffLine, FileChange, Hunk, Patch


class DiffPage:
    """One patch; `perform` does what a key says."""

    def __init__(
        self,
        patch: Patch,
        layout: Layout,
        *,
        wide: bool = True,
        selectable: bool = True,
        notes: Notes = NOTHING_SAID,
    ) -> None:
        self.patch = patch
        self.notes = notes
        self.choice = Choice(patch)
        self.selectable = selectable
        self.layout = layout
        self.wide = wide
        self.cursor = 0
        self.anchor: int | None = None
        self._hunks = patch.hunks
        self.size = (patch.added, patch.removed, len(self._hunks))
        """Lines added, lines removed, hunks."""
        self.rows = rows_of(patch, self._fitting, notes)
        self.to_next("hunk", 1)

    @property
    def split(self) -> bool:
        """Whether old and new stand side by side: wanted, and with room for it."""
        return self.layout.split and self.wide

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
        return self._hunks[self.row.hunk - 1] if self.row and self.row.hunk else None

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
        hunk = self._hunks[row.hunk - 1]
        lines = hunk.lines[max(row.right if row.kind == "line" else 0, row.left, 0) :]
        return file.path, next((line.new_no for line in lines if line.new_no is not None), max(1, hunk.new_start))

    def line(self, row: Row) -> DiffLine | None:
        """The line that a row shows, the new one where it shows two; None for other rows."""
        if row.kind != "line":
            return None
        return self._hunks[row.hunk - 1].lines[row.right if row.right >= 0 else row.left]

    def text(self, row: Row) -> str:
        """What a row says, without gutter and sign."""
        line = self.line(row)
        if line is not None:
            return shown(line)
        if row.kind == "hunk":
            return self._hunks[row.hunk - 1].header
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

    def find(self, pattern: str, step: int) -> bool:
        """Put the cursor on the next row that holds the pattern, around the end if need be; False if none does."""
        count = len(self.rows)
        for at in ((self.cursor + step * way) % count for way in range(1, count + 1)):
            row = self.rows[at]
            both = (self._hunks[row.hunk - 1].lines[row.left],) if row.kind == "line" and row.left >= 0 else ()
            if occurrences(self.text(row), pattern, "") or any(occurrences(shown(line), pattern, "") for line in both):
                self.cursor = at
                return True
        return False

    def say(self, notes: Notes) -> None:
        """Say something else of the patch; the cursor stays on its line."""
        self.notes = notes
        self.lay_out(self.layout, wide=self.wide)

    def perform(self, command: str) -> None:
        """Do one of `COMMANDS`."""
        if self.rows and (self.selectable or command not in CHOOSING):
            COMMANDS[command](self)

    @property
    def _fitting(self) -> Layout:
        return replace(self.layout, split=self.split)

    def lay_out(self, layout: Layout, *, wide: bool) -> None:
        """Lay the rows out in another way; the cursor stays on its line."""
        here = self.row
        self.layout, self.wide = layout, wide
        self.rows = rows_of(self.patch, self._fitting, self.notes)
        self.anchor = None
        if here is not None:
            self.cursor = min(range(len(self.rows)), key=lambda at: _distance(self.rows[at], here))

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
            self.lay_out(replace(self.layout, context=context), wide=self.wide)
            if len(self.rows) != before:
                return


def _distance(row: Row, here: Row) -> tuple[int, int]:
    """How far two rows are apart, by file and hunk first; a fold is as near as its first line."""
    if (row.file, row.hunk) != (here.file, here.hunk):
        return (abs(row.hunk - here.hunk) + 1, row.file != here.file)
    at = row.left if row.kind == "fold" else max(row.left, row.right)
    goal = here.left if here.kind == "fold" else max(here.left, here.right)
    return (0, abs(at - goal))


def _layout(change: Callable[[Layout], Layout]) -> Callable[[DiffPage], None]:
    return lambda page: page.lay_out(change(page.layout), wide=page.wide)


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
    "side_by_side": _layout(lambda layout: replace(layout, split=not layout.split)),
    "white_space": _layout(lambda layout: replace(layout, white_space=not layout.white_space)),
    "less_context": lambda page: page.fold(-1),
    "more_context": lambda page: page.fold(1),
}
