"""Whether memory stays flat while a run prints a million lines, in the screen and in the run's supervisor."""

import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.measuring import NotMeasuredError, Result, spread
from benchmarks.stage import live_run, screen_of, told_session, tree_of
from benchmarks.terminal import Terminal
from mlrcopilot_tui.runs.spec import LOG_FILE, read_status

_FIRST, _ALL = 1_000, 1_000_000
_SETTLED_S = 4.0
_SAMPLE_S = 0.1
_PATIENCE_S = 300.0
_GROWTH_MB = 5.0
"""What counts as flat; the lines themselves would take over 100 MB as Python's strings."""

_TRAIN = f"""
import time
from pathlib import Path

def say(numbers):
    for step in numbers:
        print(f"step {{step}} loss {{1 / step:.6f}} learning_rate 0.001 gradient_norm 0.731")

say(range(1, {_FIRST} + 1))
while not Path("go").exists():
    time.sleep(0.01)
say(range({_FIRST} + 1, {_ALL} + 1))
Path("said").touch()
time.sleep(600)
"""


def measure(place: Path) -> Iterator[Result]:
    """Resident sizes at a thousand lines, and at their highest from there to a million."""
    with told_session(place) as story, Terminal(screen_of(story)) as terminal, live_run(story, _TRAIN) as folder:
        terminal.drain(_SETTLED_S)
        status = read_status(folder)
        if status is None or status.state != "running":
            raise NotMeasuredError("the run did not start")
        processes = {"the screen": terminal.process, "the supervisor": psutil.Process(status.supervisor_pid)}
        before = {name: _rss_mb(process) for name, process in processes.items()}
        after = {name: [size] for name, size in before.items()}
        began = time.perf_counter()
        for _ in _until_said(terminal, tree_of(folder)):
            for name, process in processes.items():
                after[name].append(_rss_mb(process))
        took = time.perf_counter() - began
        size = (folder / LOG_FILE).stat().st_size
    for name in processes:
        yield Result(
            name=f"memory at {_ALL:,} log lines, {name}",
            unit="MB",
            samples=spread(after[name]),
            reference=spread([before[name]]),
            reference_name=f"at {_FIRST:,} lines",
            figure=max(after[name]) - before[name],
            figure_unit="MB",
            target=_GROWTH_MB,
            note=f"growth; {size / 1e6:.0f} MB of log in {took:.0f} s",
        )


def _until_said(terminal: Terminal, tree: Path) -> Iterator[None]:
    """Lets the run print, and comes back now and then until the screen has caught up."""
    (tree / "go").touch()
    deadline = time.perf_counter() + _PATIENCE_S
    while not (tree / "said").exists():
        if time.perf_counter() > deadline:
            raise NotMeasuredError(f"a million lines were not printed within {_PATIENCE_S:g} s")
        terminal.drain(_SAMPLE_S)
        yield
    terminal.drain(_SETTLED_S)
    yield


def _rss_mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6
