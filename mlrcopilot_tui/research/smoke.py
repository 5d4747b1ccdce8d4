"""Smoke runs: an attempt is tried for seconds before anybody is asked or waits for hours, and its forecast is made."""

import asyncio
from typing import Final

import msgspec

from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.failures import failure_of, wanted_network
from mlrcopilot_tui.research.forecast import Bounds, Tried, forecast
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.research.pace import progress_of
from mlrcopilot_tui.research.room import GpuLook, sample_machine
from mlrcopilot_tui.research.verdicts import Rule
from mlrcopilot_tui.runs.curve import all_readings
from mlrcopilot_tui.session.journal import utc_now
from mlrcopilot_tui.session.model import Attempt
from mlrcopilot_tui.session.run_events import ForecastMade
from mlrcopilot_tui.session.state import IdeaState, RunState

NO_NETWORK: Final = "Trying it failed because it asked for the network, which a run has only with your word."


class SmokeTester:
    """Tries attempts and journals what running them will take."""

    def __init__(self, bench: Bench, laboratory: Laboratory) -> None:
        self._bench = bench
        self._laboratory = laboratory

    async def foretell(
        self, idea: IdeaState, attempt: Attempt, rule: Rule, *, smoke: bool, asked: bool
    ) -> ForecastMade | None:
        """Journals and returns the forecast of an attempt; none where its smoke run failed or the idea was dropped.

        Args:
            idea: the attempt's idea.
            attempt: what is to run.
            rule: how many seeds a verdict takes.
            smoke: it is tried first.
            asked: the researcher will be asked whether it may run, so that a smoke run which they stop tells enough.
        """
        run = await self._try(idea, attempt) if smoke else None
        if smoke and run is None:
            return None
        cut_off = run is not None and asked and await asyncio.to_thread(self._cut_off, run)
        told = run is None or run.outcome in {"ok", "smoked"} or (asked and run.stopped_by == "researcher") or cut_off
        if not told:
            return None
        before = [other for other in self._bench.state.runs.values() if other.commit == attempt.parent]
        parents = [await self._tried(other) for other in before if other.outcome == "ok"]
        tried = await self._tried(run) if run is not None else None
        machine = await asyncio.to_thread(sample_machine, gpus=GpuLook() if self._uses_gpus() else None)
        made = forecast(attempt, tried, parents, self._bounds(rule), machine)
        if cut_off:
            made = msgspec.structs.replace(made, lacks="network", obstacle=NO_NETWORK)
        await self._bench.turn_of(attempt.idea)
        self._bench.session.record(made)
        return self._bench.state.forecasts[attempt.commit]  # a replay goes by what was foretold then

    async def _try(self, idea: IdeaState, attempt: Attempt) -> RunState | None:
        """The attempt's smoke run, which ends when the researcher drops the idea; None then."""
        trying = asyncio.ensure_future(
            self._laboratory.measure(attempt.commit, 0, "smoke", idea=attempt.idea, attempt=attempt.number)
        )
        dropped = asyncio.ensure_future(self._dropped(idea))
        try:
            await asyncio.wait({trying, dropped}, return_when=asyncio.FIRST_COMPLETED)
            if trying.done():
                return trying.result()
            for run in self._bench.state.live_runs:
                if (run.idea, run.purpose) == (attempt.idea, "smoke"):
                    await self._laboratory.end(run, "researcher")
            return None
        finally:
            for task in (trying, dropped):
                task.cancel()
            await asyncio.gather(trying, dropped, return_exceptions=True)

    async def _dropped(self, idea: IdeaState) -> None:
        while idea.status != "pruned":
            await self._bench.gates.change()

    def _cut_off(self, run: RunState) -> bool:
        """Whether a smoke run failed because it may not use the network: only the researcher can mend that."""
        folder = self._bench.layout.run(self._bench.state.session, run.run)
        return run.outcome == "crashed" and not run.network and wanted_network(failure_of(run, folder).log_tail)

    def _bounds(self, rule: Rule) -> Bounds:
        bench, limits = self._bench, self._bench.run_config
        least = min(2, rule.max_seeds)
        minutes = bench.settings.minutes
        return Bounds(
            runs=(least, least if rule.deterministic else rule.max_seeds),
            timeout_s=limits.timeout_minutes * 60,
            memory_bytes=limits.memory_bytes,
            left_s=max(0.0, minutes * 60 - bench.state.worked_s(utc_now())) if minutes else None,
            gpus=limits.gpus,
        )

    async def _tried(self, run: RunState) -> Tried:
        readings = await asyncio.to_thread(all_readings, self._bench.layout.run(self._bench.state.session, run.run))
        return Tried(run, progress_of(readings))

    def _uses_gpus(self) -> bool:
        return any(run.peak_gpu_bytes or run.devices for run in self._bench.state.runs.values())
