"""A program in a pseudo-terminal of its own, as a person's terminal would run it, timed to each byte that it draws."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

import psutil

from benchmarks.measuring import NotMeasuredError
from benchmarks.stage import CHECKOUT

COLUMNS, ROWS = 120, 40
TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
PATIENCE_S = 30.0
_GRACE_S = 5.0
_KEPT = 2000
"""Bytes of the last output that an error message is made from."""


class Terminal:
    """Runs `argv` with all three standard streams on a pseudo-terminal of 120x40; ends it when the context ends.

    Textual draws on the standard error: a terminal on the standard output alone would see nothing.
    """

    def __init__(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self._argv = list(argv)
        self._env = {**os.environ, **TERMINAL, **(env or {})}
        self._last = b""

    def __enter__(self) -> Self:
        self.began = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            self._become()
        self.process = psutil.Process(self.pid)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.kill(self.pid, signal.SIGTERM)
        # Its last words are read, else a program that restores the terminal would wait for ever to say them.
        with contextlib.suppress(NotMeasuredError):
            self.drain(_GRACE_S)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._fd)

    def send(self, keys: bytes) -> float:
        """Types `keys`; returns the moment, by `time.perf_counter`."""
        moment = time.perf_counter()
        os.write(self._fd, keys)
        return moment

    def wait_for(self, text: bytes, patience_s: float = PATIENCE_S) -> float:
        """Reads on until `text` was drawn, in one style; returns the moment it came.

        Raises:
            NotMeasuredError: it did not come in time, or the program ended.
        """
        seen = b""
        for moment, chunk in self._chunks(patience_s):
            seen = seen[-len(text) :] + chunk
            if text in seen:
                return moment
        raise NotMeasuredError(f"{text!r} was not drawn within {patience_s:g} s, but {self._words()}")

    def wait_for_rest(self, silence_s: float, patience_s: float = PATIENCE_S) -> float:
        """Reads on until nothing was drawn for so long; returns the moment when the last of it came.

        Raises:
            NotMeasuredError: nothing was drawn at all, or there was no end to it.
        """
        moment, end = 0.0, time.perf_counter() + patience_s
        while time.perf_counter() < end:
            came = [at for at, _ in self._chunks(silence_s)]
            if not came and moment:
                return moment
            moment = came[-1] if came else moment
        raise NotMeasuredError(f"no rest after something was drawn within {patience_s:g} s, but {self._words()}")

    def drain(self, duration_s: float) -> int:
        """Reads on for so long; returns how many bytes came."""
        return sum(len(chunk) for _, chunk in self._chunks(duration_s))

    def rss_mb(self) -> float:
        """The resident size of the program in MB (10^6 bytes)."""
        return float(self.process.memory_info().rss) / 1e6

    def _chunks(self, duration_s: float) -> Iterator[tuple[float, bytes]]:
        end = time.perf_counter() + duration_s
        while (left := end - time.perf_counter()) > 0:
            if not select.select([self._fd], [], [], left)[0]:
                return
            try:
                chunk = os.read(self._fd, 1 << 16)
            except OSError:  # what Linux says when the last process has closed the terminal
                chunk = b""
            if not chunk:
                raise NotMeasuredError(f"the program ended: {self._words()}")
            self._last = (self._last + chunk)[-_KEPT:]
            yield time.perf_counter(), chunk

    def _words(self) -> str:
        """The last of what was drawn, without the escape sequences."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\s+", " ", self._last.decode(errors="replace"))[-200:].strip()

    def _become(self) -> None:
        """In the child: the program itself."""
        try:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.chdir(CHECKOUT)
            os.execvpe(self._argv[0], self._argv, self._env)  # noqa: S606 -- the argv is ours
        finally:
            os._exit(127)
