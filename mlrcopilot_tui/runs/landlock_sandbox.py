"""The second fence, for machines where bubblewrap does not work: Landlock and seccomp, which need no namespaces."""

import os
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from mlrcopilot_tui.errors import EnvironmentLackError
from mlrcopilot_tui.runs import landlock
from mlrcopilot_tui.runs.spec import SandboxLevel, SandboxPolicy
from mlrcopilot_tui.runs.visible import emptied_folders, gpu_nodes, real_paths, shown_paths

LAUNCH: Final = (
    "import sys; sys.path.append(sys.argv.pop(1));"
    " from mlrcopilot_tui.runs.fence import main; sys.exit(main(sys.argv[1:]))"
)
PACKAGES: Final = str(Path(__file__).parents[2])

DEVICES: Final = ("null", "zero", "full", "random", "urandom")
SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108  semaphores and arrays of worker processes lie there

DOORS: Final = (
    "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock",
    "/run/user/{user}/bus", "/run/user/{user}/systemd/private", "/run/user/{user}/docker.sock",
    "/run/user/{user}/podman/podman.sock",
)  # fmt: skip
"""Where programs listen that start others on request, with the user's rights or more."""

CROWDED: Final = 2000
"""A folder with more entries is left out as a whole where one of them must not be seen."""


class LandlockSandbox:
    """Rights given up for good: what is not granted cannot be opened, and only with a network are there sockets for it.

    Unlike bubblewrap it cannot protect a file inside a writable folder, nor hide one there, and it refuses to try the
    latter. What is hidden is not readable, but its name and size can be learnt. See `docs/sandbox.md`.

    Args:
        home: the home folder to hide; by default the user's.
        python: the interpreter that puts the fence up; any from 3.11 on.
    """

    level: SandboxLevel = "landlock"

    def __init__(self, home: Path | None = None, python: str = sys.executable) -> None:
        self._home = home or Path.home()
        self._python = python

    def wrap(self, argv: tuple[str, ...], policy: SandboxPolicy) -> tuple[str, ...]:
        """The command that gives up its rights and becomes `argv`.

        Raises:
            EnvironmentLackError: something is to be hidden inside a writable folder.
        """
        words = [f"{kind}={path}" for kind, path in self._rules(argv[0], policy)]
        network = ["network"] if policy.network else []
        return (self._python, "-I", "-S", "-c", LAUNCH, PACKAGES, *network, *words, "--", *argv)

    def _rules(self, program: str, policy: SandboxPolicy) -> Iterator[tuple[str, str]]:
        writable, hidden = real_paths(policy.writable), set(real_paths(policy.hidden))
        for path in sorted(hidden):
            if Path(path).exists() and (within := _container(path, writable)):
                raise EnvironmentLackError(
                    f"Landlock cannot hide {path}, because it lies in {within}, which may be written.",
                    "Leave it out of that folder, or install bubblewrap.",
                )
        for path in _cover("/", {*emptied_folders(self._home), "/dev", *hidden}):
            yield "read", path
        for path in (*shown_paths(program, policy, self._home), *policy.read_only):
            for part in _cover(os.path.realpath(path), hidden):
                if not _container(part, writable):
                    yield "read", part
        for path in (*writable, SHARED_MEMORY):
            yield "write", path
        for path in (*(f"/dev/{name}" for name in DEVICES), *gpu_nodes()):
            yield "device", path


def open_doors() -> list[str]:
    """Socket files by which a run behind this fence could have others act for it: empty where Landlock sees to them."""
    if landlock.abi() >= landlock.SOCKET_FILES:
        return []
    doors = [door.format(user=os.getuid()) for door in DOORS]
    return [door for door in doors if Path(door).is_socket() and os.access(door, os.W_OK)]


def _cover(top: str, barred: Collection[str]) -> Iterator[str]:
    """The fewest paths that hold all below `top` but for what is barred: rules can only add."""
    if top in barred:
        return
    inside = top.rstrip("/") + "/"
    if not any(path.startswith(inside) for path in barred):
        yield top
        return
    try:
        entries = list(os.scandir(top))
    except OSError:
        return
    if len(entries) <= CROWDED:
        for entry in sorted(entries, key=lambda entry: entry.name):
            # What a link leads to has a rule of its own, or none.
            if not entry.is_symlink():
                yield from _cover(entry.path, barred)


def _container(path: str, folders: list[str]) -> str:
    """The folder among `folders` that `path` is or lies in; empty where there is none."""
    return next((folder for folder in folders if path == folder or path.startswith(f"{folder}/")), "")
