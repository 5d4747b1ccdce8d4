"""Keeps hold of everything a run starts, and ends all of it: no child outlives its run, whatever it does to hide."""

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

from mlrcopilot_tui.runs.spec import RUN_VARIABLE

PR_SET_PDEATHSIG: Final = 1
PR_SET_CHILD_SUBREAPER: Final = 36
_LIBC: Final = ctypes.CDLL(None)
"""Loaded here, because a child must not load anything between its fork and its start: a thread may hold the lock."""
F_SETPIPE_SZ: Final = 1031
PIPE_BYTES: Final = 1 << 20
"""A pipe of 1 MiB lets a run print in bursts without waiting for its supervisor."""


class ProcessTree:
    """A command and all that descends from it. One tree a process at a time, because it reaps every child.

    On Linux the calling process becomes a subreaper: orphans, double-forked daemons and session leaders come back to it
    as children, so that "no child left" proves that nothing survives. Elsewhere orphans are told by the run's id in
    their environment.
    """

    def __init__(self, run: str) -> None:
        self._run = run
        self._process: subprocess.Popen[bytes] | None = None
        self._watched: dict[int, psutil.Process] = {}
        self.wait_status: int | None = None
        _prctl(PR_SET_CHILD_SUBREAPER, 1)

    @property
    def root(self) -> int | None:
        """The command's process id, from its start on."""
        return self._process.pid if self._process else None

    def start(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str, stdin: int = subprocess.DEVNULL) -> int:
        """Start the command in a session of its own and return the read end of its output's pipe.

        `stdin` is the file that the command reads.

        Raises:
            OSError: the command cannot be started.
        """
        self.wait_status = None
        read_end, write_end = os.pipe()
        try:
            with contextlib.suppress(OSError, AttributeError):
                _widen(write_end)
            self._process = subprocess.Popen(
                argv,
                env=env,
                cwd=cwd,
                stdin=stdin,
                stdout=write_end,
                stderr=write_end,
                start_new_session=True,
                preexec_fn=tie_to(os.getpid()),  # noqa: PLW1509  takes no lock of a GPU reader's thread
            )
        except BaseException:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        return read_end

    def reap(self) -> bool:
        """Collect all that have ended, noting the command's own end; False once no child is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if self._process and pid == self._process.pid:
                self.wait_status = status
                self._process.returncode = os.waitstatus_to_exitcode(status)

    def terminate(self, *, sandboxed: bool) -> None:
        """Ask every process to end, so that it may save its work first.

        In a sandbox only those are asked that handle the signal, if there are any: the others just die, and the death
        of the sandbox's own process, or of a shell at its top, takes all inmates along at once.
        """
        pids = descendants(os.getpid())
        if sandboxed:
            pids = {pid for pid in pids if _handles_sigterm(pid)} or pids - {self.root}
        for pid in pids:
            for number in (signal.SIGTERM, signal.SIGCONT):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)

    def sweep(self, patience_s: float = 10.0) -> int:
        """Kill the whole tree and return how many processes resisted, as those do that hang in the kernel.

        Each pass first freezes all that it finds, so that nothing forks while it kills, and signals whole process
        groups: that also meets a process that forks and exits faster than it can be looked up.
        """
        deadline, pause = time.monotonic() + patience_s, 0.0002
        while self.reap():
            found = descendants(os.getpid())
            groups = set(_groups(found))
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for group in groups:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(group, number)
            if time.monotonic() > deadline:
                return len(found)
            time.sleep(pause)
            pause = min(pause * 1.5, 0.05)
        if sys.platform != "linux":
            sweep_leftovers(self._run)
        return 0

    def cpu_s(self) -> float:
        """CPU seconds that the tree has used up to now, with what its ended processes used."""
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu, live = ended.ru_utime + ended.ru_stime, descendants(os.getpid())
        self._watched = {pid: process for pid, process in self._watched.items() if pid in live}
        for pid in live:
            with contextlib.suppress(psutil.Error):
                process = self._watched.get(pid) or self._watched.setdefault(pid, psutil.Process(pid))
                times = process.cpu_times()
                cpu += times.user + times.system + times.children_user + times.children_system
        return cpu

    def largest_rss(self) -> int:
        """The largest resident size in bytes that any one ended process reached; exact where sampling came too late."""
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit


def tie_to(supervisor: int) -> Callable[[], None]:
    """What a child of `supervisor` does before its start so that it dies with it; Linux only."""

    def tie() -> None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(127)

    return tie


def descendants(pid: int) -> set[int]:
    """The ids of all processes below `pid`, zombies too."""
    if not Path(f"/proc/{pid}/task/{pid}/children").exists():
        with contextlib.suppress(psutil.Error):
            return {child.pid for child in psutil.Process(pid).children(recursive=True)}
        return set()
    found: set[int] = set()
    unvisited = [pid]
    while unvisited:
        children = set(_children(unvisited.pop())) - found
        found |= children
        unvisited += children
    return found


def sweep_leftovers(run: str, patience_s: float = 5.0) -> int:
    """Kill what a run has left behind whose supervisor is gone, and return how many processes that were.

    They are told by the run's id in their environment. A process that has overwritten its environment is not found.
    """
    deadline, killed = time.monotonic() + patience_s, set[int]()
    while leftovers := [process for process in psutil.process_iter() if _is_marked(process, run)]:
        for act in (psutil.Process.suspend, psutil.Process.kill):
            for process in leftovers:
                with contextlib.suppress(psutil.Error):
                    act(process)
        killed |= {process.pid for process in leftovers}
        if time.monotonic() > deadline:
            break
        psutil.wait_procs(leftovers, timeout=0.2)
    return len(killed)


def _is_marked(process: psutil.Process, run: str) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        return process.pid != os.getpid() and process.environ().get(RUN_VARIABLE) == run
    return False


def _children(pid: int) -> Iterator[int]:
    """Read from the kernel's own lists: 0.03 ms where a scan of all processes takes 2 ms (93 processes, 2 vCPU VM)."""
    with contextlib.suppress(OSError):
        for thread in os.scandir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError):
                yield from map(int, Path(thread.path, "children").read_bytes().split())


def _handles_sigterm(pid: int) -> bool:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_bytes().splitlines():  # its name may be in any encoding
            if line.startswith(b"SigCgt:"):
                return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
    return False


def _groups(pids: set[int]) -> Iterator[int]:
    own = os.getpgrp()
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            if (group := os.getpgid(pid)) != own:
                yield group


def _widen(pipe: int) -> None:
    import fcntl  # noqa: PLC0415

    fcntl.fcntl(pipe, F_SETPIPE_SZ, PIPE_BYTES)


def _prctl(option: int, value: int) -> None:
    """Set a property of this process; Linux only, elsewhere nothing."""
    if sys.platform == "linux":
        _LIBC.prctl(option, value, 0, 0, 0)
