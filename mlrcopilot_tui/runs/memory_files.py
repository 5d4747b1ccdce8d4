"""Counts what a fenced run keeps in memory as files: its temporary folders are of a kind that no disk holds."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from mlrcopilot_tui.runs.bounds import Pace

WORTH: Final = 1 << 20
"""Bytes; less than this is not worth asking each process what of it counts as its own already."""


class MemoryFiles:
    """The file systems in memory that only a run's own view of the machine has."""

    def __init__(self) -> None:
        self._scan = Pace(0.005, rest_s=1.0)
        self._found: dict[str, str] = {}

    def look(self, pids: Iterable[int]) -> int:
        """Bytes in them that none of these processes, which are the run's, has in its resident size."""
        if self._scan.due:
            with self._scan.timed():
                self._found = dict(_private(pids))
        used = 0
        for folder in self._found.values():
            with contextlib.suppress(OSError):  # the process through which it was found has ended
                disk = os.statvfs(folder)
                used += (disk.f_blocks - disk.f_bfree) * disk.f_frsize
        return max(0, used - sum(map(_mapped, pids))) if used > WORTH else used


def _private(pids: Iterable[int]) -> Iterator[tuple[str, str]]:
    """The device of each such file system, and a path to it."""
    own, seen = dict(_mounts("self")), {_view("self")}
    for pid in map(str, pids):
        if (view := _view(pid)) not in seen:
            seen.add(view)
            for device, folder in _mounts(pid):
                if device not in own:
                    yield device, f"/proc/{pid}/root{folder}"


def _mounts(pid: str) -> Iterator[tuple[str, str]]:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/mountinfo").read_text(errors="replace").splitlines():
            if " - tmpfs " in line:
                _, _, device, _, folder, *_ = line.split()
                yield device, folder


def _view(pid: str) -> int:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/ns/mnt").stat().st_ino
    return 0


def _mapped(pid: int) -> int:
    """Bytes of files in memory that a process has mapped."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_bytes().splitlines():  # its name may be in any encoding
            if line.startswith(b"RssShmem:"):
                return int(line.split()[1]) * 1024
    return 0
