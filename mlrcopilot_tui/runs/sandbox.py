"""Fences a run in: its files, its network, its view of the home folder; graded by what the machine allows."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, Protocol

from mlrcopilot_tui.errors import EnvironmentLackError
from mlrcopilot_tui.runs.fence import FAILURE, KEPT_CAPABILITIES
from mlrcopilot_tui.runs.landlock_sandbox import LandlockSandbox
from mlrcopilot_tui.runs.spec import SandboxLevel, SandboxPolicy
from mlrcopilot_tui.runs.visible import emptied_folders, gpu_nodes, real_paths, shown_paths


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
        if os.geteuid() == 0:
            command += _less_of_root()
        for device in gpu_nodes():
            command += ["--dev-bind-try", device, device]
        mounts = self._mounts(argv, policy)
        # Outer paths first, so that the rule of an inner one holds.
        for path in sorted(mounts, key=lambda path: (path.count("/"), path)):
            command += mounts[path]
        for link in policy.links:
            command += ["--symlink", str(Path(link).readlink()), link]
        return (*command, "--", *argv)

    def _mounts(self, argv: tuple[str, ...], policy: SandboxPolicy) -> dict[str, list[str]]:
        """The bwrap options by the path they rule; real paths, because nothing can be mounted on a symbolic link."""
        writable, protected = real_paths(policy.writable), real_paths(policy.read_only)
        readable = (*shown_paths(argv[0], policy, self._home), *protected)
        mounts = {path: ["--tmpfs", path] for path in emptied_folders(self._home)}
        mounts |= {path: ["--bind", path, path] for path in (*writable, *_ancestors(protected, writable))}
        mounts |= {path: ["--ro-bind-try", path, path] for path in readable}
        mounts |= {path: _hiding(path) for path in real_paths(policy.hidden)}
        return mounts


STRONGEST_FIRST: Final[tuple[SandboxLevel, ...]] = ("bwrap", "landlock", "plain")
WORDS: Final[dict[SandboxLevel, tuple[str, str]]] = {
    "bwrap": ("bubblewrap", "Allow unprivileged user namespaces, or do with a weaker fence."),
    "landlock": ("Landlock", "It is a part of Linux 5.13 and newer, and `lsm=` at boot must name it where it is off."),
}
KERNEL: Final = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus")
INSTALL: Final = "Install it with your system's package manager: apt install bubblewrap, or dnf install bubblewrap."


def sandbox_of(level: SandboxLevel) -> Sandbox:
    """The sandbox of that level, whether it works here or not."""
    if level == "bwrap":
        return BubblewrapSandbox()
    return LandlockSandbox() if level == "landlock" else PlainSandbox()


def best_sandbox() -> Sandbox:
    """The strongest sandbox that works on this machine, found out by running one."""
    return sandbox_of(next(level for level in STRONGEST_FIRST if not why_not(level)))


@cache
def why_not(level: SandboxLevel) -> str:
    """Why that level does not work here, as a sentence with its mend; empty where it does."""
    if level == "plain":
        return ""
    name, mend = WORDS[level]
    try:
        wrapped = sandbox_of(level).wrap((shutil.which("true") or "true",), SandboxPolicy(level=level))
        probe = subprocess.run(
            wrapped, env={}, capture_output=True, timeout=10, check=False, stdin=subprocess.DEVNULL, text=True
        )
    except EnvironmentLackError as error:
        return str(error)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{name} does not work here: {error}."
    if probe.returncode == 0:
        return ""
    said = (probe.stderr.strip().splitlines() or ["it gave no reason"])[-1].removeprefix(failure_of(level)).rstrip(".")
    return f"{name} does not work here: {said}. {mend}"


def failure_of(level: SandboxLevel) -> str:
    """How the words begin by which a sandbox says that it could not be set up; empty where that cannot be."""
    return {"bwrap": "bwrap: ", "landlock": FAILURE, "plain": ""}[level]


def _ancestors(protected: list[str], writable: list[str]) -> Iterator[str]:
    """The folders between a writable one and what is protected in it.

    Each is mounted on itself, because a mount point cannot be renamed: else a run could put a folder of its own in
    place of one that holds a protected file.
    """
    for path in protected:
        for parent in map(str, Path(path).parents):
            if any(Path(parent).is_relative_to(folder) and parent != folder for folder in writable):
                yield parent


def _less_of_root() -> Iterator[str]:
    """Root keeps its rights on files and processes; what of the kernel it may write by being root is read-only."""
    yield from ("--cap-drop", "ALL")
    held = _capabilities()
    for capability, number in KEPT_CAPABILITIES.items():
        if held >> number & 1:
            yield from ("--cap-add", f"CAP_{capability.upper()}")
    for path in KERNEL:
        yield from ("--ro-bind-try", path, path)


def _capabilities() -> int:
    """Those of this process: a container's root has not all of them, and bubblewrap fails where it cannot give one."""
    told = Path("/proc/self/status").read_text().partition("CapEff:")[2].split()
    return int(told[0], 16) if told else 0


def _hiding(path: str) -> list[str]:
    if Path(path).is_dir():
        return ["--tmpfs", path]
    return ["--ro-bind", "/dev/null", path] if Path(path).exists() else []
