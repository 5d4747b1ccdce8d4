"""What the loop does for an agent while it works: the researcher's ear, a fenced machine, the books, the cassette."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.session.model_events import ModelCalled, ModelFaulted
from mlrcopilot_tui.session.words import Words


class BudgetSpentError(CopilotError):
    """The next call does not fit the session's budget any more; the session ends in good order."""

    exit_code = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the researcher lets an engine use, as it stands now; it can change from call to call.

    Attributes:
        usd: dollars that may still be spent; None where there is no limit.
        model, fast_model: the models in force; empty for the engine's own choice.
    """

    usd: float | None = None
    model: str = ""
    fast_model: str = ""


@dataclass(frozen=True, slots=True)
class Execution:
    """How a command ended that an agent ran to look at something; no such number ever decides about a patch.

    Attributes:
        outcome: as in `RunStatus.outcome`; `stopped` also where the researcher interrupted it.
        reason: one plain sentence.
        output: standard output and standard error as they came, sanitised; its middle is left out where it is long.
        output_chars: how long the output was.
        wall_s: seconds.
        name: the execution's name, for what is said about it later.
    """

    outcome: str
    reason: str
    output: str
    output_chars: int
    exit_code: int | None
    wall_s: float
    name: str


@dataclass(frozen=True, slots=True)
class ForeignEdit:
    """What the researcher changed in the agent's files while it was at work; it stands there already.

    Attributes:
        files: the paths that they changed.
        diff: what they changed, as a unified diff.
    """

    files: tuple[str, ...]
    diff: str


class Host(Protocol):
    """The loop as an agent sees it. All of it belongs to the event loop's thread.

    Attributes:
        exchanges: the folder in which every exchange with a model is kept verbatim.
    """

    exchanges: Path

    def book(self, event: ModelCalled | ModelFaulted) -> None:
        """Journals what a call cost, or how it failed."""
        ...

    def allowance(self) -> Allowance:
        """The budget that is left and the models in force."""
        ...

    def live(self, text: str) -> None:
        """Shows `text` as the words of the turn in flight, all of them each time; empty when the turn is over."""
        ...

    def words(self, at: int | None = None) -> tuple[Words, ...]:
        """The researcher's words on this agent's idea and on the session that hold, oldest first.

        They change while it works. Those that held at a place in the journal are told for `at`.
        """
        ...

    def heard(self, attempt: int, step: int) -> int | None:
        """The place in the journal up to which the model knew the researcher's words when an earlier process got its
        turn for that step; None if none did.

        An agent that takes up an attempt asks as it did then, so that the turns that were paid for are found again.
        """
        ...

    def took_in(self, task: str, words: Iterable[Words], *, idea: int, attempt: int = 0) -> None:
        """Journals that an agent that asks no model worked by these words; a model's requests name theirs.

        `idea` is the one that the work was about; 0 where it was about none.
        """
        ...

    async def edits(self) -> tuple[ForeignEdit, ...]:
        """What the researcher has edited since the agent was asked, oldest first; looks before it tells."""
        ...

    async def unpaused(self) -> None:
        """Returns as soon as the session is not paused."""
        ...

    async def interruption(self) -> None:
        """Returns when the researcher interrupts; by then the session is paused."""
        ...

    async def ask(self, question: str) -> str:
        """The researcher's answer; where nobody is there to be asked, a rule's."""
        ...

    async def execute(self, argv: tuple[str, ...], *, limit_s: float, stdin: str = "") -> Execution:
        """Runs a command in a fresh, fenced copy of the agent's tree, without network, as the tree stands now.

        Args:
            argv: the command; a leading `python` is the workspace's interpreter.
            limit_s: seconds after which it is ended with all its processes.
            stdin: what it reads; a `python -` runs it as a program.
        """
        ...
