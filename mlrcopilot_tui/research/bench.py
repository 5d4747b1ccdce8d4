"""The workbench: what every part of the research loop shares for one session."""

import asyncio
import threading
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from mlrcopilot_tui.agents.base import Brief, Engine, Say, SourceTree
from mlrcopilot_tui.errors import CopilotError, RefusedError
from mlrcopilot_tui.research.gates import Gatekeeper
from mlrcopilot_tui.research.host import AgentHost
from mlrcopilot_tui.research.places import Places
from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.runs.executor import Executor
from mlrcopilot_tui.runs.sandbox import Sandbox
from mlrcopilot_tui.session.events import AgentAsked, AgentSaid, Event, Outside, WarningRaised
from mlrcopilot_tui.session.run_events import RunPlanned
from mlrcopilot_tui.session.session import OpenSession
from mlrcopilot_tui.session.state import Champion, IdeaState, SessionState
from mlrcopilot_tui.text import printable
from mlrcopilot_tui.workspace.commit_tree import CommitTree
from mlrcopilot_tui.workspace.config import RunConfig, WorkspaceConfig
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.globs import FileRules
from mlrcopilot_tui.workspace.idea_tree import IdeaTree
from mlrcopilot_tui.workspace.layout import Layout
from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.recorded_tree import RecordedTree
from mlrcopilot_tui.workspace.write_log import WriteLog

AgentName = Literal["IdeaAgent", "ExperimentAgent"]
T = TypeVar("T")


class AgentFailedError(RefusedError):
    """An agent's own code broke; the session goes on without what it was asked for."""


async def at_once(*_: object) -> None:
    """When things may happen where nothing is replayed."""


def always(*_: object) -> bool:
    """Whether things may happen where nothing is replayed."""
    return True


