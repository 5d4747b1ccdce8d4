"""Pane 3: the patch under review, and the history of all that was tried."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget

from mlrcopilot_tui.tui.actions import bindings
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.projector.history import HistoryView
from mlrcopilot_tui.tui.projector.patch import PatchView
from mlrcopilot_tui.tui.views import Notes, PaneName, Span
from mlrcopilot_tui.tui.widgets.history import History
from mlrcopilot_tui.tui.widgets.line import Line
from mlrcopilot_tui.tui.widgets.pane import Pane
from mlrcopilot_tui.tui.widgets.review import Review
from mlrcopilot_tui.workspace.kept_diff import KeptDiff


class PatchPane(Pane):
    """What is to be decided, hunk by hunk."""

    PANE: ClassVar[PaneName] = "patch"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("patch")]
    DEFAULT_CSS = """
    PatchPane Review { height: 1fr; }
    """

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(glyphs)
        self._version = ("", "")
        self._diff = KeptDiff()
        self._nothing = ""
        self._due = False
        self._notes: Notes = {}

    def views(self) -> Iterable[Widget]:
        """The diff under its headline, and the history."""
        self.headline = Line()
        self.review = Review(ascii_only=not self.glyphs.unicode, empty="")
        self.history = History(self.glyphs)
        return (Vertical(self.headline, self.review), self.history)

    @property
    def target(self) -> Widget:
        """The diff itself takes the focus."""
        return self.review if self.tab == "Patch" else self.history.rows

    def show(self, view: PatchView) -> None:
        """Shows whose patch it is; only one that is asked about can be taken in parts."""
        self.headline.show(view.line or (Span(view.empty, "muted"),), wrapped=not view.line)
        if (view.commit, view.against) != self._version:
            # Not for a moment does a diff stand under another's name; two versions take git a second to compare.
            self._version, self._diff = (view.commit, view.against), KeptDiff()
            self._nothing = "The two are being compared." if view.against else ""
        elif (view.due, view.notes) == (self._due, self._notes):
            return
        self._due, self._notes = view.due, view.notes
        self._show_diff()

    def show_patch(self, diff: KeptDiff, nothing: str = "") -> None:
        """Shows a diff; one that cannot be read is said to be so in its place.

        Args:
            nothing: what is said where the diff is empty.

        Raises:
            InputError: the text is no diff.
        """
        self._diff, self._nothing = diff, nothing
        self._show_diff()

    def _show_diff(self) -> None:
        nothing = "" if self._diff.text else self._nothing
        self.review.show_diff(self._diff, nothing, selectable=self._due, notes=self._notes)

    def show_history(self, view: HistoryView) -> None:
        """Shows what was tried."""
        self.history.show(view)
