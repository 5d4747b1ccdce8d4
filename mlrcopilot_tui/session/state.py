"""The state of a session: nothing but a fold over its events."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar

from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.events import Event, Record
from mlrcopilot_tui.session.model import Attempt, Baseline, Gate, Idea, Summary, Verdict

IdeaStatus = Literal[
    "proposed", "approved", "implementing", "waiting", "running",
    "kept", "discarded", "inconclusive", "crashed", "rejected", "pruned", "withdrawn", "reverted",
]  # fmt: skip

OPEN_STATUSES: frozenset[IdeaStatus] = frozenset({"proposed", "approved", "implementing", "waiting", "running"})
ACTIVE_STATUSES: frozenset[IdeaStatus] = frozenset({"implementing", "waiting", "running"})

_BY_VERDICT: dict[str, IdeaStatus] = {
    "keep": "kept",
    "discard": "discarded",
    "inconclusive": "inconclusive",
    "crash": "crashed",
}


@dataclass(slots=True)
class RunState:
    """A run as the journal knows it; its live output is in its folder."""

    run: str
    commit: str
    seed: int
    purpose: str
    key: str
    idea: int
    attempt: int
    planned_at: str
    started_at: str = ""
    finished_at: str = ""
    sandbox: str = ""
    network: bool = False
    outcome: str = ""
    reason: str = ""
    value: float | None = None
    wall_s: float = 0.0
    log_sha256: str = ""
    peak_rss_bytes: int = 0

    @property
    def live(self) -> bool:
        """Whether it was planned and has not ended."""
        return not self.finished_at


@dataclass(slots=True)
class VerdictState:
    """A verdict with what it judged."""

    attempt: int
    commit: str
    parent: str
    verdict: Verdict
    runs: tuple[str, ...]
    wall_s: float
    time: str


@dataclass(slots=True)
class IdeaState:
    """An idea with everything that became of it."""

    idea: Idea
    status: IdeaStatus = "proposed"
    attempts: list[Attempt] = field(default_factory=list)
    verdicts: list[VerdictState] = field(default_factory=list)
    feedback: list[ev.FeedbackTaken] = field(default_factory=list)
    reason: str = ""
    started_at: str = ""
    parent_commit: str = ""

    @property
    def attempt(self) -> Attempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def verdict(self) -> Verdict | None:
        """The newest verdict."""
        return self.verdicts[-1].verdict if self.verdicts else None


@dataclass(slots=True)
class Champion:
    """The best kept commit: the tip of the session's line. `idea` is 0 while it is the starter."""

    commit: str
    idea: int = 0
    values: dict[int, float] = field(default_factory=dict)
    unmeasured: bool = False