@dataclass(frozen=True, slots=True)
class Bench:
    """One session's tools.

    Attributes:
        python: the interpreter that stands for a leading `python` in the run command.
        gates: the questions that wait for the researcher.
        places: how many runs go on side by side, and which GPUs each of them gets.
        turn: returns when an event may happen; in a replay, where the recording had it.
        turn_of: returns when the work on an idea, or the loop, may look what is to be done next, and do it.
        is_due: whether the work on an idea, or the loop, does something now, before anything else happens.
        turn_to_run: returns when a run that is not named yet may be planned.
        may_ask: returns when an agent may ask its model; in a replay, with what it knew then.
        unfenced: whether the researcher said when they ran it that runs may go without a fence.
        watches: whether edits of the researcher's are looked for; in a replay the recording tells of them.
        trees: the worktrees of ideas that were asked for, by number and base; see `recorded_tree`.
        line_moves: held by whoever moves the session's line, so that git and the journal tell of moves in one order.
    """

    layout: Layout
    session: OpenSession
    config: WorkspaceConfig
    repository: Repository
    line: SessionLine
    engine: Engine
    executor: Executor
    sandbox: Sandbox
    python: str
    gates: Gatekeeper
    places: Places
    turn: Callable[[Event], Awaitable[None]] = at_once
    turn_of: Callable[[int], Awaitable[None]] = at_once
    is_due: Callable[[int], bool] = always
    turn_to_run: Callable[[RunPlanned], Awaitable[None]] = at_once
    may_ask: Callable[[], Awaitable[None]] = at_once
    unfenced: bool = False
    watches: bool = True
    trees: dict[tuple[int, str], RecordedTree] = field(default_factory=dict)
    line_moves: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def state(self) -> SessionState:
        """The session as it stands."""
        return self.session.state

    @property
    def champion(self) -> Champion:
        """The best kept commit; a session that was begun always has one."""
        if self.state.champion is None:
            raise ValueError("the session was not begun")
        return self.state.champion

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return Settings.of(self.session.state)

    @property
    def run_config(self) -> RunConfig:
        """How the next run is started and bounded."""
        return self.settings.of_runs(self.config.run)

    @property
    def session_folder(self) -> Path:
        """Where the session's files lie."""
        return self.session.folder

    @property
    def rules(self) -> FileRules:
        """What may be done with each file."""
        return FileRules(self.config.files)

    def code(self, commit: str = "") -> CommitTree:
        """The files of `commit`, by default the champion's, read-only and straight from git."""
        return CommitTree(self.repository, commit or self.champion.commit, self.rules)

    def idea_tree(self, idea: IdeaState) -> IdeaTree:
        """The worktree in which an idea's next attempt is written, on the commit that the idea starts from."""
        path = self.layout.idea_tree(self.state.session, idea.idea.number)
        return IdeaTree(self.repository, path, idea.parent_commit, self.rules)

    def recorded_tree(self, idea: IdeaState) -> RecordedTree:
        """The same worktree with the record of what we wrote there, which tells the researcher's edits."""
        session, number = self.state.session, idea.idea.number
        key = (number, idea.parent_commit)
        if key not in self.trees:
            tree, log = self.idea_tree(idea), WriteLog(self.layout.writes(session, number))
            # As a program left it that kept no record; where its agent was at work, nobody can tell the two apart.
            if not log.start and idea.status == "waiting" and idea.attempts and tree.path.is_dir():
                log.begin(idea.attempts[-1].commit)
            kept = self.layout.kept(session, number)
            self.trees.setdefault(key, RecordedTree(self.repository, tree, self.rules, log, kept))
        return self.trees[key]

    def patch_file(self, commit: str) -> Path:
        """Where the diff of an attempt lies for screens that call no git."""
        return self.session_folder / "patches" / f"{commit}.diff"

    def warn(self, text: str, mend: str = "", about: Outside = "") -> None:
        """Tells the researcher something that stops nothing; no replay brings about what hangs on something outside."""
        self.session.record(WarningRaised(text=text, mend=mend, about=about))

    async def asked(self, agent: AgentName, work: Awaitable[T], idea: int = 0) -> T:
        """What an agent answers; it begins when this is awaited. `idea` is the one that it is to carry out.

        Raises:
            AgentFailedError: its code broke.
            CopilotError: it says itself why there is no answer.
        """
        asked = AgentAsked(agent=agent, idea=idea)
        try:
            await self.turn(asked)
            self.session.record(asked)
        except BaseException:
            if isinstance(work, Coroutine):
                work.close()
            raise
        try:
            return await work
        except CopilotError:
            raise
        except Exception as error:
            raise AgentFailedError(f"The {agent} failed: {self.note_error(error)}") from error

    def note_error(self, error: Exception) -> str:
        """Keeps the traceback of a defect, and says in a line what it is and where the traceback is."""
        log = self.session_folder / "errors.log"
        with log.open("a", encoding="utf-8", errors="replace") as file:
            traceback.print_exception(error, file=file)
        return f"{printable(f'{type(error).__name__}: {error}')[:200]} (see {log})."

    def voice(self, agent: AgentName, idea: int = 0) -> Say:
        """An agent's way to speak about idea `idea`, from the event loop or from a thread that works for it."""
        loop, owner = asyncio.get_running_loop(), threading.get_ident()

        def say(kind: Literal["thought", "action", "observation", "note"], text: str) -> None:
            said = AgentSaid(agent=agent, kind=kind, text=text, idea=idea)
            if threading.get_ident() == owner:
                self.session.record(said)
            else:
                loop.call_soon_threadsafe(self.session.record, said)

        return say

    def brief(self, tree: SourceTree, agent: AgentName, idea: int = 0) -> Brief:
        """What an agent starts from when it works in `tree`."""
        started = self.state.started
        return Brief(
            state=self.state,
            metric=self.config.metric.name,
            direction=self.config.metric.direction,
            command=self.config.run.command,
            task=self.config.task.description,
            tree=tree,
            seed=started.seed if started else 0,
            say=self.voice(agent, idea),
            host=AgentHost(self, agent, idea),
        )
