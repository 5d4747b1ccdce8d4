"""A session opened for writing: its lock, its journal and the state they give, kept in step."""

import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from mlrcopilot_tui.session.events import Event, Record
from mlrcopilot_tui.session.inbox import Inbox
from mlrcopilot_tui.session.journal import JOURNAL_NAME, JournalReader, JournalWriter
from mlrcopilot_tui.session.lock import SessionLock
from mlrcopilot_tui.session.state import SessionState, fold


class OpenSession:
    """The one writer of a session. Use as a context manager.

    Raises:
        RefusedError: another process has the session open.
        JournalDamagedError: the journal cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inbox = Inbox(folder / "inbox")
        self.listeners: list[Callable[[Record], None]] = []
        self._lock = SessionLock(folder)
        self._owner = threading.get_ident()

    def __enter__(self) -> Self:
        self._lock.acquire()
        try:
            self._writer = JournalWriter(self.folder / JOURNAL_NAME)
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

    def record(self, event: Event) -> None:
        """Puts `event` on disk, then into the state, then before the listeners.

        Only the thread that opened the session may: the order of events is the order of what happened.
        """
        if threading.get_ident() != self._owner:
            raise RuntimeError(f"{event.type} was recorded from another thread")
        record = self._writer.append(event)
        self.state.apply(record)
        for listener in self.listeners:
            listener(record)


def read_state(folder: Path) -> SessionState:
    """The state of the session in `folder`, read without a lock."""
    return fold(JournalReader(folder / JOURNAL_NAME).poll())


def new_session_id() -> str:
    """Eight random hex digits."""
    return secrets.token_hex(4)
