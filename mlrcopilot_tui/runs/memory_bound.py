"""Ends a run that holds more memory than it may, or that would take the machine's last, before the system must.

Memory is watched, never capped by RLIMIT_AS: a GPU job maps far more address space than it holds.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil

from mlrcopilot_tui.hardware.limits import memory_left
from mlrcopilot_tui.runs.bounds import Excess, Pace, amount
from mlrcopilot_tui.runs.memory_files import MemoryFiles
from mlrcopilot_tui.runs.resident import ResidentMemory, largest_other, resident_size
from mlrcopilot_tui.runs.watch import Cut

LEAST: Final = 256 << 20
MOST: Final = 2 << 30
SHARE: Final = 0.02
"""Of the machine's memory this much stays free, between `LEAST` and `MOST` bytes."""

NEAR: Final = 0.7
"""A bound of which this share is used is near."""

_FIGURES: Final = (b"MemTotal:", b"MemAvailable:", b"SwapFree:")


class MemoryBound:
    """The memory of the processes below this one against what the run may hold and what the machine has left.

    Args:
        limit: bytes that the run may hold; 0 for what the machine can spare.
        room: gives bytes that the machine, or the group that this process belongs to, has left and has in all.
    """

    def __init__(self, limit: int, room: Callable[[], tuple[int, int]] | None = None) -> None:
        self._limit = limit
        self._room = room or _room_here()
        left, total = self._room()
        # Where there is less from the start, a small run has a right to its part of it.
        self._floor = min(max(int(total * SHARE), LEAST), MOST, left // 2)
        self._memory = ResidentMemory(limit or total // 10)
        self._files = MemoryFiles()
        self._comparison = Pace(0.01, rest_s=1.0)
        self._largest = False
        self._excess = Excess()
        self.peak = 0
        """The most bytes that the run was seen to hold."""
        self.near = self.pressing = False

    @property
    def pids(self) -> set[int]:
        """The run's processes as they were last seen."""
        return self._memory.pids

    def look(self) -> Cut | None:
        """Why the run must end, if so."""
        limit, (left, _) = self._limit, self._room()
        held = self._memory.look() + self._files.look(self._memory.pids)
        if self._memory.settled:
            self.peak = max(self.peak, held)
        over = bool(limit) and held > limit and self._memory.settled
        short = left < self._floor and self._is_largest(held)
        self.near = left < 4 * self._floor or (bool(limit) and held > NEAR * limit)
        self.pressing = (over and self._excess.goes_on(held)) or (short and left < self._floor // 2)
        if over:
            return Cut("memory", f"It held {amount(held)} of memory, more than the {amount(limit)} that it may.")
        if short:
            return Cut(
                "memory", f"It held {amount(held)} of memory, and only {amount(left)} of the machine's was left."
            )
        return None

    def _is_largest(self, held: int) -> bool:
        """Whether nobody else is known to hold more: only then does ending this run help."""
        if self._comparison.due:
            with self._comparison.timed():
                # By resident sizes, as the others' are told: else of two equal runs each holds the other for larger.
                resident = sum(map(resident_size, self._memory.pids))
                self._largest = max(held, resident) >= largest_other(self._memory.pids)
        return self._largest


def _room_here() -> Callable[[], tuple[int, int]]:
    """Tells what is left with swap, because a machine that swaps is slow and not yet out of memory."""
    # Most machines limit no group, and to look at each takes longer than all else that a look does.
    limited = memory_left() is not None

    def room() -> tuple[int, int]:
        (left, total), group = _machine(), memory_left() if limited else None
        return (left, total) if group is None else (min(left, group[0]), min(total, group[1]))

    return room


def _machine() -> tuple[int, int]:
    try:
        words = Path("/proc/meminfo").read_bytes().split()
        total, *left = (int(words[words.index(name) + 1]) << 10 for name in _FIGURES)
    except (OSError, ValueError):
        memory = psutil.virtual_memory()
        return memory.available, memory.total
    return sum(left), total


class KillCount:
    """Tells whether the system has ended processes for want of memory since this was made."""

    def __init__(self) -> None:
        self._before = _kills()

    @property
    def grown(self) -> bool:
        """Whether it has."""
        return _kills() > self._before


def _kills() -> int:
    try:
        counters = Path("/proc/vmstat").read_bytes().split()
    except OSError:
        return 0
    return int(counters[counters.index(b"oom_kill") + 1]) if b"oom_kill" in counters else 0
