"""Failures: what an agent is told of a run that failed or would, and the verdict where nobody mends it."""

import re
from pathlib import Path
from typing import Final

from mlrcopilot_tui.agents.base import Failure
from mlrcopilot_tui.runs.spec import LOG_FILE, read_status
from mlrcopilot_tui.session.model import Verdict
from mlrcopilot_tui.session.run_events import ForecastMade
from mlrcopilot_tui.session.state import RunState
from mlrcopilot_tui.text import printable

LOG_TAIL_BYTES = 8000

_CUT_OFF: Final = re.compile(
    r"Temporary failure in name resolution|Name or service not known|nodename nor servname|getaddrinfo failed"
    r"|Could not resolve host|Network is unreachable|Failed to establish a new connection|socket\.gaierror"
    r"|socket\.py\", line \d+(?:.*\n){0,12}PermissionError",
    re.IGNORECASE,
)
"""What programs say behind a fence that gives them no name service, no route or no socket."""


def failure_of(failed: RunState | ForecastMade, folder: Path) -> Failure:
    """What the agent is told of a run that failed, or of one that would; `folder` holds the run's records."""
    status = read_status(folder)
    # An agent sees nothing that an evaluation printed, which may be hidden labels.
    shown = tail(folder / LOG_FILE, status.evaluation_at if status else None)
    if isinstance(failed, ForecastMade):
        return Failure(
            outcome="timeout" if failed.lacks == "time" else failed.lacks, reason=failed.obstacle, log_tail=shown
        )
    return Failure(outcome=failed.outcome, reason=failed.reason, log_tail=shown)


def wanted_network(log_tail: str) -> bool:
    """Whether what a failed run printed last says that it tried to reach the network and could not."""
    return _CUT_OFF.search(log_tail) is not None


def tail(log: Path, end: int | None = None) -> str:
    """The end of a run's output, or what stands before byte `end` of it, as text that is safe to show and to quote."""
    try:
        with log.open("rb") as file:
            end = log.stat().st_size if end is None else end
            start = max(0, end - LOG_TAIL_BYTES)
            file.seek(start)
            return printable(file.read(end - start).decode("utf-8", "replace"), keep_newlines=True)
    except OSError:
        return ""


def failure_verdict(run: RunState | ForecastMade) -> Verdict:
    """The verdict on an attempt that failed so, or cannot run."""
    if isinstance(run, ForecastMade):
        return Verdict(kind="inconclusive", rule=f"it was not run: {run.obstacle}")
    if run.outcome == "stopped" and run.stopped_by == "curve":
        behind = run.suggestion.reason if run.suggestion is not None else "it was behind its parent's band"
        return Verdict(kind="discard", rule=f"stopped early at seed {run.seed}: {behind}")
    if run.outcome in {"stopped", "lost"}:
        ended = "was stopped" if run.outcome == "stopped" else "vanished"
        return Verdict(kind="inconclusive", rule=f"run {run.run} at seed {run.seed} {ended} before it was decided")
    if run.outcome in {"disturbed", "not_evaluated"}:
        return Verdict(kind="inconclusive", rule=f"run {run.run} at seed {run.seed} counts for nothing: {run.reason}")
    return Verdict(kind="crash", rule=f"run {run.run} at seed {run.seed} failed: {run.reason}")
