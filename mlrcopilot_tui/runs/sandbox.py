"""Fences a run in: its files, its network, its view of the home folder; graded by what the machine allows."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, Protocol

from mlrcopilot_tui.errors import EnvironmentLackError
from mlrcopilot_tui.runs.spec import SandboxLevel, SandboxPolicy

DEVICES: Final = ("nvidia*", "dri", "kfd", "dxg")
"""GPU nodes: without them CUDA falls back to the CPU without a word."""

RUNTIME: Final = ("/run/current-system", "/run/opengl-driver", "/run/nvidia-persistenced")
"""What programs and drivers look for under `/run`, which is hidden for the sockets that lie there."""

TEMPORARY: Final = ("/tmp", "/run")  # noqa: S108  their names, not files in them


class Sandbox(Protocol):
    """Turns a command into one that runs fenced in."""

    level: SandboxLevel

    def wrap(self, argv: tuple[str, ...], policy: SandboxPolicy) -> tuple[str, ...]:
        """The command that runs `argv` under `policy`, to be started with the run's tree as its working directory."""


class PlainSandbox:
    """No fence at all: protected files are only checked afterwards, and the network is open."""

    level: SandboxLevel = "plain"

    def wrap(self, argv: tuple[str, ...], policy: SandboxPolicy) -> tuple[str, ...]:  # noqa: ARG002
        """`argv` as it is."""
        return argv


class BubblewrapSandbox:
    """User namespaces by bubblewrap: the system read-only, home and temporary folders empty, no network unless granted.

    Its environment shows inside as that of process 1, so it must be started with a clean one.

    Args:
        home: the home folder to hide; by default the user's.
    """

    level: SandboxLevel = "bwrap"

    def __init__(self, home: Path | None = None) -> None:
        self._home = home or Path.home()

    def wrap(self, argv: tuple[str, ...], policy: SandboxPolicy) -> tuple[str, ...]:
        """The bwrap command.

        Raises:
            EnvironmentLackError: bubblewrap is not installed.
        """
        program = shutil.which("bwrap")
        if program is None:
            raise EnvironmentLackError("bubblewrap is not installed.", INSTALL)
        # No --new-session: the trainer stays in the process group that a graceful stop is sent to.
        command = [program, "--unshare-all", "--die-with-parent"]
        if policy.network:
            command.append("--share-net")
        command += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
        for device in sorted({str(node) for pattern in DEVICES for node in Path("/dev").glob(pattern)}):
            command += ["--dev-bind-try", device, device]
        mounts = self._mounts(argv, policy)
        # Outer paths first, so that the rule of an inner one holds.
        for path in sorted(mounts, key=lambda path: (path.count("/"), path)):
            command += mounts[path]
        return (*command, "--", *argv)

    def _mounts(self, argv: tuple[str, ...], policy: SandboxPolicy) -> dict[str, list[str]]:
        """The bwrap options by the path they rule; real paths, because nothing can be mounted on a symbolic link."""
        writable, protected = _real(policy.writable), _real(policy.read_only)
        # The Python on the PATH too: a script that is run by a shell calls it.
        programs = [path for name in (argv[0], "python", "python3") for path in interpreter_paths(name, self._home)]
        readable = (*RUNTIME, *_resolver(policy), *programs, *protected)
        emptied = [path for path in _real((*TEMPORARY, str(self._home))) if path != "/" and Path(path).is_dir()]
        mounts = {path: ["--tmpfs", path] for path in emptied}
        mounts |= {path: ["--bind", path, path] for path in (*writable, *_ancestors(protected, writable))}
        mounts |= {path: ["--ro-bind-try", path, path] for path in readable}
        mounts |= {path: _hiding(path) for path in _real(policy.hidden)}
        return mounts


INSTALL: Final = "Install it with your system's package manager: apt install bubblewrap, or dnf install bubblewrap."


def sandbox_of(level: SandboxLevel) -> Sandbox:
    """The sandbox of that level, whether it works here or not."""
    return BubblewrapSandbox() if level == "bwrap" else PlainSandbox()


def best_sandbox() -> Sandbox:
    """The strongest sandbox that works on this machine, found out by running one."""
    return PlainSandbox() if why_not("bwrap") else BubblewrapSandbox()


@cache
def why_not(level: SandboxLevel) -> str:
    """Why that level does not work here, as a sentence with its mend; empty where it does."""
    if level == "plain":
        return ""
    try:
        wrapped = BubblewrapSandbox().wrap((shutil.which("true") or "true",), SandboxPolicy(level="bwrap"))
        probe = subprocess.run(
            wrapped, env={}, capture_output=True, timeout=10, check=False, stdin=subprocess.DEVNULL, text=True
        )
    except EnvironmentLackError as error:
        return str(error)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not work here: {error}."
    if probe.returncode == 0:
        return ""
    said = (probe.stderr.strip().splitlines() or ["it gave no reason"])[-1].removeprefix("bwrap: ").rstrip(".")
    return f"bubblewrap does not work here: {said}. Allow unprivileged user namespaces, or run without the sandbox."


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


def _real(paths: tuple[str, ...]) -> list[str]:
    return [os.path.realpath(path) for path in paths]


def _ancestors(protected: list[str], writable: list[str]) -> Iterator[str]:
    """The folders between a writable one and what is protected in it.

    Each is mounted on itself, because a mount point cannot be renamed: else a run could put a folder of its own in
    place of one that holds a protected file.
    """
    for path in protected:
        for parent in map(str, Path(path).parents):
            if any(Path(parent).is_relative_to(folder) and parent != folder for folder in writable):
                yield parent


def _hiding(path: str) -> list[str]:
    if Path(path).is_dir():
        return ["--tmpfs", path]
    return ["--ro-bind", "/dev/null", path] if Path(path).exists() else []


def _resolver(policy: SandboxPolicy) -> Iterator[str]:
    """Where `/etc/resolv.conf` leads to: names cannot be looked up without it."""
    if policy.network:
        yield os.path.realpath("/etc/resolv.conf")
