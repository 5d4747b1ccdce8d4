"""What an agent asks, as a dialog: an answer in words, or a yes to what leaves the machine."""

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input

from mlrcopilot_tui.session.model import Gate
from mlrcopilot_tui.text import printable
from mlrcopilot_tui.tui.widgets.data_text import DataText

_MOST = 20_000
"""Characters of a question that are laid out; nobody reads more in a dialog."""

_CSS = """
{name} {{
    align: center middle;
    background: $background 40%;
    & > Vertical {{
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        background: $panel; border: round $needs-you; padding: 0 1;
        border-title-color: $needs-you; border-title-style: bold; border-subtitle-color: $muted;
    }}
    & VerticalScroll {{ height: auto; max-height: 50vh; scrollbar-size-vertical: 1; }}
    & DataText {{ height: auto; }}
    & .hint {{ color: $muted; text-style: $muted-style; }}
    & Input, & Input:focus {{ border: none; height: 1; padding: 0; background: $surface; }}
    & .label {{ margin-top: 1; color: $muted; text-style: $muted-style; }}
}}
"""
_SCROLLING: list[BindingType] = [
    Binding("up", "scroll(-1)", "up", show=False),
    Binding("down", "scroll(1)", "down", show=False),
    Binding("pageup,ctrl+u", "scroll(-8)", "half a page up", show=False, priority=True),
    Binding("pagedown,ctrl+d", "scroll(8)", "half a page down", show=False, priority=True),
]


class Question(ModalScreen[str | None]):
    """Asks for an answer in words; None where the question was put aside, to be answered later.

    Args:
        early: whether keys that are pressed now were meant for what was on the screen before.
        key: the key that brings it back, as people read it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "put_aside", "later", show=False), *_SCROLLING]
    DEFAULT_CSS = _CSS.format(name="Question")

    def __init__(self, gate: Gate, early: Callable[[], bool], key: str) -> None:
        super().__init__()
        self.gate = gate
        self._early = early
        self._key = key

    def compose(self) -> ComposeResult:
        """The question and a line for the answer."""
        about = f"Idea {self.gate.idea} asks" if self.gate.idea else "The agent asks"
        frame = Vertical()
        frame.border_title = about
        frame.border_subtitle = f"enter sends it; esc later, {self._key} brings it back"
        with frame:
            self._scroll = VerticalScroll(DataText(self.gate.question[:_MOST]), can_focus=False)
            yield self._scroll
            yield DataText("Your answer", classes="label")
            yield _AnswerLine(self._early)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Cleans what was pasted: the line is drawn as it is."""
        if (clean := printable(event.value)) != event.value:
            event.input.value = clean

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Gives the answer; an empty line is none."""
        if words := event.value.strip():
            self.dismiss(words)

    def answered_elsewhere(self) -> bool:
        """Closes, and says so; stays where words were typed already: they, and the keys to come, are meant for it."""
        if not self.query_one(Input).value:
            self.dismiss(None)
            return True
        frame = self.query_one(Vertical)
        frame.border_title = "That was answered elsewhere"
        frame.border_subtitle = "enter says it to the agent all the same; esc drops it"
        return False

    def action_put_aside(self) -> None:
        """Leaves the question open."""
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Scrolls a long question."""
        self._scroll.scroll_relative(y=lines, animate=False)


class _AnswerLine(Input):
    """A line that takes nothing in until the question could be read."""

    def __init__(self, early: Callable[[], bool]) -> None:
        super().__init__(compact=True)
        self.cursor_blink = False
        self._early = early

    async def _on_key(self, event: events.Key) -> None:
        if self._early():
            event.stop()
            event.prevent_default()
        else:
            await super()._on_key(event)

    def _on_paste(self, event: events.Paste) -> None:
        if self._early():
            event.stop()
            event.prevent_default()
        else:
            super()._on_paste(event)


class Consent(ModalScreen[bool | None]):
    """Shows what a yes would let out of the machine, or let a run do; None where it was put aside.

    Args:
        early: whether keys that are pressed now were meant for what was on the screen before.
        key: the key that brings it back, as people read it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "agree", show=False),
        Binding("n", "answer(False)", "decline", show=False),
        Binding("escape", "put_aside", "later", show=False),
        Binding("k", "scroll(-1)", "up", show=False),
        Binding("j", "scroll(1)", "down", show=False),
        *_SCROLLING,
    ]
    DEFAULT_CSS = _CSS.format(name="Consent")

    def __init__(self, gate: Gate, early: Callable[[], bool], key: str) -> None:
        super().__init__()
        self.gate = gate
        self._early = early
        self._key = key

    def compose(self) -> ComposeResult:
        """What is asked, what a yes means, and the keys."""
        frame = Vertical()
        frame.border_title = "Your consent"
        frame.border_subtitle = f"y agree, n decline; esc later, {self._key} brings it back"
        with frame:
            texts = [DataText(self.gate.question[:_MOST])]
            if self.gate.forecast:
                texts += [DataText(""), DataText(self.gate.forecast[:_MOST])]
            self._scroll = VerticalScroll(*texts, can_focus=False)
            yield self._scroll
            declined = "nothing is run" if self.gate.kind == "sandbox" else "nothing is sent"
            yield DataText(f"\ny agrees, once for this workspace; n declines, and {declined}.", classes="hint")

    def answered_elsewhere(self) -> bool:
        """Closes, and says so."""
        self.dismiss(None)
        return True

    def action_answer(self, yes: bool) -> None:
        """Gives the answer of the key."""
        if not self._early():
            self.dismiss(yes)

    def action_put_aside(self) -> None:
        """Leaves it open."""
        if not self._early():
            self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Scrolls a long text."""
        self._scroll.scroll_relative(y=lines, animate=False)
