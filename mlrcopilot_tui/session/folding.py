"""How each event changes the state of a session."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.entities import Champion, IdeaState, IdeaStatus, VerdictState
from mlrcopilot_tui.session.events import Event

if TYPE_CHECKING:
    from mlrcopilot_tui.session.state import SessionState

_E = TypeVar("_E", bound=Event)
_Handler = Callable[["SessionState", _E], None]

HANDLERS: dict[type[Event], Callable[["SessionState", Any], None]] = {}
"""Takes an event of each type into the state; types that are absent change nothing."""

_BY_VERDICT: dict[str, IdeaStatus] = {
    "keep": "kept",
    "discard": "discarded",
    "inconclusive": "inconclusive",
    "crash": "crashed",
}


def on(kind: type[_E]) -> Callable[[_Handler[_E]], _Handler[_E]]:
    """Registers a handler of events of one type."""

    def register(handler: _Handler[_E]) -> _Handler[_E]:
        HANDLERS[kind] = handler
        return handler

    return register


@on(ev.SessionStarted)
def _session_started(state: "SessionState", event: ev.SessionStarted) -> None:
    state.started = event
    state.started_at = state.time
    state.engine = event.engine
    state.champion = Champion(event.base)


@on(ev.CopilotStarted)
def _copilot_started(state: "SessionState", event: ev.CopilotStarted) -> None:
    state.copilot, state.stopped = event, ""
    if event.engine and event.engine != state.engine:
        state.engine, state.model_fault = event.engine, None


@on(ev.CopilotStopped)
def _copilot_stopped(state: "SessionState", event: ev.CopilotStopped) -> None:
    state.copilot, state.stopped = None, event.reason


@on(ev.SessionPaused)
def _session_paused(state: "SessionState", _: ev.SessionPaused) -> None:
    state.paused = True


@on(ev.SessionResumed)
def _session_resumed(state: "SessionState", _: ev.SessionResumed) -> None:
    state.paused = state.interrupted = False


@on(ev.SessionFinished)
def _session_finished(state: "SessionState", event: ev.SessionFinished) -> None:
    state.finished = event.reason


@on(ev.SessionReopened)
def _session_reopened(state: "SessionState", _: ev.SessionReopened) -> None:
    state.finished = ""
    state.reopened_seq = state.seq


@on(ev.SettingsChanged)
def _settings_changed(state: "SessionState", event: ev.SettingsChanged) -> None:
    state.settings.update(event.values)


@on(ev.WarningRaised)
def _warning_raised(state: "SessionState", event: ev.WarningRaised) -> None:
    state.warnings.append(event)


@on(ev.PaperRead)
def _paper_read(state: "SessionState", event: ev.PaperRead) -> None:
    state.paper = event


@on(ev.PaperSummarized)
def _paper_summarized(state: "SessionState", event: ev.PaperSummarized) -> None:
    state.summary = event.summary


@on(ev.BaselineMeasured)
def _baseline_measured(state: "SessionState", event: ev.BaselineMeasured) -> None:
    state.baseline = event.baseline
    if state.champion is not None and state.champion.commit == event.baseline.commit:
        state.champion.values = dict(event.baseline.values)
        state.measured[event.baseline.commit] = state.champion.values


@on(ev.IdeaProposed)
def _idea_proposed(state: "SessionState", event: ev.IdeaProposed) -> None:
    state.ideas[event.idea.number] = IdeaState(event.idea)


@on(ev.IdeaEdited)
def _idea_edited(state: "SessionState", event: ev.IdeaEdited) -> None:
    if event.idea.number in state.ideas:
        state.ideas[event.idea.number].idea = event.idea


@on(ev.IdeaApproved)
def _idea_approved(state: "SessionState", event: ev.IdeaApproved) -> None:
    set_status(state, event.idea, "approved")


@on(ev.IdeaPruned)
def _idea_pruned(state: "SessionState", event: ev.IdeaPruned) -> None:
    set_status(state, event.idea, "pruned", event.reason)


@on(ev.IdeasReordered)
def _ideas_reordered(state: "SessionState", event: ev.IdeasReordered) -> None:
    state.order = event.order


@on(ev.IdeaStarted)
def _idea_started(state: "SessionState", event: ev.IdeaStarted) -> None:
    set_status(state, event.idea, "implementing")
    if event.idea in state.ideas:
        state.ideas[event.idea].started_at, state.ideas[event.idea].started_seq = state.time, state.seq
        state.ideas[event.idea].parent_commit = event.parent


@on(ev.IdeaWithdrawn)
def _idea_withdrawn(state: "SessionState", event: ev.IdeaWithdrawn) -> None:
    set_status(state, event.idea, "withdrawn", event.reason)


@on(ev.IdeaReflected)
def _idea_reflected(state: "SessionState", event: ev.IdeaReflected) -> None:
    if idea := state.ideas.get(event.idea):
        idea.reflected = True


@on(ev.AgentAsked)
def _agent_asked(state: "SessionState", event: ev.AgentAsked) -> None:
    state.thinking = event.agent == "IdeaAgent"
    if event.idea:  # the first attempt, or one more after a run that failed
        set_status(state, event.idea, "implementing")


@on(ev.AgentSaid)
def _agent_said(state: "SessionState", event: ev.AgentSaid) -> None:
    state.talk.append((state.time, event))


@on(ev.PatchCommitted)
def _patch_committed(state: "SessionState", event: ev.PatchCommitted) -> None:
    if event.attempt.idea in state.ideas:
        idea = state.ideas[event.attempt.idea]
        idea.attempts.append(event.attempt)
        idea.made[event.attempt.number] = state.seq, state.time


@on(ev.GateOpened)
def _gate_opened(state: "SessionState", event: ev.GateOpened) -> None:
    state.gates[event.gate.id] = event.gate
    if event.gate.id not in state.answers:
        state.open_gates[event.gate.id] = event.gate
    if event.gate.kind == "patch":
        set_status(state, event.gate.idea, "waiting")


@on(ev.GateAnswered)
def _gate_answered(state: "SessionState", event: ev.GateAnswered) -> None:
    gate = state.gates.get(event.gate)
    if gate is None or event.gate in state.answers:
        return
    state.answers[event.gate] = event
    state.open_gates.pop(event.gate, None)
    if event.decision:
        state.decisions[event.decision] = f"{event.answer} was taken."
    if gate.kind == "patch" and event.answer == "reject":
        set_status(state, gate.idea, "rejected", event.text)
    elif gate.kind == "patch":
        set_status(state, gate.idea, "implementing")
        if event.left_out and gate.idea in state.ideas:
            state.ideas[gate.idea].selections[gate.commit] = event


@on(ev.DecisionApplied)
def _decision_applied(state: "SessionState", event: ev.DecisionApplied) -> None:
    state.decisions[event.decision.id] = event.said
    state.interrupted |= event.decision.kind == "interrupt"


@on(ev.DecisionRefused)
def _decision_refused(state: "SessionState", event: ev.DecisionRefused) -> None:
    state.decisions[event.decision.id] = event.reason
    state.refused.add(event.decision.id)


@on(ev.VerdictReached)
def _verdict_reached(state: "SessionState", event: ev.VerdictReached) -> None:
    if idea := state.ideas.get(event.idea):
        idea.verdicts.append(
            VerdictState(
                attempt=event.attempt,
                commit=event.commit,
                parent=event.parent,
                verdict=event.verdict,
                runs=event.runs,
                wall_s=event.wall_s,
                time=state.time,
                contention=event.contention,
                seq=state.seq,
                looks=state.looks,
                engine=state.engine,
            )
        )
        idea.status = _BY_VERDICT[event.verdict.kind]


@on(ev.ChampionChanged)
def _champion_changed(state: "SessionState", event: ev.ChampionChanged) -> None:
    state.line.append(event)
    state.line_at.append(state.seq)
    values = {} if event.unmeasured else _judged_values(state, event)
    state.champion = Champion(event.commit, event.idea, values, event.unmeasured)
    if not event.unmeasured:
        state.measured[event.commit] = values
    if event.reason != "kept" and event.of:
        for idea in state.ideas.values():
            if any(attempt.commit == event.of for attempt in idea.attempts):
                idea.status = "reverted" if event.reason == "reverted" else "kept"
    if event.decision:
        state.decisions[event.decision] = f"{event.of[:10]} was {event.reason}."


@on(ev.ChampionMeasured)
def _champion_measured(state: "SessionState", event: ev.ChampionMeasured) -> None:
    state.measured[event.commit] = dict(event.values)
    if state.champion is not None and state.champion.commit == event.commit:
        state.champion.values = dict(event.values)
        state.champion.unmeasured = False


def _judged_values(state: "SessionState", event: ev.ChampionChanged) -> dict[int, float]:
    """What the kept commit measured; its runs may be another commit's of the same tree."""
    idea = state.ideas.get(event.idea)
    judged = next((v for v in reversed(idea.verdicts) if v.commit == event.commit), None) if idea else None
    return dict(judged.verdict.values) if judged else values_of(state, event.commit)


def values_of(state: "SessionState", commit: str) -> dict[int, float]:
    """The newest metric of each seed that a run of `commit` measured."""
    return {run.seed: run.value for run in state.runs.values() if run.commit == commit and run.value is not None}


def set_status(state: "SessionState", number: int, status: IdeaStatus, reason: str = "") -> None:
    """Gives an idea, where there is one of that number, another status."""
    if idea := state.ideas.get(number):
        idea.status = status
        idea.reason = reason or idea.reason
