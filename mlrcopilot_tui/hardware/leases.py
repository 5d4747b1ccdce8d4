"""Leases: GPUs lent to runs, each to one at a time among all sessions of a user on a machine, whoever of them dies."""

import contextlib
import fcntl
import os
import socket
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from mlrcopilot_tui.errors import EnvironmentLackError
from mlrcopilot_tui.hardware.gpus import SILENT, BackgroundReader, GpuReader
from mlrcopilot_tui.hardware.samples import GpuSample

LOOK_S: Final = 10.0
"""How long a driver may take to answer; one that wakes a sleeping GPU has been seen to take several seconds."""
VISIBILITY: Final = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")
"""What tells a program which GPUs it may use; a contract that sets one of them has chosen for itself."""
NO_DEVICES: Final = {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": "-1", "ROCR_VISIBLE_DEVICES": ""}
"""Keeps GPUs from a program. HIP takes an empty list for none given."""


@dataclass(frozen=True, slots=True)
class Lease:
    """GPUs that are held for one run.

    It lasts as long as any process has one of its files open: hand `files` down to whoever the GPUs are for, then
    `let_go` of one's own.

    Attributes:
        devices: the GPUs, as they were when they were lent.
        files: the open files that hold them.
        shared: others compute on one of them.
    """

    devices: tuple[GpuSample, ...] = ()
    files: tuple[int, ...] = ()
    shared: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """What the drivers call the devices."""
        return tuple(map(device_name, self.devices))

    def let_go(self) -> None:
        """Closes this process's own hold."""
        for file in self.files:
            os.close(file)


class Leases:
    """Lends this machine's GPUs.

    All that it lends are of one model, because runs are compared: of the model that there is most of at the first
    look, then of the one with most memory. Lent are the GPUs that this process may use, each as long as a file of its
    name is locked by an open file description, which outlives any one process that shares it. Where the file system
    refuses locks, what the caller calls taken is all that keeps two runs apart.

    Args:
        reader: where GPUs are read; a driver that hangs holds up nobody but a thread.
        folder: where the files are: the same for all sessions that are to respect each other. Each machine has a folder
            of its own there, because GPUs without a UUID are called alike on all of them.
        look_s: how long the driver may take to answer.
    """

    def __init__(self, reader: GpuReader, folder: Path, look_s: float = LOOK_S) -> None:
        self._reader = reader
        self._folder = folder / this_machine()
        self._look_s = look_s
        self._model = ""

    @property
    def vendor_variable(self) -> str:
        """The variable by which the driver that was read last is told of devices by their names."""
        return "ROCR_VISIBLE_DEVICES" if self._reader.driver.startswith("amdgpu") else "CUDA_VISIBLE_DEVICES"

    def devices(self) -> tuple[GpuSample, ...]:
        """The GPUs of one model that can be lent, whether they are free or not; takes as long as the driver does.

        Raises:
            EnvironmentLackError: there is a driver, and it does not answer.
        """
        reader = BackgroundReader(self._reader)
        try:
            if not reader.wait_first(self._look_s):
                raise EnvironmentLackError(SILENT, "`mlrcopilot doctor` tells more.")
            samples = reader.read()
        finally:
            reader.close()
        models: defaultdict[str, list[GpuSample]] = defaultdict(list)
        for sample in samples:
            if sample.ours and sample.memory_total is not None:  # of a GPU that is lost nothing can be told
                models[sample.name].append(sample)
        if models and not self._model:
            self._model = max(models, key=lambda name: (len(models[name]), models[name][0].memory_total or 0, name))
        return tuple(models[self._model])

    def lend(self, count: int, holder: str, taken: Collection[str] = ()) -> Lease | None:
        """`count` GPUs that nobody has leased, rather those on which nobody computes; None while there are not as many.

        Args:
            count: how many.
            holder: who gets them, in a few words, for whoever looks into the folder.
            taken: the names of devices that are not to be lent.

        Raises:
            EnvironmentLackError: there is a driver, and it does not answer; or the folder cannot be written.
        """
        free = [device for device in self.devices() if device_name(device) not in taken]
        held: list[tuple[GpuSample, int]] = []
        with self._alone():
            try:
                for device in sorted(free, key=_least_loaded):
                    if len(held) < count and (file := self._hold(device, holder)) is not None:
                        held.append((device, file))
            except BaseException:
                Lease(files=tuple(file for _, file in held)).let_go()
                raise
        held.sort(key=lambda pair: pair[0].index)
        lease = Lease(
            tuple(device for device, _ in held),
            tuple(file for _, file in held),
            any(device.processes for device, _ in held),
        )
        if len(held) == count:
            return lease
        lease.let_go()
        return None

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else chooses meanwhile: else two that want two GPUs each could take one each, again and again."""
        file = self._open("choosing")
        try:
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)

    def _hold(self, device: GpuSample, holder: str) -> int | None:
        file = self._open(f"{quote(device_name(device), safe='')}.lease")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        except OSError:
            return file  # no locks on this file system
        with contextlib.suppress(OSError):  # a disk without room holds a lock all the same
            os.ftruncate(file, 0)
            os.pwrite(file, f"{holder}\n".encode(), 0)
        return file

    def _open(self, name: str) -> int:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise EnvironmentLackError(
                f"GPUs cannot be leased: {self._folder / name} cannot be written: {error.strerror}.",
                "Fix the folder's permissions, or set CUDA_VISIBLE_DEVICES under [run.env] yourself.",
            ) from error


def this_machine() -> str:
    """What tells this machine from others that share a home with it, and is the same in all containers on it."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return quote(socket.gethostname(), safe="")


def device_name(device: GpuSample) -> str:
    """What a driver calls a device: its UUID, or its index where it has none."""
    return device.uuid or str(device.index)


def visibility(lease: Lease, variable: str) -> dict[str, str]:
    """The environment that shows a program its leased devices and no others, by the names that hold in any order."""
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", variable: ",".join(lease.names)}


def has_chosen(env: Collection[str]) -> bool:
    """Whether a contract's own environment says which GPUs its runs use."""
    return any(name in env for name in VISIBILITY)


def _least_loaded(device: GpuSample) -> tuple[bool, int, int]:
    """First those on which nobody computes, as far as the driver tells; then those with most memory free."""
    free = (device.memory_total or 0) - (device.memory_used or 0)
    return bool(device.processes), -free, device.index
