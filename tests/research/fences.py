"""A workspace with an evaluation and hidden labels, whose runs are measured behind a fence of the test's choice."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlrcopilot_tui.research import begin
from mlrcopilot_tui.research.begin import begin_session, open_bench
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.runs.sandbox import sandbox_of
from mlrcopilot_tui.runs.spec import LOG_FILE, RunStatus, SandboxLevel, read_status
from mlrcopilot_tui.session.state import RunState
from mlrcopilot_tui.workspace.new_repository import init_repository
from mlrcopilot_tui.workspace.opening import Workspace, open_workspace

CONTRACT = """
[task]
name = "tiny"
[run]
command = "python train.py"
[evaluate]
command = "python evaluate.py"
[metric]
name = "val_error"
direction = "min"
[files]
editable = ["train.py"]
protected = ["evaluate.py"]
hidden = ["answers.csv"]
shared = ["data/**"]
"""
HONEST = "print('val_error:', 0.5)\n"


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: as the journal has it, as its supervisor left it, and its log."""

    run: RunState
    status: RunStatus
    log: str


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder that is neither in the home folder nor a temporary one for everybody."""
    folder = Path(tempfile.mkdtemp(prefix="mlrcopilot-", dir="/var/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def made(root: Path, train: str, files: Mapping[str, str] | None = None, contract: str = CONTRACT) -> Workspace:
    """A workspace with that training script, hidden answers and a shared input; `files` are committed too."""
    committed = {"train.py": train, "evaluate.py": HONEST, "answers.csv": "the answers\n", "mlrcopilot.toml": contract}
    for name, text in {**committed, ".gitignore": "data\n", **(files or {})}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    init_repository(root, "Start")
    (root / "data").mkdir()
    (root / "data/input.txt").write_text("an input")
    return open_workspace(root)


async def measured(workspace: Workspace, level: SandboxLevel, seeds: Sequence[int] = (0,)) -> list[Measured]:
    """Runs the workspace's starter behind that fence, at each seed in turn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(begin, "best_sandbox", lambda: sandbox_of(level))
        session = begin_session(workspace, Options())
        with open_bench(workspace, session) as bench:
            found = []
            async with Laboratory(bench) as laboratory:
                for seed in seeds:
                    run = await laboratory.measure(bench.champion.commit, seed, "baseline")
                    folder = bench.layout.run(session, run.run)
                    status = read_status(folder)
                    assert status is not None
                    found.append(Measured(run, status, (folder / LOG_FILE).read_text(errors="replace")))
            assert not list((bench.layout.worktrees / session).glob("*")), "a run's trees are removed"
            return found


def measured_now(workspace: Workspace, level: SandboxLevel, seeds: Sequence[int] = (0,)) -> list[Measured]:
    """`measured`, for what is no coroutine."""
    return asyncio.run(measured(workspace, level, seeds))
