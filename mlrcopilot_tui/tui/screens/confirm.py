"""A question before something that one key does not undo; No is where the focus begins."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button

from mlrcopilot_tui.tui.widgets.data_text import DataText

_AROUND = 7
"""Rows of the frame, a question of two lines, the answers, and what is kept free around the consequence."""


class Confirm(ModalScreen[bool]):
    """Names what would happen, and waits for y or n."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", show=False),
        Binding("n,escape,q", "answer(False)", "no", show=False),
        Binding("h,left,l,right,tab", "app.focus_next", "other", show=False),
        Binding("j,down", "scroll(1)", "down", show=False),
        Binding("k,up", "scroll(-1)", "up", show=False),
    ]
    DEFAULT_CSS = """
    Confirm {
        align: center middle;
        background: $background 40%;
        & > Vertical {
            width: 64; max-width: 100%; height: auto;
            background: $panel; border: round $needs-you; padding: 0 2;
        }
        & .question { text-style: bold; }
        & DataText { height: auto; }
        & VerticalScroll { height: auto; margin: 1 0; scrollbar-size: 0 1; }
        & Horizontal { height: 1; }
        & Button { height: 1; border: none; min-width: 10; margin-right: 2; background: $surface; text-style: none; }
        & Button:focus {
            background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold reverse;
        }
    }
    """

    def __init__(self, question: str, consequence: str) -> None:
        super().__init__()
        self._question = question
        self._consequence = consequence

    def compose(self) -> ComposeResult:
        """Question, consequence and the two answers."""
        with Vertical():
            yield DataText(self._question, classes="question")
            self._room = VerticalScroll(DataText(self._consequence), can_focus=False)
            yield self._room
            with Horizontal():
                yield Button("n  no", id="no", compact=True)
                yield Button("y  yes", id="yes", compact=True)

    def on_resize(self, event: events.Resize) -> None:
        """Leaves room for the question and both answers, however long the consequence is."""
        self._room.styles.max_height = max(1, event.size.height - _AROUND)

    def action_scroll(self, lines: int) -> None:
        """Reads on, where there is more than fits."""
        self._room.scroll_relative(y=lines, animate=False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Gives the answer of the button."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """Gives the answer of the key."""
        self.dismiss(yes)
