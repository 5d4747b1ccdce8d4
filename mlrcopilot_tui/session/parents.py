"""Which runs a run is seen against: those of the commit that its own is to beat."""

from mlrcopilot_tui.session.entities import RunState
from mlrcopilot_tui.session.state import SessionState


def parent_of(state: SessionState, run: RunState) -> str:
    """The commit that the run's commit is measured against; empty for the starter."""
    idea = state.ideas.get(run.idea)
    attempts = idea.attempts if idea is not None else ()
    return next((attempt.parent for attempt in attempts if attempt.commit == run.commit), "")


def parent_runs(state: SessionState, run: RunState) -> list[RunState]:
    """The parent's runs that ended with a result, the newest of each seed."""
    parent = parent_of(state, run)
    done = [other for other in state.runs.values() if other.commit == parent and other.value is not None]
    return list({other.seed: other for other in done}.values())
