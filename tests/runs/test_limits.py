"""Each limit ends a real run with its own outcome and figures, after a checkpoint, and with nothing left behind."""

import itertools
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.runs.bounds import Bounds, amount
from mlrcopilot_tui.runs.disk_bound import DiskBound
from mlrcopilot_tui.runs.divergence import Divergence
from mlrcopilot_tui.runs.executor import MODULE
from mlrcopilot_tui.runs.memory_bound import MemoryBound
from mlrcopilot_tui.runs.metrics import Reading, Source
from mlrcopilot_tui.runs.spec import LOG_FILE, SPEC_FILE, Outcome, RunSpec, RunStatus, SandboxLevel, read_status
from mlrcopilot_tui.runs.watch import Cut
from mlrcopilot_tui.runs.written import Written
from tests.runs.lab import Lab, survivors

MIB = 1 << 20
PRELUDE = """
    import os, pathlib, signal, subprocess, sys, time
    print("val_error: 0.5", flush=True)
    if os.fork() == 0:  # a loader process that holds on, in a session of its own
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    def save(*_):
        pathlib.Path("checkpoint").write_text("saved")
        os._exit(0)
    signal.signal(signal.SIGTERM, save)
"""
EXCESSES: dict[str, tuple[str, dict[str, Any], Outcome, str]] = {
    "memory": (
        "held = [bytearray(b'x' * (100 << 20))]; time.sleep(60)",
        {"memory_bytes": 60 * MIB},
        "memory",
        "more than the 60 MiB that it may",
    ),
    "memory of a child": (
        "subprocess.run([sys.executable, '-c', \"held = b'x' * (100 << 20); import time; time.sleep(60)\"])",
        {"memory_bytes": 60 * MIB},
        "memory",
        "more than the 60 MiB that it may",
    ),
    "files": (
        # All at once: what goes on growing after the warning forfeits its grace.
        "with open('big', 'wb') as big: os.posix_fallocate(big.fileno(), 0, 30 << 20); time.sleep(60)",
        {"disk_bytes": 10 * MIB},
        "disk",
        "MiB, more than the 10 MiB that it may.",
    ),
    "log": ("while True: print('x' * 1000)", {"disk_bytes": 10 * MIB}, "disk", "more than the 10 MiB that it may"),
    "nan": (
        "print('step 2 val_error: inf\\nstep 3 val_error: nan', flush=True); time.sleep(60)",
        {},
        "diverged",
        "nan at step 3",
    ),
    "time": ("time.sleep(60)", {"timeout_s": 1.5}, "timeout", "1.5 s"),
    "silence": ("time.sleep(60)", {"silence_s": 1.5}, "silent", "1.5 s"),
}
CASES: list[tuple[str, SandboxLevel]] = [
    *((excess, "plain") for excess in EXCESSES),
    *((excess, level) for excess in ("memory", "files", "nan") for level in ("landlock", "bwrap")),
]


@pytest.mark.parametrize(("excess", "level"), CASES)
async def test_a_limit_leaves_time_for_a_checkpoint_and_no_survivor(
    lab: Lab, excess: str, level: SandboxLevel, request: pytest.FixtureRequest
) -> None:
    if level != "plain":
        request.getfixturevalue(level)
    code, limits, outcome, said = EXCESSES[excess]
    spec = lab.spec(f"{PRELUDE}\n    {code}", level=level, **{"grace_s": 2.5, **limits})
    status, _ = await lab.finish(spec)
    assert status.outcome == outcome, status.reason
    assert said in status.reason
    assert lab.mark("checkpoint").read_text() == "saved"
    assert not survivors(spec.run)


