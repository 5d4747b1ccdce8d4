"""The journal file: appended to by the lock's holder alone, read by everybody."""

import os
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from mlrcopilot_tui.errors import CopilotError, EnvironmentLackError
from mlrcopilot_tui.session.events import Event, Record, decode_record, encode_record

JOURNAL_NAME = "journal.jsonl"


class JournalDamagedError(CopilotError):
    """A line before the last one cannot be read; nothing is guessed and nothing is cut."""


class JournalReader:
    """Reads a journal's records as they appear.

    A last line without its newline is still being written, or was torn by a crash: it is left for the next poll.
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
        end = data.rfind(b"\n") + 1
        records = [self._decode(line) for line in data[:end].splitlines()]
        self.offset += end
        return records

    def _decode(self, line: bytes) -> Record:
        try:
            record = decode_record(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise JournalDamagedError(
                f"Line {self.seq + 1} of {self.path} cannot be read ({error}).",
                "Restore the file from a backup; nothing was changed.",
            ) from error
        if record.seq != self.seq + 1:
            raise JournalDamagedError(
                f"{self.path} goes from event {self.seq} to event {record.seq}.",
                "Restore the file from a backup; nothing was changed.",
            )
        self.seq = record.seq
        return record


class JournalWriter:
    """Appends events, each on disk before `append` returns.

    The caller holds the session's lock. Opening truncates a torn last line: the event in it was never acted upon,
    because an event is on disk before anything is done about it.
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
        os.ftruncate(self._fd, self.reader.offset)
        self._end = self.reader.offset
        self._seq = self.reader.seq

    def append(self, event: Event) -> Record:
        """Writes `event` and returns its record.

        Raises:
            EnvironmentLackError: the disk is full or gone; the journal stays as it was.
        """
        record = Record(self._seq + 1, utc_now(), event)
        line = encode_record(record)
        try:
            written = 0
            while written < len(line):
                written += os.pwrite(self._fd, line[written:], self._end + written)
            os.fsync(self._fd)
        except OSError as error:
            os.ftruncate(self._fd, self._end)
            raise EnvironmentLackError(
                f"The journal cannot be written: {error.strerror}.",
                "Free some disk space, then run `mlrcopilot run` to go on.",
            ) from error
        self._end += len(line)
        self._seq = record.seq
        return record

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
