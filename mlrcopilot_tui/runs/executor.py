"""Starts runs and asks after them: the seam behind which a run may be local, or elsewhere one day."""

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import msgspec
import psutil

from mlrcopilot_tui.runs.isolation import isolation
from mlrcopilot_tui.runs.recorder import write_status
from mlrcopilot_tui.runs.spec import (
    SPEC_FILE,
    STATUS_FILE,
    STOP_FILE,
    SUPERVISOR_LOG_FILE,
    RunSpec,
    RunStatus,
    read_status,
)

MODULE: Final = "mlrcopilot_tui.runs.supervisor"
KEPT: Final = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "XDG_RUNTIME_DIR")
"""All of the environment that a supervisor gets from here; a run's own comes with its spec."""

STEADY: Final = {"MALLOC_MMAP_THRESHOLD_": str(1 << 17)}
"""Told in so many words, glibc leaves its threshold where it is. Else chunks of output end up on the heap, which they
tear up: the supervisor grew by 20 MB over a log of 6 GB (glibc 2.36)."""


class Executor(Protocol):
    """Where runs run."""

    def start(self, spec: RunSpec, folder: Path, held: Sequence[int] = ()) -> None:
        """Start a run whose files are kept in `folder`, which must not exist yet: so nothing runs twice.

        The open files `held` stay open until the run's supervisor ends, whatever becomes of the caller's own.
        """

    def status(self, folder: Path) -> RunStatus | None:
        """Where the run stands; None if none was ever started there."""

    async def wait(self, folder: Path, on_status: Callable[[RunStatus], None] | None = None) -> RunStatus:
        """Wait for the run's end, telling each new status on the way."""

    def stop(self, folder: Path) -> None:
        """Ask the run to end; it gets its grace to save its work first. Nothing happens to a finished one."""


class LocalExecutor:
    """Runs on this machine, each under a supervisor that outlives the process that started it."""

    def __init__(self) -> None:
        self._supervisors: dict[Path, subprocess.Popen[bytes]] = {}

    def start(self, spec: RunSpec, folder: Path, held: Sequence[int] = ()) -> None:
        """Start a run.

        Raises:
            FileExistsError: a run was started in this folder before.
            OSError: the folder cannot be written.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=False)
        (folder / SPEC_FILE).write_bytes(msgspec.json.encode(spec))
        (folder / SPEC_FILE).chmod(0o600)
        # Until the supervisor speaks for itself its starter vouches for it.
        write_status(folder, _first_status(spec))
        with (folder / SUPERVISOR_LOG_FILE).open("wb") as log:
            supervisor = subprocess.Popen(
                [sys.executable, isolation(), "-m", MODULE, str(folder.resolve())],
                env=STEADY | {name: os.environ[name] for name in KEPT if name in os.environ},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=held,
            )
        self._supervisors[folder.resolve()] = supervisor
        # Waiting for it leaves no zombie; a daemon thread does not keep this process from ending.
        threading.Thread(target=supervisor.wait, name=f"reap {spec.run}", daemon=True).start()

    def status(self, folder: Path) -> RunStatus | None:
        """Where the run stands. One whose supervisor is gone without a word is lost, whatever it did."""
        status = read_status(folder)
        if status is None or status.state == "finished" or self._is_supervised(folder.resolve(), status):
            return status
        # It may have finished between the two looks.
        status = read_status(folder) or status
        return status if status.state == "finished" else _lost(folder, status)

    async def wait(self, folder: Path, on_status: Callable[[RunStatus], None] | None = None) -> RunStatus:
        """Wait for the run's end.

        A look costs one `stat`: every 20 ms at first, every 200 ms once the run has lasted ten seconds.

        Raises:
            FileNotFoundError: no run was ever started in this folder.
        """
        began, checked, seen = time.monotonic(), 0.0, 0
        while True:
            changed, now = (folder / STATUS_FILE).stat().st_mtime_ns, time.monotonic()
            if changed != seen or now - checked >= 1.0:
                checked = now
                status = self.status(folder)
                if status and changed != seen and on_status:
                    on_status(status)
                if status and status.state == "finished":
                    return status
                seen = changed
            await asyncio.sleep(min(0.2, max(0.02, (now - began) / 50)))

    def stop(self, folder: Path) -> None:
        """Ask the run to end: by a file, which even a supervisor that is just starting finds, and by a quick signal."""
        status = self.status(folder)
        if status is None or status.state == "finished":
            return
        (folder / STOP_FILE).touch()
        if status.state == "running":
            with contextlib.suppress(psutil.Error):
                psutil.Process(status.supervisor_pid).terminate()

    def _is_supervised(self, folder: Path, status: RunStatus) -> bool:
        if own := self._supervisors.get(folder):
            return own.returncode is None
        if status.state == "running":
            return _lives(status, folder)
        return _lives(status, folder) or any(_is_supervisor(process, folder) for process in psutil.process_iter())


def _first_status(spec: RunSpec) -> RunStatus:
    own = psutil.Process()
    return RunStatus(
        run=spec.run,
        state="starting",
        supervisor_pid=own.pid,
        supervisor_created=own.create_time(),
        started_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        sandbox=spec.sandbox.level,
        network=spec.sandbox.open_network,
    )


def _lost(folder: Path, status: RunStatus) -> RunStatus:
    reason = "Its supervisor vanished before the run ended."
    with contextlib.suppress(OSError):
        said = (folder / SUPERVISOR_LOG_FILE).read_text(errors="replace").strip().splitlines()
        reason = f"{reason[:-1]}: {said[-1]}" if said else reason
    return msgspec.structs.replace(status, state="finished", outcome="lost", reason=reason)


def _lives(status: RunStatus, folder: Path) -> bool:
    """Whether the process that the status names is still that one: same id and start, or same command.

    The start alone would not do: it moves when the clock is set.
    """
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(status.supervisor_pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process.create_time() - status.supervisor_created) < 1.0 or _is_supervisor(process, folder)
    return False


def _is_supervisor(process: psutil.Process, folder: Path) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()[2:] == ["-m", MODULE, str(folder)]
    return False
