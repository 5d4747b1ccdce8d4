"""How fast a light command answers: what `--help` takes beside an interpreter that does nothing."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measuring import Result, in_turn, milliseconds, spread
from benchmarks.stage import CHECKOUT, PROGRAM

_TIMES = 15


def measure(_: Path) -> Iterator[Result]:
    """`mlrcopilot --help` from start to end."""
    bare, ours = in_turn(_TIMES, _command(sys.executable, "-c", "pass"), _command(*PROGRAM, "--help"))
    measured = spread(ours)
    yield Result(
        name="--help",
        unit="ms",
        samples=measured,
        reference=spread(bare),
        reference_name="python -c pass",
        figure=measured.median,
        figure_unit="ms",
        target=120.0,
    )


def _command(*argv: str) -> Callable[[], float]:
    def run() -> object:
        return subprocess.run(argv, cwd=CHECKOUT, stdout=subprocess.DEVNULL, check=True)

    return lambda: milliseconds(run)
