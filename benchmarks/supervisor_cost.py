"""What watching takes by itself: a supervisor's CPU time beside a quiet run, and memory as a run's log grows."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from benchmarks.measuring import NotMeasuredError, Result, in_turn, spread
from benchmarks.stage import real_workspace, spec_of
from mlrcopilot_tui.runs.executor import LocalExecutor
from mlrcopilot_tui.runs.spec import RunStatus

_TIMES = 3
_SETTLED_S = 3.0
_WATCHED_S = 15.0
_MINUTE_S = 60.0
_QUIET_TARGET_S = 0.01 * _MINUTE_S
_GROWTH_TARGET_MB = 4.0
_LOOK_S = 0.02

_QUIET = "import time\ntime.sleep(60)\n"
_WORKERS = """
import subprocess, sys, time

workers = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) for _ in range(16)]
time.sleep(60)
"""
_TALKER = """
import sys, time

LEVEL = 1.0
line = b"step 1234 of 100000 loss 0.12345678 lr 0.0001 grad 1.2345 tokens\\n"
block = (line * 99 + b"val_error: 0.75\\n") * 160
for _ in range({blocks}):
    sys.stdout.buffer.write(block)
sys.stdout.buffer.flush()
time.sleep(0.5)  # else the smallest log has ended before anyone looks
print("val_error:", LEVEL)
"""
_BLOCK_BYTES = 1_000_000
"""A block of the talker's holds a little more."""


def measure(place: Path) -> Iterator[Result]:
    """CPU seconds a minute; then how much larger the processes get when a run prints a GB."""
    yield from _cpu(place)
    few, much = in_turn(_TIMES, _supervisor_peak(place, "few", 10**8), _supervisor_peak(place, "much", 10**9), warm=0)
    yield _growth("supervisor's peak memory, log of 1 GB", few, much)
    few, much = in_turn(1, _copilot_peak(place / "small", 2 * 10**7), _copilot_peak(place / "large", 2 * 10**8), warm=0)
    yield _growth("copilot's peak memory, logs of 200 MB", few, much)


def _cpu(place: Path) -> Iterator[Result]:
    kinds = {"a quiet run": _QUIET, "16 quiet workers": _WORKERS}
    for number, (name, code) in enumerate(kinds.items()):
        samples = spread(in_turn(_TIMES, _burnt(place, f"quiet{number}", code), warm=0)[0])
        yield Result(
            name=f"supervisor's CPU time, {name}",
            unit="s",
            samples=samples,
            reference=None,
            reference_name="",
            figure=samples.median,
            figure_unit="s",
            target=_QUIET_TARGET_S,
            note="a minute",
        )


def _growth(name: str, few: list[float], much: list[float]) -> Result:
    small, large = spread(few), spread(much)
    return Result(
        name=name,
        unit="MB",
        samples=large,
        reference=small,
        reference_name="a tenth of the log",
        figure=large.median - small.median,
        figure_unit="MB",
        target=_GROWTH_TARGET_MB,
        note="more than with a tenth of the log",
    )


def _burnt(place: Path, name: str, code: str) -> Callable[[], float]:
    spec, count = spec_of(name, code, place), iter(range(10**6))

    def run() -> float:
        executor, folder = LocalExecutor(), place / "runs" / name / str(next(count))
        executor.start(spec, folder)
        time.sleep(_SETTLED_S)
        process = psutil.Process(_status(executor, folder).supervisor_pid)
        before = process.cpu_times()
        time.sleep(_WATCHED_S)
        after = process.cpu_times()
        executor.stop(folder)
        asyncio.run(executor.wait(folder))
        return (after.user + after.system - before.user - before.system) * _MINUTE_S / _WATCHED_S

    return run


def _supervisor_peak(place: Path, name: str, size: int) -> Callable[[], float]:
    spec, count = spec_of(name, _talker(size), place), iter(range(10**6))

    def run() -> float:
        executor, folder = LocalExecutor(), place / "runs" / name / str(next(count))
        executor.start(spec, folder)
        peak = 0.0
        while (status := _status(executor, folder)).state != "finished":
            if status.state == "running":
                peak = max(peak, _peak_mb(status.supervisor_pid))
            time.sleep(_LOOK_S)
        if status.outcome != "ok" or status.log_bytes < size or not peak:
            raise NotMeasuredError(f"the run ended as {status.outcome}: {status.reason}")
        (folder / "output.log").unlink()
        return peak

    return run


def _copilot_peak(root: Path, size: int) -> Callable[[], float]:
    def run() -> float:
        workspace = real_workspace(root, train=_talker(size))
        copilot = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.scripted_copilot", str(workspace.layout.root), "1"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        peak = 0.0
        while copilot.poll() is None:
            peak = max(peak, _peak_mb(copilot.pid))
            time.sleep(_LOOK_S)
        logs = list(root.glob(".mlrcopilot/sessions/*/runs/*/output.log"))
        if len(logs) < 3 or min(log.stat().st_size for log in logs) < size:
            raise NotMeasuredError("the session did not run")
        return peak

    return run


def _talker(size: int) -> str:
    return _TALKER.format(blocks=1 + size // _BLOCK_BYTES)


def _status(executor: LocalExecutor, folder: Path) -> RunStatus:
    status = executor.status(folder)
    if status is None:
        raise NotMeasuredError("the run has no status")
    return status


def _peak_mb(pid: int) -> float:
    """The most that was ever resident; 0 once the process is gone."""
    try:
        told = Path(f"/proc/{pid}/status").read_text("utf-8")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in told.splitlines() if line.startswith("VmHWM:")), 0.0)
