"""What a decision does: events that are journaled together with the word that it was applied."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mlrcopilot_tui.session.events import Event
from mlrcopilot_tui.session.model import Decision


@dataclass(frozen=True, slots=True)
class Effect:
    """The sentence that the researcher is told, and the events that hold if and only if the decision was applied."""

    said: str
    events: tuple[Event, ...] = ()


Handler = Callable[[Decision], Awaitable[Effect]]
"""Works out a decision's effect; raises CopilotError where it has none. Between its last `await` and its return it
looks once more at what it relies on: others decide meanwhile."""
