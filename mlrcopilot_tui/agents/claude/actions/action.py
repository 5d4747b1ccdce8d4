"""What an action of the ExperimentAgent is, and the workbench that it works at."""

import contextlib
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import msgspec

from mlrcopilot_tui.agents.base import Assignment, Brief, Proposal, Withdrawal
from mlrcopilot_tui.agents.claude.experiment.fact_check import KnownNumbers
from mlrcopilot_tui.agents.claude.turns import Model
from mlrcopilot_tui.errors import InputError


@dataclass(frozen=True, slots=True)
class Observation:
    """What came of an action.

    Attributes:
        text: what the model is told; the action itself fences what is data.
        failed: it was not done; the text then begins with `ERROR:`, because some servers drop the protocol's mark.
        edited: the files that it changed.
    """

    text: str
    failed: bool = False
    edited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """A file as it was before an action changed it; `before` is None where there was no such file."""

    path: PurePosixPath
    before: str | None


@dataclass(slots=True)
class EditHistory:
    """The edits of one attempt, newest last, so that they can be undone."""

    edits: list[Edit] = field(default_factory=list)

    def remember(self, path: PurePosixPath, before: str | None) -> None:
        """Keeps what a file held before it is changed."""
        self.edits.append(Edit(path, before))

    def forget(self, paths: Collection[str]) -> None:
        """Drops the edits of files that somebody else has changed since: what they wrote is not to be undone."""
        self.edits = [edit for edit in self.edits if str(edit.path) not in paths]

    def last(self, path: PurePosixPath | None = None) -> Edit | None:
        """Takes the newest edit out of the history, of `path` where one is given; None where there is none."""
        for index in range(len(self.edits) - 1, -1, -1):
            if path is None or self.edits[index].path == path:
                return self.edits.pop(index)
        return None


@dataclass(slots=True)
class Workbench:
    """What actions work with, for the length of one attempt.

    Attributes:
        brief: tree, host, voice, metric and state.
        assignment: the idea and how far it has come.
        model: for what the fast model is to condense.
        numbers: what code computed and files hold. An action passes on what it ran (`numbers.measured`) or read
            (`numbers.read`) as it came, before it is condensed.
        log: the research log, oldest entry first: the session's earlier ideas, then what the agent notes.
        edits: what the agent changed in this attempt.
        unseen: the files that the researcher has changed since and the agent was not told of yet.
        start: the editable files as they were when the attempt began.
        step: the step that is being carried out, from 1.
        warned_of_numbers: the agent was told once that its final answer states numbers that no code computed.
        final: how the attempt ends; set by the actions that end it.
    """

    brief: Brief
    assignment: Assignment
    model: Model
    numbers: KnownNumbers
    log: list[str] = field(default_factory=list)
    edits: EditHistory = field(default_factory=EditHistory)
    unseen: set[str] = field(default_factory=set)
    start: dict[PurePosixPath, str] = field(init=False)
    step: int = 0
    warned_of_numbers: bool = False
    final: Proposal | Withdrawal | None = None

    def __post_init__(self) -> None:
        self.start = self._editable_texts()

    def changed(self) -> tuple[PurePosixPath, ...]:
        """The files that are not as they were when the attempt began: added, changed or removed."""
        now = self._editable_texts()
        return tuple(sorted(path for path in self.start.keys() | now.keys() if self.start.get(path) != now.get(path)))

    def _editable_texts(self) -> dict[PurePosixPath, str]:
        tree, texts = self.brief.tree, dict[PurePosixPath, str]()
        for path in filter(tree.editable, tree.files()):
            with contextlib.suppress(InputError):  # a binary file, which no action can change
                texts[path] = tree.read(path)
        return texts


Do = Callable[[Workbench, Any], Awaitable[Observation]]


@dataclass(frozen=True, slots=True)
class Action:
    """Something the agent can do: one tool of the model.

    Attributes:
        name: snake_case, e.g. `read_file`.
        description: what the model reads about it; the fields of `schema` are described by `msgspec.Meta`.
        schema: the form of its input, without the notes that every action is preceded by.
        do: carries it out. A `CopilotError` that it raises is told to the model as a failed observation, but for an
            empty budget and for faults of the model, which end the attempt.
    """

    name: str
    description: str
    schema: type[msgspec.Struct]
    do: Do