@pytest.mark.parametrize(
    ("goes_on", "limits"),
    [
        ("held = []\n    while True: held.append(bytearray(b'x' * (4 << 20))); time.sleep(0.01)", "memory_bytes"),
        ("while True: print('x' * 10000)", "disk_bytes"),
        ("while True: pathlib.Path(f'{time.time()}').write_bytes(b'x' * (1 << 20)); time.sleep(0.01)", "disk_bytes"),
    ],
)
async def test_who_goes_on_beyond_a_limit_forfeits_its_grace(lab: Lab, goes_on: str, limits: str) -> None:
    code = f"""
    import pathlib, signal, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    {goes_on}
    """
    bound: dict[str, Any] = {limits: 60 * MIB}
    spec = lab.spec(code, grace_s=50.0, **bound)
    status, _ = await lab.finish(spec)
    assert status.outcome == limits.removesuffix("_bytes")
    assert status.wall_s < 40
    assert status.peak_rss_bytes < 2000 * MIB
    assert not survivors(spec.run)


# Memory


async def test_what_workers_share_counts_once(lab: Lab) -> None:
    code = """
        import os, time
        held = b"x" * (80 << 20)
        for _ in range(4):
            if os.fork() == 0:
                time.sleep(1.5)
                os._exit(0)
        time.sleep(1.5)
        print("val_error: 0.5")
    """
    status, _ = await lab.finish(lab.spec(code, memory_bytes=150 * MIB))
    assert status.outcome == "ok", status.reason
    assert 80 * MIB < status.peak_rss_bytes < 150 * MIB


async def test_what_workers_no_longer_share_counts_in_full(lab: Lab) -> None:
    code = """
        import os, time
        held = bytearray(b"x" * (60 << 20))
        for _ in range(3):
            if os.fork() == 0:
                time.sleep(1)
                for page in range(0, len(held), 4096): held[page] = 1
                time.sleep(60)
        time.sleep(60)
    """
    status, _ = await lab.finish(lab.spec(code, memory_bytes=150 * MIB))
    assert status.outcome == "memory"


async def test_address_space_alone_is_no_memory(lab: Lab) -> None:
    code = "import mmap, time; held = mmap.mmap(-1, 4 << 30); time.sleep(0.6); print('val_error: 0.5')"
    status, _ = await lab.finish(lab.spec(code, memory_bytes=60 * MIB))
    assert status.outcome == "ok", status.reason


@pytest.fixture
def on_disk(lab: Lab) -> None:
    if subprocess.check_output(("stat", "-f", "-c", "%T", lab.folder)).startswith(b"tmpfs"):
        pytest.skip("the files of this test lie in memory")


@pytest.mark.usefixtures("on_disk")
async def test_a_mapped_data_set_is_no_memory(lab: Lab) -> None:
    code = """
        import mmap, time
        with open("data", "w+b") as file:
            for _ in range(150): file.write(b"x" * (1 << 20))
            file.flush()
            held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
            sum(held[page] for page in range(0, len(held), 4096))
        time.sleep(1)
        print("val_error: 0.5")
    """
    status, _ = await lab.finish(lab.spec(code, memory_bytes=80 * MIB))
    assert status.outcome == "ok", status.reason


@pytest.mark.usefixtures("bwrap")
@pytest.mark.parametrize("place", ["/tmp", "/dev/shm"])  # noqa: S108  the run's own, which are not the machine's
async def test_files_in_memory_are_memory(lab: Lab, place: str) -> None:
    code = f"""
        import time
        print("val_error: 0.5", flush=True)
        with open("{place}/big", "wb") as file:
            for _ in range(100): file.write(b"x" * (1 << 20))
        time.sleep(60)
    """
    status, _ = await lab.finish(lab.spec(code, level="bwrap", memory_bytes=60 * MIB))
    assert status.outcome == "memory"


@pytest.mark.usefixtures("bwrap")
async def test_files_in_memory_that_are_mapped_count_once(lab: Lab) -> None:
    code = """
        import mmap, time
        with open("/dev/shm/big", "w+b") as file:
            file.truncate(100 << 20)
            held = mmap.mmap(file.fileno(), 0)
            for page in range(0, 100 << 20, 4096): held[page] = 1
        time.sleep(1)
        print("val_error: 0.5")
    """
    status, _ = await lab.finish(lab.spec(code, level="bwrap", memory_bytes=170 * MIB))
    assert status.outcome == "ok", status.reason
    assert status.peak_rss_bytes > 100 * MIB