@dataclass(slots=True)
class SessionState:
    """Everything that the journal tells, folded. Only `apply` changes it."""

    started: ev.SessionStarted | None = None
    started_at: str = ""
    seq: int = 0
    time: str = ""
    copilot: ev.CopilotStarted | None = None
    paused: bool = False
    finished: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    paper: ev.PaperRead | None = None
    summary: Summary | None = None
    baseline: Baseline | None = None
    ideas: dict[int, IdeaState] = field(default_factory=dict)
    order: tuple[int, ...] = ()
    runs: dict[str, RunState] = field(default_factory=dict)
    runs_by_key: dict[str, list[str]] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=dict)
    answers: dict[str, ev.GateAnswered] = field(default_factory=dict)
    decisions: dict[str, str] = field(default_factory=dict)
    """What became of each decision, by id: a sentence."""
    refused: set[str] = field(default_factory=set)
    line: list[ev.ChampionChanged] = field(default_factory=list)
    champion: Champion | None = None
    talk: list[tuple[str, ev.AgentSaid]] = field(default_factory=list)
    feedback: list[ev.FeedbackTaken] = field(default_factory=list)
    warnings: list[ev.WarningRaised] = field(default_factory=list)
    promoted: list[ev.BranchPromoted] = field(default_factory=list)
    passed_over: int = 0
    active_s: float = 0.0
    """Seconds in which a copilot worked: time before it started and time spent waiting at a gate do not count."""

    def apply(self, record: Record) -> None:
        """Takes one more event in."""
        if self.copilot is not None and not isinstance(record.event, ev.CopilotStarted | ev.GateAnswered):
            self.active_s += max(0.0, _seconds(record.time) - _seconds(self.time))
        self.seq, self.time = record.seq, record.time
        handler = _HANDLERS.get(type(record.event))
        if handler is None:
            self.passed_over += isinstance(record.event, ev.UnknownEvent)
        else:
            handler(self, record.event)

    @property
    def session(self) -> str:
        """The session's id; empty before its first event."""
        return self.started.session if self.started else ""

    def attempt_of(self, commit: str) -> Attempt | None:
        """The attempt that stands at `commit`."""
        attempts = (attempt for idea in self.ideas.values() for attempt in idea.attempts)
        return next((attempt for attempt in attempts if attempt.commit == commit), None)

    @property
    def waiting(self) -> Gate | None:
        """The gate that waits for a decision; the oldest where several do."""
        return next((gate for gate in self.gates.values() if gate.id not in self.answers), None)

    @property
    def live_runs(self) -> list[RunState]:
        """The runs that have not ended."""
        return [run for run in self.runs.values() if run.live]

    @property
    def experiments(self) -> list[IdeaState]:
        """The ideas that were judged, rejected, or given up after a patch stood: those that cost an experiment."""
        return [idea for idea in self.ideas.values() if idea.verdicts]

    @property
    def kept(self) -> list[IdeaState]:
        """The ideas whose patches stand on the session's line."""
        return [idea for idea in self.ideas.values() if idea.status == "kept"]

    def better(self, a: float, b: float) -> bool:
        """Whether metric value `a` beats `b` in this session's direction."""
        return a > b if self.started is not None and self.started.direction == "max" else a < b

    def improvement(self) -> float | None:
        """The champion's mean against the starter's on the seeds that both have: relative, positive when better.

        None before both are measured, or where the starter's mean is zero.
        """
        if self.champion is None or self.baseline is None or not self.champion.values or not self.baseline.values:
            return None
        before = self.baseline.values | _values_of(self, self.baseline.commit)
        seeds = (before.keys() & self.champion.values.keys()) or self.champion.values.keys()
        start = mean(before[seed] for seed in seeds) if seeds <= before.keys() else mean(before.values())
        best = mean(self.champion.values[seed] for seed in seeds)
        if start == 0:
            return None
        gain = best - start if self.started is not None and self.started.direction == "max" else start - best
        return gain / abs(start)

    def queue(self) -> list[IdeaState]:
        """The ideas not yet tried: the researcher's order first, then the highest score, then the oldest."""
        place = {number: index for index, number in enumerate(self.order)}
        waiting = [idea for idea in self.ideas.values() if idea.status in {"proposed", "approved"}]
        return sorted(waiting, key=lambda s: (place.get(s.idea.number, len(place)), -s.idea.priority, s.idea.number))


def fold(records: Iterable[Record]) -> SessionState:
    """The state after `records`, which start at the journal's first event."""
    state = SessionState()
    for record in records:
        state.apply(record)
    return state


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def mean(values: Iterable[float]) -> float:
    """The arithmetic mean of at least one value."""
    items = list(values)
    return sum(items) / len(items)


_E = TypeVar("_E", bound=Event)
_Handler = Callable[[SessionState, _E], None]
_HANDLERS: dict[type[Event], Callable[[SessionState, Any], None]] = {}


def _on(kind: type[_E]) -> Callable[[_Handler[_E]], _Handler[_E]]:
    def register(handler: _Handler[_E]) -> _Handler[_E]:
        _HANDLERS[kind] = handler
        return handler

    return register


