"""The limits that a researcher can change while a session goes on: which there are, and asking for a new one."""

import math
from dataclasses import dataclass
from typing import Any, Final

from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.tui.desk import Desk
from mlrcopilot_tui.tui.views import Row, Span

_NONE: Final = "0 takes the limit away."
_NEXT: Final = "It holds from the next run on; a run that is on keeps its own."


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit.

    Attributes:
        name: the setting's.
        label: what it bounds, as in a list.
        question: how it is asked for.
        hint: what a number means.
        whole: whether only whole numbers make sense.
        least: the smallest that can be.
    """

    name: str
    label: str
    question: str
    hint: str = _NONE
    whole: bool = False
    least: float = 0.0


LIMITS: Final = (
    Limit("minutes", "minutes of work", "How many minutes may this session work in all?"),
    Limit("usd", "dollars for the model", "How many dollars may this session spend in all?"),
    Limit("gpu_minutes", "GPU minutes", "How many minutes may its runs have GPUs, each GPU counted by itself?"),
    Limit("max_experiments", "experiments", "After how many experiments does it end?", whole=True),
    Limit("seeds", "seeds for a verdict", "How many seeds may one verdict take?", "At least 1.", whole=True, least=1),
    Limit("timeout_minutes", "minutes of a run", "After how many minutes is a run ended?", _NEXT, least=1e-3),
    Limit("silence_minutes", "minutes without output", "After how many silent minutes is a run ended?", _NEXT),
    Limit("memory_gb", "GiB of memory of a run", "How many GiB may a run take? 0: what the machine can spare.", _NEXT),
)

EARLY_STOP: Final = "early_stop"
EARLY_STOPS: Final = {"off": "goes on", "suggest": "you are told, and may stop it", "auto": "is stopped"}


def change(desk: Desk) -> None:
    """Lets one be chosen, and asks for its new value."""
    state = desk.situation.state
    rows = [Row(limit.name, (Span(limit.label),), (Span(in_force(state, limit), "muted"),)) for limit in LIMITS]
    early = str(state.settings.get(EARLY_STOP, "as in mlrcopilot.toml"))
    rows.append(Row(EARLY_STOP, (Span("runs that fall behind"),), (Span(early, "muted"),)))

    def ask(name: str) -> None:
        if name == EARLY_STOP:
            ways = [Row(way, (Span(way),), (Span(told, "muted"),)) for way, told in EARLY_STOPS.items()]
            desk.choose(
                "A run whose curve has left its parent's band?",
                ways,
                lambda way: desk.decide("settings", draft={EARLY_STOP: way}),
            )
            return
        limit = next(limit for limit in LIMITS if limit.name == name)
        value = state.settings.get(name)

        def heard(words: str) -> None:
            amount = amount_of(words, limit)
            if amount is None:
                least = f" of at least {limit.least:g}" if limit.least else ""
                wanted = f"Write a {'whole ' if limit.whole else ''}number{least}."
                desk.tell(f"“{words}” cannot be the limit.", wanted, wrong=True)
            else:
                desk.decide("settings", draft={name: amount})

        desk.ask(limit.question, heard, value=f"{value:g}" if value else "", hint=limit.hint)

    desk.choose("Which limit?", rows, ask)


def in_force(state: SessionState, limit: Limit) -> str:
    """The limit as it is now, in words."""
    value = state.settings.get(limit.name)
    if value is None:
        return "as in mlrcopilot.toml" if limit.hint == _NEXT else "none"
    return f"{value:g}" if value else "none"


def amount_of(words: str, limit: Limit) -> Any:  # noqa: ANN401 -- int or float, as the setting wants it
    """The number that was typed; None where it can be no such limit."""
    try:
        amount = float(words.strip().removeprefix("$").replace(",", "."))
    except ValueError:
        return None
    if not math.isfinite(amount) or amount < limit.least or (limit.whole and amount != int(amount)):
        return None
    return int(amount) if limit.whole else amount
