"""The history: the staircase above, every attempt in a list, and the reason for the one under the cursor below."""

from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from mlrcopilot_tui.tui.glyphs import PLAIN, Glyphs
from mlrcopilot_tui.tui.projector.history import HistoryView
from mlrcopilot_tui.tui.widgets.line import Line
from mlrcopilot_tui.tui.widgets.lines import RowList
from mlrcopilot_tui.tui.widgets.staircase import Staircase

_HEIGHTS: Final = ((28, 9), (20, 7), (14, 5))
"""Rows of the view, and how many of them the staircase takes at that."""


class History(Vertical):
    """All that was tried."""

    DEFAULT_CSS = """
    History RowList { height: 1fr; }
    History #why { text-wrap: wrap; }
    """

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self._drawn = glyphs != PLAIN
        self._view = HistoryView()
        self.head = Line()
        self.stairs = Staircase(ascii_only=not glyphs.unicode)
        self.rows = RowList(empty="Every attempt will stand here with what became of it, the newest first.")
        self.why = Line(id="why")

    def compose(self) -> ComposeResult:
        """Headline, chart, list, reason."""
        yield from (self.head, self.stairs, self.rows, self.why)

    def show(self, view: HistoryView) -> None:
        """Shows what was tried."""
        self._view = view
        self.rows.empty = "No attempt is like that." if view.details or view.head else self.rows.empty
        self.head.show(view.head)
        self.stairs.show(view.stairs)
        self.rows.show(view.rows)
        self._arrange(self.size.height)
        self._tell_why()

    def on_row_list_moved(self, _: RowList.Moved) -> None:
        """Tells the reason for another attempt."""
        self._tell_why()

    def on_resize(self, event: events.Resize) -> None:
        """Gives the staircase what room there is."""
        self._arrange(event.size.height)

    def _arrange(self, height: int) -> None:
        rows = next((rows for least, rows in _HEIGHTS if height >= least), 0)
        self.stairs.display = self._drawn and rows > 0 and len(self._view.stairs) > 1
        self.stairs.styles.height = rows
        self.why.styles.height = 2 if rows else 1  # always as much: the list must not jump under the cursor

    def _tell_why(self) -> None:
        self.why.show(self._view.details.get(self.rows.key or "", ()))
