"""A session opened for writing: its lock, its journal and the state they give, kept in step."""

import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.session.events import FORMAT, Event, SessionStarted
from mlrcopilot_tui.session.inbox import Inbox
from mlrcopilot_tui.session.journal import JOURNAL_NAME, Journal, JournalReader, JournalWriter
from mlrcopilot_tui.session.lock import SessionLock
from mlrcopilot_tui.session.records import Record, stands_alone
from mlrcopilot_tui.session.state import SessionState, fold


class OpenSession:
    """The one writer of a session. Use as a context manager.

    Args:
        folder: the session's.
        open_journal: gives what events are appended to; a replay hands in one that holds them against a recording.

    Raises:
        RefusedError: another process has the session open.
        JournalDamagedError: the journal cannot be read.
    """

    def __init__(self, folder: Path, open_journal: Callable[[Path], Journal] = JournalWriter) -> None:
        self.folder = folder
        self._open_journal = open_journal
        self.inbox = Inbox(folder / "inbox")
        self.listeners: list[Callable[[Record], None]] = []
        self._lock = SessionLock(folder)
        self._owner = threading.get_ident()

    def __enter__(self) -> Self:
        self._lock.acquire()
        try:
            self._writer = self._open_journal(self.folder / JOURNAL_NAME)
            self.state = fold(self._writer.recovered)
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        self._lock.release()

    def record(self, *events: Event) -> None:
        """Puts `events` on disk, all or none, then into the state, then before the listeners.

        Only the thread that opened the session may: the order of events is the order of what happened.
        """
        if threading.get_ident() != self._owner:
            raise RuntimeError(f"{', '.join(event.type for event in events)} was recorded from another thread")
        records = self._writer.append(*events)
        for record in records:
            self.state.apply(record)
        for record in records:
            for listener in self.listeners:
                listener(record)


def read_state(folder: Path) -> SessionState:
    """The state of the session in `folder`, read without a lock."""
    return fold(JournalReader(folder / JOURNAL_NAME).poll())


def checked_state(state: SessionState, session: str) -> SessionStarted:
    """How a session began, once it is known that it did and that this program understands what came after.

    Raises:
        InputError: its first event never reached the disk, or a newer program wrote it.
    """
    if state.started is None:
        raise InputError(f"Session {session} never began.", "Start another: `mlrcopilot run --new`.")
    if state.started.format > FORMAT:
        raise InputError(
            f"Session {session} was written by a newer mlrcopilot.", "Upgrade: `pip install -U mlrcopilot`."
        )
    return state.started


def begun_sessions(sessions: Path) -> list[str]:
    """The ids of the sessions in a folder, the one that was written to last first; those that never began are left out.

    Damaged journals count: what is wrong with them is told by whoever opens them.
    """
    journals = [path for path in sessions.glob(f"*/{JOURNAL_NAME}") if _begun(path)]
    return [path.parent.name for path in sorted(journals, key=lambda path: path.stat().st_mtime_ns, reverse=True)]


def _begun(journal: Path) -> bool:
    """Whether the first events of a session are there, as a whole."""
    with journal.open("rb") as file:
        return any(stands_alone(line) for line in file if line.endswith(b"\n"))


def new_session_id() -> str:
    """Eight random hex digits."""
    return secrets.token_hex(4)
