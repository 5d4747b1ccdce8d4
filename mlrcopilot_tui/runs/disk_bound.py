"""Ends a run that has written more than it may, or that would fill the disk on which the session keeps its journal."""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mlrcopilot_tui.runs.bounds import Excess, amount
from mlrcopilot_tui.runs.watch import Cut
from mlrcopilot_tui.runs.written import Written

LEAST: Final = 512 << 20
SHARE: Final = 0.05
"""This much of a disk stays free: `LEAST` bytes, or this share of a small one."""

NEAR: Final = 0.7
STEP: Final = 16 << 20
"""Bytes that a disk must have lost before a new count is worth its time."""

REST_S: Final = 2.0
"""Seconds between two counts that nothing gave cause for."""

COUNTING_S: Final = 0.02
"""Spent in one look on counting files; 100,000 of them take 0.35 s (2 vCPU AMD EPYC VM, ext4)."""


class DiskBound:
    """What a run writes below its writable places and prints, and what its disks have left.

    Files are counted only when the disk has lost so much that the run may have written too much, or when counting has
    not been done for long; what is left of a disk is known for the price of one system call.

    Args:
        places: the folders that the run may write.
        keeps: the folder where its log, and the session's journal, lie.
        limit: bytes that the run may write; 0 for what the disk can spare.
        printed: tells how many bytes its log has.
    """

    def __init__(self, places: tuple[str, ...], keeps: str, limit: int, printed: Callable[[], int]) -> None:
        there = [place for place in (*places, keeps) if Path(place).is_dir()]
        disks = {Path(place).stat().st_dev: place for place in there}
        self._limit = limit
        self._printed = printed
        self._floors = {place: _floor(place) for place in disks.values()}
        self._files = Written(places) if limit else None
        self._counted = 0
        self._excess = Excess()
        self._counting = False
        self._spent_s = self._soonest = self._due = 0.0
        self._left_then = self._left()
        self.near = self.pressing = False

    def look(self) -> Cut | None:
        """Why the run must end, if so."""
        left, limit = self._left(), self._limit
        if self._files:
            self._count(self._files, left)
        written = self._counted + self._printed()
        disk = min(left, key=lambda place: left[place] - self._floors[place], default="")
        room, floor = left.get(disk, 0), self._floors.get(disk, 0)
        over = bool(limit) and written > limit
        self.near = room < 4 * floor or (bool(limit) and (self._counting or written > NEAR * limit))
        self.pressing = (over and self._excess.goes_on(written)) or room < floor // 2
        if over:
            return Cut("disk", f"It wrote {amount(written)}, more than the {amount(limit)} that it may.")
        if room < floor:
            return Cut("disk", f"The disk of {disk} had {amount(room)} left, and {amount(floor)} must stay free.")
        return None

    def _left(self) -> dict[str, int]:
        """What each disk has left; nothing of one that nobody can ask any more, as where a folder was removed."""
        left = {}
        for place in self._floors:
            with contextlib.suppress(OSError):
                left[place] = _space(place)[0]
        return left

    def _count(self, files: Written, left: dict[str, int]) -> None:
        """Go on counting, or begin to where that is due."""
        now = time.monotonic()
        if not self._counting:
            lost = max((self._left_then[place] - left[place] for place in left), default=0)
            slack = self._limit - self._counted - self._printed()
            suspicious = lost >= max(min(STEP, self._limit // 8), slack // 2)
            if now < (self._soonest if suspicious else self._due):
                return
            self._counting, self._left_then, self._spent_s = True, self._left_then | left, 0.0
        counted = files.count(COUNTING_S)
        self._spent_s += time.monotonic() - now
        if counted is not None:
            self._counting, self._counted = False, counted
            self._soonest, self._due = now + 10 * self._spent_s, now + max(REST_S, 100 * self._spent_s)


def _space(place: str) -> tuple[int, int]:
    """Bytes that are left for an ordinary user on the disk of `place`, and bytes in all."""
    disk = os.statvfs(place)
    return disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize


def _floor(place: str) -> int:
    """What must stay free; where there is less from the start, a small run has a right to its part of it."""
    left, total = _space(place)
    return min(LEAST, int(total * SHARE), left // 2)
