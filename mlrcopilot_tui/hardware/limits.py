"""The memory and the CPUs that a container or a batch job was given, where the machine itself has more."""

import os
from dataclasses import dataclass
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


@dataclass(frozen=True, slots=True)
class _Files:
    """Where one generation of control groups keeps its memory figures."""

    limit: str
    usage: str
    reclaimable: tuple[str, ...]  # keys in memory.stat: caches that the kernel gives back before it kills


# The active page cache too: where data are read more than once, most of a group's may be in use that way.
_V2 = _Files("memory.max", "memory.current", ("inactive_file", "active_file", "slab_reclaimable"))
_V1 = _Files("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_inactive_file", "total_active_file"))


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """Bytes that this process's group may use and bytes in use that cannot be given back."""

    total: int
    used: int | None


def memory_limit(root: Path = CGROUP_ROOT, membership: Path = MEMBERSHIP) -> MemoryLimit | None:
    """The tightest memory limit that any control group (v2 or v1) above this process sets; None where none does."""
    found = [limit for folder, files in _groups(root, membership) if (limit := _limit_of(folder, files)) is not None]
    return min(found, key=lambda limit: limit.total, default=None)


def memory_left(root: Path = CGROUP_ROOT, membership: Path = MEMBERSHIP) -> tuple[int, int] | None:
    """Bytes left, and in all, in the control group above this process that has the least left; None without any."""
    limits = [limit for folder, files in _groups(root, membership) if (limit := _limit_of(folder, files)) is not None]
    return min(((limit.total - limit.used, limit.total) for limit in limits if limit.used is not None), default=None)


def cpu_quota(root: Path = CGROUP_ROOT, membership: Path = MEMBERSHIP) -> float | None:
    """CPUs' worth of time that the tightest control group v2 above this process allows; None where none limits it."""
    quotas: list[float] = []
    for folder, files in _groups(root, membership):
        match (_text(folder / "cpu.max") or "").split() if files is _V2 else ():
            case [quota, period] if quota.isdecimal() and period.isdecimal() and int(period):
                quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def usable_cpus() -> int:
    """CPUs that this process may run on; batch systems pin jobs to some of the machine's."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _groups(root: Path, membership: Path) -> list[tuple[Path, _Files]]:
    """Every group from this process's own up to the root; inside a container the path named may not exist."""
    groups: list[tuple[Path, _Files]] = []
    for line in (_text(membership) or "").splitlines():
        match line.split(":", 2):
            case [_, "", path]:
                top, files = root, _V2
            case [_, controllers, path] if "memory" in controllers.split(","):
                top, files = root / "memory", _V1
            case _:
                continue
        parts = [part for part in path.split("/") if part not in {"", ".."}]
        groups += [(top.joinpath(*parts[:depth]), files) for depth in range(len(parts), -1, -1)]
    return groups


def _limit_of(folder: Path, files: _Files) -> MemoryLimit | None:
    total = _number(_text(folder / files.limit))
    if total is None:
        return None
    used = _number(_text(folder / files.usage))
    for line in (_text(folder / "memory.stat") or "").splitlines():
        key, _, value = line.partition(" ")
        if key in files.reclaimable and used is not None:
            used = max(0, used - (_number(value) or 0))
    return MemoryLimit(total, used)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None


def _number(text: str | None) -> int | None:
    """A group without a limit says `max` in v2 and a number near 2**63 in v1."""
    value = (text or "").strip()
    return int(value) if value.isdecimal() and int(value) < 2**60 else None
