"""What a run costs beside its bare command: the supervisor, the sandbox, and the tree that a session exports for it."""

import asyncio
import contextlib
import itertools
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import msgspec

from benchmarks.measuring import NotMeasuredError, Result, in_turn, seconds, spread
from benchmarks.stage import real_workspace, script_the_engine, spec_of
from benchmarks.workloads import WORKLOADS
from mlrcopilot_tui.research.begin import begin_session, open_bench
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.runs.executor import LocalExecutor
from mlrcopilot_tui.runs.sandbox import STRONGEST_FIRST, why_not
from mlrcopilot_tui.runs.spec import SandboxLevel
from tests.research.conftest import TRAIN

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_SHORT_TIMES = 9
_LONG_TIMES = 5
_TARGET_S = 0.3
_TARGET_SHARE = 0.01


def measure(place: Path) -> Iterator[Result]:
    """Each thing that a run may do, bare and behind each fence; and a script of milliseconds as a run of a session."""
    levels = [level for level in STRONGEST_FIRST[::-1] if not why_not(level)]
    with _session_run(place / "work") as in_session:
        yield from _compared("a few ms", place, TRAIN, levels, _SHORT_TIMES, {"in a session": in_session})
    for number, (name, code) in enumerate(WORKLOADS.items()):
        yield from _compared(name, place / str(number), code, levels, _LONG_TIMES, {})


def _compared(
    name: str, place: Path, code: str, levels: list[SandboxLevel], times: int, more: Mapping[str, Callable[[], None]]
) -> Iterator[Result]:
    ways = {level: _supervised(place, code, level) for level in levels} | dict(more)
    measures = [partial(seconds, way) for way in (_bare(place, code), *ways.values())]
    bare, *samples = map(spread, in_turn(times, *measures))
    for way, measured in zip(ways, samples, strict=True):
        yield Result(
            name=f"{name}, {way}",
            unit="s",
            samples=measured,
            reference=bare,
            reference_name="bare command",
            figure=measured.median - bare.median,
            figure_unit="s",
            target=max(_TARGET_S, _TARGET_SHARE * bare.median),
            note="more than the bare command",
        )


def _bare(place: Path, code: str) -> Callable[[], None]:
    spec = spec_of("bare", code, place)

    def run() -> None:
        with (place / "bare.log").open("wb") as log:  # as a researcher without us would keep it
            subprocess.run(spec.argv, cwd=spec.tree, env=spec.env | _ONE_THREAD, stdout=log, check=True)

    return run


def _supervised(place: Path, code: str, level: SandboxLevel) -> Callable[[], None]:
    executor = LocalExecutor()
    numbers = itertools.count(1)
    spec = spec_of(level, code, place, level)
    spec = msgspec.structs.replace(spec, env=spec.env | _ONE_THREAD)

    def run() -> None:
        folder = place / "runs" / level / str(next(numbers))
        executor.start(spec, folder)
        _check(asyncio.run(executor.wait(folder)).outcome)

    return run


@contextlib.contextmanager
def _session_run(root: Path) -> Iterator[Callable[[], None]]:
    """A run with all that a session does for it: journal, key, tree, the best sandbox here, the check afterwards."""
    script_the_engine()
    workspace = real_workspace(root)
    session = begin_session(workspace, Options())
    with open_bench(workspace, session, Options()) as bench:
        laboratory = Laboratory(bench)

        def run() -> None:
            _check(asyncio.run(laboratory.measure(bench.line.base, 0, "baseline", fresh=True)).outcome)

        yield run


def _check(outcome: str | None) -> None:
    if outcome != "ok":
        raise NotMeasuredError(f"the run's outcome is {outcome}")
