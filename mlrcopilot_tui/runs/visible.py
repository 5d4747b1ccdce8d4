"""What a fenced run must still see: its interpreter, its devices, the way to look names up."""

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from mlrcopilot_tui.runs.spec import SandboxPolicy

DEVICES: Final = ("nvidia*", "nvhost*", "nvmap", "dri", "kfd", "dxg", "accel*")
"""GPU nodes: without them CUDA falls back to the CPU without a word.

NVIDIA's (with the capabilities of partitioned GPUs, and the control nodes), those of its boards with built-in GPUs,
AMD's and Intel's, WSL's, other accelerators'.
"""

RUNTIME: Final = ("/run/current-system", "/run/opengl-driver", "/run/nvidia-persistenced")
"""What programs and drivers look for under `/run`, which is hidden for the sockets that lie there."""

TEMPORARY: Final = ("/tmp", "/run")  # noqa: S108  their names, not files in them


def gpu_nodes(devices: Path = Path("/dev")) -> list[str]:
    """The GPU device nodes of this machine."""
    return sorted({str(node) for pattern in DEVICES for node in devices.glob(pattern)})


def emptied_folders(home: Path) -> list[str]:
    """The folders that a run must not see: real paths."""
    return [path for path in real_paths((*TEMPORARY, str(home))) if path != "/" and Path(path).is_dir()]


def shown_paths(program: str, policy: SandboxPolicy, home: Path) -> list[str]:
    """What is shown of the folders that are hidden otherwise, besides what the policy grants."""
    # The Python on the PATH too: a script that is run by a shell calls it.
    programs = [path for name in (program, "python", "python3") for path in interpreter_paths(name, home)]
    return [*RUNTIME, *_resolver(policy), *programs]


def real_paths(paths: Iterable[str]) -> list[str]:
    """The paths with all links followed."""
    return [os.path.realpath(path) for path in paths]


def interpreter_paths(program: str, home: Path) -> Iterator[str]:
    """The paths in emptied folders that a program there needs to be seen: its prefix, and those its links lead to.

    A virtual environment's base prefix is among them; of a prefix that holds more than programs (home itself,
    `~/.local`) only the program is, and the packages that were installed for the user.
    """
    emptied, local = (home, *map(Path, TEMPORARY)), home / ".local"
    yield str(local / "lib")
    seen: set[Path] = set()
    pending = [Path(shutil.which(program) or program)]
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        if path.is_symlink():
            pending.append(Path(os.path.normpath(path.parent / path.readlink())))
        prefix = path.parent.parent if path.parent.name == "bin" else path.parent
        if base := _base_of(prefix):
            pending.append(base)
        if any(prefix.is_relative_to(folder) for folder in emptied):
            shown = path if prefix in {*emptied, local} else prefix
            yield str(Path(os.path.realpath(shown.parent)) / shown.name)


def _base_of(prefix: Path) -> Path | None:
    """The interpreter that a virtual environment was made from."""
    settings = prefix / "pyvenv.cfg"
    if settings.is_file():
        for line in settings.read_text(errors="replace").splitlines():
            key, _, value = line.partition("=")
            if key.strip() == "home":
                return Path(value.strip()) / "python"
    return None


def _resolver(policy: SandboxPolicy) -> Iterator[str]:
    """Where `/etc/resolv.conf` leads to: names cannot be looked up without it."""
    if policy.network:
        yield os.path.realpath("/etc/resolv.conf")
