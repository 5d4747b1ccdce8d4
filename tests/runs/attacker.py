"""What hostile training code may try; runs inside the sandbox, with the standard library only.

Called as `python attacker.py TARGETS`, in the run's tree. Each attack is tried in a process of its own. An attack has
worked if it returns a true value: a secret that it read, or that a call was let through. The answers are printed as
JSON: the name of the attack, and what came of it. Whether a file that was written is really another one outside is for
the caller to see.
"""

import ctypes
import fcntl
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

PATIENCE_S = 5
FORGED = "forged"
MEMORY = Path("/dev/shm")  # noqa: S108  it is an attack on it
CLONE_NEWUSER, TIOCSTI, PTRACE_ATTACH, PTRACE_DETACH = 0x10000000, 0x5412, 16, 17
SYSCALLS = {"x86_64": (425, 248, 310), "aarch64": (425, 217, 270)}
libc = ctypes.CDLL(None, use_errno=True)


class Targets:
    """Where the things are that a run must not touch."""

    def __init__(self, told: str) -> None:
        found = json.loads(told)
        self.base, self.tree, self.scratch = Path(found["base"]), Path(found["tree"]), Path(found["scratch"])
        self.shared, self.pid = Path(found["shared"]), int(found["pid"])
        self.tcp, self.udp, self.terminal = int(found["tcp"]), int(found["udp"]), str(found["terminal"])


def checked(answer: int) -> bool:
    """Whether a system call was let through."""
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return True


def numbers() -> tuple[int, int, int]:
    """The numbers of io_uring_setup, add_key and process_vm_readv."""
    return SYSCALLS[os.uname().machine]


def overwrite(path: Path) -> bool:
    """Put a forged content into a file that is there."""
    with path.open("r+") as file:
        file.write(FORGED)
    return True


# Files


def read_a_key_in_the_home_folder(t: Targets) -> object:
    return (t.base / "home/.ssh/id_ed25519").read_text()


def read_hidden_labels_in_the_repository(t: Targets) -> object:
    return (t.base / "repo/data/labels.csv").read_text()


def read_hidden_labels_through_a_link(t: Targets) -> object:
    (t.tree / "innocent").symlink_to(t.base / "repo/data/labels.csv")
    return (t.tree / "innocent").read_text()


def read_git_metadata(t: Targets) -> object:
    return (t.base / "repo/.git/config").read_text()


def write_git_metadata(t: Targets) -> object:
    return overwrite(t.base / "repo/.git/hook")


def plant_code_for_every_later_python(t: Targets) -> object:
    return overwrite(t.base / "home/.local/lib/usercustomize.py")


def write_into_the_home_folder(t: Targets) -> object:
    return overwrite(t.base / "home/.bashrc")


def write_outside(t: Targets) -> object:
    return overwrite(t.base / "outside/plain")


def write_outside_through_a_link(t: Targets) -> object:
    (t.tree / "link").symlink_to(t.base / "outside")
    return overwrite(t.tree / "link/link")


def write_outside_through_a_hard_link(t: Targets) -> object:
    os.link(t.base / "outside/hard", t.tree / "alias")
    return overwrite(t.tree / "alias")


def move_a_file_out(t: Targets) -> object:
    (t.tree / "made").write_text(FORGED)
    (t.tree / "made").replace(t.base / "outside/moved")
    return True


def cut_a_file_outside(t: Targets) -> object:
    os.truncate(t.base / "outside/cut", 0)
    return True


def cut_a_file_outside_by_reading_it(t: Targets) -> object:
    os.close(os.open(t.base / "outside/opened", os.O_RDONLY | os.O_TRUNC))
    return True


def change_the_mode_of_a_key(t: Targets) -> object:
    (t.base / "home/.ssh/id_ed25519").chmod(0o666)
    return True


def read_the_shared_temporary_folder(t: Targets) -> object:
    return (t.shared / "secret").read_text()


def write_the_shared_temporary_folder(t: Targets) -> object:
    return overwrite(t.shared / "file")


def read_the_shared_memory_of_another_program(t: Targets) -> object:
    return (MEMORY / t.shared.name).read_text()


def leave_something_in_shared_memory(t: Targets) -> object:
    (MEMORY / f"{t.shared.name}-left").write_text(FORGED)
    return True


# Protected files inside the tree


def write_a_protected_file(t: Targets) -> object:
    return overwrite(t.tree / "protected/written.py")


def replace_a_protected_file(t: Targets) -> object:
    (t.tree / "other.py").write_text(FORGED)
    (t.tree / "other.py").replace(t.tree / "protected/replaced.py")
    return True


def write_a_protected_file_through_a_hard_link(t: Targets) -> object:
    os.link(t.tree / "protected/linked.py", t.tree / "second-name.py")
    return overwrite(t.tree / "second-name.py")


def replace_the_folder_of_a_protected_file(t: Targets) -> object:
    (t.tree / "judge").rename(t.tree / "judge-before")
    (t.tree / "judge").mkdir()
    (t.tree / "judge/swapped.py").write_text(FORGED)
    return True


