"""Moving about: panes, tabs, lines, search; nothing here reaches the copilot."""

from mlrcopilot_tui.tui.desk import Desk
from mlrcopilot_tui.tui.projector.focus import pane_of, waiting_gates
from mlrcopilot_tui.tui.projector.ideas import idea_of
from mlrcopilot_tui.tui.projector.patch import attempt_of
from mlrcopilot_tui.tui.views import PANES, STARTER, PaneName, Selection


def to_pane(desk: Desk, pane: PaneName) -> None:
    """Brings a pane into focus; one that has it shows its next tab."""
    if desk.deck.focused == pane:
        desk.deck.pane(pane).next_tab()
    else:
        desk.deck.focus_pane(pane)


def next_pane(desk: Desk) -> None:
    """Goes to the next pane."""
    _step(desk, 1)


def previous_pane(desk: Desk) -> None:
    """Goes to the pane before."""
    _step(desk, -1)


def _step(desk: Desk, by: int) -> None:
    desk.deck.focus_pane(PANES[(PANES.index(desk.deck.focused) + by) % len(PANES)])


def zoom(desk: Desk) -> None:
    """Gives the pane in focus the whole screen, or takes it back."""
    desk.deck.zoom()


def to_live(desk: Desk) -> None:
    """Follows what is live again, and goes where a decision waits."""
    desk.select(Selection())
    gates = waiting_gates(desk.situation.state)
    if gates:
        pane = pane_of(gates[0])
        desk.deck.pane(pane).show_tab("Agent" if pane == "run" else desk.deck.pane(pane).tabs[0])
        desk.deck.focus_pane(pane)


def open_row(desk: Desk) -> None:
    """Opens what the cursor stands on: an idea in every pane, or an attempt of the history."""
    key = desk.deck.cursor_key()
    if key is None:
        return
    if key == STARTER and desk.deck.focused == "patch":
        desk.tell("The starter has no patch.", f"{desk.key('patch.branch')} starts an idea from it.")
    elif desk.deck.focused == "patch":
        idea, attempt = attempt_of(key)
        desk.select(Selection(idea=idea, attempt=attempt))
        desk.deck.pane("patch").show_tab("Patch")
    elif (number := idea_of(key)) is not None:
        desk.select(Selection(idea=number))
        desk.deck.pane("paper").show_tab("Idea")
    else:
        desk.select(Selection())


def open_in_patch(desk: Desk) -> None:
    """Opens the attempt under the cursor of the history, or what is folded in a patch."""
    if desk.situation.tab == "Patch":
        desk.review.perform("unfold")
    else:
        open_row(desk)


def down(desk: Desk) -> None:
    """One line down."""
    desk.deck.view.move(1)


def up(desk: Desk) -> None:
    """One line up."""
    desk.deck.view.move(-1)


def half_page_down(desk: Desk) -> None:
    """Half a page down."""
    desk.deck.view.page(1)


def half_page_up(desk: Desk) -> None:
    """Half a page up."""
    desk.deck.view.page(-1)


def to_start(desk: Desk) -> None:
    """To the first line."""
    desk.deck.view.to_start()


def to_end(desk: Desk) -> None:
    """To the last line; a log follows again."""
    desk.deck.view.to_end()


def search(desk: Desk) -> None:
    """Searches the pane in focus."""
    desk.ask("Search", lambda pattern: _found(desk, pattern), value=desk.last_search, hint="Enter goes to the match.")


def _found(desk: Desk, pattern: str) -> None:
    desk.last_search = pattern
    desk.deck.view.search(pattern)


def next_match(desk: Desk) -> None:
    """To the next match."""
    desk.deck.view.search(desk.last_search)


def previous_match(desk: Desk) -> None:
    """To the match before."""
    desk.deck.view.search(desk.last_search, backwards=True)


def copy(desk: Desk) -> None:
    """Sends the line under the cursor, or the pane's text, to the terminal's clipboard."""
    desk.copy(desk.deck.view.copied())


def next_run(desk: Desk) -> None:
    """Shows the run after the shown one."""
    _step_run(desk, 1)


def previous_run(desk: Desk) -> None:
    """Shows the run before the shown one."""
    _step_run(desk, -1)


def _step_run(desk: Desk, by: int) -> None:
    situation = desk.situation
    runs = list(situation.state.runs)
    if situation.run is None:
        return
    at = runs.index(situation.run.run) + by
    if 0 <= at < len(runs):
        desk.select(Selection(situation.selection.idea, situation.selection.attempt, runs[at]))
