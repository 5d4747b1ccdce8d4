"""Writes a run's folder: its log byte for byte, its readings, its status; and stays calm on a full disk."""

import contextlib
import errno
import hashlib
import os
from pathlib import Path

import msgspec

from mlrcopilot_tui.runs.metrics import Reading, encode_readings
from mlrcopilot_tui.runs.spec import LOG_FILE, METRICS_FILE, STATUS_FILE, RunStatus


class Recorder:
    """The only writer of a run's files. Once one write has failed, `failure` says why and later output is dropped."""

    def __init__(self, folder: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._folder = folder
        self._log = os.open(folder / LOG_FILE, flags, 0o600)
        self._metrics = os.open(folder / METRICS_FILE, flags, 0o600)
        self._digest = hashlib.sha256()
        self.log_bytes = 0
        self.failure = ""
        self.full = False
        """The failure is that of a disk without any room."""

    @property
    def log_sha256(self) -> str:
        """The digest of what the log holds, in hex."""
        return self._digest.hexdigest()

    def record_output(self, data: bytes) -> None:
        """Append to the log."""
        written = self._append(self._log, data)
        self._digest.update(data[:written])
        self.log_bytes += written

    def record_readings(self, readings: list[Reading]) -> None:
        """Append to the readings."""
        if readings:
            self._append(self._metrics, encode_readings(readings))

    def record_status(self, status: RunStatus) -> None:
        """Replace the status in one step; a finished one is on the disk before this returns."""
        try:
            write_status(self._folder, status)
        except OSError as error:
            self._fail(error)

    def _append(self, file: int, data: bytes) -> int:
        rest = memoryview(data)
        while rest and not self.failure:
            try:
                rest = rest[os.write(file, rest) :]
            except OSError as error:
                self._fail(error)
        return len(data) - len(rest)

    def _fail(self, error: OSError) -> None:
        if not self.failure:
            self.full = error.errno in {errno.ENOSPC, errno.EDQUOT}
            self.failure = "The disk is full" if self.full else f"The run's folder cannot be written ({error.strerror})"


def write_status(folder: Path, status: RunStatus) -> None:
    """Replace a run's status atomically.

    A full disk has no room for a second file: then the first is overwritten, which needs none.

    Raises:
        OSError: neither was possible.
    """
    data = msgspec.json.encode(status)
    aside, target = folder / f"{STATUS_FILE}.{os.getpid()}", folder / STATUS_FILE
    try:
        with aside.open("wb") as file:
            file.write(data)
            if status.state == "finished":
                file.flush()
                os.fsync(file.fileno())
        aside.replace(target)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        with target.open("r+b") as file:
            file.write(data)
            file.truncate()
