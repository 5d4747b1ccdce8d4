"""A copilot killed at any moment, with all that it started, leaves a sound repository that it can go on in."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.opening import Workspace, open_workspace
from mlrcopilot_tui.workspace.worktrees import clean_trees
from tests.workspace.researcher import belongings, git

SESSION = "0123abcd"
WORK = f"""
import sys
from pathlib import Path, PurePosixPath
from mlrcopilot_tui.workspace.idea_tree import IdeaTree
from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.opening import open_workspace
from mlrcopilot_tui.workspace.run_tree import export_run_tree

workspace = open_workspace(Path(sys.argv[1]))
repository, rules = workspace.repository, workspace.contract.rules
line = SessionLine(repository, "{SESSION}")
line.start(repository.resolve("HEAD"))
print("begun", flush=True)
number = len(line.attempts(1))
while True:
    number += 1
    tree = IdeaTree(repository, workspace.layout.idea_tree("{SESSION}", 1), line.tip, rules)
    tree.check_out()
    tree.write(PurePosixPath("train.py"), f"attempt = {{number}}\\n")
    commit = tree.commit("Try\\n")
    line.record_attempt(1, max(line.attempts(1), default=0) + 1, commit)
    line.keep(commit)
    run = export_run_tree(repository, workspace.layout.run_tree("{SESSION}", f"r{{number}}-{{commit}}"), commit, rules)
    run.remove()
    line.revert(commit)
"""


def test_a_killed_copilot_leaves_everything_sound(workspace: Workspace) -> None:
    root = workspace.layout.root
    before = belongings(root)
    dice = random.Random(0)
    for _ in range(6):
        work = subprocess.Popen(
            [sys.executable, "-c", WORK, str(root)], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert work.stdout is not None
        assert work.stdout.readline() == "begun\n"
        time.sleep(dice.uniform(0, 0.4))
        os.killpg(work.pid, signal.SIGKILL)
        work.wait()
        work.stdout.close()
        _free_locks(root)
        assert belongings(root) == before
        git(root, "log", "--all")
        git(root, "fsck", "--strict", "--no-dangling")
        clean_trees(open_workspace(root).layout, alive=())
    assert len(git(root, "worktree", "list").splitlines()) == 1
    line = SessionLine(open_workspace(root).repository, SESSION)
    for commit in line.attempts(1).values():
        assert line.repository.commit(commit).subject == "Try"


def _free_locks(root: Path) -> None:
    """Does what the error tells its reader to do with the locks of a killed git."""
    for lock in (root / ".git").rglob("*.lock"):
        if lock.name != "mlrcopilot-notes.lock":
            assert "mlrcopilot" in str(lock.relative_to(root)) or "worktrees" in str(lock), lock
            lock.unlink()
