"""Reads NVIDIA GPUs through NVML, call by call, because each figure can be missing for a reason of its own."""

import importlib
import os
import time
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar, cast

from mlrcopilot_tui.hardware.nvml_api import MEMORY_V2, MIG_ENABLED, TEMPERATURE_OF_CHIP, Code, Handle, Nvml
from mlrcopilot_tui.hardware.samples import GpuProcess, GpuSample
from mlrcopilot_tui.hardware.visible import is_visible, visible_devices

PROBE_EVERY_S = 10.0
_WATTS = 1e-3  # NVML counts milliwatts

_NO_DRIVER = frozenset({Code.LIBRARY_NOT_FOUND, Code.DRIVER_NOT_LOADED})
_ENDS_SESSION = frozenset({Code.UNINITIALIZED, Code.DRIVER_NOT_LOADED, Code.LIB_RM_VERSION_MISMATCH})
_ENDS_DEVICE = frozenset({Code.GPU_IS_LOST, Code.RESET_REQUIRED})

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _load_pynvml() -> Nvml:
    return cast("Nvml", importlib.import_module("pynvml"))


def _machine_memory() -> int:
    import psutil  # noqa: PLC0415 - only machines with unified memory ask

    return psutil.virtual_memory().total


class NvmlReader:
    """NVIDIA GPUs and their MIG instances.

    Without a driver it is quiet and looks again every ten seconds (a failed look costs 0.03 ms), so that a driver that
    is loaded later is found. A driver that goes away under us is let go and looked for again in the same way.

    Args:
        load: gives the module `pynvml`; called at the first read (the import takes 22 ms).
        machine_memory: bytes of the machine, for GPUs that have no memory of their own.
    """

    def __init__(
        self,
        *,
        load: Callable[[], Nvml] = _load_pynvml,
        clock: Callable[[], float] = time.monotonic,
        environ: Mapping[str, str] = os.environ,
        machine_memory: Callable[[], int] = _machine_memory,
    ) -> None:
        self._load = load
        self._clock = clock
        self._environ = environ
        self._machine_memory = machine_memory
        self._session: _Session | None = None
        self._next_probe = -float("inf")
        self.problem = ""
        self.driver = ""

    def read(self) -> tuple[GpuSample, ...]:
        """One sample a GPU; a GPU that is cut into MIG instances gives one sample an instance instead."""
        session = self._session or self._probe()
        if session is None:
            return ()
        try:
            samples = session.read()
        except session.nvml.NVMLError as error:
            self._let_go(session.nvml, error)
            return ()
        self.problem = session.problem or ("" if samples else "The NVIDIA driver is loaded but shows no GPU.")
        return samples

    def _probe(self) -> "_Session | None":
        now = self._clock()
        if now < self._next_probe:
            return None
        self._next_probe = now + PROBE_EVERY_S
        try:
            nvml = self._load()
        except ImportError:
            self.problem = "No GPU figures: the package nvidia-ml-py is not installed."
            return None
        try:
            nvml.nvmlInit()
        except nvml.NVMLError as error:
            self.problem = _why(error)
            return None
        self._session = _Session(nvml, self._environ, self._machine_memory)
        self.driver = f"NVIDIA {self._session.driver_version()}".rstrip()
        return self._session

    def _let_go(self, nvml: Nvml, error: Exception) -> None:
        """End the session with a driver that went away; the next probe starts a new one."""
        self.problem, self.driver, self._session = _why(error), "", None
        self._next_probe = self._clock() + PROBE_EVERY_S
        try:
            nvml.nvmlShutdown()
        except nvml.NVMLError:
            return  # a driver that is gone cannot be told goodbye


