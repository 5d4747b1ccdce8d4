"""The part of NVIDIA's management library that is used here, with the types that its Python binding leaves out.

Source: https://docs.nvidia.com/deploy/nvml-api/
"""
# ruff: noqa: N802, N815 - the names are the library's own

from collections.abc import Sequence
from enum import IntEnum
from typing import NewType, Protocol

Handle = NewType("Handle", object)

MIG_ENABLED = 1
TEMPERATURE_OF_CHIP = 0
MEMORY_V2 = 0x02000028


class Code(IntEnum):
    """Return codes that are told apart, from nvml.h."""

    UNINITIALIZED = 1
    NOT_SUPPORTED = 3
    NO_PERMISSION = 4
    DRIVER_NOT_LOADED = 9
    LIBRARY_NOT_FOUND = 12
    GPU_IS_LOST = 15
    RESET_REQUIRED = 16
    LIB_RM_VERSION_MISMATCH = 18


class Utilization(Protocol):
    """Percent of the sampling period in which a kernel ran."""

    gpu: int


class Memory(Protocol):
    """Bytes of device memory."""

    used: int
    total: int


class ComputeProcess(Protocol):
    """A process with a compute context; bytes are None where the driver cannot tell."""

    pid: int
    usedGpuMemory: int | None


class Nvml(Protocol):
    """The functions of the module `pynvml`; each raises `NVMLError` with a return code as its `value`."""

    NVMLError: type[Exception]

    def nvmlInit(self) -> None: ...
    def nvmlShutdown(self) -> None: ...
    def nvmlSystemGetDriverVersion(self) -> str: ...
    def nvmlDeviceGetCount(self) -> int: ...
    def nvmlDeviceGetHandleByIndex(self, index: int, /) -> Handle: ...
    def nvmlDeviceGetUUID(self, handle: Handle, /) -> str: ...
    def nvmlDeviceGetName(self, handle: Handle, /) -> str: ...
    def nvmlDeviceGetUtilizationRates(self, handle: Handle, /) -> Utilization: ...
    def nvmlDeviceGetMemoryInfo(self, handle: Handle, /, version: int | None = None) -> Memory: ...
    def nvmlDeviceGetTemperature(self, handle: Handle, sensor: int, /) -> int: ...
    def nvmlDeviceGetPowerUsage(self, handle: Handle, /) -> int: ...
    def nvmlDeviceGetEnforcedPowerLimit(self, handle: Handle, /) -> int: ...
    def nvmlDeviceGetComputeRunningProcesses_v3(self, handle: Handle, /) -> Sequence[ComputeProcess]: ...
    def nvmlDeviceGetMigMode(self, handle: Handle, /) -> Sequence[int]: ...
    def nvmlDeviceGetMaxMigDeviceCount(self, handle: Handle, /) -> int: ...
    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: Handle, slot: int, /) -> Handle: ...
