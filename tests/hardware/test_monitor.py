"""The monitor's thread, and what importing it costs."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from mlrcopilot_tui.hardware.monitor import HISTORY, Monitor
from mlrcopilot_tui.hardware.samples import GpuSample


class FakeReader:
    """Two GPUs."""

    problem = ""
    driver = "Fake 1.0"

    def read(self) -> tuple[GpuSample, ...]:
        return (GpuSample(index=0), GpuSample(index=1))


class FakeWedgedReader(FakeReader):
    """A driver that never comes back."""

    def read(self) -> tuple[GpuSample, ...]:
        threading.Event().wait()
        raise AssertionError


def until(holds: Callable[[], bool]) -> None:
    """Wait for a thread to get there; the test's own time limit ends a wait that is in vain."""
    while not holds():
        time.sleep(0.005)


def test_importing_the_monitor_imports_no_hardware_library() -> None:
    program = "import sys, mlrcopilot_tui.hardware.monitor\nprint(*{'psutil', 'pynvml', 'textual'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_samples_come_until_it_is_stopped(tmp_path: Path) -> None:
    monitor = Monitor(tmp_path, reader=FakeReader(), interval_s=0.01)
    assert monitor.latest() is None
    monitor.start()
    monitor.start()
    until(lambda: len(monitor.history()) > HISTORY - 1)
    until(lambda: monitor.history()[0].cpu_percent is not None)
    assert len(monitor.history()) == HISTORY
    latest = monitor.latest()
    assert latest is not None
    assert [gpu.index for gpu in latest.gpus] == [0, 1]
    assert latest.disk_free is not None
    times = [sample.t for sample in monitor.history()]
    assert times == sorted(times)
    monitor.stop()
    monitor.stop()
    assert "monitor" not in {thread.name for thread in threading.enumerate()}
    last = monitor.latest()
    monitor.start()
    until(lambda: monitor.latest() is not last)
    monitor.stop()


def test_a_wedged_gpu_driver_holds_nothing_up() -> None:
    monitor = Monitor(reader=FakeWedgedReader(), interval_s=0.01)
    monitor.start()
    until(lambda: len(monitor.history()) > 3)
    monitor.stop()
    latest = monitor.latest()
    assert latest is not None
    assert latest.gpus == ()
    assert latest.memory_used is not None


def test_a_tree_is_watched_once_somebody_asks() -> None:
    monitor = Monitor(reader=FakeReader(), interval_s=0.01)
    monitor.start()
    assert monitor.tree(os.getpid()) is None
    until(lambda: monitor.tree(os.getpid()) is not None)
    until(lambda: (tree := monitor.tree(os.getpid())) is not None and tree.cpu_cores is not None)
    monitor.stop()


def test_a_tree_that_ended_is_none_again() -> None:
    monitor = Monitor(reader=FakeReader(), interval_s=0.01)
    monitor.start()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        until(lambda: monitor.tree(process.pid) is not None)
        process.kill()
    until(lambda: monitor.tree(process.pid) is None)
    monitor.stop()
