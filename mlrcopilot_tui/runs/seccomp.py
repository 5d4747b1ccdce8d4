"""Seccomp: refuses the system calls that no training needs and that lead round Landlock; they fail with EPERM.

The filter is classic BPF, written by hand: it looks at a call's number and at the lower halves of its arguments; what a
pointer leads to could be changed between the look and the call.

The standard library only, and little of it: it runs at the start of every run, in an interpreter without packages.
"""

import ctypes
import errno
import os
import struct
from collections.abc import Sequence

PR_SET_SECCOMP, MODE_FILTER = 22, 2

FORBIDDEN = {  # name: its number on x86-64 and on arm64; None where there is no such call
    # looking into other processes, or acting for them
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "perf_event_open": (298, 241),
    # other views of the file system
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442), "open_tree_attr": (467, 467), "setns": (308, 268),
    "open_by_handle_at": (304, 265), "fanotify_init": (300, 262),
    # the kernel itself, and ways into it that have often been broken
    "bpf": (321, 280), "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "iopl": (172, None), "ioperm": (173, None), "syslog": (103, 116),
    # the machine
    "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60),
    "quotactl_fd": (443, 443), "sethostname": (170, 161), "setdomainname": (171, 162), "settimeofday": (164, 170),
    "clock_settime": (227, 112),
}  # fmt: skip
LIMITED = {
    "socket": (41, 198), "ioctl": (16, 29), "clone": (56, 220), "clone3": (435, 435), "unshare": (272, 97),
    "truncate": (76, 45), "open": (2, None), "openat": (257, 56), "openat2": (437, 437),
}  # fmt: skip

MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Which number counts, and the kernel's mark of the architecture (AUDIT_ARCH_*)."""

FAMILIES, FAMILIES_OF_NETWORK = (1,), (1, 2, 10, 16)
"""AF_UNIX, which worker processes talk over; with a network AF_INET, AF_INET6 and AF_NETLINK, which lists it."""

NAMESPACES = 0x7E020000  # CLONE_NEW*: mount, cgroup, uts, ipc, user, pid, net
TIME_NAMESPACE = 0x80  # for unshare; to clone that bit is a part of the signal's number
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
X32 = 0x40000000

LOAD, EQUALS, AT_LEAST, ANY_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
ALLOW, REFUSE, NO_SUCH_CALL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16

Instruction = tuple[int, int, int, int]
"""Code, how many to skip if true, how many if false, constant."""


def program(machine: str, *, network: bool, truncates: bool = True) -> list[Instruction]:
    """The filter.

    Args:
        machine: a key of `MACHINES`.
        network: whether sockets other than AF_UNIX may be made.
        truncates: whether Landlock sees to truncation; else the filter refuses what would cut a file that is only to
            be read.
    """
    column, mark = MACHINES[machine]
    lines: list[Instruction] = [(LOAD, 0, 0, ARCHITECTURE), (EQUALS, 1, 0, mark), (RETURN, 0, 0, REFUSE)]
    lines.append((LOAD, 0, 0, NUMBER))
    if machine == "x86_64":
        lines += [(AT_LEAST, 0, 1, X32), (RETURN, 0, 0, REFUSE)]
    for numbers in FORBIDDEN.values():
        lines += _on(numbers[column], [(RETURN, 0, 0, REFUSE)])
    # The C library turns to clone, whose flags can be seen.
    lines += _on(LIMITED["clone3"][column], [(RETURN, 0, 0, NO_SUCH_CALL)])
    lines += _on(LIMITED["clone"][column], _refuse_bits(0, NAMESPACES))
    lines += _on(LIMITED["unshare"][column], _refuse_bits(0, NAMESPACES | TIME_NAMESPACE))
    lines += _on(LIMITED["ioctl"][column], _refuse_values(1, (TIOCSTI, TIOCLINUX)))
    lines += _on(LIMITED["socket"][column], _allow_values(0, FAMILIES_OF_NETWORK if network else FAMILIES))
    if not truncates:
        lines += _on(LIMITED["truncate"][column], [(RETURN, 0, 0, REFUSE)])
        lines += _on(LIMITED["openat2"][column], [(RETURN, 0, 0, NO_SUCH_CALL)])
        lines += _on(LIMITED["openat"][column], _refuse_cutting_reader(2))
        lines += _on(LIMITED["open"][column], _refuse_cutting_reader(1))
    return [*lines, (RETURN, 0, 0, ALLOW)]


def install(*, network: bool, truncates: bool = True) -> None:
    """Put the filter on this process and all that it starts; it must have given up new privileges before.

    Raises:
        OSError: the kernel has no such filters, or this machine's architecture has no program.
    """
    machine = os.uname().machine
    if machine not in MACHINES:
        raise OSError(errno.ENOTSUP, f"no filter of system calls is written for {machine}")
    load(program(machine, network=network, truncates=truncates))


def load(lines: Sequence[Instruction]) -> None:
    """Put a filter on this process and all that it starts."""
    code = b"".join(struct.pack("<HBBI", *line) for line in lines)
    buffer = ctypes.create_string_buffer(code, len(code))
    packed = struct.pack("<H6xQ", len(lines), ctypes.addressof(buffer))
    argument = ctypes.create_string_buffer(packed, len(packed))
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_SECCOMP, MODE_FILTER, argument, 0, 0) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _on(number: int | None, then: list[Instruction]) -> list[Instruction]:
    """`then`, which must return, for the call of that number."""
    return [] if number is None else [(EQUALS, 0, len(then), number), *then]


def _argument(index: int) -> Instruction:
    return (LOAD, 0, 0, ARGUMENTS + 8 * index)


def _refuse_bits(index: int, bits: int) -> list[Instruction]:
    return [_argument(index), (ANY_BIT, 0, 1, bits), (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)]


def _refuse_values(index: int, values: tuple[int, ...]) -> list[Instruction]:
    tests = [line for value in values for line in ((EQUALS, 0, 1, value), (RETURN, 0, 0, REFUSE))]
    return [_argument(index), *tests, (RETURN, 0, 0, ALLOW)]


def _allow_values(index: int, values: tuple[int, ...]) -> list[Instruction]:
    tests = [line for value in values for line in ((EQUALS, 0, 1, value), (RETURN, 0, 0, ALLOW))]
    return [_argument(index), *tests, (RETURN, 0, 0, REFUSE)]


def _refuse_cutting_reader(index: int) -> list[Instruction]:
    """Opening to read and cut: it needs no right to write that Landlock would look at."""
    cutting = os.O_TRUNC | os.O_ACCMODE
    tests = [(AND, 0, 0, cutting), (EQUALS, 0, 1, os.O_TRUNC | os.O_RDONLY), (RETURN, 0, 0, REFUSE)]
    return [_argument(index), *tests, (RETURN, 0, 0, ALLOW)]
