"""Tells which GPUs a process can use, by using them: its text is run by `python -c` in a run's interpreter and fence.

It answers in JSON lines, one for each way to a GPU that there is, so that a driver that crashes takes no earlier answer
along. The standard library only, and nothing newer than Python 3.8: it runs in whatever interpreter a workspace names.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Callable

NAME_BYTES = 256
UUID_BYTES = 16
ALLOCATED_BYTES = 1 << 20
"""A GPU that is listed but refuses memory is of no use, and that is how most fences fail."""

HIP_LIBRARIES = ("libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so", "/opt/rocm/lib/libamdhip64.so")


class DriverError(Exception):
    """A driver's call failed; the text is in the driver's own words."""


def main(arguments: list[str]) -> None:
    """Ask all ways: `[torch] NODE...`; the nodes are only opened."""
    _answer("nodes", closed={path: why for path in arguments if path.startswith("/") and (why := _closed(path))})
    # In a child first: a fence may hold a command's own process and those that it starts to be different things.
    _in_child(lambda: _answer_cuda("child", using=False))
    _answer_cuda("cuda", using=True)
    if os.path.exists("/dev/kfd"):  # noqa: PTH110  pathlib costs more than the question
        _in_child(_answer_hip)
    if "torch" in arguments:
        _answer_torch()


def _answer(way: str, **facts: object) -> None:
    sys.stdout.write(json.dumps({"way": way, **facts}) + "\n")
    sys.stdout.flush()


def _closed(path: str) -> str:
    """Why a device node cannot be opened; empty where it can."""
    try:
        if os.path.isdir(path):  # noqa: PTH112
            os.listdir(path)  # noqa: PTH208
        else:
            os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK))
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _in_child(ask: Callable[[], None]) -> None:
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            ask()
        finally:
            sys.stdout.flush()
            os._exit(0)
    os.waitpid(child, 0)


def _answer_cuda(way: str, *, using: bool) -> None:
    library = _library("libcuda.so.1")
    if isinstance(library, str):
        _answer(way, problem=library)
        return
    if library is None:
        return
    try:
        _checked(library, "cuInit", 0)
        version, count = ctypes.c_int(), ctypes.c_int()
        _checked(library, "cuDriverGetVersion", ctypes.byref(version))
        _checked(library, "cuDeviceGetCount", ctypes.byref(count))
        devices = [_cuda_device(library, index, using=using) for index in range(count.value)]
        _answer(way, version=f"{version.value // 1000}.{version.value % 1000 // 10}", devices=devices)
    except DriverError as error:
        _answer(way, problem=str(error))


def _cuda_device(library: ctypes.CDLL, index: int, *, using: bool) -> dict[str, str]:
    device, name, uuid = (
        ctypes.c_int(),
        ctypes.create_string_buffer(NAME_BYTES),
        ctypes.create_string_buffer(UUID_BYTES),
    )
    found = {"name": f"GPU {index}"}
    try:
        _checked(library, "cuDeviceGet", ctypes.byref(device), index)
        _checked(library, "cuDeviceGetName", name, NAME_BYTES, device)
        found["name"] = name.value.decode(errors="replace")
        # The second form tells the parts of a partitioned GPU apart.
        _checked(
            library, "cuDeviceGetUuid_v2" if hasattr(library, "cuDeviceGetUuid_v2") else "cuDeviceGetUuid", uuid, device
        )
        found["uuid"] = uuid.raw.hex()
        if using:
            _allocate(library, device)
    except DriverError as error:
        found["problem"] = str(error)
    return found


def _allocate(library: ctypes.CDLL, device: ctypes.c_int) -> None:
    context, memory = ctypes.c_void_p(), ctypes.c_uint64()
    _checked(library, "cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
    try:
        _checked(library, "cuCtxSetCurrent", context)
        _checked(library, "cuMemAlloc_v2", ctypes.byref(memory), ctypes.c_size_t(ALLOCATED_BYTES))
        _checked(library, "cuMemFree_v2", memory)
    finally:
        library.cuDevicePrimaryCtxRelease_v2(device)


def _checked(library: ctypes.CDLL, function: str, *arguments: object) -> None:
    code = getattr(library, function)(*arguments)
    if code:
        raise DriverError(f"{function} says {_cuda_words(library, code)}")


def _cuda_words(library: ctypes.CDLL, code: int) -> str:
    words = []
    for function in ("cuGetErrorName", "cuGetErrorString"):
        text = ctypes.c_char_p()
        if getattr(library, function)(code, ctypes.byref(text)) == 0 and text.value:
            words.append(text.value.decode(errors="replace"))
    return f"{code} ({': '.join(words)})" if words else str(code)


def _answer_hip() -> None:
    found = [library for name in HIP_LIBRARIES if (library := _library(name)) is not None]
    if not found:
        return
    library = found[0]
    if isinstance(library, str):
        _answer("hip", problem=library)
        return
    try:
        count = ctypes.c_int()
        _checked_hip(library, "hipInit", 0)
        _checked_hip(library, "hipGetDeviceCount", ctypes.byref(count))
        _answer("hip", devices=[_hip_device(library, index) for index in range(count.value)])
    except DriverError as error:
        _answer("hip", problem=str(error))


def _hip_device(library: ctypes.CDLL, index: int) -> dict[str, str]:
    name, uuid, memory = (
        ctypes.create_string_buffer(NAME_BYTES),
        ctypes.create_string_buffer(UUID_BYTES),
        ctypes.c_void_p(),
    )
    found = {"name": f"GPU {index}"}
    try:
        _checked_hip(library, "hipDeviceGetName", name, NAME_BYTES, index)
        found["name"] = name.value.decode(errors="replace")
        _checked_hip(library, "hipDeviceGetUuid", uuid, index)
        found["uuid"] = uuid.raw.hex()
        _checked_hip(library, "hipSetDevice", index)
        _checked_hip(library, "hipMalloc", ctypes.byref(memory), ctypes.c_size_t(ALLOCATED_BYTES))
        _checked_hip(library, "hipFree", memory)
    except DriverError as error:
        found["problem"] = str(error)
    return found


def _checked_hip(library: ctypes.CDLL, function: str, *arguments: object) -> None:
    code = getattr(library, function)(*arguments)
    if code:
        library.hipGetErrorName.restype = ctypes.c_char_p
        raise DriverError(f"{function} says {code} ({library.hipGetErrorName(code).decode(errors='replace')})")


def _library(name: str) -> ctypes.CDLL | str | None:
    """A driver's library; None where there is none, or why the one that is there cannot be loaded."""
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        absent = "No such file" in str(error) and str(error).startswith(name)
        return None if absent else f"{name} cannot be loaded: {error}"


