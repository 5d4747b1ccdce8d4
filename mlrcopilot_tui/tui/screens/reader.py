"""A document over the panes: help, notices; escape closes it."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from mlrcopilot_tui.text import printable
from mlrcopilot_tui.tui.views import Document
from mlrcopilot_tui.tui.widgets.document import DocumentView
from mlrcopilot_tui.tui.widgets.roles import CLASSES

_LOOK_S = 1.0


class Reader(ModalScreen[None]):
    """Shows a document with a title.

    Args:
        title: what it is.
        document: what stands in it.
        again: gives it instead, anew every second, where it grows.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = set(CLASSES)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "close", "close", show=False),
        Binding("j,down", "move(1)", "down", show=False),
        Binding("k,up", "move(-1)", "up", show=False),
        Binding("g,home", "move(-100000)", "first", show=False),
        Binding("G,end", "move(100000)", "last", show=False),
        Binding("ctrl+d,pagedown,space", "page(1)", "half a page down", show=False),
        Binding("ctrl+u,pageup", "page(-1)", "half a page up", show=False),
    ]
    DEFAULT_CSS = """
    Reader {
        align: center middle;
        background: $background 40%;
        & > Vertical {
            width: 90; max-width: 100%; height: 90%; max-height: 44;
            background: $panel; border: round $border; padding: 0 1;
            border-title-color: $foreground; border-title-style: bold;
            border-subtitle-color: $muted;
        }
        & DocumentView { background: $panel; }
    }
    """

    def __init__(self, title: str, document: Document = (), again: Callable[[], Document] | None = None) -> None:
        super().__init__()
        self._title = title
        self._document = document if again is None else again()
        self._again = again

    def compose(self) -> ComposeResult:
        """The document in a frame."""
        frame = Vertical()
        frame.border_title = printable(self._title)
        frame.border_subtitle = "escape closes"
        with frame:
            self._view = DocumentView()
            yield self._view

    def on_mount(self) -> None:
        """Shows the document."""
        self._view.show(self._document)
        self._view.focus()
        if self._again is not None:
            self.set_interval(_LOOK_S, self.renew)

    def renew(self) -> None:
        """Shows what has come to stand in it meanwhile."""
        document = self._document if self._again is None else self._again()
        if document != self._document:
            self._document = document
            self._view.show(document)

    def action_close(self) -> None:
        """Goes back to the panes."""
        self.dismiss()

    def action_move(self, lines: int) -> None:
        """Scrolls by lines."""
        self._view.move(lines)

    def action_page(self, halves: int) -> None:
        """Scrolls by half pages."""
        self._view.page(halves)
