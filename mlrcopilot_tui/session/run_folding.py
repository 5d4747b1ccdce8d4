"""How the events of runs change the state of a session."""

from typing import TYPE_CHECKING

from mlrcopilot_tui.session import run_events as ev
from mlrcopilot_tui.session.entities import RunState
from mlrcopilot_tui.session.folding import on, set_status

if TYPE_CHECKING:
    from mlrcopilot_tui.session.state import SessionState


@on(ev.RunPlanned)
def _run_planned(state: "SessionState", event: ev.RunPlanned) -> None:
    state.runs[event.run] = state.live[event.run] = RunState(
        run=event.run,
        commit=event.commit,
        seed=event.seed,
        purpose=event.purpose,
        key=event.key,
        idea=event.idea,
        attempt=event.attempt,
        planned_at=state.time,
    )
    state.runs_by_key.setdefault(event.key, []).append(event.run)
    if event.purpose == "idea":
        set_status(state, event.idea, "running")


@on(ev.RunStarted)
def _run_started(state: "SessionState", event: ev.RunStarted) -> None:
    if run := state.runs.get(event.run):
        run.started_at = state.time
        run.sandbox, run.network, run.devices = event.sandbox, event.network, event.devices


@on(ev.RunStopped)
def _run_stopped(state: "SessionState", event: ev.RunStopped) -> None:
    if run := state.runs.get(event.run):
        run.stopped_by, run.saved_s = event.by, event.saves_s


@on(ev.StopSuggested)
def _stop_suggested(state: "SessionState", event: ev.StopSuggested) -> None:
    if run := state.live.get(event.run):
        run.suggestion, run.suggested_at = event, state.time


@on(ev.ForecastMade)
def _forecast_made(state: "SessionState", event: ev.ForecastMade) -> None:
    state.forecasts[event.commit] = event


@on(ev.RunFinished)
def _run_finished(state: "SessionState", event: ev.RunFinished) -> None:
    state.live.pop(event.run, None)
    if run := state.runs.get(event.run):
        run.finished_at = state.time
        run.outcome, run.reason, run.value, run.wall_s = event.outcome, event.reason, event.value, event.wall_s
        run.log_sha256, run.cpu_s, run.looked = event.log_sha256, event.cpu_s, event.looked
        run.peak_rss_bytes, run.peak_gpu_bytes = event.peak_rss_bytes, event.peak_gpu_bytes
        run.contended_s, run.contention = event.contended_s, event.contention
        run.saved_s = run.saved_s if run.outcome == "stopped" else 0.0