def _answer_torch() -> None:
    import importlib.util  # noqa: PLC0415  only where it is asked for

    if importlib.util.find_spec("torch") is None:
        return
    try:
        import torch  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415  it takes seconds
    except Exception as error:  # noqa: BLE001  whatever keeps it from being imported is the answer
        _answer("torch", problem=f"importing it fails: {_first_line(error)}")
        return
    version = str(torch.__version__)
    try:
        devices = [_torch_device(torch, index) for index in range(torch.cuda.device_count())]
        built = "" if torch.version.cuda or torch.version.hip else "it was built for the CPU alone"
        _answer("torch", version=version, devices=devices, problem=built)
    except Exception as error:  # noqa: BLE001  as above
        _answer("torch", version=version, problem=_first_line(error))


def _torch_device(torch: object, index: int) -> dict[str, str]:
    found = {"name": f"GPU {index}"}
    try:
        found["name"] = torch.cuda.get_device_name(index)  # type: ignore[attr-defined]  # an optional package
        ones = torch.ones(16, 16, device=f"cuda:{index}")  # type: ignore[attr-defined]
        if float((ones @ ones).sum()) != 16**3:
            found["problem"] = "it multiplies matrices wrongly"
    except Exception as error:  # noqa: BLE001  as above
        found["problem"] = _first_line(error)
    return found


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]


if __name__ == "__main__":
    main(sys.argv[1:])
