"""Files that a crash or a hand left damaged, locked or removed: what can be mended is, the rest is told."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlrcopilot_tui.session.inbox import new_decision_id
from tests.crash.driver import Plan
from tests.crash.invariants import Outcome, check
from tests.crash.scene import BEGAN, Scene, small_scene
from tests.workspace.researcher import belongings, git

pytestmark = pytest.mark.timeout(180)


def kill_at(scene: Scene, plan: Plan) -> None:
    copilot = scene.start(plan)
    said = copilot.end(code=None)
    assert copilot.process.returncode == -signal.SIGKILL, said


@pytest.mark.parametrize("command", [["run", "--headless"], ["status"], ["log"], ["approve", "1"], ["verify"]])
def test_a_damaged_journal_is_told_and_nothing_changes(scene: Scene, command: list[str]) -> None:
    kill_at(scene, Plan("run.started"))
    journal = scene.layout.journal(scene.session)
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:3], lines[3][:20] + b"\n", *lines[4:]]))
    before, refs = journal.read_bytes(), git(scene.root, "show-ref")
    program = [sys.executable, "-m", "mlrcopilot_tui.cli.main", *command, "-C", str(scene.root)]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2, done.stderr
    assert "Line 4 of" in done.stderr
    assert "Restore the file from a backup; nothing was changed." in done.stderr
    assert (journal.read_bytes(), git(scene.root, "show-ref")) == (before, refs)
    assert belongings(scene.root) == scene.before


@pytest.mark.parametrize(
    ("lock", "event"),
    [
        ("refs/heads/mlrcopilot/{session}/main.lock", "champion.changed"),
        ("refs/heads/mlrcopilot/{session}/idea-1.lock", "patch.committed"),
        ("refs/mlrcopilot/{session}/idea-1/1.lock", "agent.said"),
        ("refs/notes/mlrcopilot.lock", "verdict.reached"),
    ],
)
def test_a_lock_of_a_dead_git_on_our_refs_is_removed(scene: Scene, undisturbed: Outcome, lock: str, event: str) -> None:
    kill_at(scene, Plan(event))
    path = scene.root / ".git" / lock.format(session=scene.session)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    scene.run()
    assert check(scene) == undisturbed


def test_locks_on_what_is_the_researcher_s_stay_and_are_in_nobody_s_way(scene: Scene, undisturbed: Outcome) -> None:
    names = ("index.lock", "packed-refs.lock", "refs/heads/main.lock", "HEAD.lock")
    paths = [scene.root / ".git" / name for name in names]
    for path in paths:
        path.touch()
    scene.run()
    for path in paths:
        assert path.exists()
        path.unlink()
    assert check(scene) == undisturbed


def _worktrees(scene: Scene) -> None:
    shutil.rmtree(scene.layout.worktrees)


def _idea_tree(scene: Scene) -> None:
    shutil.rmtree(scene.layout.idea_tree(scene.session, 1))


def _much(scene: Scene) -> None:
    for path in (scene.folder / "inbox", scene.folder / "trees", scene.layout.home / ".git", scene.layout.worktrees):
        shutil.rmtree(path, ignore_errors=True)


def _all_of_git_s_records(scene: Scene) -> None:
    shutil.rmtree(scene.root / ".git/worktrees")


@pytest.mark.parametrize(
    ("event", "remove"),
    [
        ("patch.committed", _idea_tree),
        ("patch.committed", _much),
        ("verdict.reached", _worktrees),
        ("verdict.reached", _all_of_git_s_records),
        pytest.param("patch.committed", _worktrees, marks=pytest.mark.slow),
        pytest.param("patch.committed", _all_of_git_s_records, marks=pytest.mark.slow),
        pytest.param("verdict.reached", _idea_tree, marks=pytest.mark.slow),
        pytest.param("verdict.reached", _much, marks=pytest.mark.slow),
    ],
)
def test_what_is_removed_by_hand_between_is_made_again(
    scene: Scene, undisturbed: Outcome, event: str, remove: Callable[[Scene], None]
) -> None:
    kill_at(scene, Plan(event, side="after"))
    remove(scene)
    scene.run()
    assert check(scene) == undisturbed


@pytest.mark.parametrize("removed", ["tree", "records"])
def test_a_run_whose_files_are_removed_meanwhile_is_run_again(
    tmp_path: Path, undisturbed: Outcome, removed: str
) -> None:
    scene = small_scene(tmp_path / "work", held=True)
    copilot = scene.start()
    state = scene.until(lambda state: [run for run in state.live_runs if run.started_at])
    run = state.live_runs[0].run
    records = scene.layout.run(state.session, run)
    while not (records / "output.log").exists() or BEGAN not in (records / "output.log").read_text():
        time.sleep(0.01)
    shutil.rmtree(scene.layout.run_tree(state.session, run) if removed == "tree" else records)
    scene.go()
    copilot.end()
    assert check(scene) == undisturbed
    lost = scene.state.runs[run]
    assert (lost.outcome, lost.value) == ("lost", None)


def test_a_decision_that_was_half_written_is_set_aside(scene: Scene, undisturbed: Outcome) -> None:
    kill_at(scene, Plan("idea.started"))
    inbox = scene.folder / "inbox"
    half, torn = inbox / f".{new_decision_id()}.part", inbox / f"{new_decision_id()}.json"
    half.write_bytes(b'{"id":"00')
    torn.write_bytes(b'{"id":"00')
    scene.run()
    assert half.exists()
    assert torn.with_suffix(".bad").exists()
    assert not torn.exists()
    assert check(scene) == undisturbed
