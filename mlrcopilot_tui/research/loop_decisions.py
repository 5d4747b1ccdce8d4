"""Decisions about the session's line and its loop: revert, redo, stop, pause, resume, quit."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.effects import Effect, Handler
from mlrcopilot_tui.research.gains import standing
from mlrcopilot_tui.research.keeping import align_line
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.session.events import ChampionChanged, SessionPaused, SessionResumed
from mlrcopilot_tui.session.journal import utc_now
from mlrcopilot_tui.session.model import Decision
from mlrcopilot_tui.session.state import RunState


class LoopDecisions:
    """Works out what decisions about a session's line and loop do.

    Args:
        bench: the session.
        laboratory: stops runs.
        quit_copilot: ends the loop; live runs go on. None where no loop runs.
    """

    def __init__(self, bench: Bench, laboratory: Laboratory, quit_copilot: Callable[[], None] | None) -> None:
        self._bench = bench
        self._laboratory = laboratory
        self._quit = quit_copilot

    def handlers(self) -> dict[str, Handler]:
        """By kind of decision."""
        return {
            "revert": self._revert,
            "redo": self._redo,
            "stop": self._stop,
            "pause": self._pause,
            "resume": self._resume,
            "interrupt": self._interrupt,
            "quit": self._let_go,
        }

    async def _revert(self, decision: Decision) -> Effect:
        bench = self._bench
        async with bench.line_moves:
            commit = await asyncio.to_thread(bench.repository.resolve, decision.commit)
            if all(commit != kept for _, kept in standing(bench.state)):
                raise RefusedError(
                    f"{commit[:10]} is not a kept patch that stands on the session's line.",
                    "`mlrcopilot log` lists the kept ones; `mlrcopilot redo` brings one back that was reverted.",
                )
            await asyncio.to_thread(align_line, bench)
            tip = await asyncio.to_thread(bench.line.revert, commit)
            said = f"{commit[:10]} was reverted; the line's tip {tip[:10]} is measured next."
            return Effect(said, (_moved(tip, "reverted", commit, decision),))

    async def _redo(self, decision: Decision) -> Effect:
        bench = self._bench
        async with bench.line_moves:
            commit = await asyncio.to_thread(bench.repository.resolve, decision.commit)
            kept = {moved.commit for moved in bench.state.line if moved.reason == "kept"}
            if commit not in kept - {stands for _, stands in standing(bench.state)}:
                raise RefusedError(
                    f"{commit[:10]} is not a patch that was reverted.", "`mlrcopilot log` lists the experiments."
                )
            await asyncio.to_thread(align_line, bench)
            tip = await asyncio.to_thread(bench.line.redo, commit)
            said = f"{commit[:10]} is back on the line; its tip {tip[:10]} is measured next."
            return Effect(said, (_moved(tip, "redone", commit, decision),))

    async def _stop(self, decision: Decision) -> Effect:
        live = [run for run in self._bench.state.live_runs if not decision.run or run.run == decision.run]
        if not live:
            raise RefusedError(
                f"{decision.run} is not running." if decision.run else "Nothing is running.",
                "`mlrcopilot status` lists the live runs; `mlrcopilot interrupt` cuts what an agent is at.",
            )
        for run in live:
            await self._laboratory.stop(run, "researcher", _spared_s(run))
        return Effect(f"Stopping {', '.join(run.run for run in live)}.")

    async def _pause(self, decision: Decision) -> Effect:
        if self._bench.state.paused:
            raise RefusedError("The session is paused already.", "`mlrcopilot resume` lets it go on.")
        return Effect("Nothing new starts until it is resumed; live runs go on.", (SessionPaused(by=decision.by),))

    async def _resume(self, decision: Decision) -> Effect:
        if not self._bench.state.paused:
            raise RefusedError("The session is not paused.")
        return Effect("The session goes on.", (SessionResumed(by=decision.by),))

    async def _interrupt(self, decision: Decision) -> Effect:
        """Cuts what an agent is at and pauses; it goes on, with what the researcher said meanwhile, once resumed."""
        bench = self._bench
        if self._quit is None:
            raise RefusedError("No copilot runs this session.", "There is nothing to interrupt.")
        if not bench.state.paused:
            bench.session.record(SessionPaused(by=decision.by))
        bench.gates.interrupt()
        return Effect("Interrupted; `mlrcopilot resume` lets the agent go on, with your words if you say some.")

    async def _let_go(self, _: Decision) -> Effect:
        if self._quit is None:
            raise RefusedError("No copilot runs this session.", "`mlrcopilot stop` ends what still runs.")
        self._quit()
        return Effect("The copilot lets go; live runs go on.")


def _spared_s(run: RunState) -> float:
    """What is saved by stopping a run that had better be stopped; stopping any other is no saving."""
    if run.suggestion is None:
        return 0.0
    since = datetime.fromisoformat(utc_now()) - datetime.fromisoformat(run.suggested_at)
    return max(0.0, round(run.suggestion.saves_s - since.total_seconds(), 1))


def _moved(tip: str, reason: Literal["reverted", "redone"], of: str, decision: Decision) -> ChampionChanged:
    return ChampionChanged(commit=tip, reason=reason, of=of, unmeasured=True, decision=decision.id)
