"""One line from the researcher: a reason, feedback, an idea, words to search for."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from mlrcopilot_tui.text import printable
from mlrcopilot_tui.tui.desk import Other
from mlrcopilot_tui.tui.widgets.data_text import DataText


class Prompt(ModalScreen[str | None]):
    """Asks a question above an input line; gives None where it was taken back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "take_back", "take back", show=False),
        Binding("tab", "turn", "the other", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    Prompt {
        align: center bottom;
        background: $background 0%;
        & > Vertical {
            width: 100%; height: auto; max-height: 12;
            background: $panel; border-top: solid $border; padding: 0 1;
        }
        & DataText { height: auto; max-height: 6; }
        & .question { text-style: bold; }
        & .hint { color: $muted; text-style: $muted-style; }
        & Input, & Input:focus { border: none; height: 1; padding: 0; background: $surface; }
    }
    """

    def __init__(
        self,
        question: str,
        *,
        value: str = "",
        hint: str = "",
        may_be_empty: bool = False,
        other: Other | None = None,
    ) -> None:
        super().__init__()
        self.turned = False
        """Whether the words are for the other thing."""
        self._other = other
        self._question = question
        self._value = value
        self._hint = hint or "Enter sends it; escape takes it back."
        self._may_be_empty = may_be_empty

    def compose(self) -> ComposeResult:
        """Question, line and hint."""
        with Vertical():
            self._asked = DataText(self._question, classes="question")
            yield self._asked
            line = Input(printable(self._value), select_on_focus=False, compact=True)
            line.cursor_blink = False
            yield line
            self._hinted = DataText(self._hint, classes="hint")
            yield self._hinted
            if self._other is not None:
                yield DataText(_turning(self._other.question), classes="hint other")

    def on_mount(self) -> None:
        """Takes what is typed from the first key on."""
        self.set_focus(self.query_one(Input))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Cleans what was pasted: the line is drawn as it is."""
        if (clean := printable(event.value)) != event.value:
            event.input.value = clean

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Gives the line; an empty one only where that means something."""
        words = event.value.strip()
        if words or self._may_be_empty or self.turned:
            self.dismiss(words)

    def action_turn(self) -> None:
        """Asks for the other thing, if there is one; words that were typed stay."""
        if self._other is None:
            return
        line, other = self.query_one(Input), self._other
        here, there = (self._question, self._hint, self._value), (other.question, other.hint, other.value)
        now, then = (there, here) if self.turned else (here, there)
        if line.value == printable(now[2]):
            line.value = printable(then[2])
            line.cursor_position = len(line.value)
        self.turned = not self.turned
        self._asked.show(then[0])
        self._hinted.show(then[1])
        self.query_one(".other", DataText).show(_turning(now[0]))

    def action_take_back(self) -> None:
        """Gives nothing."""
        self.dismiss(None)


def _turning(question: str) -> str:
    return f"Tab, instead: {question}"
