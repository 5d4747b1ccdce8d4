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


class Picker(ModalScreen[str | None]):
    """Gives the key of the chosen row, or None; `preview` is called for each row that the cursor comes to."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(CLASSES)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "take_back", "take back", show=False),
        Binding("enter", "choose", "choose", show=False),
        Binding("j,down", "move(1)", "down", show=False),
        Binding("k,up", "move(-1)", "up", show=False),
    ]
    DEFAULT_CSS = """
    Picker {
        align: right middle;
        background: $background 0%;
        & > Vertical {
            width: 44; max-width: 100%; height: auto; max-height: 80%;
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

    def action_move(self, lines: int) -> None:
        """Moves the cursor."""
        self._list.move(lines)
