"""Samples CPU, memory and disk of the machine, and of one process with all its descendants, through psutil."""

import os
import time
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import psutil

from mlrcopilot_tui.hardware.limits import memory_limit
from mlrcopilot_tui.hardware.samples import GpuSample, MachineSample, TreeSample

# psutil and a supervisor's record may have read the same start time through different clocks
_SAME_START_S = 1.0


class MachineSampler:
    """Samples the machine; CPU load is measured between one sample and the next, so the first one has none."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._warm = False

    def sample(self, gpus: tuple[GpuSample, ...] = (), gpu_problem: str = "") -> MachineSample:
        """The machine now, joined with what a GPU reader saw."""
        used, total = _memory()
        return MachineSample(
            t=time.monotonic(),
            cpu_percent=self._cpu_percent(),
            memory_used=used,
            memory_total=total,
            load=_load(),
            gpus=gpus,
            disk_free=_disk_free(self._folder),
            gpu_problem=gpu_problem,
        )

    def _cpu_percent(self) -> float | None:
        each = psutil.cpu_percent(percpu=True)
        warm, self._warm = self._warm, True
        if not warm or not each:
            return None
        usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(len(each))
        ours = [each[cpu] for cpu in usable if cpu < len(each)] or each
        return sum(ours) / len(ours)


class TreeSampler:
    """Samples a process and its descendants, those too that a dead parent left behind.

    Keeps its `psutil.Process` objects: a fresh one always answers 0.0 when asked for its CPU share.

    Args:
        pid: the root of the tree.
        created: its start time in seconds since the epoch; another process that got the same pid is then no answer.
    """

    def __init__(self, pid: int, created: float | None = None) -> None:
        self._pid = pid
        self._created = created
        self._known: dict[psutil.Process, psutil.Process] = {}
        self._warm = False

    def sample(self, gpus: Sequence[GpuSample] = ()) -> TreeSample | None:
        """The tree now; None when nothing of it lives any more, or it never did."""
        members = {process: self._known.get(process, process) for process in self._members()}
        self._known = members
        figures = {process.pid: usage for process in members.values() if (usage := _usage(process)) is not None}
        if not figures:
            return None
        warm, self._warm = self._warm, True
        return TreeSample(
            cpu_cores=sum(percent for percent, _ in figures.values()) / 100 if warm else None,
            rss_bytes=sum(rss for _, rss in figures.values()),
            processes=len(figures),
            gpu_memory=_gpu_memory(figures.keys(), gpus),
        )

    def _members(self) -> Iterator[psutil.Process]:
        """The root, its descendants, and descendants seen earlier whose parents have died, with their children."""
        seen: set[psutil.Process] = set()
        for start in [*self._root(), *self._known]:
            if start not in seen:
                fresh = {process for process in _with_children(start) if process not in seen}
                seen |= fresh
                yield from fresh

    def _root(self) -> Iterator[psutil.Process]:
        try:
            root = psutil.Process(self._pid)
            if self._created is None or abs(root.create_time() - self._created) <= _SAME_START_S:
                self._created = root.create_time()
                yield root
        except psutil.Error:
            return


def _with_children(process: psutil.Process) -> list[psutil.Process]:
    try:
        if not process.is_running():
            return []
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _usage(process: psutil.Process) -> tuple[float, int] | None:
    """CPU percent since the last look and resident bytes; None for a dead one, a zombie too."""
    try:
        with process.oneshot():
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            return process.cpu_percent(), process.memory_info().rss
    except psutil.AccessDenied:
        return 0.0, 0  # it lives and counts, though what it uses is not ours to read
    except psutil.Error:
        return None


def _gpu_memory(members: AbstractSet[int], gpus: Sequence[GpuSample]) -> int | None:
    """Bytes that these pids hold on all GPUs; None where no GPU tells, or where it tells pids of another namespace."""
    told = [process for gpu in gpus for process in gpu.processes or ()]
    if not any(gpu.processes is not None for gpu in gpus):
        return None
    ours = [process.memory for process in told if process.pid in members]
    if not ours and any(not psutil.pid_exists(process.pid) for process in told):
        return None
    known = [memory for memory in ours if memory is not None]
    return sum(known) if len(known) == len(ours) else None


def _memory() -> tuple[int | None, int | None]:
    memory = psutil.virtual_memory()
    used, total = memory.total - memory.available, memory.total
    limit = memory_limit()
    if limit is not None and limit.total < total:
        return limit.used, limit.total
    return used, total


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def _disk_free(folder: Path | None) -> int | None:
    if folder is None:
        return None
    try:
        return psutil.disk_usage(str(folder)).free
    except OSError:
        return None
