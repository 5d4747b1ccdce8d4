"""Sampling this machine and real process trees on it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from mlrcopilot_tui.hardware import machine
from mlrcopilot_tui.hardware.limits import MemoryLimit
from mlrcopilot_tui.hardware.machine import MachineSampler, TreeSampler
from mlrcopilot_tui.hardware.samples import GpuProcess, GpuSample, TreeSample

SPIN = "import time\nend = time.monotonic() + 60\nwhile time.monotonic() < end: pass"
SLEEP = "import time\ntime.sleep(60)"
PARENT = """
import subprocess, sys, time
children = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) for _ in range(2)]
print(*[child.pid for child in children], flush=True)
time.sleep(60)
"""


@contextmanager
def running(program: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    with process:
        try:
            yield process
        finally:
            if process.returncode is None:
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
            process.kill()


def until(sample: Callable[[], TreeSample | None], holds: Callable[[TreeSample | None], bool]) -> TreeSample | None:
    """Sample until it holds; the test's own time limit ends a wait that is in vain."""
    while not holds(seen := sample()):
        time.sleep(0.05)
    return seen


def test_the_first_machine_sample_cannot_tell_the_cpu_yet(tmp_path: Path) -> None:
    sampler = MachineSampler(tmp_path)
    first = sampler.sample((GpuSample(index=0),), "odd")
    assert first.cpu_percent is None
    assert (first.gpus, first.gpu_problem) == ((GpuSample(index=0),), "odd")
    second = sampler.sample()
    assert second.cpu_percent is not None
    assert 0 <= second.cpu_percent <= 100
    assert second.t >= first.t
    assert second.memory_used is not None
    assert second.memory_total is not None
    assert 0 < second.memory_used < second.memory_total
    assert second.disk_free is not None
    assert second.load is not None


def test_a_folder_that_is_gone_has_no_free_space_to_tell(tmp_path: Path) -> None:
    assert MachineSampler(tmp_path / "gone").sample().disk_free is None
    assert MachineSampler().sample().disk_free is None


def test_a_containers_limit_is_the_total_where_it_is_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "memory_limit", lambda: MemoryLimit(2**20, 2**19))
    sample = MachineSampler().sample()
    assert (sample.memory_used, sample.memory_total) == (2**19, 2**20)
    monkeypatch.setattr(machine, "memory_limit", lambda: MemoryLimit(2**60, 5))
    assert MachineSampler().sample().memory_total == psutil.virtual_memory().total


def test_only_cpus_that_we_may_use_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_percent", lambda **_: [10.0, 100.0, 30.0, 100.0])
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2}, raising=False)
    sampler = MachineSampler()
    sampler.sample()
    assert sampler.sample().cpu_percent == 20.0


def test_a_busy_process_is_seen_as_busy() -> None:
    with running(SPIN) as process:
        sampler = TreeSampler(process.pid, psutil.Process(process.pid).create_time())
        first = sampler.sample()
        assert first is not None
        assert first.cpu_cores is None
        assert first.processes == 1
        assert first.rss_bytes > 2**20
        busy = until(sampler.sample, lambda tree: tree is not None and (tree.cpu_cores or 0) > 0.2)
        assert busy is not None


def test_children_count_and_stay_when_their_parent_dies() -> None:
    with running(PARENT) as process:
        assert process.stdout is not None
        children = [int(pid) for pid in process.stdout.readline().split()]
        sampler = TreeSampler(process.pid)
        whole = sampler.sample()
        assert whole is not None
        assert whole.processes == 3
        os.kill(process.pid, signal.SIGKILL)
        left = until(sampler.sample, lambda tree: tree is not None and tree.processes == 2)
        assert left is not None
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        assert until(sampler.sample, lambda tree: tree is None) is None
        process.wait()


def test_a_zombie_is_nobody() -> None:
    with running("pass") as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
        assert TreeSampler(process.pid).sample() is None


def test_another_process_with_the_same_pid_is_no_answer() -> None:
    with running(SLEEP) as process:
        created = psutil.Process(process.pid).create_time()
        assert TreeSampler(process.pid, created - 3600).sample() is None
        assert TreeSampler(process.pid, created).sample() is not None


def test_a_pid_that_never_was_is_no_answer() -> None:
    assert TreeSampler(2**22 + 1).sample() is None


def test_a_process_that_hides_its_figures_still_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: psutil.Process) -> None:
        raise psutil.AccessDenied(1)

    with running(SLEEP) as process:
        monkeypatch.setattr(psutil.Process, "cpu_percent", refuse)
        tree = TreeSampler(process.pid).sample()
        assert tree is not None
        assert (tree.processes, tree.rss_bytes) == (1, 0)


def gpu_of(*processes: tuple[int, int | None]) -> GpuSample:
    return GpuSample(index=0, processes=tuple(GpuProcess(pid=pid, memory=memory) for pid, memory in processes))


def test_gpu_memory_is_summed_over_the_tree_and_all_gpus() -> None:
    with running(PARENT) as process:
        assert process.stdout is not None
        child, other = (int(pid) for pid in process.stdout.readline().split())
        sampler = TreeSampler(process.pid)
        cases: list[tuple[list[GpuSample], int | None]] = [
            ([gpu_of((process.pid, 5), (child, 7), (os.getpid(), 100)), gpu_of((other, 9))], 21),
            ([gpu_of((os.getpid(), 100))], 0),
            ([gpu_of()], 0),
            ([gpu_of((child, None))], None),
            ([GpuSample(index=0)], None),
            ([], None),
            ([gpu_of((2**22 + 1, 100))], None),
        ]
        for gpus, held in cases:
            tree = sampler.sample(gpus)
            assert tree is not None
            assert tree.gpu_memory == held