class Machine:
    """A machine with so many bytes left of a thousand MiB."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self) -> tuple[int, int]:
        return self.left, 1000 * MIB


@pytest.mark.parametrize(
    ("at_start", "later", "other", "ended"),
    [
        (800, 300, 0, False),
        (800, 200, 0, True),
        (800, 200, 1 << 50, False),  # somebody else holds more: ending this run would not help
        (300, 200, 0, False),  # little was left from the start
        (300, 140, 0, True),
    ],
)
def test_a_machine_without_memory_ends_its_largest_run(
    at_start: int, later: int, other: int, ended: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlrcopilot_tui.runs.memory_bound.largest_other", lambda _: other)
    machine = Machine(at_start * MIB)
    bound = MemoryBound(0, machine)
    assert bound.look() is None
    machine.left = later * MIB
    cut = bound.look()
    assert bound.near
    assert not bound.pressing
    assert (cut is not None) == ended
    if cut:
        assert cut.outcome == "memory"
        assert f"only {later} MiB of the machine's was left" in cut.reason
        assert presses(bound, machine)


def presses(bound: MemoryBound, machine: Machine) -> bool:
    """Whether a machine with next to nothing left has no time for a checkpoint."""
    machine.left = 10 * MIB
    bound.look()
    return bound.pressing


def supervise_on(lab: Lab, figures: str, before: str, spec: RunSpec) -> RunStatus:
    """Supervise a run on a machine of its own, whose /proc/`figures` is a file that the run can write."""
    folder, file = lab.folder / "run", lab.mark(figures)
    folder.mkdir()
    file.write_text(before)
    (folder / SPEC_FILE).write_bytes(msgspec.json.encode(spec))
    machine = ("bwrap", "--dev-bind", "/", "/", "--unshare-pid", "--proc", "/proc", "--bind", str(file))
    supervisor = (sys.executable, "-I", "-m", MODULE, str(folder))
    subprocess.run([*machine, f"/proc/{figures}", "--", *supervisor], check=True, capture_output=True)
    status = read_status(folder)
    assert status
    return status


@pytest.mark.usefixtures("bwrap")
def test_a_run_ends_before_the_machine_is_out_of_memory(lab: Lab) -> None:
    figures = "MemTotal: 8000000 kB\nMemAvailable: {} kB\nSwapFree: {} kB\n"
    code = f"""
        import os, pathlib, signal, time
        def save(*_):
            pathlib.Path("checkpoint").touch()
            os._exit(0)
        signal.signal(signal.SIGTERM, save)
        held = bytearray(b"x" * (80 << 20))
        time.sleep(0.6)
        pathlib.Path("meminfo").write_text({figures.format(100_000, 300_000)!r})
        print("val_error: 0.5", flush=True)
        time.sleep(0.6)
        print("val_error: 0.4", flush=True)
        pathlib.Path("meminfo").write_text({figures.format(100_000, 100_000)!r})
        time.sleep(60)
    """
    status = supervise_on(lab, "meminfo", figures.format(4_000_000, 300_000), lab.spec(code, grace_s=10))
    assert status.outcome == "memory"
    assert "and only 195 MiB of the machine's was left" in status.reason
    assert status.value == 0.4
    assert lab.mark("checkpoint").exists()


@pytest.mark.usefixtures("bwrap")
@pytest.mark.parametrize(("kills", "outcome"), [(3, "memory"), (2, "crashed")])
def test_a_run_that_the_system_ended_for_want_of_memory_says_so(lab: Lab, kills: int, outcome: str) -> None:
    code = f"""
        import os, pathlib
        pathlib.Path("vmstat").write_text("nr_free_pages 1\\noom_kill {kills}\\n")
        os.kill(os.getpid(), 9)
    """
    status = supervise_on(lab, "vmstat", "nr_free_pages 1\noom_kill 2\n", lab.spec(code))
    assert (status.outcome, status.signal) == (outcome, 9)
    assert "for want of memory" in status.reason


# Disk


@pytest.mark.usefixtures("bwrap")
def test_a_run_ends_before_the_disk_is_full(lab: Lab) -> None:
    code = """
        import pathlib, time
        pathlib.Path("big").write_bytes(b"x" * (70 << 20))
        print("val_error: 0.5", flush=True)
        for n in range(100):
            pathlib.Path(f"more-{n}").write_bytes(b"x" * (1 << 20))
            time.sleep(0.1)
    """
    spec, small = lab.spec(code), lab.folder / "small"
    small.mkdir()
    tree = str(small / "tree")
    moved = msgspec.structs.replace(
        spec, tree=tree, sandbox=msgspec.structs.replace(spec.sandbox, writable=(tree,)), env=spec.env
    )
    (lab.folder / SPEC_FILE).write_bytes(msgspec.json.encode(moved))
    run = f"{sys.executable} -I -m {MODULE} {small}/run"
    script = f"mkdir {small}/run {tree}; cp {lab.folder}/{SPEC_FILE} {small}/run; {run}; cat {small}/run/status.json"
    disk = ("bwrap", "--dev-bind", "/", "/", "--size", str(100 * MIB), "--tmpfs", str(small))
    answer = subprocess.run([*disk, "--", "sh", "-c", script], check=True, capture_output=True)
    status = msgspec.json.decode(answer.stdout, type=RunStatus)
    assert status.outcome == "disk"
    assert "MiB left, and 5 MiB must stay free" in status.reason
    assert status.value == 0.5


def test_a_low_disk_is_no_reason_to_end_a_run_that_found_it_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = 100
    monkeypatch.setattr("mlrcopilot_tui.runs.disk_bound._space", lambda _: (left * MIB, 1 << 40))
    bound = DiskBound((str(tmp_path),), str(tmp_path), 0, lambda: 0)
    assert bound.look() is None
    left = 49
    cut = bound.look()
    assert cut
    assert "49 MiB left, and 50 MiB must stay free" in cut.reason
    assert not bound.pressing
    left = 24
    bound.look()
    assert bound.pressing


def test_a_place_that_vanishes_ends_nothing(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    bound = DiskBound((str(place), str(tmp_path / "never")), str(place), MIB, lambda: 0)
    place.rmdir()
    assert bound.look() is None


def test_only_what_was_written_since_counts(tmp_path: Path) -> None:
    (tmp_path / "before").write_bytes(b"x" * MIB)
    (tmp_path / "target").mkdir()
    (tmp_path / "outside").mkdir()
    inner = tmp_path / "target" / "inner"
    inner.mkdir()
    written = Written((str(tmp_path / "target"), str(inner)))
    assert written.count(10) == 0
    (inner / "new").write_bytes(b"x" * MIB)
    os.utime(inner / "new", (0, 0))
    (inner / "again").hardlink_to(inner / "new")
    (inner / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "outside" / "file").write_bytes(b"x" * MIB)
    with (inner / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    count = written.count(10)
    assert count is not None
    assert MIB <= count < MIB + 64 * 1024
    (inner / "again").unlink()
    (inner / "new").unlink()
    count = written.count(10)
    assert count is not None
    assert count < 64 * 1024


def test_a_count_goes_on_where_it_stopped(tmp_path: Path) -> None:
    written = Written((str(tmp_path),))
    for number in range(100):
        (tmp_path / str(number)).write_bytes(b"x" * 4096)
    looks = 1
    while (count := written.count(0)) is None:
        looks += 1
    assert looks > 100
    assert count == 100 * 4096


# NaN


@pytest.mark.parametrize(
    ("values", "evaluated", "ends_at"),
    [
        ("0.5 0.4", False, None),
        ("0.5 nan", False, None),
        ("0.5 inf 0.4 nan", False, None),
        ("0.5 -inf nan", False, 2),
        ("nan 0.5 0.4", False, None),
        ("nan nan 0.5 nan nan", False, 4),
        ("nan nan nan", False, 2),
        ("nan inf nan 0.5", False, 2),
        ("nan nan nan nan", True, None),
        ("0.5 nan nan", True, 2),
    ],
)
def test_a_metric_that_is_no_number_ends_a_run(values: str, evaluated: bool, ends_at: int | None) -> None:
    divergence, ended = Divergence(evaluated=evaluated), None
    for step, value in enumerate(map(float, values.split())):
        divergence.note([Reading(name="loss", value=value, step=step, t=0.0, source="stdout")])
        if divergence.cut and ended is None:
            ended = step
            assert divergence.cut.outcome == "diverged"
            assert f"{value} at step {step}" in divergence.cut.reason
    assert ended == ends_at


@given(st.lists(st.floats(), max_size=12))
def test_a_run_ends_where_its_metric_is_lost(values: list[float]) -> None:
    divergence = Divergence(evaluated=False)
    divergence.note(Reading(name="loss", value=value, t=0.0, source="stdout") for value in values)
    finite = [math.isfinite(value) for value in values]
    rows = [(lost, len(list(row))) for lost, row in itertools.groupby(not one for one in finite)]
    never_there = rows[:1] and rows[0][0] and rows[0][1] >= 3
    lost_later = any(lost and length >= 2 for lost, length in rows[1:])
    assert (divergence.cut is not None) == bool(lost_later or never_there)


def test_a_more_trusted_source_speaks_alone() -> None:
    def read(value: float, source: Source) -> Reading:
        return Reading(name="loss", value=value, t=0.0, source=source)

    divergence = Divergence(evaluated=False)
    divergence.note([read(0.5, "stdout"), read(float("nan"), "file"), read(0.5, "file"), read(float("nan"), "stdout")])
    assert divergence.cut is None
    divergence.note([read(float("nan"), "file"), read(float("nan"), "file")])
    assert divergence.cut == Cut("diverged", "Its loss became nan.")


async def test_a_metric_that_comes_back_has_been_lost_all_the_same(lab: Lab) -> None:
    """However soon the run ends: what becomes of it does not hang on who was quicker."""
    status, _ = await lab.finish(lab.spec("for v in (0.5, 'nan', 'nan', 0.4): print('val_error:', v)"))
    assert (status.outcome, status.reason) == ("diverged", "Its val_error became nan.")


async def test_one_of_many_that_is_no_number_ends_nothing(lab: Lab) -> None:
    """The mean over classes counts, and one class may have no samples."""
    status, _ = await lab.finish(lab.spec("for v in (0.5, 0.4, 'nan', 0.3): print('class val_error:', v)"))
    assert (status.outcome, status.value) == ("ok", 0.3)


# All together


def test_a_bound_is_looked_at_often_only_where_it_is_near() -> None:
    class FakeBound:
        near, pressing, looks = False, False, 0

        def look(self) -> Cut | None:
            self.looks += 1
            return Cut("disk", f"{self.looks}") if self.looks > 1 else None

    far, near = FakeBound(), FakeBound()
    bounds = Bounds((far, near))
    bounds.look()
    assert bounds.tick_s == 0.25
    near.near = True
    assert bounds.tick_s < 0.1
    for _ in range(3):
        bounds.look()
    assert (far.looks, near.looks) == (1, 4)
    assert bounds.excess == Cut("disk", "2")
    near.pressing = True
    assert bounds.pressing


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (60 << 20, "60 MiB"), (3 << 29, "1.5 GiB"), (1023 << 20, "1023 MiB")],
)
def test_amounts(count: int, text: str) -> None:
    assert amount(count) == text


async def test_a_limit_leaves_no_trace_on_a_run_within_it(lab: Lab) -> None:
    spec = lab.spec("print('val_error: 0.5')", memory_bytes=500 * MIB, disk_bytes=100 * MIB)
    status, folder = await lab.finish(spec)
    assert status.outcome == "ok"
    assert (folder / LOG_FILE).read_text() == "val_error: 0.5\n"