class _Session:
    """Reading between one `nvmlInit` and its end."""

    def __init__(self, nvml: Nvml, environ: Mapping[str, str], machine_memory: Callable[[], int]) -> None:
        self.nvml = nvml
        self.problem = ""
        self._allowed = visible_devices(environ, "CUDA_VISIBLE_DEVICES")
        self._machine_memory = machine_memory
        self._identities: dict[int, tuple[str, str]] = {}  # kept, so that a GPU that is lost later still has a name

    def driver_version(self) -> str:
        try:
            return _text(self.nvml.nvmlSystemGetDriverVersion())
        except self.nvml.NVMLError:
            return ""

    def read(self) -> tuple[GpuSample, ...]:
        """All GPUs.

        Raises:
            NVMLError: the driver itself is gone.
        """
        self.problem = ""
        count = self.nvml.nvmlDeviceGetCount()
        return tuple(sample for index in range(count) for sample in self._device(index))

    def _device(self, index: int) -> tuple[GpuSample, ...]:
        try:
            handle = self.nvml.nvmlDeviceGetHandleByIndex(index)
            if index not in self._identities:
                self._identities[index] = self._identity(handle)
            return self._instances(index, handle) or (self._whole(index, handle),)
        except self.nvml.NVMLError as error:
            if _code(error) in _ENDS_SESSION:
                raise
            self.problem = f"GPU {index} cannot be read: {error}."
            uuid, name = self._identities.get(index, ("", ""))
            return (GpuSample(index=index, uuid=uuid, name=name, ours=is_visible(index, uuid, self._allowed)),)

    def _whole(self, index: int, handle: Handle) -> GpuSample:
        nvml, (uuid, name) = self.nvml, self._identities[index]
        utilisation = self._ask(nvml.nvmlDeviceGetUtilizationRates, handle)
        processes = self._processes(handle)
        used, total, unified = self._memory(handle, processes)
        return GpuSample(
            index=index,
            uuid=uuid,
            name=name,
            utilisation=None if utilisation is None else float(utilisation.gpu),
            memory_used=used,
            memory_total=total,
            temperature_c=self._temperature(handle),
            power_w=_scaled(self._ask(nvml.nvmlDeviceGetPowerUsage, handle), _WATTS),
            power_limit_w=_scaled(self._ask(nvml.nvmlDeviceGetEnforcedPowerLimit, handle), _WATTS),
            processes=processes,
            ours=is_visible(index, uuid, self._allowed),
            unified=unified,
        )

    def _instances(self, index: int, handle: Handle) -> tuple[GpuSample, ...]:
        """The MIG instances; NVML gives no utilisation for them, nor for the GPU that they are cut from."""
        mode = self._ask(self.nvml.nvmlDeviceGetMigMode, handle)
        if mode is None or mode[0] != MIG_ENABLED:
            return ()
        temperature = self._temperature(handle)
        slots = range(self._ask(self.nvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0)
        cut = [self._ask(self.nvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, slot) for slot in slots]
        return tuple(self._instance(index, instance, temperature) for instance in cut if instance is not None)

    def _instance(self, index: int, instance: Handle, temperature: float | None) -> GpuSample:
        uuid, name = self._identity(instance)
        board, _ = self._identities[index]
        processes = self._processes(instance)
        used, total, _ = self._memory(instance, processes)
        return GpuSample(
            index=index,
            uuid=uuid,
            name=name,
            memory_used=used,
            memory_total=total,
            temperature_c=temperature,
            processes=processes,
            mig=True,
            ours=is_visible(index, uuid, self._allowed) or is_visible(index, board, self._allowed),
        )

    def _identity(self, handle: Handle) -> tuple[str, str]:
        nvml = self.nvml
        return _text(self._ask(nvml.nvmlDeviceGetUUID, handle)), _text(self._ask(nvml.nvmlDeviceGetName, handle))

    def _temperature(self, handle: Handle) -> float | None:
        return _scaled(self._ask(self.nvml.nvmlDeviceGetTemperature, handle, TEMPERATURE_OF_CHIP))

    def _processes(self, handle: Handle) -> tuple[GpuProcess, ...] | None:
        listed = self._ask(self.nvml.nvmlDeviceGetComputeRunningProcesses_v3, handle)
        if listed is None:
            return None
        return tuple(GpuProcess(pid=entry.pid, memory=entry.usedGpuMemory) for entry in listed)

    def _memory(self, handle: Handle, processes: tuple[GpuProcess, ...] | None) -> tuple[int | None, int | None, bool]:
        """Used, total, and whether it is the machine's own memory (then "used" is what the GPU's processes hold)."""
        try:
            # version 2 leaves the driver's own reserve out of "used", so that an idle GPU reads near 0
            info = self.nvml.nvmlDeviceGetMemoryInfo(handle, version=MEMORY_V2)
        except self.nvml.NVMLError as error:
            if _code(error) == Code.NOT_SUPPORTED:
                return _sum_of(processes), self._machine_memory(), True
            if _code(error) in _ENDS_DEVICE | _ENDS_SESSION:
                raise
            plain = self._ask(self.nvml.nvmlDeviceGetMemoryInfo, handle)
            return (None, None, False) if plain is None else (plain.used, plain.total, False)
        return info.used, info.total, False

    def _ask(self, call: Callable[_P, _T], *args: _P.args, **named: _P.kwargs) -> _T | None:
        """One call's answer, or None where this GPU, this driver or this user does not get one.

        Raises:
            NVMLError: the GPU or the whole driver is gone, so that further calls are pointless.
        """
        try:
            return call(*args, **named)
        except self.nvml.NVMLError as error:
            if _code(error) in _ENDS_DEVICE | _ENDS_SESSION:
                raise
            return None


def _why(error: Exception) -> str:
    code = _code(error)
    if code in _NO_DRIVER:
        return "No GPU: no NVIDIA driver is loaded."
    if code == Code.LIB_RM_VERSION_MISMATCH:
        return "The NVIDIA driver was upgraded while the old one runs: reboot, or reload its kernel module."
    if code == Code.NO_PERMISSION:
        return "The NVIDIA driver refuses this user: its device files are not readable here."
    return f"The NVIDIA driver answers: {error}."


def _code(error: Exception) -> int:
    value = getattr(error, "value", None)
    return value if isinstance(value, int) else -1


def _sum_of(processes: tuple[GpuProcess, ...] | None) -> int | None:
    if processes is None:
        return None
    known = [process.memory for process in processes if process.memory is not None]
    return sum(known) if len(known) == len(processes) else None


def _scaled(value: float | None, unit: float = 1.0) -> float | None:
    return None if value is None else value * unit


def _text(value: str | bytes | None) -> str:
    """Older releases of the binding answer in bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
