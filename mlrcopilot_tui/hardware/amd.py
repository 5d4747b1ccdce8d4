"""Reads AMD GPUs from the files that the kernel's amdgpu driver offers, with no library at all."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from mlrcopilot_tui.hardware.samples import GpuSample
from mlrcopilot_tui.hardware.visible import is_visible, visible_devices

_AMD_VENDOR = "0x1002"
_CARD = re.compile(r"card(\d+)")


class SysfsAmdReader:
    """One sample a card under `root` (`/sys/class/drm`); who computes there is not told.

    Source: https://docs.kernel.org/gpu/amdgpu/thermal.html and .../driver-misc.html
    """

    def __init__(self, root: Path = Path("/sys/class/drm"), environ: Mapping[str, str] = os.environ) -> None:
        self._root = root
        self._environ = environ
        self.problem = ""
        self.driver = ""

    def read(self) -> tuple[GpuSample, ...]:
        """The AMD cards as they are now, numbered from 0 in the order of the kernel's card numbers."""
        allowed = visible_devices(self._environ, "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")
        samples = tuple(_sample(index, device, allowed) for index, device in enumerate(self._devices()))
        self.problem = "" if samples else "No GPU."
        self.driver = "amdgpu" if samples else ""
        return samples

    def _devices(self) -> list[Path]:
        try:
            names = [entry.name for entry in self._root.iterdir()]
        except OSError:
            return []
        cards = sorted(int(match[1]) for name in names if (match := _CARD.fullmatch(name)))
        devices = [self._root / f"card{card}" / "device" for card in cards]
        return [device for device in devices if _line(device / "vendor") == _AMD_VENDOR]


def _sample(index: int, device: Path, allowed: tuple[str, ...] | None) -> GpuSample:
    unique = _line(device / "unique_id")
    uuid = f"GPU-{unique.removeprefix('0x')}" if unique else ""
    return GpuSample(
        index=index,
        uuid=uuid,
        name=_line(device / "product_name") or f"AMD GPU {_line(device / 'device') or ''}".rstrip(),
        utilisation=_number(device / "gpu_busy_percent"),
        memory_used=_whole(device / "mem_info_vram_used"),
        memory_total=_whole(device / "mem_info_vram_total"),
        temperature_c=_sensor(device, 1e-3, "temp1_input"),
        power_w=_sensor(device, 1e-6, "power1_average", "power1_input"),
        power_limit_w=_sensor(device, 1e-6, "power1_cap"),
        ours=is_visible(index, uuid, allowed),
    )


def _sensor(device: Path, unit: float, *names: str) -> float | None:
    """The first of the named sensor files that reads as a number, times `unit`."""
    for name in names:
        for file in sorted(device.glob(f"hwmon/hwmon*/{name}")):
            if (value := _number(file)) is not None:
                return value * unit
    return None


def _line(path: Path) -> str | None:
    """A sleeping or lost card answers EPERM, EBUSY or ENODEV: that is "cannot be told", not an error."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _number(path: Path) -> float | None:
    try:
        return float(_line(path) or "")
    except ValueError:
        return None


def _whole(path: Path) -> int | None:
    value = _number(path)
    return None if value is None else int(value)
