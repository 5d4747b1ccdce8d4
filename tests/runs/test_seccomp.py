"""The filter of system calls, on a machine of its own: it is read as the kernel reads it, for both architectures."""

import errno
import os
import platform
import re
import struct
from pathlib import Path

import pytest

from mlrcopilot_tui.runs import seccomp
from mlrcopilot_tui.runs.seccomp import FORBIDDEN, LIMITED, MACHINES, Instruction

ALLOWED, REFUSED, UNKNOWN = "allowed", errno.EPERM, errno.ENOSYS
COMMON = {"x86_64": {"read": 0, "futex": 202, "execve": 59}, "aarch64": {"read": 63, "futex": 98, "execve": 221}}


def verdict(lines: list[Instruction], mark: int, number: int, *arguments: int) -> str | int:
    """What the filter answers to a call: classic BPF's few instructions, step by step."""
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("<IIQ6Q", number, mark, 0, *(value % 2**64 for value in padded))
    value, at = 0, 0
    while True:
        code, if_true, if_false, constant = lines[at]
        at += 1
        if code == seccomp.LOAD:
            (value,) = struct.unpack_from("<I", data, constant)
        elif code == seccomp.AND:
            value &= constant
        elif code == seccomp.RETURN:
            return ALLOWED if constant == seccomp.ALLOW else constant & 0xFFFF
        else:
            tests = {seccomp.EQUALS: value == constant, seccomp.AT_LEAST: value >= constant}
            at += if_true if tests.get(code, bool(value & constant)) else if_false


def answer(machine: str, name: str, *arguments: int, network: bool = False, truncates: bool = True) -> str | int:
    column, mark = MACHINES[machine]
    number = (FORBIDDEN | LIMITED)[name][column] if name in FORBIDDEN | LIMITED else COMMON[machine][name]
    assert number is not None
    return verdict(seccomp.program(machine, network=network, truncates=truncates), mark, number, *arguments)


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    """Each architecture that there is a filter for."""
    return str(request.param)


def test_what_every_program_needs_is_let_through(machine: str) -> None:
    assert {answer(machine, name) for name in COMMON[machine]} == {ALLOWED}
    assert answer(machine, "openat", 0, 0, os.O_RDWR | os.O_TRUNC) == ALLOWED


def test_what_leads_round_the_fence_is_refused(machine: str) -> None:
    column, _ = MACHINES[machine]
    assert {answer(machine, name) for name, numbers in FORBIDDEN.items() if numbers[column] is not None} == {REFUSED}


@pytest.mark.parametrize(("family", "alone", "granted"), [
    (1, ALLOWED, ALLOWED), (2, REFUSED, ALLOWED), (10, REFUSED, ALLOWED), (16, REFUSED, ALLOWED),
    (17, REFUSED, REFUSED), (38, REFUSED, REFUSED), (40, REFUSED, REFUSED),
])  # fmt: skip
def test_sockets(machine: str, family: int, alone: str | int, granted: str | int) -> None:
    assert answer(machine, "socket", family) == alone
    assert answer(machine, "socket", family, network=True) == granted
    assert answer(machine, "socket", family | 1 << 32) == alone, "the kernel looks at the lower half only, and so do we"


def test_threads_and_processes_are_made_and_namespaces_are_not(machine: str) -> None:
    thread, sigchld = 0x3D0F00, 17
    assert answer(machine, "clone", thread) == answer(machine, "clone", sigchld) == ALLOWED
    assert answer(machine, "clone3") == UNKNOWN
    for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert answer(machine, "clone", flag | sigchld) == answer(machine, "unshare", flag) == REFUSED
    assert answer(machine, "unshare", 0x80) == REFUSED
    assert answer(machine, "unshare", 0x400) == ALLOWED, "of its own open files"


def test_no_keystrokes_are_pushed(machine: str) -> None:
    assert answer(machine, "ioctl", 0, seccomp.TIOCSTI) == REFUSED
    assert answer(machine, "ioctl", 0, seccomp.TIOCSTI | 1 << 32) == REFUSED
    assert answer(machine, "ioctl", 0, 0x5413) == ALLOWED, "the size of a window"


def test_where_landlock_knows_no_truncation_the_filter_does(machine: str) -> None:
    assert answer(machine, "truncate") == ALLOWED
    assert answer(machine, "truncate", truncates=False) == REFUSED
    assert answer(machine, "openat2", truncates=False) == UNKNOWN
    reading, writing = os.O_RDONLY | os.O_TRUNC | os.O_CLOEXEC, os.O_WRONLY | os.O_TRUNC
    assert answer(machine, "openat", 0, 0, reading, truncates=False) == REFUSED
    assert answer(machine, "openat", 0, 0, writing, truncates=False) == ALLOWED
    assert answer(machine, "openat", 0, 0, os.O_RDONLY, truncates=False) == ALLOWED


def test_other_ways_to_number_the_calls_are_refused() -> None:
    lines = seccomp.program("x86_64", network=True)
    assert verdict(lines, 0x40000003, 3) == REFUSED, "32 bits"
    assert verdict(lines, MACHINES["x86_64"][1], seccomp.X32 | 0) == REFUSED


def test_the_numbers_are_those_of_the_kernels_headers() -> None:
    headers = [
        Path(f"/usr/include/{platform.machine()}-linux-gnu/asm/unistd_64.h"),
        Path("/usr/include/asm-generic/unistd.h"),
    ]
    if not all(header.exists() for header in headers) or platform.machine() != "x86_64":
        pytest.skip("the kernel's headers are not installed")
    for column, header in enumerate(headers):
        found = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text()))
        ours = {name: numbers[column] for name, numbers in (FORBIDDEN | LIMITED).items()}
        assert {name: int(found[name]) for name in ours if name in found} == {
            name: number for name, number in ours.items() if name in found
        }
