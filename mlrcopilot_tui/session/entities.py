"""The parts of a session's state: what became of each idea and run, and which commit is the champion."""

from dataclasses import dataclass, field
from typing import Literal

from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.model import Attempt, Idea, Verdict

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
    """Who asked it to end before its time: `researcher`, `budget`, or nobody that the journal knows of."""

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
    reflected: bool = False
    """Whether the IdeaAgent has thought about how it ended."""

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
