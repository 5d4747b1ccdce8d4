"""What a run costs beside its bare command: the supervisor, the sandbox, and the tree that a session exports for it."""

import asyncio
import contextlib
import itertools
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.measuring import NotMeasuredError, Result, in_turn, seconds, spread
from benchmarks.stage import real_workspace, script_the_engine, spec_of
from mlrcopilot_tui.research.begin import begin_session, open_bench
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.runs.executor import LocalExecutor
from mlrcopilot_tui.runs.sandbox import why_not
from mlrcopilot_tui.runs.spec import SandboxLevel
from tests.research.conftest import TRAIN

_TIMES = 9
_TARGET_S = 0.3


def measure(place: Path) -> Iterator[Result]:
    """A script of a few milliseconds: alone, supervised, sandboxed, and as a run of a session."""
    lacking = why_not("bwrap")
    names = ["supervised", *([] if lacking else ["supervised in bwrap"]), "in a session"]
    levels: list[SandboxLevel] = ["plain"] if lacking else ["plain", "bwrap"]
    with _session_run(place / "work") as in_session:
        measures = [_bare(place), *(_supervised(place, level) for level in levels), in_session]
        bare, *samples = map(spread, in_turn(_TIMES, *(partial(seconds, each) for each in measures)))
    for name, measured in zip(names, samples, strict=True):
        yield Result(
            name=f"run, {name}",
            unit="s",
            samples=measured,
            reference=bare,
            reference_name="bare command",
            figure=measured.median - bare.median,
            figure_unit="s",
            target=_TARGET_S,
            note="more than the bare command",
        )


def _bare(place: Path) -> Callable[[], None]:
    spec = spec_of("bare", TRAIN, place)

    def run() -> None:
        subprocess.run(spec.argv, cwd=spec.tree, env=spec.env, stdout=subprocess.DEVNULL, check=True)

    return run


def _supervised(place: Path, level: SandboxLevel) -> Callable[[], None]:
    executor = LocalExecutor()
    numbers = itertools.count(1)
    spec = spec_of(level, TRAIN, place, level)

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
