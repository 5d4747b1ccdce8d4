"""What the researcher said: about what, what an engine made of it, whether it holds, and which turns took it in."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from mlrcopilot_tui.session.events import GateAnswered
from mlrcopilot_tui.session.subjects import Subject

_DOING: Final = {
    "summarize": "reading the paper",
    "propose": "proposing ideas",
    "reflect": "reflecting on",
    "draft": "drafting an idea",
    "revise": "revising",
    "split": "splitting",
    "merge": "merging ideas",
}
"""What an IdeaAgent does, by what its turns are called."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """A turn of an agent that took words in: they stood in what its model read, or in what its rules worked on.

    Attributes:
        idea, attempt: what the ExperimentAgent carried out; 0 where the turn was about none.
        step: a model's turn within the attempt, from 1; 0 for others.
        task: what it did, e.g. `step`, `propose`, `reflect`, `implement`.
        seq, time: the place in the journal that tells of it.
    """

    agent: str
    task: str
    idea: int = 0
    attempt: int = 0
    step: int = 0
    seq: int = 0
    time: str = ""

    @property
    def told(self) -> str:
        """`the ExperimentAgent, attempt 3.2, turn 4`, or `the IdeaAgent, reflecting on idea 3`."""
        if not self.attempt:
            doing = _DOING.get(self.task, f"at {self.task}")
            return f"the {self.agent}, {doing}{f' idea {self.idea}' if self.idea else ''}"
        turn = f", turn {self.step}" if self.step else ""
        return f"the {self.agent}, attempt {self.idea}.{self.attempt}{turn}"


@dataclass(slots=True)
class Words:
    """One thing that the researcher said; a standing instruction that was rewritten is another one from then on.

    Attributes:
        seq, time: where and when it was said, or written so: its place in the journal names it.
        number: of a standing instruction, from 1; it stays when it is rewritten. 0 for words on an idea.
        since: when the instruction was given first.
        ended: the place in the journal where it was dropped or rewritten; 0 while it holds.
        dropped: whether the researcher dropped it.
        first, last: the first and the newest turn that took it in; None while none has.
    """

    text: str
    understood: str = ""
    about: Subject = field(default_factory=Subject)
    seq: int = 0
    time: str = ""
    number: int = 0
    since: str = ""
    ended: int = 0
    dropped: bool = False
    first: Hearing | None = None
    last: Hearing | None = None

    @property
    def idea(self) -> int:
        """The idea that it is about; 0 for what stands for the session."""
        return self.about.idea

    def stands(self, at: int | None = None) -> bool:
        """Whether it held at a place in the journal; by default whether it holds now."""
        if at is None:
            return not self.ended
        return self.seq <= at and (not self.ended or self.ended > at)

    def take_in(self, hearing: Hearing) -> None:
        """Notes that a turn took it in."""
        self.first, self.last = self.first or hearing, hearing

    @property
    def reached(self) -> str:
        """Which turns took it in, in words; honest where none has."""
        if self.first is None or self.last is None:
            return "no turn has taken it in" if self.ended else "no turn has taken it in yet"
        if self.first == self.last:
            return f"taken in by {self.first.told}"
        return f"taken in first by {self.first.told}; last by {self.last.told}"


def holding(words: Iterable[Words], ideas: Collection[int], at: int | None = None) -> tuple[Words, ...]:
    """Those about these ideas, 0 being the session, that hold, oldest first; `at` is as in `Words.stands`."""
    return tuple(said for said in words if said.idea in ideas and said.stands(at))


def left_out_lines(answer: GateAnswered) -> tuple[str, ...]:
    """What an approval did not take of its patch, a line each, with the reason for all of it where one was given."""
    why = f" ({answer.text})" if answer.text else ""
    return tuple(f"{left.told}{why}" for left in answer.left_out)
