"""Watches a live run's curve beside its parent's, and suggests to stop it, or stops it, where it is hopeless."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.curves import Lag, Point, Trace, hopeless
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.runs.curve import read_readings
from mlrcopilot_tui.runs.metrics import SOURCES, Reading, Source
from mlrcopilot_tui.session.parents import parent_runs
from mlrcopilot_tui.session.run_events import StopSuggested
from mlrcopilot_tui.session.state import RunState

LOOK_S: Final = 1.0


class Follower:
    """The stepped readings of one run's folder, by where they came from; each call of `read_on` reads what is new."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offset = 0
        self._traces: dict[Source, Trace] = {}
        self.last: Reading | None = None
        """The newest reading that has a step."""
        self.total: int | None = None

    def read_on(self) -> None:
        """Takes in what was reported since."""
        before = -1
        while before != self._offset:
            before = self._offset
            readings, self._offset = read_readings(self._folder, before)
            for reading in readings:
                if reading.step is None:
                    continue
                if self._traces.setdefault(reading.source, Trace()).add(reading.step, reading.value):
                    self.last, self.total = reading, reading.total or self.total

    @property
    def source(self) -> Source | None:
        """The most trusted of the sources that tell steps."""
        return next((source for source in SOURCES if source in self._traces), None)

    def curve(self, source: Source | None) -> Sequence[Point]:
        """What came from one of them."""
        trace = self._traces.get(source) if source is not None else None
        return trace.points if trace is not None else ()


class CurveWatch:
    """Implements `Beside` for a session: each run of an idea is watched as long as it is live.

    Its settings say at each look what is to be done.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def __call__(self, laboratory: Laboratory, run: RunState) -> None:
        """Watches one run until it ends or is stopped; what cannot be read is no reason to say anything."""
        if run.purpose != "idea":
            return
        child = Follower(self._folder(run))
        parents: dict[str, Follower] = {}
        while not run.stopped_by:
            await asyncio.sleep(LOOK_S)
            mode = self._bench.settings.early_stop
            if mode == "off" or (mode == "suggest" and run.suggestion is not None):
                continue
            try:
                for other in parent_runs(self._bench.state, run):
                    parents.setdefault(other.run, Follower(self._folder(other)))
                lag = await asyncio.to_thread(self._look, child, list(parents.values()))
            except OSError:
                continue
            if lag is not None and run.live and not run.stopped_by:
                await self._tell(laboratory, run, child, lag)

    def _look(self, child: Follower, parents: Sequence[Follower]) -> Lag | None:
        for follower in (child, *parents):
            follower.read_on()
        source = child.source
        curves = [parent.curve(source) for parent in parents]
        return hopeless(child.curve(source), curves, self._bench.config.metric.direction, child.total)

    async def _tell(self, laboratory: Laboratory, run: RunState, child: Follower, lag: Lag) -> None:
        saves_s = left_s(child.last, lag.end)
        if run.suggestion is None:
            reason = told(self._bench.config.metric.name, lag)
            since = int(lag.since)
            suggested = StopSuggested(run=run.run, step=int(lag.step), reason=reason, saves_s=saves_s, since=since)
            self._bench.session.record(suggested)
        if self._bench.settings.early_stop == "auto":
            await laboratory.stop(run, "curve", saves_s)

    def _folder(self, run: RunState) -> Path:
        return self._bench.layout.run(self._bench.state.session, run.run)


def left_s(last: Reading | None, end: float) -> float:
    """The seconds that a run still takes up to step `end`, at its pace so far."""
    if last is None or not last.step:
        return 0.0
    return round(max(0.0, last.t * (end - last.step) / last.step), 1)


def told(metric: str, lag: Lag) -> str:
    """`val_error 0.31 at step 14 of 40 against the parent's 0.21 ±0.02, behind its band since step 9`."""
    digits = "{:.4g}".format
    return (
        f"{metric} {digits(lag.value)} at step {lag.step:g} of {lag.end:g} against the parent's {digits(lag.parent)} "
        f"\u00b1{lag.around:.2g}, behind its band since step {lag.since:g}"
    )
