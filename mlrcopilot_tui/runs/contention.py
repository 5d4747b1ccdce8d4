"""Adds up for how long others computed on what a run was given: a result for a fixed time is worth less then."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Final

from mlrcopilot_tui.runs.cpu_rivals import CpuRivals, watching_s
from mlrcopilot_tui.runs.gpu_rivals import GpuRival, Reader, described, look_at_gpus, reader_for

SHORTEST_S: Final = 0.5
"""A shorter time than this tells nothing: the kernel counts CPU time in steps of 10 ms."""


class Contention:
    """One run's rivals, looked for about once a second.

    Args:
        devices: UUIDs of the GPUs that the run was given.
        cpus: tells about rivals on the CPUs.
        reader: gives a reader of GPUs, None where there are none; asked for at the first look.
    """

    def __init__(
        self,
        devices: tuple[str, ...],
        cpus: CpuRivals | None = None,
        reader: Callable[[], Reader | None] | None = None,
    ) -> None:
        self._devices = devices
        self._cpus = cpus or CpuRivals()
        self._make_reader = reader or (lambda: reader_for(devices))
        self._reader: Reader | None = None
        self._last: float | None = None
        self._watched_s = self._cpu_s = self._others_s = 0.0
        self._gpu_s: dict[GpuRival, float] = {}
        self._names: dict[int, str] = {}
        self.seconds = 0.0
        self.peak_gpu_bytes: int | None = None

    def look(self, now: float, own_s: float, pids: AbstractSet[int]) -> None:
        """Take the time since the last look into account.

        Args:
            now: seconds of the monotonic clock.
            own_s: CPU seconds that the run has used so far.
            pids: the run's processes.
        """
        if self._last is not None and now - self._last < SHORTEST_S:
            return
        if self._last is None:
            self._reader = self._make_reader()
        seconds = now - self._last if self._last is not None else 0.0
        self._last = now
        self._watched_s += seconds
        others = self._cpus.look(now, own_s + watching_s(), pids)
        if others is not None:
            self._cpu_s += seconds
            self._others_s += others * seconds
        rivals = self._look_at_gpus(pids)
        for rival in rivals:
            self._names.setdefault(rival.pid, described(rival.pid))
            self._gpu_s[rival] = self._gpu_s.get(rival, 0.0) + seconds
        if rivals or others is not None:
            self.seconds += seconds

    def close(self) -> None:
        """Look no more."""
        if self._reader:
            self._reader.close()
        self._reader = None

    @property
    def sentence(self) -> str:
        """Who was in the run's way, where and for how long; empty where nobody was."""
        said = []
        if self._gpu_s:
            rival = max(self._gpu_s, key=lambda rival: self._gpu_s[rival])
            more = len({rival.pid for rival in self._gpu_s}) - 1
            others = f" and {more} more" if more else ""
            said.append(f"{self._names[rival.pid]}{others} was on GPU {rival.gpu} for {self._of(self._gpu_s[rival])}")
        if self._cpu_s:
            cpus = f"{self._others_s / self._cpu_s:.1f} of {self._cpus.cpus} CPUs"
            said.append(f"{'others' if said else 'Others'} kept {cpus} busy for {self._of(self._cpu_s)}")
        return f"{'; '.join(said)}." if said and self.seconds else ""

    def _of(self, seconds: float) -> str:
        return f"{seconds:.0f} of {self._watched_s:.0f} s"

    def _look_at_gpus(self, pids: AbstractSet[int]) -> tuple[GpuRival, ...]:
        if self._reader is None:
            return ()
        look = look_at_gpus(self._reader.read(), self._devices, pids)
        if look.held is not None:
            self.peak_gpu_bytes = max(self.peak_gpu_bytes or 0, look.held)
        return look.rivals
