"""A host for agents under test: answers at once, keeps what it is told, runs nothing unless it is scripted to."""

import asyncio
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mlrcopilot_tui.agents.host import Allowance, Execution, ForeignEdit
from mlrcopilot_tui.session.model_events import ModelCalled, ModelFaulted
from mlrcopilot_tui.session.words import Words


@dataclass
class FakeHost:
    """Attributes tell what an agent asked of it; the lists that answer it are used up from the front."""

    exchanges: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="mlrcopilot-exchanges-")))
    booked: list[ModelCalled | ModelFaulted] = field(default_factory=list)
    allowed: Allowance = field(default_factory=Allowance)
    lived: list[str] = field(default_factory=list)
    said: list[Words] = field(default_factory=list)
    taken_in: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    executed: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    edited: list[ForeignEdit] = field(default_factory=list)
    interrupted: asyncio.Event = field(default_factory=asyncio.Event)

    def book(self, event: ModelCalled | ModelFaulted) -> None:
        self.booked.append(event)

    def allowance(self) -> Allowance:
        return self.allowed

    def live(self, text: str) -> None:
        self.lived.append(text)

    def words(self, at: int | None = None) -> tuple[Words, ...]:
        return tuple(said for said in self.said if said.stands(at))

    def took_in(self, task: str, words: Iterable[Words], *, idea: int, attempt: int = 0) -> None:
        self.taken_in.append((task, tuple(said.text for said in words)))

    def heard(self, attempt: int, step: int) -> int | None:
        return None

    async def edits(self) -> tuple[ForeignEdit, ...]:
        return tuple(self.edited)

    async def unpaused(self) -> None:
        return

    async def interruption(self) -> None:
        await self.interrupted.wait()
        self.interrupted.clear()

    async def ask(self, question: str) -> str:
        self.asked.append(question)
        return self.answers.pop(0) if self.answers else "Decide yourself."

    async def execute(self, argv: tuple[str, ...], *, limit_s: float, stdin: str = "") -> Execution:
        self.executed.append((argv, stdin))
        if self.executions:
            return self.executions.pop(0)
        return Execution("ok", "", "", 0, 0, 0.0, f"x{len(self.executed)}")
