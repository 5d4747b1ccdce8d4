"""How long a recorded session takes to play again, against how long it took: agents think anew, runs do not run."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks.measuring import NotMeasuredError, Result, in_turn, seconds, spread
from benchmarks.stage import PROGRAM, real_workspace
from mlrcopilot_tui.research import begin
from mlrcopilot_tui.research.export import export_session
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.session import journal
from mlrcopilot_tui.session.session import begun_sessions
from tests.fakes.instant_executor import FakeExecutor
from tests.research.running import run_session

_TIMES = 3
_EXPERIMENTS = 8
_RUN_S = 20.0
"""What a run takes by the recorded session's clock; here it takes milliseconds."""
_SHARE = 50
"""A session of five recorded minutes or more is to be played in so small a part of its time."""

_TRAIN = """import os, random

LEARNING_RATE = 0.1
EPOCHS = 5
HIDDEN = 16
seed = int(os.environ["MLRCOPILOT_SEED"])
error = abs(LEARNING_RATE - 0.01) + 1 / EPOCHS + 1 / HIDDEN + 0.01 * random.Random(seed).random()
print(f"val_error: {error}")
"""


def measure(place: Path) -> Iterator[Result]:
    """A session of the offline engine, by the command line that a person would use, imports and all."""
    cassette = place / "session.cassette"
    recorded_s, runs = _record(place / "work", cassette)
    played, bare = in_turn(_TIMES, partial(_play, cassette, place / "played"), partial(_seconds_of, "--version"))
    samples = spread(played)
    yield Result(
        name=f"replay of {recorded_s / 60:.0f} recorded minutes",
        unit="s",
        samples=samples,
        reference=spread(bare),
        reference_name="mlrcopilot --version",
        figure=samples.median,
        figure_unit="s",
        target=recorded_s / _SHARE,
        note=f"{_EXPERIMENTS} experiments, {runs} runs",
    )


def _record(root: Path, cassette: Path) -> tuple[float, int]:
    """Records a session whose runs take their time only by the journal's clock; its seconds, and its runs."""
    workspace = real_workspace(root, train=_TRAIN)
    executor = FakeExecutor()

    def slow_clock() -> str:
        now = datetime.now(UTC) + len(executor.started) * timedelta(seconds=_RUN_S)
        return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    kept = vars(begin)["LocalExecutor"], journal.utc_now
    vars(begin)["LocalExecutor"], vars(journal)["utc_now"] = lambda: executor, slow_clock
    try:
        options = Options(auto=True, allow_unsandboxed=True, max_experiments=_EXPERIMENTS)
        state = asyncio.run(run_session(workspace, options))
    finally:
        vars(begin)["LocalExecutor"], vars(journal)["utc_now"] = kept
    export_session(workspace, begun_sessions(workspace.layout.sessions)[0], cassette)
    lasted = datetime.fromisoformat(state.time) - datetime.fromisoformat(state.started_at)
    return lasted.total_seconds(), len(state.runs)


def _play(cassette: Path, target: Path) -> float:
    shutil.rmtree(target, ignore_errors=True)
    return _seconds_of("run", "--replay", str(cassette), str(target), "--headless")


def _seconds_of(*arguments: str) -> float:
    def run() -> None:
        done = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotMeasuredError(done.stderr.strip())

    return seconds(run)
