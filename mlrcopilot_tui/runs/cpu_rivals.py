"""Tells when others keep the CPUs busy that a run could use."""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from mlrcopilot_tui.runs.bounds import Pace

SATURATED: Final = 0.95
"""This share of their time the CPUs are busy when who wants more has to wait."""

SHARE: Final = 0.1
"""Others who take less than this share of the CPUs are the usual stir of a machine."""

WAITS: Final = 0.05
"""Seconds a second that a run's threads wait, all together, before others count as in its way."""


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Seconds since the machine's start: CPUs busy here, and held back by the host of a virtual machine."""

    busy_s: float
    stolen_s: float


class CpuRivals:
    """Compares what the CPUs did with what the run used, from one look to the next.

    Args:
        times: reads the CPUs that this process may use.
        waits: reads for how many seconds the threads of some processes have waited for a CPU; None where that cannot
            be told.
        cpus: how many they are.
    """

    def __init__(
        self,
        times: Callable[[], CpuTimes] | None = None,
        waits: Callable[[Iterable[int]], dict[str, float] | None] | None = None,
        cpus: int | None = None,
    ) -> None:
        self._usable = _usable()
        self._times = times or self._read
        self._waits = waits or waited
        self.cpus = cpus or len(self._usable)
        self._pace = Pace(0.003)
        self._before: tuple[float, float, CpuTimes] | None = None
        self._waited: dict[str, float] | None = None

    def look(self, now: float, own_s: float, pids: Iterable[int]) -> float | None:
        """How many CPUs others have kept busy since the last look; None if nobody was in the run's way.

        Args:
            now: seconds of the monotonic clock.
            own_s: CPU seconds that the run has used so far, with what watching it took.
            pids: the run's processes.
        """
        times, before = self._times(), self._before
        self._before = now, own_s, times
        had_to_wait = self._had_to_wait(pids, now - before[0] if before else 0.0)
        if before is None or now <= before[0]:
            return None
        seconds = (now - before[0]) * self.cpus
        stolen = times.stolen_s - before[2].stolen_s
        busy = times.busy_s - before[2].busy_s + stolen
        others = min(busy, seconds) - (own_s - before[1])
        held_up = busy >= SATURATED * seconds and others >= SHARE * seconds and had_to_wait
        if not held_up and stolen < SHARE * seconds:
            return None
        return max(others, stolen) / (now - before[0])

    def _had_to_wait(self, pids: Iterable[int], seconds: float) -> bool:
        """Whether the run's threads wanted to compute and could not; True where nobody can tell."""
        if not self._pace.due:
            self._waited = None
            return True
        with self._pace.timed():
            before, self._waited = self._waited, self._waits(pids)
        if before is None or self._waited is None:
            return True
        more = sum(waited - before.get(thread, waited) for thread, waited in self._waited.items())
        return more >= WAITS * seconds

    def _read(self) -> CpuTimes:
        busy = stolen = 0.0
        each = psutil.cpu_times(percpu=True)
        for cpu in self._usable:
            if cpu < len(each):
                times = each[cpu]._asdict()
                stolen += times.get("steal", 0.0)
                busy += sum(times.get(kind, 0.0) for kind in ("user", "nice", "system", "irq", "softirq"))
        return CpuTimes(busy, stolen)


def waited(pids: Iterable[int]) -> dict[str, float] | None:
    """Seconds that each thread of some processes was ready and had no CPU; None where the kernel does not tell."""
    if not Path("/proc/self/schedstat").exists():
        return None
    found = {}
    for pid in pids:
        try:
            for thread in os.scandir(f"/proc/{pid}/task"):
                found[f"{pid}/{thread.name}"] = int(Path(thread.path, "schedstat").read_bytes().split()[1]) / 1e9
        except (OSError, IndexError, ValueError):
            continue
    return found


def watching_s() -> float:
    """CPU seconds of this process itself."""
    return time.process_time()


def _usable() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
