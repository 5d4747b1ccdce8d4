"""The state of a session: nothing but a fold over its events."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session import (  # noqa: F401 - their handlers take part in the fold
    model_folding,
    run_folding,
    words_folding,
)
from mlrcopilot_tui.session.ablation_events import AblationAsked
from mlrcopilot_tui.session.ablation_folding import AblationState
from mlrcopilot_tui.session.entities import (
    ACTIVE_STATUSES,
    OPEN_STATUSES,
    Champion,
    IdeaState,
    IdeaStatus,
    RunState,
    Spending,
    VerdictState,
)
from mlrcopilot_tui.session.folding import HANDLERS, values_of
from mlrcopilot_tui.session.model import Attempt, Baseline, Gate, Summary
from mlrcopilot_tui.session.model_events import ConsentGiven, ModelFaulted
from mlrcopilot_tui.session.records import Record
from mlrcopilot_tui.session.run_events import ForecastMade
from mlrcopilot_tui.session.words import Words

__all__ = [
    "ACTIVE_STATUSES",
    "OPEN_STATUSES",
    "Champion",
    "IdeaState",
    "IdeaStatus",
    "RunState",
    "SessionState",
    "Spending",
    "VerdictState",
    "fold",
    "mean",
]


@dataclass(slots=True)
class SessionState:
    """Everything that the journal tells, folded. Only `apply` changes it."""

    started: ev.SessionStarted | None = None
    started_at: str = ""
    seq: int = 0
    time: str = ""
    copilot: ev.CopilotStarted | None = None
    engine: str = ""
    """The engine in force: the newest copilot's, for a session can go on with another than it began with."""
    stopped: str = ""
    """Why the last copilot ended; empty while one is there."""
    paused: bool = False
    interrupted: bool = False
    """Whether it is paused because the researcher interrupted."""
    finished: str = ""
    reopened_seq: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    paper: ev.PaperRead | None = None
    summary: Summary | None = None
    baseline: Baseline | None = None
    ideas: dict[int, IdeaState] = field(default_factory=dict)
    order: tuple[int, ...] = ()
    runs: dict[str, RunState] = field(default_factory=dict)
    live: dict[str, RunState] = field(default_factory=dict)
    """The runs that were planned and have not ended."""
    runs_by_key: dict[str, list[str]] = field(default_factory=dict)
    forecasts: dict[str, ForecastMade] = field(default_factory=dict)
    """What running an attempt will take, by its commit."""
    gates: dict[str, Gate] = field(default_factory=dict)
    answers: dict[str, ev.GateAnswered] = field(default_factory=dict)
    open_gates: dict[str, Gate] = field(default_factory=dict)
    """The questions that wait, the oldest first."""
    decisions: dict[str, str] = field(default_factory=dict)
    """What became of each decision, by id: a sentence."""
    refused: set[str] = field(default_factory=set)
    line: list[ev.ChampionChanged] = field(default_factory=list)
    line_at: list[int] = field(default_factory=list)
    """The place in the journal of each of them."""
    champion: Champion | None = None
    measured: dict[str, dict[int, float]] = field(default_factory=dict)
    """What the commits of the line measured, by seed; empty values where runs failed."""
    ablation_asked: AblationAsked | None = None
    """An ablation that has not begun."""
    ablation: AblationState | None = None
    """The newest one that has."""
    thinking: bool = False
    """Whether the IdeaAgent was asked for something that it has not given yet."""
    talk: list[tuple[str, ev.AgentSaid]] = field(default_factory=list)
    words: dict[int, Words] = field(default_factory=dict)
    """All that the researcher said, also what holds no more, by its place in the journal."""
    warnings: list[ev.WarningRaised] = field(default_factory=list)
    spending: Spending = field(default_factory=Spending)
    model_fault: tuple[str, ModelFaulted] | None = None
    """The newest call's fault with its time; None once a call has ended well."""
    booked: set[str] = field(default_factory=set)
    """The exchanges whose cost is in the books."""
    consents: list[ConsentGiven] = field(default_factory=list)
    passed_over: int = 0
    active_s: float = 0.0
    """Seconds of work up to the newest event; `worked_s` tells those up to now."""

    def apply(self, record: Record) -> None:
        """Takes one more event in."""
        if not _follows_a_death(record.event):
            self.active_s = self.worked_s(record.time)
        self.seq, self.time = record.seq, record.time
        self.thinking = self.thinking and not isinstance(record.event, _THOUGHT)
        handler = HANDLERS.get(type(record.event))
        if handler is None:
            self.passed_over += isinstance(record.event, ev.UnknownEvent)
        else:
            handler(self, record.event)

    def worked_s(self, now: str) -> float:
        """Seconds of work up to `now`, a time as the journal writes it, if the copilot is still there.

        Time without a copilot does not count, nor does time in which nothing ran because it waited for the researcher.
        """
        idle = self.copilot is None or ((self.paused or self.open_gates) and not self.live)
        return self.active_s + (0.0 if idle else max(0.0, _seconds(now) - _seconds(self.time)))

    @property
    def session(self) -> str:
        """The session's id; empty before its first event."""
        return self.started.session if self.started else ""

    @property
    def out_of_budget(self) -> bool:
        """Whether it ended because what the researcher allowed was spent: with more it goes on."""
        return self.finished.startswith("The budget of ")

    def attempt_of(self, commit: str) -> Attempt | None:
        """The attempt that stands at `commit`."""
        attempts = (attempt for idea in self.ideas.values() for attempt in idea.attempts)
        return next((attempt for attempt in attempts if attempt.commit == commit), None)

    @property
    def ablating(self) -> bool:
        """Whether an ablation was asked for that has not come to its end."""
        return self.ablation_asked is not None or (self.ablation is not None and not self.ablation.over)

    @property
    def instructions(self) -> list[Words]:
        """The standing instructions that hold, in the order of their numbers."""
        return sorted((said for said in self.words.values() if said.number and said.stands()), key=lambda s: s.number)

    def instruction(self, number: int) -> Words | None:
        """The standing instruction of that number; None where none holds."""
        return next((said for said in self.instructions if said.number == number), None)

    @property
    def waiting(self) -> Gate | None:
        """The gate that waits for a decision; the oldest where several do."""
        return next(iter(self.open_gates.values()), None)

    @property
    def live_runs(self) -> list[RunState]:
        """The runs that have not ended."""
        return list(self.live.values())

    @property
    def looks(self) -> int:
        """How often the hidden files were looked at by an evaluation: each look wears the test set out a little."""
        return sum(run.looked for run in self.runs.values())

    @property
    def saved_s(self) -> float:
        """Seconds that stopping runs early has saved."""
        return sum(run.saved_s for run in self.runs.values())

    @property
    def experiments(self) -> list[IdeaState]:
        """The ideas that were judged: those that cost runs."""
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
        before = self.baseline.values | values_of(self, self.baseline.commit)
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


_THOUGHT = (
    ev.PaperSummarized, ev.IdeaProposed, ev.IdeaEdited, ev.IdeaReflected, ev.FeedbackTaken, ev.WarningRaised,
    ev.DecisionApplied, ev.DecisionRefused, ev.IdeaStarted, ev.GateOpened, ev.SessionFinished, ev.CopilotStopped,
)  # fmt: skip
"""What comes of asking the IdeaAgent, or what nothing comes before."""


def fold(records: Iterable[Record]) -> SessionState:
    """The state after `records`, which start at the journal's first event."""
    state = SessionState()
    for record in records:
        state.apply(record)
    return state


def _follows_a_death(event: ev.Event) -> bool:
    """Whether nobody knows until when the copilot before this event was at work."""
    return isinstance(event, ev.CopilotStarted) or (isinstance(event, ev.CopilotStopped) and event.vanished)


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def mean(values: Iterable[float]) -> float:
    """The arithmetic mean of at least one value."""
    items = list(values)
    return sum(items) / len(items)
