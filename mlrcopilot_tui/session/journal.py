"""The journal file: appended to by the lock's holder alone, read by everybody."""

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import msgspec

from mlrcopilot_tui.errors import CopilotError, EnvironmentLackError
from mlrcopilot_tui.session.events import Event
from mlrcopilot_tui.session.records import Record, decode_record, encode_record

JOURNAL_NAME = "journal.jsonl"
LIVE_NAME = "agent.live"
"""Beside the journal: the words of the turn that an agent's model is at, for screens to show; no part of the record."""


class JournalDamagedError(CopilotError):
    """A line before the last one cannot be read; nothing is guessed and nothing is cut."""


class JournalReader:
    """Reads a journal's records as they appear.

    What is not whole at the end is still being written, or was torn by a crash: it is left for the next poll. That is
    a last line without its newline, lines that hold only with a next one that is not there, and what a power failure
    left unwritten, which reads as NUL bytes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        """Bytes consumed: the end of the last whole line."""
        self.seq = 0

    def poll(self) -> list[Record]:
        """The records that were appended since the last call; empty when the file is absent.

        Raises:
            JournalDamagedError: a whole line that is no record, or a gap in the numbering.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                data = file.read()
        except FileNotFoundError:
            return []
        lines = data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]
        if lines and b"\0" in lines[-1]:  # JSON has none
            del lines[-1]
        whole: list[Record] = []
        begun: list[Record] = []
        size = 0
        for line in lines:
            begun.append(self._decode(line, self.seq + len(begun)))
            size += len(line) + 1
            if not begun[-1].more:
                self.seq, self.offset = begun[-1].seq, self.offset + size
                whole += begun
                begun, size = [], 0
        return whole

    def _decode(self, line: bytes, seq: int) -> Record:
        """The record of the line after event `seq`."""
        try:
            record = decode_record(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise JournalDamagedError(
                f"Line {seq + 1} of {self.path} cannot be read ({error}).",
                "Restore the file from a backup; nothing was changed.",
            ) from error
        if record.seq != seq + 1:
            raise JournalDamagedError(
                f"{self.path} goes from event {seq} to event {record.seq}.",
                "Restore the file from a backup; nothing was changed.",
            )
        return record


class Journal(Protocol):
    """What events are appended to."""

    @property
    def recovered(self) -> list[Record]:
        """What it held when it was opened."""
        ...

    def append(self, *events: Event) -> list[Record]:
        """Writes `events`, all or none, and returns their records."""
        ...

    def close(self) -> None:
        """Releases the file."""
        ...


class JournalWriter:
    """Appends events, each on disk before `append` returns.

    The caller holds the session's lock. Opening cuts off a torn end: the events in it were never acted upon, because
    an event is on disk before anything is done about it.
    """

    def __init__(self, path: Path) -> None:
        self.reader = JournalReader(path)
        self.recovered = self.reader.poll()
        """What the journal held when it was opened."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EnvironmentLackError(
                f"The journal {path} cannot be written: {error.strerror}.",
                "Free space or fix the folder's permissions.",
            ) from error
        if not self.recovered:
            _sync_folder(path.parent)
        if os.fstat(self._fd).st_size > self.reader.offset:
            os.ftruncate(self._fd, self.reader.offset)
        self._end = self.reader.offset
        self._seq = self.reader.seq

    def append(self, *events: Event) -> list[Record]:
        """Writes `events` in one go and returns their records as every reader will see them.

        A process that is killed leaves all of them or none: the kernel ends a write at any page, so each line but the
        last one says that there is more to come.

        Raises:
            EnvironmentLackError: the disk is full or gone; the journal stays as it was.
        """
        time = utc_now()
        last = len(events)
        lines = [encode_record(Record(self._seq + at, time, event, at < last)) for at, event in enumerate(events, 1)]
        records = [decode_record(line) for line in lines]  # nothing is written that could not be read
        data = b"".join(lines)
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._fd, data[written:], self._end + written)
            os.fsync(self._fd)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._end)
            raise EnvironmentLackError(
                f"The journal cannot be written: {error.strerror}.",
                "Free some disk space, then run `mlrcopilot run` to go on.",
            ) from error
        self._end += len(data)
        self._seq += len(events)
        return records

    def close(self) -> None:
        """Releases the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def utc_now() -> str:
    """The time as journals write it: ISO 8601 in UTC with milliseconds and a Z."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _sync_folder(folder: Path) -> None:
    """Puts the name of a new file on disk: its bytes alone would not be found again after a power failure."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):  # some mounts sync no folders
            os.fsync(fd)
    finally:
        os.close(fd)
