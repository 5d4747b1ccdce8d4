"""Choosing one of a few, seen at once while the cursor moves: themes."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from mlrcopilot_tui.text import printable
from mlrcopilot_tui.tui.views import Row
from mlrcopilot_tui.tui.widgets.lines import RowList
from mlrcopilot_tui.tui.widgets.roles import CLASSES

_NARROWEST, _WIDEST = 44, 100
_FRAME = 6
"""Cells of a frame, of what it keeps free at its sides, of a scroll bar, and of the gap within a row."""


class Picker(ModalScreen[str | None]):
    """Gives the key of the chosen row, or None; `preview` is called for each row that the cursor comes to."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(CLASSES)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "take_back", "take back", show=False),
        Binding("enter", "choose", "choose", show=False),
        Binding("j,down", "move(1)", "down", show=False),
        Binding("k,up", "move(-1)", "up", show=False),
        Binding("ctrl+d,pagedown", "page(1)", "half a page down", show=False),
        Binding("ctrl+u,pageup", "page(-1)", "half a page up", show=False),
        Binding("g,home", "to_end(-1)", "first", show=False),
        Binding("G,end", "to_end(1)", "last", show=False),
    ]
    DEFAULT_CSS = """
    Picker {
        align: right middle;
        background: $background 0%;
        & > Vertical {
            max-width: 100%; height: auto; max-height: 80%;
            background: $panel; border: round $border; padding: 0 1; border-subtitle-color: $muted;
        }
        & RowList { height: auto; max-height: 24; background: $panel; }
    }
    """

    def __init__(
        self, title: str, rows: Sequence[Row], chosen: str = "", preview: Callable[[str], None] | None = None
    ) -> None:
        super().__init__()
        self._title = title
        self._rows = rows
        self._chosen = chosen
        self._preview = preview

    def compose(self) -> ComposeResult:
        """The rows in a frame."""
        frame = Vertical()
        frame.border_title = printable(self._title)
        frame.border_subtitle = "enter chooses, escape takes back"
        frame.styles.width = max(_NARROWEST, min(_WIDEST, max(map(_cells, self._rows), default=0) + _FRAME))
        with frame:
            self._list = RowList()
            self._list.styles.height = min(24, len(self._rows))
            yield self._list

    def on_mount(self) -> None:
        """Shows the rows with the cursor on the chosen one."""
        self._list.show(self._rows)
        self._list.focus()
        self._list.to_key(self._chosen)

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        """Shows how the row under the cursor would look."""
        if self._preview is not None:
            self._preview(event.key)

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """Takes the row that was clicked twice."""
        self.dismiss(event.key)

    def action_choose(self) -> None:
        """Takes the row under the cursor."""
        self.dismiss(self._list.key)

    def action_take_back(self) -> None:
        """Takes none."""
        self.dismiss(None)

    def action_page(self, halves: int) -> None:
        """Moves the cursor by half pages."""
        self._list.page(halves)

    def action_to_end(self, direction: int) -> None:
        """Moves the cursor to the last row, or to the first where negative."""
        self._list.move(direction * len(self._rows))

    def action_move(self, lines: int) -> None:
        """Moves the cursor."""
        self._list.move(lines)


def _cells(row: Row) -> int:
    return sum(len(span.text) for span in (*row.left, *row.right))
