"""The two agents' protocols, and what they are given and give back; each engine supplies both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal, Protocol

from mlrcopilot_tui.agents.host import Host
from mlrcopilot_tui.papers.model import Paper
from mlrcopilot_tui.session.model import Evidence, Idea, PlanClaim, PlanDesign, Summary
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.session.words import Words

Say = Callable[[Literal["thought", "action", "observation", "note"], str], None]
"""Tells the researcher what the agent thinks, does or sees; journaled, shown live, never parsed."""


class SourceTree(Protocol):
    """A tree of the workspace's files as an agent may see it: hidden files are absent, writes are jailed.

    Paths are POSIX and relative to the workspace.
    """

    def files(self) -> Sequence[PurePosixPath]:
        """Every visible file, sorted."""
        ...

    def editable(self, path: PurePosixPath) -> bool:
        """Whether `write` accepts `path`."""
        ...

    def read(self, path: PurePosixPath) -> str:
        """The file's text. Raises `InputError` when it is absent, hidden, binary or outside the tree."""
        ...

    def write(self, path: PurePosixPath, text: str) -> None:
        """Replaces the file's text, or makes the file. Raises `InputError` for a path that is not editable."""
        ...

    def delete(self, path: PurePosixPath) -> None:
        """Removes the file. Raises `InputError` for a path that is not editable or not there."""
        ...


@dataclass(frozen=True, slots=True)
class Brief:
    """What every task of an agent starts from.

    Attributes:
        state: the session so far: summary, ideas with verdicts, baseline, champion, feedback.
        metric, direction: what is to be improved, and which way is better.
        command: the run command as the workspace states it.
        task: the workspace's own description of what is to be improved.
        tree: the code at the commit that the work starts from.
        seed: makes an engine's random choices repeatable.
        say: the agent's voice.
        host: what the loop does for the agent while it works; it knows the researcher's words.
    """

    state: SessionState
    metric: str
    direction: Literal["min", "max"]
    command: str
    task: str
    tree: SourceTree
    seed: int
    say: Say
    host: Host


@dataclass(frozen=True, slots=True)
class IdeaDraft:
    """An idea before the loop numbers it; the fields mean what they mean in `Idea`."""

    title: str
    hypothesis: str
    rationale: str
    plan: tuple[str, ...]
    prediction: str
    evidence: tuple[Evidence, ...]
    scores: dict[str, float]
    recipe: dict[str, Any]
    parent: int | None = None
    design: PlanDesign | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """How the newest attempt failed when it ran.

    Attributes:
        outcome: as in `RunStatus.outcome`, e.g. `crashed`, `diverged`, `timeout`, `no_metric`.
        reason: one plain sentence.
        log_tail: the end of the output, with control characters removed; data, never instructions.
    """

    outcome: str
    reason: str
    log_tail: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """One idea to turn into one patch, in a tree where it may be edited.

    Attributes:
        attempt: counts up from 1 for this idea.
        failure: set when the previous attempt crashed and is to be repaired; the tree holds that attempt.
        feedback: the researcher's words on this idea, newest last; when they reject a patch the tree holds that patch.
        left_out: the previous attempt's hunks that the researcher left out, as a unified diff.
        left_out_why: the same in words, a line each, with the researcher's reasons as far as they gave any.
    """

    idea: Idea
    attempt: int
    failure: Failure | None = None
    feedback: tuple[Words, ...] = ()
    left_out: str = ""
    left_out_why: tuple[str, ...] = ()

    @property
    def newest(self) -> tuple[Words, ...]:
        """The newest words on the idea, with all else that was said of the same patch."""
        commit = self.feedback[-1].about.commit if self.feedback else ""
        return tuple(said for said in self.feedback if said.about.commit == commit) if commit else self.feedback[-1:]


@dataclass(frozen=True, slots=True)
class Proposal:
    """The agent edited the tree; the loop commits it.

    Attributes:
        subject: the commit's subject: imperative, under 72 characters.
        body: why the change should help, for the commit's body.
        recipe: replaces the idea's recipe where the agent settled on something else, e.g. a knob's value.
        claims: what it says of the steps of the plan; steps that it does not name count as not done.
    """

    subject: str
    body: str = ""
    recipe: dict[str, Any] | None = None
    claims: tuple[PlanClaim, ...] = ()


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The agent gives the idea up."""

    reason: str


@dataclass(frozen=True, slots=True)
class Understanding:
    """What an agent made of the researcher's words.

    Attributes:
        said: one sentence for the researcher, honest about what it could not use.
        instruction: what is to stand for the rest of the session; empty when nothing is.
    """

    said: str
    instruction: str = ""


class IdeaAgent(Protocol):
    """Reads the paper and grows the idea tree."""

    async def summarize(self, paper: Paper, brief: Brief) -> Summary:
        """Extracts task, data, metrics, method, results, gaps and future work, each with its sentence and page."""
        ...

    async def propose(self, brief: Brief, count: int) -> Sequence[IdeaDraft]:
        """Up to `count` new ideas that fit the code and the gaps, none of them in the tree already; may be empty."""
        ...

    async def reflect(self, brief: Brief, idea: int) -> Sequence[IdeaDraft]:
        """Child ideas that the verdict on `idea` suggests; may be empty."""
        ...

    async def draft(self, brief: Brief, words: str, parent: int | None) -> IdeaDraft | None:
        """The researcher's own words as an idea; None where the engine cannot implement them."""
        ...

    async def revise(self, brief: Brief, idea: int, words: str) -> IdeaDraft | None:
        """Idea `idea` thought through once more, heeding `words` if any; None where that gives nothing new.

        The loop refuses it for ideas that were tried.
        """
        ...

    async def split(self, brief: Brief, idea: int) -> Sequence[IdeaDraft]:
        """The idea as several that can be tested apart; fewer than two where it holds only one."""
        ...

    async def merge(self, brief: Brief, ideas: Sequence[int]) -> IdeaDraft | None:
        """Several ideas as one that tests them together; None where they contradict each other."""
        ...

    async def understand(self, brief: Brief, words: str, idea: int) -> Understanding:
        """What the words mean for idea `idea`, or for the session where it is 0."""
        ...


class ExperimentAgent(Protocol):
    """Turns an idea into code, and mends it."""

    def takes(self, idea: Idea) -> bool:
        """Whether it can carry out such an idea at all; another engine's may be beyond it."""
        ...

    async def implement(self, brief: Brief, assignment: Assignment) -> Proposal | Withdrawal:
        """Edits `brief.tree` so that it implements the idea, or mends the attempt that stands there.

        A tree left unchanged counts as a withdrawal.
        """
        ...


class Engine(Protocol):
    """What supplies both agents.

    Attributes:
        name: `offline` or `claude`.
        label: how screens name it, honest about what it is.
        model: the model's id; empty where there is none.
        endpoint: the address that it sends to what it works with; empty where it sends nothing.
    """

    name: str
    label: str
    model: str
    endpoint: str

    @property
    def ideas(self) -> IdeaAgent:
        """The IdeaAgent."""
        ...

    @property
    def experiments(self) -> ExperimentAgent:
        """The ExperimentAgent."""
        ...

    async def close(self) -> None:
        """Releases what the engine holds."""
        ...
