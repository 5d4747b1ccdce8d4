"""The copilot ended: why, and the ways on."""

from collections.abc import Callable
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from mlrcopilot_tui.tui.views import Span
from mlrcopilot_tui.tui.widgets.data_text import DataText
from mlrcopilot_tui.tui.widgets.line import Line
from mlrcopilot_tui.tui.widgets.roles import CLASSES

Way = Literal["again", "budget", "model", "offline", "leave"]

_WAYS: dict[Way, tuple[str, str]] = {
    "again": ("r", "try again"),
    "budget": ("b", "allow more and go on"),
    "model": ("m", "go on with another model"),
    "offline": ("o", "go on offline, without a model"),
    "leave": ("q", "leave; the session can be resumed at any time"),
}
_MOST = 2_000


class Restart(ModalScreen[Way | None]):
    """Says why the copilot ended, and gives the way that the researcher takes; None to look around first.

    Args:
        why: the copilot's last words.
        asks_model: whether its engine asks a model, so that another one, or none, is a way.
        spent: whether a budget is spent, so that trying again leads nowhere.
        early: whether keys that are pressed now were meant for what was on the screen before.
        key: the key that brings it back, as people read it.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = set(CLASSES)
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"take('{way}')", word, show=False) for way, (key, word) in _WAYS.items()),
        Binding("escape", "close", "close", show=False),
    ]
    DEFAULT_CSS = """
    Restart {
        align: center middle;
        background: $background 40%;
        & > Vertical {
            width: 70; max-width: 100%; height: auto; max-height: 100%;
            background: $panel; border: round $crashed; padding: 0 1;
            border-title-color: $crashed; border-title-style: bold; border-subtitle-color: $muted;
        }
        & DataText { height: auto; max-height: 50vh; margin-bottom: 1; }
    }
    """

    def __init__(self, why: str, *, asks_model: bool, spent: bool, early: Callable[[], bool], key: str) -> None:
        super().__init__()
        self._why = why
        self._early = early
        self._key = key
        first: Way = "budget" if spent else "again"
        self._ways: tuple[Way, ...] = (first, "model", "offline", "leave") if asks_model else (first, "leave")

    def compose(self) -> ComposeResult:
        """Why, and the ways with their keys."""
        frame = Vertical()
        frame.border_title = "The copilot ended"
        frame.border_subtitle = f"esc closes, {self._key} brings it back"
        with frame:
            yield DataText(self._why[:_MOST])
            for way in self._ways:
                key, word = _WAYS[way]
                line = Line()
                line.show((Span(f" {key}  ", "key"), Span(word)))
                yield line

    def action_take(self, way: Way) -> None:
        """Takes the way of the key."""
        if way in self._ways and not self._early():
            self.dismiss(way)

    def action_close(self) -> None:
        """Looks around first."""
        if not self._early():
            self.dismiss(None)
