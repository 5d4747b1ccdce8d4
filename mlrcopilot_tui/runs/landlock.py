"""Landlock: the kernel's way for a process to give up rights on files, ports and other processes, for good.

It needs no user namespaces and no privileges, on Linux 5.13 and newer. Rules only add rights: of what a rule grants on
a folder, nothing below it can be taken back. See `Documentation/userspace-api/landlock.rst` of the kernel.

The standard library only, and little of it: it runs at the start of every run, in an interpreter without packages.
"""

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture
RULE_PATH_BENEATH = 1
PR_SET_NO_NEW_PRIVS = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, MAKE_DIR = (1 << bit for bit in range(8))
MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM, REFER, TRUNCATE, IOCTL_DEV = (1 << bit for bit in range(8, 16))

FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
"""All that a rule on something other than a folder may grant."""

READ = EXECUTE | READ_FILE | READ_DIR
DEVICE = READ_FILE | READ_DIR | WRITE_FILE | TRUNCATE | IOCTL_DEV
WRITE = READ | WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | REFER | MAKE_DIR | MAKE_REG | MAKE_SYM
WRITE |= MAKE_SOCK | MAKE_FIFO  # device nodes are nobody's to make
RIGHTS = {"read": READ, "write": WRITE, "device": DEVICE, "rename": WRITE_FILE | TRUNCATE}

SOCKET_FILES = 9
"""The first version that knows of connecting to a socket file."""

BIND_TCP, CONNECT_TCP = 1, 2
SCOPE_ABSTRACT_SOCKETS, SCOPE_SIGNALS = 1, 2


def abi() -> int:
    """The version of the kernel's Landlock; 0 where there is none, or where it is switched off.

    2 adds renaming between folders, 3 truncation, 4 TCP, 5 device controls, 6 signals and abstract sockets, 9 socket
    files: but for those that the run itself makes, they cannot be connected to then.
    """
    try:
        return _syscall(CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    except OSError:
        return 0


def handled(version: int) -> int:
    """The rights on files that this version can take away: those that no rule grants are then gone."""
    rights = {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)
    return (1 << (rights if version < SOCKET_FILES else 17)) - 1


def ruleset(version: int, *, network: bool) -> bytes:
    """The kernel's `struct landlock_ruleset_attr`, as long as this version knows it."""
    ports = 0 if network else BIND_TCP | CONNECT_TCP
    attributes = struct.pack("<QQQ", handled(version), ports, SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS)
    return attributes[: 8 if version < 4 else 16 if version < 6 else 24]


def restrict(rules: Iterable[tuple[str, str]], *, network: bool) -> None:
    """Give up every right on files but what the rules grant, and without `network` TCP; children inherit it.

    Args:
        rules: a kind of `RIGHTS`, and a path. A path to be read that is not there is passed over.
        network: whether TCP stays.

    Raises:
        OSError: there is no Landlock here, or a path to be written is not there.
    """
    version = abi()
    attributes = ruleset(version, network=network)
    rule_set = _syscall(CREATE_RULESET, _buffer(attributes), ctypes.c_size_t(len(attributes)), 0)
    for kind, path in rules:
        try:
            target = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            if kind == "write":
                raise
            continue
        rights = RIGHTS[kind] & handled(version)
        if not stat.S_ISDIR(os.fstat(target).st_mode):
            rights &= FILE_RIGHTS
        _syscall(ADD_RULE, rule_set, RULE_PATH_BENEATH, _buffer(struct.pack("<Qi", rights, target)), 0)
        os.close(target)
    forbid_new_privileges()
    _syscall(RESTRICT_SELF, rule_set, 0)
    os.close(rule_set)


def forbid_new_privileges() -> None:
    """No program that is started from now on gets rights from its set-user-id bit or its file capabilities."""
    _checked(ctypes.CDLL(None, use_errno=True).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def _syscall(number: int, *arguments: object) -> int:
    return _checked(ctypes.CDLL(None, use_errno=True).syscall(number, *arguments))


def _checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer


def _buffer(data: bytes) -> "ctypes.Array[ctypes.c_char]":
    return ctypes.create_string_buffer(data, len(data))
