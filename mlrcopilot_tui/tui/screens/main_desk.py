"""The desk of the main screen: how actions ask, tell and send there."""

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Unpack

from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.session.model import Decision, DecisionKind, Gate
from mlrcopilot_tui.text import printable
from mlrcopilot_tui.tui import terminal
from mlrcopilot_tui.tui.actions import ACTIONS, key_name
from mlrcopilot_tui.tui.client import DecisionFields, Settled
from mlrcopilot_tui.tui.desk import ChosenPatch, Other, ScreenName
from mlrcopilot_tui.tui.notices import Notice, Notices
from mlrcopilot_tui.tui.projector.situation import Situation
from mlrcopilot_tui.tui.remarks import Remarks, Spot
from mlrcopilot_tui.tui.screens.editing import Editing
from mlrcopilot_tui.tui.talking import ways_on
from mlrcopilot_tui.tui.views import HistoryChoice, PaneName, Row, Selection
from mlrcopilot_tui.tui.widgets.deck import Deck
from mlrcopilot_tui.tui.widgets.review import Review

if TYPE_CHECKING:
    from mlrcopilot_tui.tui.screens.main import MainScreen
    from mlrcopilot_tui.tui.screens.setup import Setup

_ERRANDS: Final = frozenset({"ablate", "ablate.stop", "promote", "revert", "redo"})
"""What is done without carrying the session on."""


