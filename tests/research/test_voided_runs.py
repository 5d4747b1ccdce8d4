"""Runs whose protected files or inputs changed while they were on: nothing of them counts, and it is said why."""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mlrcopilot_tui.research.failures import failure_verdict
from mlrcopilot_tui.research.retries import RETRIES, failed_run, is_to_be_repeated
from mlrcopilot_tui.runs.sandbox import why_not
from mlrcopilot_tui.runs.spec import SandboxLevel
from mlrcopilot_tui.session.events import Event
from mlrcopilot_tui.session.records import Record
from mlrcopilot_tui.session.run_events import RunFinished, RunPlanned, RunStarted
from mlrcopilot_tui.session.session import begun_sessions, read_state
from mlrcopilot_tui.session.state import RunState, fold
from mlrcopilot_tui.workspace.opening import open_workspace
from tests.research.fences import CONTRACT, made, measured, own_folder
from tests.runs.attack_table import LEVELS
from tests.runs.lab import await_true

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there are sandboxes on Linux only")

SLOW = """
import pathlib, time
pathlib.Path("begun").touch()
time.sleep(1)
"""


@pytest.fixture
def root() -> Iterator[Path]:
    with own_folder() as folder:
        yield folder


async def one_run(root: Path, train: str, level: SandboxLevel = "plain") -> RunState:
    if reason := why_not(level):
        pytest.skip(reason)
    return (await measured(made(root, train), level))[0].run


def first_run(root: Path) -> RunState:
    """The first run of the newest session."""
    layout = open_workspace(root).layout
    return read_state(layout.session(begun_sessions(layout.sessions)[0])).runs["r1"]


def edit_meanwhile(root: Path, files: Mapping[str, str]) -> None:
    """What the researcher does once the run has begun."""
    await_true(lambda: list(root.glob(".mlrcopilot/worktrees/*/run-*/begun")))
    for name, text in files.items():
        (root / name).write_text(text)


@pytest.mark.parametrize("end", ["raise SystemExit(1)", "print('val_error: nan')", "pass"])
async def test_a_run_that_changed_a_protected_file_is_void_however_it_ended(root: Path, end: str) -> None:
    run = await one_run(root, f"open('evaluate.py', 'w').write('forged')\n{end}\n")
    assert (run.outcome, run.value) == ("voided", None)
    assert run.reason == "The run changed protected files: evaluate.py."


async def test_a_run_that_changed_its_shared_input_is_void(root: Path) -> None:
    train = """
import os
found = os.stat("data/input.txt")
open("data/input.txt", "r+").write("AN")
os.utime("data/input.txt", ns=(found.st_atime_ns, found.st_mtime_ns))
"""
    run = await one_run(root, train)
    assert (run.outcome, run.value) == ("voided", None)
    assert run.reason == "Its inputs were changed while it was on, by it or by somebody else: data/input.txt."


@pytest.mark.parametrize("level", LEVELS)
async def test_the_researchers_own_edit_of_an_input_voids_a_run_which_is_repeated_where_it_cannot_be_at_fault(
    root: Path, level: SandboxLevel
) -> None:
    edit = asyncio.to_thread(edit_meanwhile, root, {"data/input.txt": "another", "train.py": "mine to change"})
    run, _ = await asyncio.gather(one_run(root, SLOW, level), edit)
    first, plain = first_run(root), level == "plain"
    assert (first.outcome, first.value) == ("voided" if plain else "disturbed", None)
    who = "by it or by somebody else" if plain else "though not by it"
    assert first.reason == f"Its inputs were changed while it was on, {who}: data/input.txt."
    assert (run.run, run.value) == (("r1", None) if plain else ("r2", 0.5))


@pytest.mark.parametrize("level", LEVELS)
async def test_hidden_files_need_not_be_in_git(root: Path, level: SandboxLevel) -> None:
    """An evaluation finds them, a run does not, and their change voids it like that of any input."""
    (root / "secret").mkdir()
    (root / "secret/labels.txt").write_text("0.25")
    contract = CONTRACT.replace('["answers.csv"]', '["secret/**"]').replace('evaluate.py"\n', 'judge.py"\n', 1)
    files = {"judge.py": "print('val_error:', open('secret/labels.txt').read())", ".gitignore": "data\nsecret\n"}
    train = "import os; assert not os.path.exists('secret')\n" + SLOW
    workspace = made(root, train, files, contract)
    if reason := why_not(level):
        pytest.skip(reason)
    seeds = await measured(workspace, level, seeds=(0,))
    assert (seeds[0].run.outcome, seeds[0].run.value, seeds[0].run.looked) == ("ok", 0.25, True), seeds[0].log
    edit = asyncio.to_thread(edit_meanwhile, root, {"secret/labels.txt": "0.75"})
    again, _ = await asyncio.gather(measured(workspace, level), edit)
    first = first_run(root)
    assert (first.outcome, first.value) == ("voided" if level == "plain" else "disturbed", None)
    assert "secret/labels.txt" in first.reason
    assert again[0].run.value == (None if level == "plain" else 0.75)


def test_inputs_that_change_under_every_run_leave_their_commit_undecided() -> None:
    told: list[Event] = []
    for number, key in enumerate(["first input", "second input", "third input"], 1):
        run = f"r{number}"
        told += [
            RunPlanned(run=run, commit="c", seed=0, purpose="idea", key=key),
            RunStarted(run=run, sandbox="landlock", network=False),
            RunFinished(run=run, outcome="disturbed", reason="Data.", value=None, wall_s=1.0, log_sha256=""),
        ]
        state = fold(Record(seq, f"{seq:03}", event) for seq, event in enumerate(told, 1))
        assert is_to_be_repeated(state, state.runs[run]) == (number <= RETRIES)
    failed = failed_run(fold(Record(seq, f"{seq:03}", event) for seq, event in enumerate(told, 1)), "c")
    assert failed is not None
    assert failure_verdict(failed).kind == "inconclusive"
