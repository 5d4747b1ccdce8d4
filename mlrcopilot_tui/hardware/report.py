"""Says in facts what hardware is here, for people who ask why a run is slow or where their GPU went."""

import platform
from dataclasses import dataclass
from pathlib import Path

import psutil

from mlrcopilot_tui.hardware.gpus import ABSENT, SILENT, BackgroundReader, GpuReader, best_reader
from mlrcopilot_tui.hardware.limits import cpu_quota, memory_limit, usable_cpus
from mlrcopilot_tui.hardware.samples import GpuSample

_GIB = 2**30
_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fact; `concern` says in a sentence what stands in a run's way, empty when nothing does."""

    name: str
    found: str
    concern: str = ""


def describe(*, reader: GpuReader | None = None, gpu_wait_s: float = 2.0) -> list[Finding]:
    """CPU, memory and GPUs of this machine. Names come from the hardware and are not yet made safe for a terminal.

    Args:
        reader: where GPUs are read.
        gpu_wait_s: how long a driver may take to answer; a driver without its persistence mode takes a second a GPU.
    """
    gpus = BackgroundReader(reader or best_reader())
    facts = [_cpu(), _memory()]
    answered = gpus.wait_first(gpu_wait_s)
    gpus.close()
    if not answered:
        return [*facts, Finding(name="gpu", found="unknown", concern=SILENT)]
    samples = gpus.read()
    if not samples and gpus.problem.startswith(ABSENT):
        return [*facts, Finding(name="gpu", found=gpus.problem.rstrip("."))]
    if not samples:
        return [*facts, Finding(name="gpu", found="none", concern=gpus.problem)]
    return [*facts, *(_gpu(sample, gpus.driver, gpus.problem) for sample in samples)]


def _cpu() -> Finding:
    usable, present, quota = usable_cpus(), psutil.cpu_count() or 1, cpu_quota()
    cores = f"{usable} of {present} CPUs" if usable < present else f"{present} CPUs"
    if quota is not None and quota < usable:
        return Finding(
            name="cpu",
            found=f"{_cpu_model()}, {cores}, {quota:.1f} CPUs' worth of time",
            concern=f"This container may use {quota:.1f} CPUs: more threads than that slow a run down.",
        )
    return Finding(name="cpu", found=f"{_cpu_model()}, {cores}")


def _cpu_model() -> str:
    """The model as Linux names it; Arm kernels and macOS give none there."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def _memory() -> Finding:
    total, limit = psutil.virtual_memory().total, memory_limit()
    if limit is not None and limit.total < total:
        return Finding(name="memory", found=f"{limit.total / _GIB:.1f} GiB (limit; machine {total / _GIB:.1f} GiB)")
    return Finding(name="memory", found=f"{total / _GIB:.1f} GiB")


def _gpu(sample: GpuSample, driver: str, problem: str) -> Finding:
    memory = "memory n/a" if sample.memory_total is None else f"{sample.memory_total / _GIB:.0f} GiB"
    concern = "" if sample.ours else "Not listed in CUDA_VISIBLE_DEVICES: runs started here do not use it."
    lost = f"GPU {sample.index} " in problem
    return Finding(
        name=f"gpu {sample.index}",
        found=", ".join(part for part in (sample.name or "unknown GPU", memory, f"driver {driver}") if part),
        concern=problem if lost else concern,
    )