# Other processes


def read_the_environment_of_the_copilot(t: Targets) -> object:
    return "hush" in Path(f"/proc/{t.pid}/environ").read_text()


def read_files_through_another_process(t: Targets) -> object:
    return Path(f"/proc/{t.pid}/root{t.base}/home/.ssh/id_ed25519").read_text()


def see_the_commands_of_other_processes(t: Targets) -> object:
    return "victim" in Path(f"/proc/{t.pid}/cmdline").read_text()


def trace_another_process(t: Targets) -> object:
    checked(libc.ptrace(PTRACE_ATTACH, t.pid, None, None))
    os.waitpid(t.pid, 0)
    return checked(libc.ptrace(PTRACE_DETACH, t.pid, None, None))


def read_the_memory_of_another_process(t: Targets) -> object:
    start = int(Path(f"/proc/{t.pid}/maps").read_text().partition("-")[0], 16)
    buffer = ctypes.create_string_buffer(16)
    here, there = ((ctypes.c_size_t * 2)(at, 16) for at in (ctypes.addressof(buffer), start))
    length = ctypes.c_size_t(1)
    zero = ctypes.c_size_t(0)
    return checked(libc.syscall(numbers()[2], t.pid, ctypes.byref(here), length, ctypes.byref(there), length, zero))


def signal_another_process(t: Targets) -> object:
    os.kill(t.pid, signal.SIGUSR1)  # which it ignores
    return True


def write_to_the_terminal_of_the_researcher(t: Targets) -> object:
    terminal = os.open(t.terminal, os.O_RDWR | os.O_NOCTTY)
    return os.write(terminal, b"\033]52;c;ZXZpbA==\007")


# Network


def connect_by_tcp(t: Targets) -> object:
    with socket.create_connection(("127.0.0.1", t.tcp), timeout=2) as connection:
        return connection.recv(5)


def send_by_udp(t: Targets) -> object:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(0.5)
        sender.sendto(b"hello", ("127.0.0.1", t.udp))
        return sender.recv(5)


def connect_to_a_socket_file(t: Targets) -> object:
    return _greeted(str(t.shared / "agent.sock"))


def connect_to_an_abstract_socket(t: Targets) -> object:
    return _greeted(f"\0{t.shared.name}")


def open_a_raw_socket(t: Targets) -> object:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        return raw.fileno()


# The kernel


def mount_something(t: Targets) -> object:
    (t.scratch / "mount").mkdir()
    checked(libc.mount(b"none", bytes(t.scratch / "mount"), b"tmpfs", 0, None))
    return checked(libc.umount(bytes(t.scratch / "mount")))


def make_a_device(t: Targets) -> object:
    os.mknod(t.scratch / "disk", stat.S_IFBLK | 0o600, os.makedev(254, 0))
    return os.open(t.scratch / "disk", os.O_RDONLY) >= 0


def change_a_setting_of_the_kernel(t: Targets) -> object:
    setting = Path("/proc/sys/vm/swappiness")
    setting.write_text(setting.read_text())
    return True


def gain_rights_from_a_setuid_program(t: Targets) -> object:
    answer = subprocess.run([t.base / "outside/as-root", "-u"], capture_output=True, text=True, check=True)
    return answer.stdout.strip() == "0" != str(os.getuid())


def make_a_user_namespace(t: Targets) -> object:
    return checked(libc.unshare(CLONE_NEWUSER))


def use_io_uring(t: Targets) -> object:
    return checked(libc.syscall(numbers()[0], 4, ctypes.create_string_buffer(256)))


def use_the_keyring_of_the_kernel(t: Targets) -> object:
    return checked(libc.syscall(numbers()[1], b"user", b"mlrcopilot-test", b"x", ctypes.c_size_t(1), -3))


def push_keystrokes(t: Targets) -> object:
    """Refused for a device that is no terminal in any case; what counts is by whom."""
    with Path("/dev/null").open("rb") as device:
        try:
            fcntl.ioctl(device, TIOCSTI, b"x")
        except PermissionError:
            return False
        except OSError:
            return True
    return True


def _greeted(address: str) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        connection.connect(address)
        return connection.recv(5)


def attacks() -> Iterator[tuple[str, Callable[[Targets], object]]]:
    """All of them, in the order in which they stand here."""
    for name, found in list(globals().items()):
        if callable(found) and getattr(found, "__annotations__", {}) == {"t": Targets, "return": object}:
            yield name, found


def attempt(attack: Callable[[Targets], object], targets: Targets) -> str:
    """Try it in a child; "done", or why not."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE_S)
        try:
            said = "done" if attack(targets) else "no use"
        except Exception as error:  # noqa: BLE001  any is an answer
            said = f"{type(error).__name__}: {error}"
        os.write(write_end, said.encode())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said or "killed"


if __name__ == "__main__":
    targets = Targets(sys.argv[1])
    print(json.dumps({name: attempt(attack, targets) for name, attack in attacks()}))
