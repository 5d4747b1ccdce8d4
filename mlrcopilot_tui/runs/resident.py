"""How much memory a process tree holds, with what its processes share counted once where that decides."""

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from mlrcopilot_tui.runs.bounds import Pace
from mlrcopilot_tui.runs.process_tree import descendants

PAGE: Final = os.sysconf("SC_PAGE_SIZE")
FAIR_LOOK_S: Final = 0.02
"""Spent at most in one look on proportional sizes, which take 13 ms per GiB (2 vCPU AMD EPYC VM, Linux 6.18)."""


@dataclass(slots=True)
class _Share:
    """What a process held as its own, pages that it shares counted in part; `rss` is what it held at that time."""

    bytes: int
    rss: int
    measured: float


class ResidentMemory:
    """The memory of all processes below this one.

    Resident sizes count a page once for each process that has it. That is cheap and near enough until the sum passes
    `fair_above`; from there on proportional sizes are asked for, because the workers that load a training's data are
    forks of it and share most of what it holds.
    """

    def __init__(self, fair_above: int) -> None:
        self._fair_above = fair_above
        self._scan = Pace(0.01)
        self._refresh = Pace(0.005, rest_s=1.0)
        self._shares: dict[int, _Share] = {}
        self._above_since: float | None = None
        self.pids: set[int] = set()
        self.settled = True
        """Whether the last look's answer is as fair as it gets; else it may still be too large."""

    def look(self) -> int:
        """Bytes held now."""
        if self._scan.due:
            with self._scan.timed():
                self.pids = descendants(os.getpid())
        sizes = {pid: size for pid in self.pids if (size := resident_size(pid))}
        self._shares = {pid: share for pid, share in self._shares.items() if pid in sizes}
        if sum(sizes.values()) <= self._fair_above:
            self._above_since, self.settled = None, True
            return sum(sizes.values())
        if self._held(sizes) <= self._fair_above:
            self._above_since = None
            if self._refresh.due:
                with self._refresh.timed():
                    self._measure(sizes, time.monotonic())
        else:
            self._above_since = self._above_since or time.monotonic()
            self._measure(sizes, self._above_since)
        since = self._above_since or 0.0
        self.settled = all(pid in self._shares and self._shares[pid].measured >= since for pid in sizes)
        return self._held(sizes)

    def _measure(self, sizes: dict[int, int], since: float) -> None:
        """Measure the shares that are older than `since`, the oldest first, for a moment at most."""
        oldest = sorted(sizes, key=lambda pid: self._shares[pid].measured if pid in self._shares else 0.0)
        until = time.monotonic() + FAIR_LOOK_S
        for pid in oldest:
            if pid in self._shares and self._shares[pid].measured >= since:
                return
            self._shares[pid] = _Share(proportional_size(pid) or sizes[pid], sizes[pid], time.monotonic())
            if time.monotonic() > until:
                return

    def _held(self, sizes: dict[int, int]) -> int:
        """What was measured, and all that has been added since as if nobody shared it."""
        return sum(
            min(size, share.bytes + max(0, size - share.rss)) if (share := self._shares.get(pid)) else size
            for pid, size in sizes.items()
        )


def resident_size(pid: int) -> int:
    """The resident bytes of a process; 0 for one that has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * PAGE
    except OSError:  # it has ended, or /proc is closed about those that change their user
        if Path("/proc/self/statm").exists():
            return 0
    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0


def proportional_size(pid: int) -> int | None:
    """Resident bytes of a process, each page divided by those who have it; None where the system does not tell.

    Pages of mapped files do not count where they are told apart (Linux 5.4): a data set of any size may be mapped, and
    the system takes them back before it runs out.
    """
    with contextlib.suppress(OSError):
        lines = [line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines()]
        sizes = {words[0]: int(words[1]) << 10 for words in lines if words[0].startswith(b"Pss")}
        own = [size for kind, size in sizes.items() if kind in {b"Pss_Anon:", b"Pss_Shmem:"}]
        return sum(own) if own else sizes.get(b"Pss:")
    return None


def largest_other(pids: set[int]) -> int:
    """Resident bytes of the largest group of processes (a session each, such as another run) outside of `pids`."""
    groups: dict[int, int] = {}
    for process in psutil.process_iter():
        if process.pid not in pids:
            with contextlib.suppress(psutil.Error, OSError):
                group = os.getsid(process.pid)
                groups[group] = groups.get(group, 0) + int(process.memory_info().rss)
    return max(groups.values(), default=0)
