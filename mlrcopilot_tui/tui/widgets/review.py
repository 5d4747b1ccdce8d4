"""The diff under review: its keys come from the table of actions, and what is selected of it becomes a decision."""

from collections.abc import Sequence

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.tui.desk import ChosenPatch
from mlrcopilot_tui.tui.remarks import Spot
from mlrcopilot_tui.tui.views import Notes, Row
from mlrcopilot_tui.tui.widgets import diff_files
from mlrcopilot_tui.tui.widgets.diff_page import SPLIT_LEAST
from mlrcopilot_tui.tui.widgets.diff_rows import NOTHING_SAID
from mlrcopilot_tui.tui.widgets.diff_view import DiffView
from mlrcopilot_tui.workspace.kept_diff import KeptDiff
from mlrcopilot_tui.workspace.patch import Patch, parse, render
from mlrcopilot_tui.workspace.patch_selection import Selection, select
from mlrcopilot_tui.workspace.surroundings import Surroundings


class Review(DiffView):
    """A patch, with what is selected of it, as actions see it."""

    _diff: KeptDiff | None = None

    def show_diff(self, diff: KeptDiff, title: str = "", *, selectable: bool, notes: Notes = NOTHING_SAID) -> None:
        """Shows a diff; one that cannot be read is shown as nothing.

        Args:
            diff: the diff, as the copilot keeps it.
            title: what stands before the file's name in the headline; of an empty diff, why it is.
            selectable: whether hunks and lines can be taken in and out.
            notes: what is said of hunks and lines, shown below them.

        Raises:
            InputError: the text is no diff.
        """
        patch: Patch = self.patch
        around: Surroundings | None = self.around
        try:
            if diff != self._diff:
                self._diff, patch, around = diff, Patch(), None
                patch = parse(diff.text)
                around = Surroundings(patch, diff.wide)
        finally:
            self.show(patch, title, around=around, selectable=selectable, notes=notes)

    @property
    def spot(self) -> tuple[Spot, str]:
        """The hunk under the cursor, or the marked lines of it, and the path of its file; else the whole patch."""
        if self.hunk_at_cursor is None:
            return Spot(), ""
        hunk, path = self.hunk_at_cursor
        return Spot(hunk, *self.marked_lines), path

    @property
    def hunk_at_cursor(self) -> tuple[int, str] | None:
        """The number of the hunk under the cursor and the path of its file; None where the cursor is on no hunk."""
        hunk, file = self._page.hunk, self._page.file
        return (hunk.index, file.path) if hunk is not None and file is not None else None

    @property
    def has_room_for_two(self) -> bool:
        """Whether old and new can stand side by side."""
        return self._page.width >= SPLIT_LEAST

    def files(self) -> Sequence[Row]:
        """The patch's files, a row each, by their positions in the patch."""
        return diff_files.rows(self._page, self._look)

    @property
    def file_at_cursor(self) -> str:
        """The key of the row of `files` that stands for the file under the cursor."""
        return str(self._page.row.file) if self._page.row else ""

    def to_hunk(self, number: int) -> None:
        """Go to the head of a hunk."""
        active = self._page.active
        self._page.to_hunk(number)
        self._redraw()
        self._moved(active, jumped=True)

    def to_file(self, key: str) -> None:
        """Go to the file that a row of `files` stands for, and unfold it."""
        active = self._page.active
        self._page.to_file(int(key))
        self._redraw()
        self._moved(active, jumped=True)

    def chosen(self) -> ChosenPatch | None:
        """What would be approved; None where nothing is selected."""
        return chosen(self.patch, self.selection)


def chosen(patch: Patch, selection: Selection) -> ChosenPatch | None:
    """What a selection means to the copilot: nothing to say where everything is taken, else the smaller patch.

    Raises:
        InputError: single lines of a file that is not UTF-8.
    """
    part = select(patch, selection)
    if not part.files:
        return None
    if part == patch:
        return ChosenPatch()
    text = render(part)
    hunks = tuple(sorted(selection.hunks)) if not selection.lines and not selection.files else ()
    if _is_utf8(text):
        return ChosenPatch(hunks, text)
    if not hunks:
        raise InputError(
            "Single lines of a file that is not UTF-8 cannot be taken.", "Take or leave whole hunks instead."
        )
    return ChosenPatch(hunks)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
