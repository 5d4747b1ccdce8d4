"""The last process before a fenced run: it gives up its rights by Landlock and seccomp, then becomes the command.

It is started by `LandlockSandbox`, between the supervisor and the command. The standard library only: it runs without
packages, in the supervisor's interpreter, whatever the run's own is.
"""

import ctypes
import os
import struct
import sys

from mlrcopilot_tui.runs import landlock, seccomp

FAILURE = "landlock: "
"""How its only words begin; it says them where the fence cannot be put up, and ends with `FAILED`."""
FAILED = 125

KEPT_CAPABILITIES = {
    "chown": 0, "dac_override": 1, "fowner": 3, "fsetid": 4, "kill": 5, "setgid": 6, "setuid": 7, "ipc_lock": 14,
    "ipc_owner": 15, "sys_nice": 23, "sys_resource": 24,
}  # fmt: skip
"""What root keeps, all of it within the fence."""
CAPABILITIES_VERSION = 0x20080522
PR_CAPBSET_DROP = 24


def main(arguments: list[str]) -> int:
    """Fence this process in and become the command: `[network] kind=path ... -- command ...`; returns if it cannot."""
    end = arguments.index("--")
    words, command = arguments[:end], arguments[end + 1 :]
    network = "network" in words
    rules = [(kind, path) for kind, sign, path in (word.partition("=") for word in words) if sign]
    try:
        program = _program(command[0])
        _settle_home([path for kind, path in rules if kind == "write"])
        _drop_capabilities()
        # For its own threads' names, which GPU drivers set; only its own folder, because a rule is bound to a file.
        landlock.restrict([*rules, ("rename", "/proc/self/task")], network=network)
        seccomp.install(network=network, truncates=landlock.abi() >= 3)
        os.execv(program, command)  # noqa: S606  no shell is wanted
    except OSError as error:
        about = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"{FAILURE}{about}{error.strerror or error}\n")
    return FAILED


def _program(name: str) -> str:
    """The program of that name, as a shell finds it; looked up while this interpreter can read its own modules."""
    if "/" not in name:
        for folder in os.get_exec_path():
            if os.access(f"{folder}/{name}", os.X_OK):
                return f"{folder}/{name}"
    return name


def _settle_home(writable: list[str]) -> None:
    """An empty home folder in the run's own temporary one, anew for each command: the real one is out of reach."""
    temporary = os.path.realpath(os.environ.get("TMPDIR", "/"))
    if not any(temporary == folder or temporary.startswith(f"{folder}/") for folder in writable):
        return
    home = f"{temporary}/home-{os.urandom(8).hex()}"
    os.mkdir(home, 0o700)  # noqa: PTH102  pathlib takes 8 ms of each run to import
    os.environ.setdefault("PYTHONUSERBASE", os.path.expanduser("~/.local"))  # noqa: PTH111
    os.environ["HOME"] = home


def _drop_capabilities() -> None:
    """Root keeps what concerns files and processes; all else would lead round the fence."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(64):
        if capability not in KEPT_CAPABILITIES.values():
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = struct.pack("<Ii", CAPABILITIES_VERSION, 0)
    held = ctypes.create_string_buffer(24)
    if libc.capget(header, held) < 0:
        return
    kept = sum(1 << capability for capability in KEPT_CAPABILITIES.values())
    low, high = kept & 0xFFFFFFFF, kept >> 32
    masks = (low, low, low, high, high, high)
    now = struct.unpack("<6I", held.raw)
    libc.capset(header, struct.pack("<6I", *(have & mask for have, mask in zip(now, masks, strict=True))))
