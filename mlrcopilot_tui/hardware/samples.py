"""What one look at the hardware saw, as values that every reader fills in and every view shows.

`None` always means "cannot be told here"; a measured nothing is 0. Memory is in bytes, `t` in
seconds of the monotonic clock.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuProcess:
    """A process that holds a compute context on a GPU; `memory` in bytes."""

    pid: int
    memory: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSample:
    """One GPU, or one MIG instance of it (`mig`, with the index of the GPU that it is cut from).

    Attributes:
        utilisation: share of the last sampling period in which a kernel ran, in percent.
        power_w: what the board draws in watts; unknown for a MIG instance, which shares its board.
        processes: None where the driver does not tell who computes.
        ours: a run that is started from here may use it (CUDA_VISIBLE_DEVICES and its relatives).
        unified: its memory is the machine's own, so that it must not be counted a second time.
        stale: the driver stopped answering; the figures are the last that it gave.
    """

    index: int
    uuid: str = ""
    name: str = ""
    utilisation: float | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    processes: tuple[GpuProcess, ...] | None = None
    mig: bool = False
    ours: bool = True
    unified: bool = False
    stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSample:
    """The whole machine, as far as this process may use it.

    Attributes:
        cpu_percent: mean over the CPUs that this process may run on, 0 to 100.
        memory_total: the container's limit where that is smaller than the machine's memory.
        load: the one-minute load average.
        disk_free: bytes free where the workspace lies.
        gpu_problem: why there are no GPUs or why one cannot be read, as one sentence; empty when all is well.
    """

    t: float
    cpu_percent: float | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    load: float | None = None
    gpus: tuple[GpuSample, ...] = ()
    disk_free: int | None = None
    gpu_problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeSample:
    """A process and all its descendants together; `cpu_cores` 1.9 means 1.9 CPUs kept busy since the last sample."""

    cpu_cores: float | None
    rss_bytes: int
    processes: int
    gpu_memory: int | None = None