@_on(ev.SessionStarted)
def _session_started(state: SessionState, event: ev.SessionStarted) -> None:
    state.started = event
    state.started_at = state.time
    state.champion = Champion(event.base)


@_on(ev.CopilotStarted)
def _copilot_started(state: SessionState, event: ev.CopilotStarted) -> None:
    state.copilot = event


@_on(ev.CopilotStopped)
def _copilot_stopped(state: SessionState, _: ev.CopilotStopped) -> None:
    state.copilot = None


@_on(ev.SessionPaused)
def _session_paused(state: SessionState, _: ev.SessionPaused) -> None:
    state.paused = True


@_on(ev.SessionResumed)
def _session_resumed(state: SessionState, _: ev.SessionResumed) -> None:
    state.paused = False


@_on(ev.SessionFinished)
def _session_finished(state: SessionState, event: ev.SessionFinished) -> None:
    state.finished = event.reason


@_on(ev.SessionReopened)
def _session_reopened(state: SessionState, _: ev.SessionReopened) -> None:
    state.finished = ""


@_on(ev.SettingsChanged)
def _settings_changed(state: SessionState, event: ev.SettingsChanged) -> None:
    state.settings.update(event.values)


@_on(ev.WarningRaised)
def _warning_raised(state: SessionState, event: ev.WarningRaised) -> None:
    state.warnings.append(event)


@_on(ev.PaperRead)
def _paper_read(state: SessionState, event: ev.PaperRead) -> None:
    state.paper = event


@_on(ev.PaperSummarized)
def _paper_summarized(state: SessionState, event: ev.PaperSummarized) -> None:
    state.summary = event.summary


@_on(ev.BaselineMeasured)
def _baseline_measured(state: SessionState, event: ev.BaselineMeasured) -> None:
    state.baseline = event.baseline
    if state.champion is not None and state.champion.commit == event.baseline.commit:
        state.champion.values = dict(event.baseline.values)


@_on(ev.IdeaProposed)
def _idea_proposed(state: SessionState, event: ev.IdeaProposed) -> None:
    state.ideas[event.idea.number] = IdeaState(event.idea)


@_on(ev.IdeaEdited)
def _idea_edited(state: SessionState, event: ev.IdeaEdited) -> None:
    if event.idea.number in state.ideas:
        state.ideas[event.idea.number].idea = event.idea


@_on(ev.IdeaApproved)
def _idea_approved(state: SessionState, event: ev.IdeaApproved) -> None:
    _set_status(state, event.idea, "approved")


@_on(ev.IdeaPruned)
def _idea_pruned(state: SessionState, event: ev.IdeaPruned) -> None:
    _set_status(state, event.idea, "pruned", event.reason)


@_on(ev.IdeasReordered)
def _ideas_reordered(state: SessionState, event: ev.IdeasReordered) -> None:
    state.order = event.order


@_on(ev.IdeaStarted)
def _idea_started(state: SessionState, event: ev.IdeaStarted) -> None:
    _set_status(state, event.idea, "implementing")
    if event.idea in state.ideas:
        state.ideas[event.idea].started_at = state.time
        state.ideas[event.idea].parent_commit = event.parent


@_on(ev.IdeaWithdrawn)
def _idea_withdrawn(state: SessionState, event: ev.IdeaWithdrawn) -> None:
    _set_status(state, event.idea, "withdrawn", event.reason)


@_on(ev.AgentSaid)
def _agent_said(state: SessionState, event: ev.AgentSaid) -> None:
    state.talk.append((state.time, event))


@_on(ev.PatchCommitted)
def _patch_committed(state: SessionState, event: ev.PatchCommitted) -> None:
    if event.attempt.idea in state.ideas:
        state.ideas[event.attempt.idea].attempts.append(event.attempt)


