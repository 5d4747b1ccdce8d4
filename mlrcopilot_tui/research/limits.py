"""The limits of a session: experiments, minutes, patience; reaching one ends the session in good order."""

from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.session.state import SessionState


def reached(state: SessionState, settings: Settings) -> str:
    """Which limit is reached, as a sentence; empty while none is."""
    if settings.max_experiments and len(state.experiments) >= settings.max_experiments:
        return f"All {settings.max_experiments} experiments are done."
    if settings.minutes and state.active_s >= settings.minutes * 60:
        return f"The budget of {settings.minutes:g} minutes is spent."
    if settings.patience and _since_keep(state) >= settings.patience:
        return f"The last {settings.patience} ideas brought no gain."
    return ""


def _since_keep(state: SessionState) -> int:
    """How many ideas in a row ended without being kept, whatever ended them."""
    count = 0
    for idea in sorted(state.ideas.values(), key=lambda idea: idea.started_at, reverse=True):
        if idea.status in {"kept", "reverted"}:
            break
        count += bool(idea.started_at)
    return count


def seconds_left(state: SessionState, settings: Settings) -> float | None:
    """What is left of the budget of minutes, in seconds; None without one."""
    return max(0.0, settings.minutes * 60 - state.active_s) if settings.minutes else None
