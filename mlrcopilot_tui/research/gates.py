"""Gates: questions that the loop puts to the researcher, and the answers that let it go on."""

import asyncio
from collections.abc import Collection
from typing import Any

from mlrcopilot_tui.session.events import GateAnswered, GateOpened
from mlrcopilot_tui.session.model import Answer, Gate, GateKind
from mlrcopilot_tui.session.session import OpenSession


class Gatekeeper:
    """Opens gates and waits for their answers; answers arrive in the journal, whoever wrote them."""

    def __init__(self, session: OpenSession) -> None:
        self._session = session
        self._changed = asyncio.Event()
        self._interrupted = asyncio.Event()
        session.listeners.append(lambda _: self._changed.set())

    def open(self, kind: GateKind, question: str, *, idea: int = 0, commit: str = "", forecast: str = "") -> Gate:
        """Puts a question, or finds the same one that an earlier process left open."""
        if found := self.find(kind, question, idea=idea, commit=commit):
            return found
        name = f"g{len(self._session.state.gates) + 1}"
        gate = Gate(id=name, kind=kind, question=question, idea=idea, commit=commit, forecast=forecast)
        self._session.record(GateOpened(gate=gate))
        return gate

    def find(self, kind: GateKind, question: str, *, idea: int = 0, commit: str = "") -> Gate | None:
        """The same question, if it waits; other kinds than an agent's may be worded anew."""
        for gate in self._session.state.open_gates.values():
            same_words = kind != "question" or gate.question == question
            if (gate.kind, gate.idea, gate.commit) == (kind, idea, commit) and same_words:
                return gate
        return None

    async def answer(self, gate: Gate) -> GateAnswered:
        """Waits until `gate` is answered."""
        while (answer := self._session.state.answers.get(gate.id)) is None:
            await self.change()
        return answer

    def close(self, kind: GateKind, answer: Answer) -> None:
        """Answers, by rule, the questions of a kind that still wait."""
        waiting = [gate for gate in self._session.state.open_gates.values() if gate.kind == kind]
        self._session.record(*(GateAnswered(gate=gate.id, answer=answer, by="rule") for gate in waiting))

    def drop_questions(self, idea: int, *, but: str = "") -> None:
        """Closes an agent's questions that nobody waits for any more, `but` one."""
        waiting = [gate for gate in self._session.state.open_gates.values() if gate.kind == "question"]
        dropped = [gate.id for gate in waiting if gate.idea == idea and gate.question != but]
        self._session.record(*(GateAnswered(gate=gate, answer="reject", by="rule") for gate in dropped))

    async def unpaused(self) -> None:
        """Waits while the session is paused."""
        while self._session.state.paused:
            await self.change()

    def interrupt(self) -> None:
        """Wakes everyone who waits for an interruption."""
        self._interrupted.set()
        self._interrupted = asyncio.Event()

    async def interruption(self) -> None:
        """Waits until the researcher interrupts."""
        await self._interrupted.wait()

    async def change(self) -> None:
        """Waits until something was journaled."""
        self._changed.clear()
        await self._changed.wait()

    async def change_or(self, tasks: "Collection[asyncio.Task[Any]]") -> None:
        """Waits until something was journaled, or one of the tasks is done."""
        self._changed.clear()
        changed = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({changed, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
