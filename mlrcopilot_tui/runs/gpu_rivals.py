"""Tells what a run holds on its GPUs and who else is on them."""

import contextlib
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import psutil

from mlrcopilot_tui.runs.visible import gpu_nodes

if TYPE_CHECKING:
    from mlrcopilot_tui.hardware.samples import GpuSample


class Reader(Protocol):
    """Gives the newest samples at once."""

    def read(self) -> "tuple[GpuSample, ...]":
        """The GPUs as they are now."""
        ...

    def close(self) -> None:
        """Read no more."""
        ...


@dataclass(frozen=True, slots=True)
class GpuRival:
    """Another process on a GPU of the run's."""

    pid: int
    gpu: int


@dataclass(frozen=True, slots=True)
class GpuLook:
    """Bytes that the run holds on GPUs, None where nobody tells; and who else computes on them."""

    held: int | None
    rivals: tuple[GpuRival, ...] = ()


def look_at_gpus(samples: "Sequence[GpuSample]", devices: Sequence[str], pids: AbstractSet[int]) -> GpuLook:
    """Judge what a reader saw.

    Drivers tell the ids of the machine: those of processes in a fence are told from outside it, but in a container
    they may name nobody, or somebody else, and then nothing is said.

    Args:
        samples: of all GPUs.
        devices: UUIDs of those that the run was given; where none are named, those that it is on.
        pids: the run's processes.
    """
    telling = [gpu for gpu in samples if gpu.processes is not None and not gpu.stale]
    told = {process.pid for gpu in telling for process in gpu.processes or ()}
    if not telling or (not told & pids and not all(psutil.pid_exists(pid) for pid in told)):
        return GpuLook(None)
    held: list[int | None] = []
    rivals: list[GpuRival] = []
    for gpu in telling:
        processes = gpu.processes or ()
        on_it = [process for process in processes if process.pid in pids]
        held += [process.memory for process in on_it]
        if gpu.uuid in devices if devices else on_it:
            # A GPU that does nothing is held up by nobody, such as a notebook that was left open.
            busy = gpu.utilisation is None or gpu.utilisation > 0
            strangers = [process.pid for process in processes if process.pid not in pids]
            rivals += [GpuRival(pid, gpu.index) for pid in strangers if busy and psutil.pid_exists(pid)]
    known = [memory for memory in held if memory is not None]
    return GpuLook(sum(known) if len(known) == len(held) else None, tuple(rivals))


def reader_for(devices: Sequence[str]) -> Reader | None:
    """A reader in a thread of its own, because a sick driver may never answer; None where there are no GPUs."""
    if not devices and not gpu_nodes():
        return None
    from mlrcopilot_tui.hardware.gpus import BackgroundReader, best_reader  # noqa: PLC0415  only where GPUs are

    return BackgroundReader(best_reader())


def described(pid: int) -> str:
    """A process in words, as far as the system tells."""
    name, user = "a process", ""
    with contextlib.suppress(psutil.Error, KeyError):
        process = psutil.Process(pid)
        name = process.name()
        user = f" of {process.username()}"
    return "".join(letter if letter.isprintable() else "?" for letter in f"{name} (pid {pid}){user}")
