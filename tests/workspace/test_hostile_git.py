"""What a repository may plant (hooks, monitors, drivers, signing programs) never runs, in any operation of ours."""

from pathlib import Path, PurePosixPath

import pytest

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.session.model import Verdict
from mlrcopilot_tui.workspace.adopt import adopt, let_go
from mlrcopilot_tui.workspace.evidence import CommitEvidence, write_note
from mlrcopilot_tui.workspace.idea_tree import IdeaTree
from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.new_repository import init_repository
from mlrcopilot_tui.workspace.opening import open_workspace
from mlrcopilot_tui.workspace.promote import KeptPatch, promote
from mlrcopilot_tui.workspace.run_tree import export_run_tree
from tests.workspace.researcher import TRAIN, begin, git, write

SESSION = "0123abcd"
TRAIN_PY = PurePosixPath("train.py")

HOOKS = (
    *("pre-commit", "commit-msg", "prepare-commit-msg", "post-commit", "post-checkout", "post-merge", "post-rewrite"),
    *("pre-applypatch", "reference-transaction", "fsmonitor-watchman", "post-index-change", "pre-auto-gc"),
)


class Trap:
    """A program that leaves a mark when it runs."""

    def __init__(self, folder: Path) -> None:
        self.mark = folder / "sprung"
        self.program = folder / "trap.sh"
        self.program.write_text(f"#!/bin/sh\necho \"$0 $@\" >> '{self.mark}'\ncat 2>/dev/null\nexit 0\n")
        self.program.chmod(0o755)

    def springs(self) -> str:
        return self.mark.read_text() if self.mark.exists() else ""


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path)


def plant(repo: Path, trap: Trap) -> None:
    """Every trick at once, in the configuration, the hooks and the attributes of the repository."""
    for hook in HOOKS:
        write(repo, {f".git/hooks/{hook}": trap.program.read_text()})
        (repo / ".git/hooks" / hook).chmod(0o755)
    program = str(trap.program)
    settings = {
        "core.fsmonitor": program,
        "core.pager": program,
        "core.editor": program,
        "core.askPass": program,
        "core.sshCommand": program,
        "sequence.editor": program,
        "diff.external": program,
        "diff.evil.textconv": program,
        "diff.evil.command": program,
        "filter.evil.clean": program,
        "filter.evil.smudge": program,
        "filter.evil.required": "true",
        "filter.x=y.clean": program,
        "filter.x=y.process": program,
        "merge.evil.driver": f"{program} %A %O %B",
        "commit.gpgSign": "true",
        "tag.gpgSign": "true",
        "gpg.program": program,
        "log.showSignature": "true",
        "alias.status": f"!{program}",
        "gc.auto": "1",
        "rerere.enabled": "true",
        "core.sparseCheckout": "true",
        "core.splitIndex": "true",
    }
    for key, value in settings.items():
        git(repo, "config", key, value)
    write(repo, {".git/info/attributes": "*.py diff=evil filter=evil merge=evil\n*.md filter=x=y\n"})


def test_the_traps_are_real(tmp_path: Path, trap: Trap) -> None:
    repo = begin(tmp_path / "repo")
    plant(repo, trap)
    write(repo, {"train.py": "x\n"})
    git(repo, "-c", "commit.gpgSign=false", "commit", "-qam", "Sprung", check=False)
    assert "post-index-change" in trap.springs() or "trap.sh" in trap.springs()


def test_a_whole_session_springs_no_trap(tmp_path: Path, home: Path, trap: Trap) -> None:
    repo = begin(tmp_path / "repo")
    signing = f"[commit]\n gpgSign = true\n[gpg]\n program = {trap.program}\n"
    write(home, {".gitconfig": f"{signing}[core]\n pager = {trap.program}\n fsmonitor = {trap.program}\n"})
    plant(repo, trap)
    adopt(repo, command="python train.py", metric="val_error", direction="min", protected=["evaluate.py"])
    workspace = open_workspace(repo)
    repository, layout, rules = workspace.repository, workspace.layout, workspace.contract.rules
    line = SessionLine(repository, SESSION)
    base = repository.resolve("HEAD")
    line.start(base)
    kept = []
    for idea, place in ((1, "line_1 "), (2, "line_9 ")):
        tree = IdeaTree(repository, layout.idea_tree(SESSION, idea), line.tip, rules)
        tree.check_out()
        tree.write(TRAIN_PY, tree.read(TRAIN_PY).replace(place, f"better_{place}"))
        commit = tree.commit(f"Try {idea}\n")
        assert commit is not None
        line.record_attempt(idea, 1, commit)
        line.keep(commit)
        kept.append(commit)
    run = export_run_tree(repository, layout.run_tree(SESSION, "r1"), line.tip, rules)
    assert (run.path / "train.py").read_bytes() == repository.read_file(line.tip, "train.py")
    run.remove()
    assert repository.dirt() is not None
    assert repository.diff(base, line.tip).count("+better_") == 2
    line.revert(kept[0])
    line.redo(kept[0])
    verdict = Verdict(kind="keep", rule="fake")
    write_note(
        repository,
        CommitEvidence(
            session=SESSION,
            idea=1,
            title="x",
            commit=kept[0],
            parent=base,
            metric="m",
            direction="min",
            verdict=verdict,
        ),
    )
    promote(repository, line, [KeptPatch(2, "Two", kept[1], "measured")], "results")
    let_go(repo)
    assert trap.springs() == ""


def test_a_merge_driver_planted_to_lie_does_not_decide_a_revert(tmp_path: Path, trap: Trap) -> None:
    repo = begin(tmp_path / "repo")
    plant(repo, trap)
    adopt(repo, command="python train.py", metric="val_error", direction="min")
    workspace = open_workspace(repo)
    line = SessionLine(workspace.repository, SESSION)
    line.start(workspace.repository.resolve("HEAD"))
    commits = []
    for idea, text in ((1, "line_5 = 50"), (2, "line_5 = 500")):
        tree = IdeaTree(
            workspace.repository, workspace.layout.idea_tree(SESSION, idea), line.tip, workspace.contract.rules
        )
        tree.check_out()
        tree.write(TRAIN_PY, TRAIN.replace("line_5 = 5", text))
        commit = tree.commit(f"Try {idea}\n")
        assert commit is not None
        line.keep(commit)
        commits.append(commit)
    with pytest.raises(RefusedError, match=r"later changes overlap with it in train\.py"):
        line.revert(commits[0])
    assert trap.springs() == ""


def test_a_template_of_hooks_is_not_copied_into_new_repositories(tmp_path: Path, home: Path, trap: Trap) -> None:
    write(home, {"template/hooks/post-commit": trap.program.read_text()})
    (home / "template/hooks/post-commit").chmod(0o755)
    write(home, {".gitconfig": f"[init]\n templateDir = {home / 'template'}\n"})
    write(tmp_path / "new", {"a.py": "1\n"})
    init_repository(tmp_path / "new", "Begin")
    assert not (tmp_path / "new/.git/hooks/post-commit").exists()
    assert trap.springs() == ""