@_on(ev.GateOpened)
def _gate_opened(state: SessionState, event: ev.GateOpened) -> None:
    state.gates[event.gate.id] = event.gate
    if event.gate.kind == "patch":
        _set_status(state, event.gate.idea, "waiting")


@_on(ev.GateAnswered)
def _gate_answered(state: SessionState, event: ev.GateAnswered) -> None:
    gate = state.gates.get(event.gate)
    if gate is None or event.gate in state.answers:
        return
    state.answers[event.gate] = event
    if event.decision:
        state.decisions[event.decision] = f"{event.answer} was taken."
    if gate.kind == "patch" and event.answer == "reject":
        _set_status(state, gate.idea, "rejected", event.text)
    elif gate.kind == "patch":
        _set_status(state, gate.idea, "implementing")


@_on(ev.DecisionApplied)
def _decision_applied(state: SessionState, event: ev.DecisionApplied) -> None:
    state.decisions[event.decision.id] = event.said


@_on(ev.DecisionRefused)
def _decision_refused(state: SessionState, event: ev.DecisionRefused) -> None:
    state.decisions[event.decision.id] = event.reason
    state.refused.add(event.decision.id)


@_on(ev.FeedbackTaken)
def _feedback_taken(state: SessionState, event: ev.FeedbackTaken) -> None:
    state.feedback.append(event)
    if event.idea in state.ideas:
        state.ideas[event.idea].feedback.append(event)


@_on(ev.RunPlanned)
def _run_planned(state: SessionState, event: ev.RunPlanned) -> None:
    state.runs[event.run] = RunState(
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
        _set_status(state, event.idea, "running")


@_on(ev.RunStarted)
def _run_started(state: SessionState, event: ev.RunStarted) -> None:
    if run := state.runs.get(event.run):
        run.started_at = state.time
        run.sandbox, run.network = event.sandbox, event.network


@_on(ev.RunFinished)
def _run_finished(state: SessionState, event: ev.RunFinished) -> None:
    if run := state.runs.get(event.run):
        run.finished_at = state.time
        run.outcome, run.reason, run.value, run.wall_s = event.outcome, event.reason, event.value, event.wall_s
        run.log_sha256, run.peak_rss_bytes = event.log_sha256, event.peak_rss_bytes


@_on(ev.VerdictReached)
def _verdict_reached(state: SessionState, event: ev.VerdictReached) -> None:
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
            )
        )
        idea.status = _BY_VERDICT[event.verdict.kind]


@_on(ev.ChampionChanged)
def _champion_changed(state: SessionState, event: ev.ChampionChanged) -> None:
    state.line.append(event)
    values = {} if event.unmeasured else _values_of(state, event.commit)
    state.champion = Champion(event.commit, event.idea, values, event.unmeasured)
    if event.reason != "kept" and event.of:
        for idea in state.ideas.values():
            if any(attempt.commit == event.of for attempt in idea.attempts):
                idea.status = "reverted" if event.reason == "reverted" else "kept"
    if event.decision:
        state.decisions[event.decision] = f"{event.of[:10]} was {event.reason}."


@_on(ev.ChampionMeasured)
def _champion_measured(state: SessionState, event: ev.ChampionMeasured) -> None:
    if state.champion is not None and state.champion.commit == event.commit:
        state.champion.values = dict(event.values)
        state.champion.unmeasured = False


@_on(ev.BranchPromoted)
def _branch_promoted(state: SessionState, event: ev.BranchPromoted) -> None:
    state.promoted.append(event)


def _values_of(state: SessionState, commit: str) -> dict[int, float]:
    """The newest metric of each seed that a run of `commit` measured."""
    return {run.seed: run.value for run in state.runs.values() if run.commit == commit and run.value is not None}


def _set_status(state: SessionState, number: int, status: IdeaStatus, reason: str = "") -> None:
    if idea := state.ideas.get(number):
        idea.status = status
        idea.reason = reason or idea.reason
