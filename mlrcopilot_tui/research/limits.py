"""The limits of a session: experiments, minutes, patience; reaching one ends the session in good order."""

from datetime import datetime

from mlrcopilot_tui.agents.claude.books.prices import in_dollars
from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.session.state import ACTIVE_STATUSES, RunState, SessionState


def reached(state: SessionState, settings: Settings) -> str:
    """Which limit keeps the next experiment from starting, as a sentence; empty while none does.

    An idea that is at work counts as the experiment that it is about to be.
    """
    at_work = [idea for idea in state.ideas.values() if idea.status in ACTIVE_STATUSES and not idea.verdicts]
    if settings.max_experiments and len(state.experiments) + len(at_work) >= settings.max_experiments:
        count = settings.max_experiments
        return f"All {count} experiments are done." if count > 1 else "The 1 experiment asked for is done."
    if settings.patience and _since_keep(state) >= settings.patience:
        return f"The last {settings.patience} ideas brought no gain."
    return ""


def minutes_spent(state: SessionState, settings: Settings, now: str) -> str:
    """Says so when the budget of minutes is spent at `now`, a time as journals write it; empty before."""
    if settings.minutes and state.worked_s(now) >= settings.minutes * 60:
        return f"The budget of {settings.minutes:g} minutes is spent."
    return ""


def gpu_minutes_spent(state: SessionState, settings: Settings, now: str) -> str:
    """Says so when the runs have had their GPUs for as long as they may at `now`; empty before."""
    if settings.gpu_minutes and gpu_seconds(state, now) >= settings.gpu_minutes * 60:
        return f"The budget of {settings.gpu_minutes:g} GPU minutes is spent."
    return ""


def gpu_seconds(state: SessionState, now: str) -> float:
    """For how long runs have had GPUs at `now`, each GPU counted by itself, whatever it did meanwhile."""
    return sum(len(run.devices) * _wall_s(run, now) for run in state.runs.values() if run.devices)


def _wall_s(run: RunState, now: str) -> float:
    """How long a run took, or has taken so far; of one that was lost only the journal knows."""
    if run.wall_s or not run.started_at:
        return run.wall_s
    end = datetime.fromisoformat(run.finished_at or now)
    return max(0.0, (end - datetime.fromisoformat(run.started_at)).total_seconds())


def dollars_spent(state: SessionState, settings: Settings, why: str) -> str:
    """That the budget of dollars is used up, with the sum; `why` says what would not fit any more."""
    limit, spent = in_dollars(settings.usd), in_dollars(state.spending.usd)
    return (
        f"The budget of {limit} is used up: {spent} went to the model. {why} "
        f"`mlrcopilot run --session {state.session} --budget-usd X` goes on."
    )


def _since_keep(state: SessionState) -> int:
    """How many ideas in a row ended without being kept since the session was last opened, whatever ended them."""
    count = 0
    for idea in sorted(state.ideas.values(), key=lambda idea: idea.started_seq, reverse=True):
        if idea.status in {"kept", "reverted"} or idea.started_seq <= state.reopened_seq:
            break
        count += idea.status not in ACTIVE_STATUSES
    return count
