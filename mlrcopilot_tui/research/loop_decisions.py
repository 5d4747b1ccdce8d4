"""Decisions about the session's loop: stop, pause, resume, interrupt, quit."""

from collections.abc import Callable
from datetime import datetime

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.effects import Effect, Handler
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.session.events import SessionPaused, SessionResumed
from mlrcopilot_tui.session.journal import utc_now
from mlrcopilot_tui.session.model import Decision
from mlrcopilot_tui.session.state import RunState


class LoopDecisions:
    """Works out what decisions about a session's loop do.

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
            "stop": self._stop,
            "pause": self._pause,
            "resume": self._resume,
            "interrupt": self._interrupt,
            "quit": self._let_go,
        }

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
