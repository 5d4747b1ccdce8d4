"""How an ablation changes the state of a session: it is asked for, it grows part by part, and it ends."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlrcopilot_tui.session import ablation_events as ev
from mlrcopilot_tui.session.folding import on

if TYPE_CHECKING:
    from mlrcopilot_tui.session.state import SessionState


@dataclass(slots=True)
class AblationState:
    """The newest ablation, as far as it has come."""

    started: ev.AblationStarted
    started_at: str
    known: frozenset[str]
    """The runs that were there before it."""
    measured: dict[int, ev.AblationMeasured] = field(default_factory=dict)
    """By idea; 0 is the starter."""
    ended: ev.AblationEnded | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more is measured."""
        return self.ended is not None


@on(ev.AblationAsked)
def _ablation_asked(state: "SessionState", event: ev.AblationAsked) -> None:
    state.ablation_asked = event


@on(ev.AblationStarted)
def _ablation_started(state: "SessionState", event: ev.AblationStarted) -> None:
    state.ablation_asked = None
    state.ablation = AblationState(event, state.time, frozenset(state.runs))


@on(ev.AblationMeasured)
def _ablation_measured(state: "SessionState", event: ev.AblationMeasured) -> None:
    if state.ablation is not None:
        state.ablation.measured[event.idea] = event


@on(ev.AblationEnded)
def _ablation_ended(state: "SessionState", event: ev.AblationEnded) -> None:
    if state.ablation_asked is not None:
        state.ablation_asked = None
    elif state.ablation is not None:
        state.ablation.ended = event
