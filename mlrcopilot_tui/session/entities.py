"""The parts of a session's state: what became of each idea and run, and which commit is the champion."""

from dataclasses import dataclass, field
from typing import Literal

from mlrcopilot_tui.session.events import GateAnswered
from mlrcopilot_tui.session.model import Attempt, Idea, Verdict
from mlrcopilot_tui.session.model_events import ModelCalled, PlanMark
from mlrcopilot_tui.session.run_events import StopSuggested
from mlrcopilot_tui.session.words import Words, left_out_lines

IdeaStatus = Literal[
    "proposed", "approved", "implementing", "waiting", "running",
    "kept", "discarded", "inconclusive", "crashed", "rejected", "pruned", "withdrawn", "reverted",
]  # fmt: skip

OPEN_STATUSES: frozenset[IdeaStatus] = frozenset({"proposed", "approved", "implementing", "waiting", "running"})
ACTIVE_STATUSES: frozenset[IdeaStatus] = frozenset({"implementing", "waiting", "running"})


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
    stopped_by: str = ""
    """Who asked it to end before its time: `researcher`, `budget`, `curve`, or nobody that the journal knows of."""
    saved_s: float = 0.0
    """Seconds that stopping it early has saved."""
    suggestion: StopSuggested | None = None
    """Why it had better be stopped, if so."""
    suggested_at: str = ""
    devices: tuple[str, ...] = ()
    cpu_s: float = 0.0
    peak_gpu_bytes: int | None = None
    contended_s: float = 0.0
    contention: str = ""
    looked: bool = False

    @property
    def exposure(self) -> str:
        """In what it is, or was, less fenced in than runs usually are; empty where in nothing."""
        if self.sandbox == "plain":
            return "no sandbox"
        return "network on" if self.network else ""

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
    contention: str = ""
    """Which of the runs others held up, and who; empty where that changed nothing."""
    seq: int = 0
    """Its place in the journal: clocks are set back, places are not."""
    looks: int = 0
    """How often hidden files had been looked at by then, for this and for all verdicts before it."""
    engine: str = ""
    """The engine that was in force."""


@dataclass(slots=True)
class Spending:
    """What calls to models cost: tokens, and dollars at list price.

    `bounded` counts the calls that were cut, whose tokens are booked at their bound; `unpriced` those of models that
    have no price.
    """

    calls: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    bounded: int = 0
    unpriced: int = 0

    def add(self, call: ModelCalled) -> None:
        """Books one call."""
        self.calls += 1
        self.input_tokens += call.usage.input_tokens
        self.cache_read_tokens += call.usage.cache_read_tokens
        self.cache_write_tokens += call.usage.cache_write_tokens
        self.output_tokens += call.usage.output_tokens
        self.usd += call.usd or 0.0
        self.bounded += not call.usage.exact
        self.unpriced += call.usd is None

    @property
    def read_tokens(self) -> int:
        """All input, from the cache or not."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def hit_rate(self) -> float | None:
        """The share of the input that came from the cache; None before any was read."""
        return self.cache_read_tokens / self.read_tokens if self.read_tokens else None


@dataclass(slots=True)
class IdeaState:
    """An idea with everything that became of it."""

    idea: Idea
    status: IdeaStatus = "proposed"
    attempts: list[Attempt] = field(default_factory=list)
    made: dict[int, tuple[int, str]] = field(default_factory=dict)
    """By attempt: its place in the journal, and when it was committed."""
    verdicts: list[VerdictState] = field(default_factory=list)
    feedback: list[Words] = field(default_factory=list)
    """What the researcher said about it."""
    selections: dict[str, GateAnswered] = field(default_factory=dict)
    """The approvals that took a part of a patch only, by its commit."""
    reason: str = ""
    started_at: str = ""
    started_seq: int = 0
    """The place in the journal where it was begun, or begun anew."""
    parent_commit: str = ""
    reflected: bool = False
    """Whether the IdeaAgent has thought about how it ended."""
    spending: Spending = field(default_factory=Spending)
    asked_after: dict[tuple[int, int], int] = field(default_factory=dict)
    """By attempt and step: the newest event that was known when the model was asked for the turn that it gave."""
    plan_marks: tuple[PlanMark, ...] = ()
    """What became of each step of the plan, by the newest attempt that was judged."""

    @property
    def attempt(self) -> Attempt | None:
        """The newest attempt that the idea goes on with."""
        return next((attempt for attempt in reversed(self.attempts) if not attempt.aside), None)

    @property
    def proposals(self) -> list[Attempt]:
        """The attempts but for what is kept aside."""
        return [attempt for attempt in self.attempts if not attempt.aside]

    @property
    def verdict(self) -> Verdict | None:
        """The newest verdict."""
        return self.verdicts[-1].verdict if self.verdicts else None

    @property
    def left_out(self) -> tuple[str, ...]:
        """What the researcher did not take of its patches, and why, a line each."""
        return tuple(line for answer in self.selections.values() for line in left_out_lines(answer))


@dataclass(slots=True)
class Champion:
    """The best kept commit: the tip of the session's line. `idea` is 0 while it is the starter."""

    commit: str
    idea: int = 0
    values: dict[int, float] = field(default_factory=dict)
    unmeasured: bool = False
