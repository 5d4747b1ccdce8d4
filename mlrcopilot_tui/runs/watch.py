"""Follows one command until nothing of it is left: its output, its limits, the wish to stop it, its end."""

import contextlib
import os
import select
import selectors
import signal
import time
from dataclasses import dataclass
from types import FrameType
from typing import Final, Protocol

from mlrcopilot_tui.runs.process_tree import ProcessTree
from mlrcopilot_tui.runs.spec import Outcome

TICK_S: Final = 0.25
READ_BYTES: Final = 1 << 18
READ_EVERY_S: Final = 0.005
"""Output is read so often at most: each turn costs 0.05 ms, and 100,000 lines a second would mean as many turns."""

LINGER_S: Final = 0.5
"""How long output may still come after the command itself has ended: `exec > >(tee log)` needs a moment."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: for the command as a whole, without any output (0: no limit), and to end by itself when asked to.

    The whole of a `smoke` run need not fit into the first.
    """

    timeout_s: float
    silence_s: float
    grace_s: float
    smoke: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """Why a command was not left to end by itself."""

    outcome: Outcome
    reason: str


class Listener(Protocol):
    """Whom a watched command's life is told to."""

    def hear(self, output: bytes) -> None:
        """Take the next bytes that the command printed."""

    def tick(self) -> bool:
        """Do what is due a few times a second; True if the command showed life elsewhere than in its output."""

    @property
    def tick_s(self) -> float:
        """Seconds until the next tick is due."""

    def objection(self) -> Cut | None:
        """Why the command must not go on, if so."""

    def is_pressing(self) -> bool:
        """Whether a command that was asked to end must not be given any more time for it."""


class Signals:
    """Turns SIGCHLD into a wake-up and the ending signals into a request, so that no handler ever does work."""

    def __init__(self) -> None:
        self.wake_up, write_end = os.pipe()
        for end in (self.wake_up, write_end):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        self.stop_requested = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request_stop)
        # Handlers, not SIG_IGN: a command would inherit that.
        for number in (signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, self._pass_by)

    def _request_stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  the signature is Python's
        self.stop_requested = True

    def _pass_by(self, number: int, frame: FrameType | None) -> None:
        pass


class Watch:
    """One command under watch. `resisting` counts processes that not even SIGKILL has ended."""

    def __init__(self, tree: ProcessTree, limits: Limits, listener: Listener, wake_up: int) -> None:
        self._tree = tree
        self._limits = limits
        self._listener = listener
        self._wake_up = wake_up
        self._started = self._last_sign = self._ticked = time.monotonic()
        self._ended: float | None = None
        self._kill_at: float | None = None
        self._drained = False
        self.cut: Cut | None = None
        self.resisting = 0

    def follow(self, pipe: int, *, sandboxed: bool) -> None:
        """Follow the started command; when this returns, its processes are gone and its output was heard to the end.

        Args:
            pipe: the read end of its output; closed here.
            sandboxed: whether the command's first process is a sandbox.
        """
        os.set_blocking(pipe, False)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._wake_up, selectors.EVENT_READ)
                selector.register(pipe, selectors.EVENT_READ)
                while not self._over(selector, pipe):
                    self._turn(selector, pipe)
                    if self.cut and self._kill_at is None:
                        self._kill_at = time.monotonic() + self._limits.grace_s
                        self._tree.terminate(sandboxed=sandboxed)
            self.resisting = self._tree.sweep()
            while self._read(pipe):
                pass
            while self._listener.tick():
                pass
        finally:
            os.close(pipe)

    def _turn(self, selector: selectors.BaseSelector, pipe: int) -> None:
        if self._drained:
            self._drained = False
            select.select([self._wake_up], [], [], READ_EVERY_S)
        for key, _ in selector.select(self._listener.tick_s):
            if key.fd == self._wake_up:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_up, 4096)
            elif self._read(pipe):
                self._last_sign = time.monotonic()
            else:
                selector.unregister(pipe)
        self._tree.reap()
        now = time.monotonic()
        if self._ended is None and self._tree.wait_status is not None:
            self._ended = now
        if now - self._ticked >= self._listener.tick_s:
            self._ticked = now
            if self._listener.tick():
                self._last_sign = now
            if self._kill_at is not None and self._listener.is_pressing():
                self._kill_at = now
        self.cut = self.cut or (self._listener.objection() or self._passed_limit(now) if self._ended is None else None)

    def _passed_limit(self, now: float) -> Cut | None:
        limits = self._limits
        if now - self._started >= limits.timeout_s:
            if limits.smoke:
                return Cut("smoked", f"The smoke run came to its limit of {limits.timeout_s:g} s.")
            return Cut("timeout", f"It took longer than {limits.timeout_s:g} s and was stopped.")
        if limits.silence_s and now - self._last_sign >= limits.silence_s:
            return Cut("silent", f"It printed nothing for {limits.silence_s:g} s and was stopped.")
        return None

    def _over(self, selector: selectors.BaseSelector, pipe: int) -> bool:
        now = time.monotonic()
        if self._kill_at is not None:
            return now >= self._kill_at or not self._tree.reap()
        return self._ended is not None and (pipe not in selector.get_map() or now - self._ended >= LINGER_S)

    def _read(self, pipe: int) -> bool:
        """Hear one chunk; False at the end of the output, and where there is none just now."""
        try:
            output = os.read(pipe, READ_BYTES)
        except BlockingIOError:
            return False
        if output:
            self._drained = len(output) < READ_BYTES
            self._listener.hear(output)
        return bool(output)
