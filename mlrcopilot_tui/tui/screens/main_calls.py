"""What calls the researcher over the panes: an agent's question, a consent, a copilot that ended; one at a time."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.session.model import Gate
from mlrcopilot_tui.tui.projector.focus import AGREEING, ASKED, waiting_gates
from mlrcopilot_tui.tui.projector.spending import asks_model
from mlrcopilot_tui.tui.talking import ask_limit

if TYPE_CHECKING:
    from mlrcopilot_tui.research.digest import Digest
    from mlrcopilot_tui.tui.screens.asking import Consent, Question
    from mlrcopilot_tui.tui.screens.main import MainScreen
    from mlrcopilot_tui.tui.screens.restart import Way


class Calls:
    """Opens dialogs of themselves, each once, and never over another: words that are being typed go where they began.

    Args:
        restart: starts the copilot with further options.
    """

    def __init__(self, screen: "MainScreen", restart: Callable[[Sequence[str]], None]) -> None:
        self._screen = screen
        self._restart = restart
        self._told: set[str] = set()
        self._opened: set[str] = set()
        self._dialog: Question | Consent | None = None
        self._known_end = ""
        self._failure = ""
        self._failure_due = False
        self._end_expected = False
        self._session = ""

    def begin(self, missed: "Digest | None" = None) -> None:
        """Tells who comes back what they missed.

        What ended before the screen was there calls nobody: the copilot is started again anyway.
        """
        self._known_end = self._screen.client.state.stopped
        if missed is not None:
            self.tell_digest(missed)

    def tell_digest(self, digest: "Digest") -> None:
        """Shows what happened while the researcher was away, or since the session began."""
        from mlrcopilot_tui.tui.projector.digest import digest_document, digest_title  # noqa: PLC0415 -- on use
        from mlrcopilot_tui.tui.screens.away import Away  # noqa: PLC0415 -- on use

        title = digest_title(digest, returned=self._screen.presence.since is not None)
        document = digest_document(digest, self._screen.desk.key)
        self._screen.app.push_screen(Away(title, document, self._screen.client.grace()))

    def tell_what_happened(self) -> None:
        """Shows what happened since the last absence; in a thread."""
        try:
            told = self._screen.presence.told()
        except CopilotError as error:
            self._screen.app.call_from_thread(self._screen.desk.explain, error)
            return
        if told is not None:
            self._screen.app.call_from_thread(self.tell_digest, told)

    def welcome(self) -> None:
        """Says in passing what was missed on a screen that stayed open: nothing must come between two keys."""
        from mlrcopilot_tui.tui.projector.digest import in_passing  # noqa: PLC0415 -- on use

        desk = self._screen.desk
        try:
            missed = self._screen.presence.missed()
        except CopilotError:  # the tick tells of it
            return
        if missed is not None:
            told = in_passing(missed)
            self._screen.app.call_from_thread(desk.tell, told, f"{desk.key('digest.show')} tells more.")

    def expect_end(self) -> None:
        """The researcher has just stopped the copilot, and need not be told that it ended."""
        self._end_expected = True

    def look(self) -> None:
        """Opens what has come to call, and closes a question that was answered elsewhere."""
        state = self._screen.client.state
        dialog = self._dialog
        if dialog is not None and dialog.is_active and dialog.gate.id in state.answers:
            self._dialog = None
            if dialog.answered_elsewhere():
                self._screen.desk.tell("That was answered elsewhere.")
            return
        if (gate := self._unopened()) is not None:
            if self._screen.is_active:
                self.ask_for(gate)
            elif gate.id not in self._told:
                self._told.add(gate.id)
                asks = f"The agent asks: {gate.question[:200]}"
                self._screen.desk.tell(asks, "Its dialog comes when this one is closed.")
        elif self._screen.is_active and self._ended():
            self.offer_restart()

    def _unopened(self) -> Gate | None:
        state = self._screen.client.state
        if state.session != self._session:
            self._session = state.session
            self._told.clear()
            self._opened.clear()
        gates = (gate for gate in waiting_gates(state) if gate.kind in ASKED)
        return next((gate for gate in gates if gate.id not in self._opened), None)

    def _ended(self) -> bool:
        """Whether the copilot ended, or could not be started, since it was last said."""
        state = self._screen.client.state
        ended = state.stopped != self._known_end and bool(state.stopped)
        told = ended and not (state.finished and not state.out_of_budget) and not self._end_expected
        due = self._failure_due or told
        self._failure_due, self._known_end = False, state.stopped
        self._end_expected &= not ended
        return due

    def ask_for(self, gate: Gate) -> None:
        """Opens the dialog of a question, or of a consent."""
        from mlrcopilot_tui.tui.screens.asking import Consent, Question  # noqa: PLC0415 -- an input line, on use

        desk = self._screen.desk
        self._opened.add(gate.id)

        def answered(words: str | None) -> None:
            self._dialog = None
            if words and gate.id in self._screen.client.state.answers:
                desk.decide("feedback", idea=gate.idea, text=words)
            elif words:
                desk.decide("answer", gate=gate.id, idea=gate.idea, text=words)

        def agreed(yes: bool | None) -> None:
            self._dialog = None
            if yes is not None:
                desk.decide("approve" if yes else "reject", gate=gate.id)

        early, key = self._screen.client.grace(), desk.key("agent.answer")
        if gate.kind in AGREEING:
            consent = self._dialog = Consent(gate, early, key)
            self._screen.app.push_screen(consent, agreed)
        else:
            asking = self._dialog = Question(gate, early, key)
            self._screen.app.push_screen(asking, answered)

    def fail(self, why: str) -> None:
        """The copilot could not be started: says why, and offers ways on."""
        self._failure, self._failure_due = why, True
        self.look()

    def offer_restart(self) -> None:
        """Says why the copilot ended, and offers ways on."""
        from mlrcopilot_tui.tui.screens.restart import Restart  # noqa: PLC0415 -- on use

        if self._screen.starting:
            self._screen.desk.tell("The copilot is being started.")
            return
        state = self._screen.client.state
        self._known_end = state.stopped
        why = self._failure or state.stopped or "No copilot runs this session."
        early, key = self._screen.client.grace(), self._screen.desk.key("copilot.restart")
        model, spent = asks_model(state), state.out_of_budget
        self._screen.app.push_screen(Restart(why, asks_model=model, spent=spent, early=early, key=key), self._take)

    def _take(self, way: "Way | None") -> None:
        desk = self._screen.desk
        # What ended meanwhile, such as a copilot that ended at once, was told by the dialog.
        self._known_end = self._screen.client.state.stopped
        if way is None:
            return
        if way == "leave":
            desk.leave()
        elif way == "model":
            asked = "Its name as the endpoint knows it."
            desk.ask("Which model shall be asked?", lambda name: self._go_on(["--model", name]), hint=asked)
        elif way == "budget":
            self._ask_for_budget()
        else:
            self._go_on(["--engine", "offline"] if way == "offline" else [])

    def _ask_for_budget(self) -> None:
        """Asks for more of what is spent: dollars, minutes, or GPU minutes."""
        spent = self._screen.client.state.finished
        if "$" in spent:
            unit, option = "dollars", "--budget-usd"
        elif "GPU" in spent:
            unit, option = "GPU minutes", "--budget-gpu-minutes"
        else:
            unit, option = "minutes", "--budget-minutes"
        ask_limit(
            self._screen.desk,
            unit,
            lambda amount: self._go_on([option, f"{amount:g}"]),
            hint="0 takes the limit away.",
        )

    def _go_on(self, options: Sequence[str]) -> None:
        self._failure = ""
        self._restart(options)
