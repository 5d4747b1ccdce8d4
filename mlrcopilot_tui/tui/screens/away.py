"""What happened while the researcher was away: shown when they come back, gone with the next key."""

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from mlrcopilot_tui.text import printable
from mlrcopilot_tui.tui.views import Document
from mlrcopilot_tui.tui.widgets.document import DocumentView
from mlrcopilot_tui.tui.widgets.roles import CLASSES, wrapped

_WIDTH = 92
_EDGES = 2
_MARGINS = 6
"""Columns that are no text: border, padding, scroll bar."""
_MOVES = {
    "j": 1, "down": 1, "k": -1, "up": -1, "pagedown": 8, "ctrl+d": 8, "pageup": -8, "ctrl+u": -8, "g": -10_000,
    "home": -10_000, "G": 10_000, "end": 10_000,
}  # fmt: skip


class Away(ModalScreen[None]):
    """Shows the digest as high as it is; keys that move scroll where it is longer than the screen, others close it.

    Args:
        early: whether keys that are pressed now were meant for what was on the screen before.
    """

    AUTO_FOCUS = ""
    COMPONENT_CLASSES: ClassVar[set[str]] = set(CLASSES)
    DEFAULT_CSS = """
    Away {
        align: center middle;
        background: $background 40%;
        & > Vertical {
            max-width: 100%; max-height: 100%;
            background: $panel; border: round $border; padding: 0 1;
            border-title-color: $foreground; border-title-style: bold; border-subtitle-color: $muted;
        }
        & DocumentView { background: $panel; }
    }
    """

    def __init__(self, title: str, document: Document, early: Callable[[], bool]) -> None:
        super().__init__()
        self._title = title
        self._document = document
        self._early = early

    def compose(self) -> ComposeResult:
        """The document in a frame."""
        self._frame = Vertical()
        self._frame.border_title = printable(self._title)
        self._frame.border_subtitle = "any key closes"
        with self._frame:
            self._view = DocumentView()
            self._view.can_focus = False
            yield self._view

    def on_mount(self) -> None:
        """Shows the document."""
        self._view.show(self._document)

    def on_resize(self, event: events.Resize) -> None:
        """Gives the frame the size of its text."""
        width = min(_WIDTH, event.size.width)
        lines = sum(len(wrapped(paragraph, max(1, width - _MARGINS))) for paragraph in self._document)
        self._frame.styles.width, self._frame.styles.height = width, lines + _EDGES

    def on_key(self, event: events.Key) -> None:
        """Scrolls, or goes back to the panes."""
        event.stop()
        if (lines := _MOVES.get(event.character or event.key, _MOVES.get(event.key))) is not None:
            self._view.move(lines)
        elif not self._early():
            self.dismiss()