class MainDesk:
    """What an action may do, on the main screen."""

    def __init__(self, screen: "MainScreen", setup: "Setup") -> None:
        self.client = setup.client
        self.last_search = ""
        self.notices = Notices()
        self._screen = screen
        self._setup = setup
        self._deck = screen.deck
        self._editing = Editing(screen, self, setup.editor)

    @property
    def deck(self) -> Deck:
        """The panes."""
        return self._deck

    @property
    def review(self) -> Review:
        """The diff in the patch pane."""
        return self._deck.patch.review

    @property
    def situation(self) -> Situation:
        """Where the researcher stands."""
        return self.situation_in(self._deck.focused)

    def situation_in(self, pane: PaneName) -> Situation:
        """Where the researcher would stand in another pane."""
        key = self._deck.ideas.rows.key or ""
        return Situation(
            state=self.client.state,
            selection=self._screen.presenter.selection,
            pane=pane,
            tab=self._deck.pane(pane).tab,
            cursor=int(key) if key.isdecimal() else None,
            zoomable=self._deck.several,
            turn=self._screen.presenter.turn,
            marked=self._screen.presenter.marked,
            alive=self._screen.alive,
            row=self._row(pane),
            history=self._screen.presenter.history,
        )

    def _row(self, pane: PaneName) -> str:
        shown = self._deck.patch
        return (shown.history.rows.key or "") if pane == "patch" and shown.tab == "History" else ""

    def key(self, action: str) -> str:
        """The key of an action, as people read it."""
        return key_name(ACTIONS[action], self._setup.keymap)

    def select(self, selection: Selection) -> None:
        """Shows something else in the panes."""
        self._screen.presenter.selection = selection
        self._screen.present()

    def decide(self, kind: DecisionKind, **fields: Unpack[DecisionFields]) -> None:
        """Sends a decision in a thread, for it waits for the disk."""
        decision = self.client.decide(kind, **fields)
        self._screen.run_worker(lambda: self._send(decision), thread=True, group="decisions")

    def _send(self, decision: Decision) -> None:
        tell = self._screen.app.call_from_thread
        try:
            self.client.drop(decision)
        except OSError as error:
            tell(self.fail, f"The decision could not be written: {error.strerror}.", "Free some space and try again.")
            return
        if self.client.copilot_alive() is not False:
            return
        if decision.kind in _ERRANDS and self._setup.settle is not None:
            self._settle(self._setup.settle)
        else:
            state = self.client.state
            again = f"`mlrcopilot run --session {state.session}` takes the session up again."
            how = again if state.finished else "`mlrcopilot run` starts one."
            tell(self.tell, "No copilot runs; your decision waits for it.", how)

    def _settle(self, settle: Callable[[], None]) -> None:
        """Has what waits done by a copilot that goes no further."""
        try:
            settle()
        except CopilotError as error:
            self._screen.app.call_from_thread(self.explain, error)

    def ask(
        self,
        question: str,
        then: Callable[[str], None],
        *,
        value: str = "",
        hint: str = "",
        may_be_empty: bool = False,
        other: Other | None = None,
    ) -> None:
        """Asks for one line; escape takes the question back, and tab asks the other thing instead."""

        from mlrcopilot_tui.tui.screens.prompt import Prompt  # noqa: PLC0415 -- an input line, on use

        def answered(words: str | None) -> None:
            if words is not None:
                (other.then if other is not None and prompt.turned else then)(words)

        prompt = Prompt(question, value=value, hint=hint, may_be_empty=may_be_empty, other=other)
        self._screen.app.push_screen(prompt, answered)

    def choose(self, title: str, rows: Sequence[Row], then: Callable[[str], None], *, chosen: str = "") -> None:
        """Lets one of several be chosen."""

        from mlrcopilot_tui.tui.screens.picker import Picker  # noqa: PLC0415 -- on use

        def answered(key: str | None) -> None:
            if key:
                then(key)

        self._screen.app.push_screen(Picker(title, rows, chosen), answered)

    def confirm(self, question: str, consequence: str, then: Callable[[], None]) -> None:
        """Asks once."""

        from mlrcopilot_tui.tui.screens.confirm import Confirm  # noqa: PLC0415 -- on use

        def answered(yes: bool | None) -> None:
            if yes:
                then()

        self._screen.app.push_screen(Confirm(question, consequence), answered)

    def ask_for(self, gate: Gate) -> None:
        """Opens the dialog of a question, or of a consent, that an agent wants."""
        self._screen.calls.ask_for(gate)

    def offer_restart(self) -> None:
        """Opens the dialog of a copilot that ended."""
        self._screen.calls.offer_restart()

    def mark(self, ideas: frozenset[int]) -> None:
        """Marks these ideas in the tree, and no other."""
        self._screen.presenter.marked = ideas
        self._screen.present()

    def list_history(self, choice: HistoryChoice) -> None:
        """Lists the history otherwise."""
        self._screen.presenter.history = choice
        self._screen.present()

    @property
    def remarks(self) -> Remarks:
        """The notes on patches under review."""
        return self._screen.presenter.remarks

    def note(self, commit: str, spot: Spot, text: str) -> None:
        """Keeps a note on a place of a patch until the decision on it; empty text takes it away."""
        self.remarks.put(commit, spot, text)
        self.review.perform("unmark")
        self._screen.present()

    def unmark(self) -> bool:
        """Forgets the marked lines of a patch in focus, and says whether there were any."""
        marked = self._deck.view is self.review and self.review.marking
        if marked:
            self.review.perform("unmark")
        return marked

    def tell(self, sentence: str, mend: str = "", *, wrong: bool = False, details: str = "") -> None:
        """Says a sentence in passing; it stays in the list of notices."""
        self.notices.add(Notice(datetime.now().astimezone(), sentence, mend, wrong, details))
        self._screen.notify(
            printable(f"{sentence} {mend}".rstrip()), severity="error" if wrong else "information", markup=False
        )

    def hear(self, settled: Settled) -> None:
        """Says what became of a decision."""
        interrupted = settled.kind == "interrupt" and not settled.refused
        self.tell(f"Interrupted. {ways_on(self.key)}" if interrupted else settled.said, wrong=settled.refused)
        if settled.kind == "quit" and not settled.refused:
            self._screen.calls.expect_end()

    def fail(self, sentence: str, mend: str = "") -> None:
        """Says what went wrong."""
        self.tell(sentence, mend, wrong=True)

    def explain(self, error: CopilotError) -> None:
        """Says what went wrong, in the error's own words."""
        self.fail(error.sentence, error.mend)

    def chosen_patch(self) -> ChosenPatch | None:
        """What is selected of the shown patch; None where nothing is."""
        return self.review.chosen()

    def place(self) -> tuple[str, int]:
        """The file under the cursor of the shown patch, and the line in its new state."""
        return self._deck.patch.review.place

    def edit(self, files: Sequence[Path], line: int = 0) -> bool:
        """Opens files in the researcher's editor and says whether any was changed by the time that it ended."""
        return self._editing.edit(files, line)

    def copy(self, text: str) -> None:
        """Sends text to the terminal's clipboard."""
        if not text:
            self.tell("There is nothing to copy.")
            return
        terminal.send(self._screen.app, terminal.clipboard_sequence(text, os.environ))
        lines = text.count("\n") + 1
        self.tell(f"{lines} {'line' if lines == 1 else 'lines'} sent to the terminal's clipboard (OSC 52).")

    def open(self, screen: ScreenName) -> None:
        """Opens one of the screens that lie over the panes."""
        app = self._screen.app
        if screen == "themes":
            app.call_later(app.run_action, "app.pick_theme")
            return
        if screen == "instructions":
            from mlrcopilot_tui.tui.screens.instructions import Instructions  # noqa: PLC0415 -- on use

            app.push_screen(Instructions(self))
            return
        if screen == "digest":
            self._screen.run_worker(self._screen.calls.tell_what_happened, group="digest", thread=True, exclusive=True)
            return
        from mlrcopilot_tui.tui.screens.help import help_document  # noqa: PLC0415 -- on use
        from mlrcopilot_tui.tui.screens.reader import Reader  # noqa: PLC0415 -- on use

        if screen == "ablation":
            from mlrcopilot_tui.tui.projector.ablation import ablation_document  # noqa: PLC0415 -- on use

            app.push_screen(Reader("Ablation", again=lambda: ablation_document(self.client.state)))
        elif screen == "help":
            pane = self._deck.focused
            app.push_screen(Reader(f"Help: {pane}", help_document(pane, self._setup.keymap, self._setup.glyphs)))
        else:
            app.push_screen(Reader("Notices", self.notices.document()))

    def toggle_strip(self) -> None:
        """Hides or shows the hardware strip, and remembers it."""
        self._screen.toggle_strip()

    def leave(self) -> None:
        """Ends the program; the copilot goes on."""
        self._screen.app.exit(0)
