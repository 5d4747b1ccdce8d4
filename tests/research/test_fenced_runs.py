"""Whole runs of a real workspace behind each fence: what they may not see, and what is kept of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrcopilot_tui.research import begin
from mlrcopilot_tui.research.begin import begin_session, open_bench, refuse_unfenced
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.runs.landlock_sandbox import LandlockSandbox
from mlrcopilot_tui.runs.sandbox import why_not
from mlrcopilot_tui.runs.spec import SandboxLevel
from mlrcopilot_tui.session.state import RunState
from tests.research.fences import CONTRACT, HONEST, made, measured, own_folder

LEVELS = pytest.mark.parametrize("level", ["bwrap", "landlock"])


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder that is neither in the home folder nor a temporary one for everybody."""
    with own_folder() as folder:
        yield folder


async def first_run(root: Path, train: str, level: SandboxLevel) -> tuple[RunState, str]:
    """A run of the workspace behind that fence, and its log."""
    if reason := why_not(level):
        pytest.skip(reason)
    found = (await measured(made(root, train), level))[0]
    return found.run, found.log


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
    run, log = await first_run(root, train, level)
    assert (run.outcome, run.value, run.sandbox) == ("ok", 0.5, level), log
    assert "an input False" in log
    assert "the answers" not in log
    assert "ref: " not in log
    assert "session_started" not in log.lower()


async def test_what_is_put_into_a_clean_tree_is_nothing_that_an_evaluation_wrote(root: Path) -> None:
    contract = CONTRACT.replace("[evaluate]", "disk_gb = 0.01\n[evaluate]")
    files = {"large.csv": "x" * (16 << 20), "evaluate.py": "import time; time.sleep(3); print('val_error:', 0.5)"}
    found = (await measured(made(root, "", files, contract), "plain"))[0]
    assert (found.run.outcome, found.run.value) == ("ok", 0.5), found.run.reason


async def test_what_a_killed_supervisor_left_of_an_evaluation_is_removed(root: Path) -> None:
    workspace = made(root, "")
    session = begin_session(workspace, Options())
    with open_bench(workspace, session) as bench:
        trees = bench.layout.worktrees / session
        for name in ("run-r7", "left-r7", "left-r8"):
            (trees / name / "deep").mkdir(parents=True)
        async with Laboratory(bench) as laboratory:
            await laboratory.recover()
        assert list(trees.iterdir()) == []


def test_the_second_fence_is_one_for_unattended_sessions(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    config = made(root, HONEST).contract.config
    monkeypatch.setattr(begin, "best_sandbox", LandlockSandbox)
    auto = Options(auto=True)
    refuse_unfenced(Settings.from_config(config).chosen(auto, config), auto, shipped=False)
