"""Verifying: do recorded numbers hold, when they are measured again or read again from the runs' own files?"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.desk import URGENT, DecisionDesk
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.research.watch import watch_inbox
from mlrcopilot_tui.runs.curve import all_readings, trusted_readings
from mlrcopilot_tui.runs.spec import LOG_FILE
from mlrcopilot_tui.session.state import RunState, SessionState
from mlrcopilot_tui.workspace.layout import Layout

SIGNIFICANT_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Check:
    """One recorded number against what was found; `found` is None where nothing could be measured or read."""

    run: str
    commit: str
    seed: int
    recorded: float
    found: float | None
    note: str = ""

    @property
    def holds(self) -> bool:
        """Equal to six significant digits, and nothing else is wrong with it."""
        return self.found is not None and not self.note and same(self.recorded, self.found)


def same(a: float, b: float) -> bool:
    """Whether two metrics are equal to six significant digits."""
    return f"{a:.{SIGNIFICANT_DIGITS}g}" == f"{b:.{SIGNIFICANT_DIGITS}g}"


async def verify_commit(bench: Bench, commit: str) -> list[Check]:
    """Runs `commit` again from a clean checkout at every seed that it was measured at; decisions are taken meanwhile.

    Raises:
        InputError: no number of it is recorded.
    """
    recorded = _numbers(bench.state, commit)
    if not recorded:
        raise InputError(f"No run of {commit[:10]} is recorded.", "`mlrcopilot log` lists the measured commits.")
    checks = []
    async with Laboratory(bench) as laboratory:
        await laboratory.recover()
        async with watch_inbox(bench.session.inbox, DecisionDesk(bench, laboratory).apply, URGENT):
            try:
                for seed, value in sorted(recorded.items()):
                    again = await laboratory.measure(commit, seed, "verify", fresh=True)
                    failed = "" if again.value is not None else f"{again.outcome}: {again.reason}"
                    checks.append(Check(again.run, commit, seed, value, again.value, failed))
            finally:
                for run in bench.state.live_runs:  # of an interrupted verification; nobody would want the rest of it
                    if run.purpose == "verify":
                        await laboratory.end(run, "researcher")
    return checks


def _numbers(state: SessionState, commit: str) -> dict[int, float]:
    """What the journal has for `commit`, by seed: from its own runs, and from verdicts that it took part in.

    These may rest on another commit's runs of the same tree.
    """
    numbers: dict[int, float] = {}
    for judged in (judged for idea in state.ideas.values() for judged in idea.verdicts):
        if commit == judged.parent:
            numbers |= judged.verdict.parent_values
        if commit == judged.commit:
            numbers |= judged.verdict.values
    own = [run for run in _measured(state) if run.commit == commit and run.purpose != "verify"]
    tip = state.measured.get(commit, {})  # of one that `revert` or `redo` made: its tree may have been measured before
    return {run.seed: run.value for run in own if run.value is not None} | numbers | tip


def verify_records(layout: Layout, state: SessionState) -> Iterator[Check]:
    """Reads every recorded number again from its run's files, and checks that the log is the one that was digested."""
    for run in _measured(state):
        folder = layout.run(state.session, run.run)
        log = folder / LOG_FILE
        if not log.exists():
            yield Check(run.run, run.commit, run.seed, run.value or 0.0, None, "its log is gone")
            continue
        note = "" if _digest(log) == run.log_sha256 else "its log is not the one that was recorded"
        yield Check(run.run, run.commit, run.seed, run.value or 0.0, _last_value(folder, state), note)


def _measured(state: SessionState) -> list[RunState]:
    return [run for run in state.runs.values() if run.outcome == "ok" and run.value is not None]


def _last_value(folder: Path, state: SessionState) -> float | None:
    readings = all_readings(folder)
    metric = state.started.metric if state.started else ""
    trusted = trusted_readings([reading for reading in readings if reading.name == metric])
    return trusted[-1].value if trusted else None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
