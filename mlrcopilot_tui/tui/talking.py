"""Talking with the agents while they work: interrupt, interject, answer, and what they may use."""

import math
from collections.abc import Callable

from mlrcopilot_tui.tui.desk import Desk
from mlrcopilot_tui.tui.looking_back import look_plainly
from mlrcopilot_tui.tui.projector.agent import working_idea
from mlrcopilot_tui.tui.projector.focus import ASKED, waiting_gates
from mlrcopilot_tui.tui.projector.spending import budget, dollars, model_name
from mlrcopilot_tui.tui.projector.words import title_of


def ways_on(key: Callable[[str], str]) -> str:
    """What can be done after an interruption, by the researcher's own keys."""
    return f"{key('agent.interject')} says something, {key('session.pause')} resumes."


def interrupt(desk: Desk) -> None:
    """Cuts what the agent at work is at and pauses; marked lines, a comparison and a filter are given up first."""
    if not desk.unmark() and not look_plainly(desk) and desk.situation.at_work:
        desk.decide("interrupt")


def interject(desk: Desk) -> None:
    """Says something to the agent at work, which goes on; with none at work, to the session."""
    idea = working_idea(desk.situation.state)
    if desk.situation.at_work:
        hint = "It reads them before its next turn; nothing is stopped."
    elif idea is not None:
        hint = "They are read when an agent is at work again."
    else:
        hint = f"They stand for the session until you drop them ({desk.key('session.instructions')})."
    desk.ask(
        f"Words for the agent at work on idea {title_of(idea)}"
        if idea is not None
        else "An instruction for the session",
        lambda words: desk.decide("feedback", idea=idea.idea.number if idea is not None else 0, text=words),
        hint=hint,
    )


def answer(desk: Desk) -> None:
    """Opens the oldest question or consent that an agent waits for."""
    gate = next((gate for gate in waiting_gates(desk.situation.state) if gate.kind in ASKED), None)
    if gate is None:
        desk.tell("What waits for you is decided in another pane.", f"{desk.key('view.live')} goes there.")
        return
    if desk.client.is_answering(gate.id):
        desk.tell("Your answer is on its way.", "The copilot has not taken it yet.")
        return
    desk.ask_for(gate)


def change_model(desk: Desk) -> None:
    """Has another model asked from the next call on."""
    desk.ask(
        "Which model is asked from now on?",
        lambda name: desk.decide("settings", draft={"model": name}),
        value=model_name(desk.situation.state),
        hint="Its name as the endpoint knows it; nothing for the engine's own choice.",
        may_be_empty=True,
    )


def change_budget(desk: Desk) -> None:
    """Sets what the session may spend on its model in all."""
    state = desk.situation.state
    limit = budget(state)
    ask_limit(
        desk,
        "dollars",
        lambda usd: desk.decide("settings", draft={"usd": usd}),
        value=dollars(limit) if limit else "",
        hint=f"${dollars(state.spending.usd)} are spent. 0 takes the limit away.",
    )


def ask_limit(desk: Desk, unit: str, take: Callable[[float], None], *, value: str = "", hint: str) -> None:
    """Asks how much of something the session may spend; `take` gets what can be a limit, 0 for none."""

    def heard(words: str) -> None:
        amount = _amount(words)
        if amount is None:
            desk.tell(f"“{words}” is no amount of {unit}.", "Write a number, such as 2.50.", wrong=True)
        else:
            take(amount)

    desk.ask(f"How many {unit} may this session spend in all?", heard, value=value, hint=hint)


def _amount(words: str) -> float | None:
    try:
        usd = float(words.strip().removeprefix("$").replace(",", "."))
    except ValueError:
        return None
    return usd if math.isfinite(usd) and usd >= 0 else None


def restart(desk: Desk) -> None:
    """Offers ways on after the copilot ended."""
    desk.offer_restart()
