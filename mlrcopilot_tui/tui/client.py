"""The TUI's side of a session: it reads the journal, drops decisions, and hears what became of them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.session.inbox import Inbox, new_decision_id
from mlrcopilot_tui.session.journal import JOURNAL_NAME, JournalReader
from mlrcopilot_tui.session.model import Decision, DecisionKind
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.session.subjects import HunkNote, Subject
from mlrcopilot_tui.workspace.layout import Layout

GRACE_S = 0.5
"""Keys that decide are ignored for so long after a decision appears: a half-typed word approves nothing."""


class DecisionFields(TypedDict, total=False):
    """What a decision carries beside its kind, as `Decision` has it."""

    gate: str
    idea: int
    commit: str
    run: str
    text: str
    hunks: tuple[int, ...]
    patch: str
    order: tuple[int, ...]
    draft: dict[str, Any]
    network: bool
    about: Subject
    notes: tuple[HunkNote, ...]
    number: int
    together: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a decision."""

    said: str
    refused: bool
    kind: DecisionKind


class SessionClient:
    """One session as a client sees it. Nothing here starts a process or writes outside the inbox.

    Args:
        layout: the workspace.
        session: which session; None until `open` names one.
        clock: monotonic seconds.
    """

    def __init__(
        self, layout: Layout, session: str | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.layout = layout
        self.state = SessionState()
        self.folder: Path | None = None
        self._reader: JournalReader | None = None
        self._clock = clock
        self._gate_seen: dict[str, float] = {}
        self._pending: dict[str, Decision] = {}
        """The decisions whose results are not known yet."""
        if session is not None:
            self.open(session)

    def open(self, session: str) -> None:
        """Reads this session from now on; nothing happens where it is the one that is read."""
        folder = self.layout.session(session)
        if folder != self.folder:
            self.folder = folder
            self.state = SessionState()
            self._reader = JournalReader(folder / JOURNAL_NAME)
            self._gate_seen.clear()
            self._pending.clear()

    def poll(self) -> bool:
        """Takes in what the journal has gained; says whether there was anything.

        Raises:
            JournalDamagedError: the journal cannot be read.
        """
        if self._reader is None or not _has_grown(self._reader):
            return False
        records = self._reader.poll()
        # The first look may be in a thread, while the screen shows what is there: nothing yet.
        state = self.state if self.state.seq else SessionState()
        for record in records:
            state.apply(record)
        self.state = state
        for gate in state.gates:
            self._gate_seen.setdefault(gate, self._clock())
        return bool(records)

    def decide(self, kind: DecisionKind, **fields: Unpack[DecisionFields]) -> Decision:
        """Makes a decision, to be followed until the journal tells what became of it; `drop` sends it."""
        decision = Decision(id=new_decision_id(), kind=kind, **fields)
        self._pending[decision.id] = decision
        return decision

    def drop(self, decision: Decision) -> None:
        """Leaves a decision in the inbox; it waits for the disk, so call it in a thread."""
        if self.folder is not None:
            Inbox(self.folder / "inbox").drop(decision)

    def settled(self) -> list[Settled]:
        """What became of this client's decisions since the last call."""
        state = self.state
        done = [decision for decision in self._pending.values() if decision.id in state.decisions]
        for decision in done:
            del self._pending[decision.id]
        return [Settled(state.decisions[each.id], each.id in state.refused, each.kind) for each in done]

    def is_answering(self, gate: str) -> bool:
        """Whether a decision on this gate is on its way."""
        return any(decision.gate == gate for decision in self._pending.values())

    def in_grace(self, gate: str) -> bool:
        """Whether a gate appeared so lately that a key press was not meant for it."""
        return self._clock() - self._gate_seen.get(gate, float("-inf")) < GRACE_S

    def grace(self) -> Callable[[], bool]:
        """Begins a grace period; what it returns tells whether it lasts."""
        begun = self._clock()
        return lambda: self._clock() - begun < GRACE_S

    def run_folder(self, run: str) -> Path | None:
        """Where a run's records lie; None for a name that is none."""
        if self.folder is None:
            return None
        try:
            return self.layout.run(self.folder.name, run)
        except InputError:
            return None

    def copilot_alive(self) -> bool | None:
        """Whether a copilot holds the session; None while there is no session."""
        from mlrcopilot_tui.session.lock import current_holder  # noqa: PLC0415 -- psutil, 20 ms, after the first frame

        return None if self.folder is None else current_holder(self.folder) is not None


def latest_session(layout: Layout) -> str | None:
    """The session whose journal was written to last; None while there is none."""
    journals = list(layout.sessions.glob(f"*/{JOURNAL_NAME}"))
    return max(journals, key=lambda path: path.stat().st_mtime_ns).parent.name if journals else None


def _has_grown(reader: JournalReader) -> bool:
    try:
        return reader.path.stat().st_size > reader.offset
    except OSError:
        return False
