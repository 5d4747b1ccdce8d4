"""The session's lock: who holds it is the one copilot that may append to the journal."""

import contextlib
import errno
import fcntl
import os
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import psutil

from mlrcopilot_tui.errors import EnvironmentLackError, RefusedError

_TRIES = 10
_SETTLE_S = 0.1
_NAMELESS_S = 10.0

_NO_FLOCK = {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL}


class SessionHeldError(RefusedError):
    """Another process has the session open."""


class Holder(msgspec.Struct, frozen=True):
    """Who holds a lock. `created` is the process's start time, so that a reused pid is not taken for the holder."""

    pid: int
    host: str
    created: float

    @property
    def here(self) -> bool:
        """Whether the holder runs on this host."""
        return self.host == socket.gethostname()

    @property
    def alive(self) -> bool:
        """Whether the holder still runs; a holder on another host counts as alive, for nobody here can tell."""
        if not self.here:
            return True
        try:
            return abs(psutil.Process(self.pid).create_time() - self.created) < 1.0
        except psutil.NoSuchProcess:
            return False


class SessionLock:
    """An exclusive lock on a session folder: `flock`, or an exclusive file where the mount refuses that.

    Use as a context manager. Raises `SessionHeldError` when somebody else holds it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._exclusive = folder / "lock.exclusive"
        self._fd = -1
        self._owns_exclusive = False

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def acquire(self) -> None:
        """Takes the lock or raises `SessionHeldError` naming the holder."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EnvironmentLackError(
                f"The lock {self._path} cannot be written: {error.strerror}.", "Fix the folder's permissions."
            ) from error
        try:
            _flock(self._fd)
        except BlockingIOError:
            self._give_up_fd()
            raise _held(read_holder(self._path)) from None
        except OSError as error:
            if error.errno not in _NO_FLOCK:
                self._give_up_fd()
                raise
            self._acquire_exclusive_file()
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, msgspec.json.encode(_myself()), 0)

    def release(self) -> None:
        """Lets the lock go; harmless when it is not held."""
        if self._fd < 0:
            return
        os.ftruncate(self._fd, 0)
        if self._owns_exclusive:
            self._exclusive.unlink(missing_ok=True)
            self._owns_exclusive = False
        self._give_up_fd()

    def _acquire_exclusive_file(self) -> None:
        for _ in range(2):
            try:
                fd = os.open(self._exclusive, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            except FileExistsError:
                if not _abandoned(self._exclusive):
                    self._give_up_fd()
                    raise _held(read_holder(self._exclusive)) from None
                self._exclusive.unlink(missing_ok=True)
                time.sleep(_SETTLE_S)  # whoever saw the same dead holder has removed its file by then, not ours
            else:
                os.write(fd, msgspec.json.encode(_myself()))
                os.close(fd)
                self._owns_exclusive = True
                return
        self._give_up_fd()
        raise _held(None)

    def _give_up_fd(self) -> None:
        os.close(self._fd)
        self._fd = -1


def current_holder(folder: Path) -> Holder | None:
    """Who holds the lock of the session in `folder`; None when nobody does.

    The lock itself is asked, not the process table: ids are used again, clocks are set, hosts are renamed.
    """
    if (exclusive := read_holder(folder / "lock.exclusive")) is not None and exclusive.alive:
        return exclusive
    try:
        fd = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return read_holder(folder / "lock")
    except OSError:  # no flock here: the exclusive file has spoken
        return None
    finally:
        os.close(fd)
    return None


def read_holder(path: Path) -> Holder | None:
    """The holder that a lock file names; None when it is absent, empty or torn."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode(path.read_bytes(), type=Holder)
    return None


def _flock(fd: int) -> None:
    """Takes the lock; waits for the instant for which `current_holder` in another process may hold it."""
    for left in reversed(range(_TRIES)):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not left:
                raise
            time.sleep(_SETTLE_S / _TRIES)
        else:
            return


def _abandoned(exclusive: Path) -> bool:
    """Whether the holder of an exclusive file died, be it before it could write its name."""
    holder = read_holder(exclusive)
    if holder is not None:
        return not holder.alive
    with contextlib.suppress(OSError):
        return time.time() - exclusive.stat().st_mtime > _NAMELESS_S
    return False


def _myself() -> Holder:
    return Holder(os.getpid(), socket.gethostname(), psutil.Process().create_time())


def _held(holder: Holder | None) -> SessionHeldError:
    who = f"process {holder.pid} on {holder.host}" if holder else "another process"
    return SessionHeldError(
        f"This session is already run by {who}.", "Open it with `mlrcopilot`, or stop that process."
    )
