"""The workbench: what every part of the research loop shares for one session."""

import asyncio
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlrcopilot_tui.agents.base import Brief, Engine, Say, SourceTree
from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.runs.executor import Executor
from mlrcopilot_tui.runs.sandbox import Sandbox
from mlrcopilot_tui.session.events import AgentSaid, WarningRaised
from mlrcopilot_tui.session.session import OpenSession
from mlrcopilot_tui.session.state import Champion, SessionState
from mlrcopilot_tui.workspace.commit_tree import CommitTree
from mlrcopilot_tui.workspace.config import WorkspaceConfig
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.globs import FileRules
from mlrcopilot_tui.workspace.layout import Layout
from mlrcopilot_tui.workspace.lines import SessionLine

AgentName = Literal["IdeaAgent", "ExperimentAgent"]


@dataclass(frozen=True, slots=True)
class Bench:
    """One session's tools. `python` is the interpreter that stands for a leading `python` in the run command."""

    layout: Layout
    session: OpenSession
    config: WorkspaceConfig
    repository: Repository
    line: SessionLine
    engine: Engine
    executor: Executor
    sandbox: Sandbox
    python: str

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

    def patch_file(self, commit: str) -> Path:
        """Where the diff of an attempt lies for screens that call no git."""
        return self.session_folder / "patches" / f"{commit}.diff"

    def warn(self, text: str, mend: str = "") -> None:
        """Tells the researcher something that stops nothing."""
        self.session.record(WarningRaised(text=text, mend=mend))

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
            instructions=tuple(said.text for said in self.state.feedback if said.idea == 0),
            seed=started.seed if started else 0,
            say=self.voice(agent, idea),
        )
