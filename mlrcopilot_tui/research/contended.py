"""Marks results that were measured while others computed beside them, where that changes a result."""

from collections.abc import Iterable
from typing import Final

from mlrcopilot_tui.session.state import RunState

FROM: Final = 0.05
"""Of a run's time; less than this moves a result by less than its seeds do."""

NAMED: Final = 3


def contention_mark(runs: Iterable[RunState], *, time_boxed: bool) -> str:
    """Which of the runs that a verdict rests on were held up, and by whom; empty where none was, or none can be.

    A run that trains until it is done ends later beside others, with the same result: only one that trains for a fixed
    time comes less far.
    """
    if not time_boxed:
        return ""
    marked = [run for run in runs if run.contention and run.contended_s >= FROM * run.wall_s]
    said = [f"run {run.run} (seed {run.seed}): {run.contention.rstrip('.')}" for run in marked[:NAMED]]
    more = [f"{len(marked) - NAMED} more runs"] if len(marked) > NAMED else []
    return "; ".join(said + more)
