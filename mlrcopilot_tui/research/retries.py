"""Runs that gave no result: which of them speak against their commit, and which are to be run again."""

from mlrcopilot_tui.session.state import RunState, SessionState

RETRIES = 2
"""How often a run may vanish or be ended or disturbed by a stranger before that counts as its commit's fault."""

_WELL = frozenset({"ok", "smoked"})
_BY_OTHERS = frozenset({"lost", "stopped", "disturbed"})


def is_to_be_repeated(state: SessionState, run: RunState) -> bool:
    """Whether the end of a run says nothing about its commit: it vanished, a stranger ended or disturbed it, or a limit
    of ours ended it.

    Who ended it because of how it went, by hand or by its curve, has said something about its commit.
    """
    if run.outcome not in _BY_OTHERS or run.stopped_by in {"researcher", "curve"}:
        return False
    if run.stopped_by or not run.started_at:
        return True
    # Changed inputs make another key.
    twins = (twin for twin in state.runs.values() if twin.key == run.key or _measures(twin) == _measures(run))
    return sum(_was_ended_by_a_stranger(twin) for twin in twins) <= RETRIES


def _measures(run: RunState) -> tuple[str, int]:
    return run.commit, run.seed


def _was_ended_by_a_stranger(run: RunState) -> bool:
    return bool(run.started_at) and run.outcome in _BY_OTHERS and not run.stopped_by


def failed_run(state: SessionState, commit: str) -> RunState | None:
    """A run of `commit` that failed and is not to be repeated; verifying and ablations decide nothing.

    A smoke run that the researcher stopped, or that wanted a network, has told enough where a forecast rests on it.
    """
    forecast = state.forecasts.get(commit)
    enough = forecast.run if forecast is not None else ""
    runs = (
        run
        for run in state.runs.values()
        if run.commit == commit and run.purpose not in {"verify", "ablation"} and not run.live and run.run != enough
    )
    return next((run for run in runs if run.outcome not in _WELL and not is_to_be_repeated(state, run)), None)
