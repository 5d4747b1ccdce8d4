"""Whole runs of a real workspace behind each fence: what they may not see, and what is kept of them."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrcopilot_tui.research import begin
from mlrcopilot_tui.research.begin import begin_session, open_bench, refuse_unfenced
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.runs.landlock_sandbox import LandlockSandbox
from mlrcopilot_tui.runs.sandbox import sandbox_of, why_not
from mlrcopilot_tui.runs.spec import SandboxLevel
from mlrcopilot_tui.session.state import RunState
from mlrcopilot_tui.workspace.git import init_repository
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
LEVELS = pytest.mark.parametrize("level", ["bwrap", "landlock"])


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder that is neither in the home folder nor a temporary one for everybody."""
    folder = Path(tempfile.mkdtemp(prefix="mlrcopilot-", dir="/var/tmp"))
    yield folder
    shutil.rmtree(folder)


def made(root: Path, train: str) -> Workspace:
    (root / "train.py").write_text(train)
    (root / "evaluate.py").write_text(HONEST)
    (root / "answers.csv").write_text("the answers\n")
    (root / "mlrcopilot.toml").write_text(CONTRACT)
    (root / ".gitignore").write_text("data\n")
    init_repository(root, "Start")
    (root / "data").mkdir()
    (root / "data/input.txt").write_text("an input")
    return open_workspace(root)


async def measured(root: Path, train: str, level: SandboxLevel) -> tuple[RunState, str]:
    """A run of the workspace behind that fence, and its log."""
    if reason := why_not(level):
        pytest.skip(reason)
    workspace = made(root, train)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(begin, "best_sandbox", lambda: sandbox_of(level))
        session = begin_session(workspace, Options())
        with open_bench(workspace, session) as bench:
            async with Laboratory(bench) as laboratory:
                run = await laboratory.measure(bench.champion.commit, 0, "baseline")
            return run, (bench.layout.run(session, run.run) / "output.log").read_text()


@LEVELS
async def test_the_originals_are_out_of_reach_wherever_the_repository_lies(root: Path, level: SandboxLevel) -> None:
    train = f"""
import os, pathlib
top = pathlib.Path({str(root)!r})
for path in (top / "answers.csv", top / ".git/HEAD", *(top / ".mlrcopilot").glob("sessions/*/journal.jsonl")):
    try: print("read", path, repr(path.read_text()))
    except OSError as error: print("refused", path)
print(pathlib.Path("data/input.txt").read_text(), os.path.exists("answers.csv"))
"""
    run, log = await measured(root, train, level)
    assert (run.outcome, run.value, run.sandbox) == ("ok", 0.5, level), log
    assert "an input False" in log
    assert "the answers" not in log
    assert "ref: " not in log
    assert "session_started" not in log.lower()


async def test_a_forged_evaluation_voids_the_result_behind_the_second_fence(root: Path) -> None:
    forged = f"print('val_error: 0.0'); open('evaluate.py', 'w').write({HONEST!r})"
    run, log = await measured(root, f"open('evaluate.py', 'w').write({forged!r})\n", "landlock")
    assert (run.outcome, run.value) == ("voided", None), log
    assert "evaluate.py" in run.reason


def test_the_second_fence_is_one_for_unattended_sessions(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    config = made(root, HONEST).contract.config
    monkeypatch.setattr(begin, "best_sandbox", LandlockSandbox)
    auto = Options(auto=True)
    refuse_unfenced(Settings.from_config(config).chosen(auto, config), auto, shipped=False)
