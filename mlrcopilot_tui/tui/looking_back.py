"""Looking back: versions held against each other, the history filtered and sorted, and an idea from any attempt."""

import dataclasses
from typing import get_args

from mlrcopilot_tui.research.fates import Node, history
from mlrcopilot_tui.tui.desk import Desk
from mlrcopilot_tui.tui.projector.focus import shown_attempt
from mlrcopilot_tui.tui.projector.history import versions_to_compare
from mlrcopilot_tui.tui.projector.situation import Situation
from mlrcopilot_tui.tui.views import STARTER, Order, Selection


def compare(desk: Desk) -> None:
    """Holds the attempt against another version; in the history against the marked one, where one is."""
    situation = desk.situation
    if look_plainly(desk):
        return
    attempt = situation.attempt
    if situation.row == STARTER:
        _against_starter(desk)
        return
    if attempt is None:
        desk.tell("There is no patch to compare yet.")
        return
    nodes, marked = history(situation.state), situation.history.marked
    shown = next(node for node in nodes if node.attempt.commit == attempt.commit)
    if situation.row and marked and marked != situation.row:
        _show(desk, shown, _commit(situation, nodes, marked))
        return
    rows = versions_to_compare(nodes, shown, situation.state, marked)
    desk.choose(f"{shown.name} against", rows, lambda commit: _show(desk, shown, commit))


def _against_starter(desk: Desk) -> None:
    """With the starter under the cursor the marked attempt is what is looked at."""
    situation = desk.situation
    nodes = history(situation.state)
    shown = next((node for node in nodes if node.name == situation.history.marked), None)
    if shown is None:
        desk.tell("The starter is compared with a marked attempt.", f"{desk.key('history.mark')} marks one.")
    else:
        _show(desk, shown, _commit(situation, nodes, STARTER))


def _commit(situation: Situation, nodes: list[Node], name: str) -> str:
    started = situation.state.started
    if name == STARTER:
        return started.base if started is not None else ""
    return next((node.attempt.commit for node in nodes if node.name == name), "")


def _show(desk: Desk, shown: Node, against: str) -> None:
    situation = desk.situation
    plain = "" if against == shown.attempt.parent else against
    if not plain and situation.tab == "Patch" and situation.attempt is shown.attempt:
        desk.tell(f"That is what is shown: the patch of {shown.name}, against its parent.")
        return
    desk.select(Selection(idea=shown.attempt.idea, attempt=shown.attempt.number, against=plain))
    desk.deck.pane("patch").show_tab("Patch")


def look_plainly(desk: Desk) -> bool:
    """Goes back from a comparison to the patch itself, or from a filtered history to all of it; says if it was one."""
    situation = desk.situation
    if situation.comparing:
        plain = dataclasses.replace(situation.selection, against="")
        live = shown_attempt(situation.state, Selection())
        desk.select(Selection() if live is situation.attempt else plain)
        marked = situation.history.marked
        if marked and situation.selection.against == _commit(situation, history(situation.state), marked):
            desk.deck.pane("patch").show_tab("History")  # where the two were chosen
        return True
    if situation.row and is_filtered(situation):
        desk.list_history(dataclasses.replace(situation.history, typed=""))
        return True
    return False


def is_filtered(situation: Situation) -> bool:
    """Whether the history in view leaves attempts out."""
    return situation.tab == "History" and bool(situation.history.typed)


def mark(desk: Desk) -> None:
    """Marks the attempt under the cursor, to compare another with it, or takes the mark away."""
    choice, row = desk.situation.history, desk.situation.row
    desk.list_history(dataclasses.replace(choice, marked="" if choice.marked == row else row))


def filter_attempts(desk: Desk) -> None:
    """Lists only attempts of a fate, of an idea, or that hold words, in their patches too."""
    choice = desk.situation.history
    desk.ask(
        "Which attempts?",
        lambda typed: desk.list_history(dataclasses.replace(choice, typed=" ".join(typed.split()))),
        value=choice.typed,
        hint="kept, crashed, rejected, ...; idea:3; any words, also of their patches; nothing: all",
        may_be_empty=True,
    )


def sort_attempts(desk: Desk) -> None:
    """Lists the attempts in the next order."""
    choice = desk.situation.history
    orders: tuple[Order, ...] = get_args(Order)
    order = orders[(orders.index(choice.order) + 1) % len(orders)]
    desk.list_history(dataclasses.replace(choice, order=order))


def branch(desk: Desk) -> None:
    """Adds an idea that starts from the attempt, kept or not, or from the starter."""
    situation = desk.situation
    attempt, started = situation.attempt, situation.state.started
    if attempt is not None:
        commit, number, about = attempt.commit, attempt.idea, f"{attempt.idea}.{attempt.number} {attempt.subject}"
    elif situation.row == STARTER and started is not None:
        commit, number, about = started.base, 0, "the starter"
    else:
        return
    draft = {"base": commit, **({"parent": number} if number else {})}
    desk.ask(
        f"An idea on top of {about}",
        lambda words: desk.decide("idea.add", idea=number, commit=commit, text=words, draft=draft),
        hint="It starts from these files, kept or not.",
    )
