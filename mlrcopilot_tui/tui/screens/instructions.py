"""The standing instructions: the list, what became of the one under the cursor, and keys to add, rewrite and drop."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from mlrcopilot_tui.tui.desk import Desk
from mlrcopilot_tui.tui.projector.instructions import instruction_document, instruction_of, instruction_rows
from mlrcopilot_tui.tui.widgets.document import DocumentView
from mlrcopilot_tui.tui.widgets.lines import RowList
from mlrcopilot_tui.tui.widgets.roles import CLASSES

LOOK_S = 0.25
"""How often the list looks for what the journal has gained."""


class Instructions(ModalScreen[None]):
    """Shows what stands for the session; each change of it is a decision like any other."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(CLASSES)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,I", "close", "close", show=False),
        Binding("a,n", "add", "add", show=False),
        Binding("e,enter", "rewrite", "rewrite", show=False),
        Binding("d,delete", "drop", "drop", show=False),
        Binding("j,down", "move(1)", "down", show=False),
        Binding("k,up", "move(-1)", "up", show=False),
        Binding("g,home", "move(-100000)", "first", show=False),
        Binding("G,end", "move(100000)", "last", show=False),
    ]
    DEFAULT_CSS = """
    Instructions {
        align: center middle;
        background: $background 40%;
        & > Vertical {
            width: 90; max-width: 100%; height: 80%; min-height: 12; max-height: 30;
            background: $panel; border: round $border; padding: 0 1;
            border-title-color: $foreground; border-title-style: bold; border-subtitle-color: $muted;
        }
        & RowList { height: 1fr; background: $panel; }
        & DocumentView { height: 1fr; background: $panel; border-top: solid $border; }
    }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def compose(self) -> ComposeResult:
        """The list above what is known of the row under the cursor."""
        frame = Vertical()
        frame.border_title = "Standing instructions"
        frame.border_subtitle = "a adds, e rewrites, d drops; esc closes"
        with frame:
            self._rows = RowList(
                empty="No instruction stands. What you say to the whole session is told to every agent at every turn "
                "until you drop it. Press a to give one: leave the optimizer alone."
            )
            yield self._rows
            self._details = DocumentView()
            self._details.can_focus = False
            yield self._details

    def on_mount(self) -> None:
        """Shows the list, and what comes of it while it is open."""
        self._rows.focus()
        self._show()
        self.set_interval(LOOK_S, self._show)

    def on_row_list_moved(self, _: RowList.Moved) -> None:
        """Shows the row under the cursor."""
        self._show()

    def on_row_list_chosen(self, _: RowList.Chosen) -> None:
        """Rewrites the row that was clicked twice."""
        self.action_rewrite()

    def action_add(self) -> None:
        """Gives another instruction."""
        self._desk.ask(
            "An instruction for the session",
            lambda words: self._desk.decide("feedback", text=words),
            hint="Every agent is told of it at every turn, until you drop it.",
        )

    def action_rewrite(self) -> None:
        """Puts other words in the place of one that holds."""
        said = instruction_of(self._desk.situation.state, self._rows.key)
        if said is not None and said.stands():
            number = said.number
            self._desk.ask(
                f"Instruction {number}",
                lambda words: self._desk.decide("instruction.rewrite", number=number, text=words),
                value=said.text,
                hint="What it said before holds no more.",
            )

    def action_drop(self) -> None:
        """Lets one hold no more."""
        said = instruction_of(self._desk.situation.state, self._rows.key)
        if said is not None and said.stands():
            self._desk.decide("instruction.drop", number=said.number)

    def action_move(self, lines: int) -> None:
        """Moves the cursor."""
        self._rows.move(lines)

    def action_close(self) -> None:
        """Goes back to the panes."""
        self.dismiss()

    def _show(self) -> None:
        state = self._desk.situation.state
        self._rows.show(instruction_rows(state))
        self._details.show(instruction_document(instruction_of(state, self._rows.key)))
