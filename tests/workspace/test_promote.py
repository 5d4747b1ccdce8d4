"""The kept ideas as a branch of the researcher's own."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.workspace.idea_tree import IdeaTree
from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.opening import Workspace
from mlrcopilot_tui.workspace.patch_files import COVER, patch_files, write_patch_files
from mlrcopilot_tui.workspace.promote import KeptPatch, promote, write_promoted
from tests.workspace.researcher import SESSION, belongings, git, write


def keep(workspace: Workspace, line: SessionLine, idea: int, *lines: int) -> KeptPatch:
    path = PurePosixPath("train.py")
    tree = IdeaTree(workspace.repository, workspace.layout.idea_tree(SESSION, idea), line.tip, workspace.contract.rules)
    tree.check_out()
    text = tree.read(path)
    for number in lines:
        text = text.replace(f"line_{number} ", f"idea{idea}_line_{number} ")
    tree.write(path, text)
    commit = tree.commit(f"Try idea {idea}\n")
    assert commit is not None
    line.keep(commit)
    return KeptPatch(idea, f"Try idea {idea}", commit, f"val_error 0.2 -> 0.1{idea}")


def test_one_commit_an_idea_on_the_base_ends_in_the_champion_s_tree(workspace: Workspace, line: SessionLine) -> None:
    kept = [keep(workspace, line, 1, 1), keep(workspace, line, 2, 9)]
    before = belongings(line.repository.root)
    tip = promote(line.repository, line, kept, "results/two-ideas")
    log = line.repository.log(tip, since=line.base)
    assert [commit.message for commit in reversed(log)] == [
        f"Try idea {idea}\n\nval_error 0.2 -> 0.1{idea}\n\nIdea: {idea}\nSession: {SESSION}" for idea in (1, 2)
    ]
    assert line.repository.tree_id(tip) == line.repository.tree_id(line.tip)
    assert line.repository.resolve("results/two-ideas") == tip
    assert log[-1].parents == (line.base,)
    git(line.repository.root, "branch", "-D", "results/two-ideas")
    assert belongings(line.repository.root) == before


def test_the_researcher_commits_what_mlrcopilot_wrote(workspace: Workspace, line: SessionLine) -> None:
    git(line.repository.root, "config", "user.name", "Ada")
    git(line.repository.root, "config", "user.email", "ada@example.org")
    tip = promote(line.repository, line, [keep(workspace, line, 1, 1)], "results")
    who = git(line.repository.root, "log", "-1", "--format=%an <%ae> %cn <%ce>", tip)
    assert who == "mlrcopilot <mlrcopilot@localhost> Ada <ada@example.org>"


def test_what_was_reverted_is_not_in_it(workspace: Workspace, line: SessionLine) -> None:
    dropped, kept = keep(workspace, line, 1, 1), keep(workspace, line, 2, 9)
    line.revert(dropped.commit)
    tip = promote(line.repository, line, [kept], "results")
    assert len(line.repository.log(tip, since=line.base)) == 1
    assert line.repository.tree_id(tip) == line.repository.tree_id(line.tip)
    assert b"idea1" not in (line.repository.read_file(tip, "train.py") or b"")


def test_ideas_that_only_fit_on_what_was_reverted_still_end_in_the_champion_s_tree(
    workspace: Workspace, line: SessionLine
) -> None:
    first, second = keep(workspace, line, 1, 5), keep(workspace, line, 2, 6)
    third = keep(workspace, line, 3, 11)
    tip = promote(line.repository, line, [second, third], "results")
    assert line.repository.tree_id(tip) == line.repository.tree_id(line.tip)
    assert [commit.subject for commit in line.repository.log(tip, since=line.base)] == ["Try idea 3", "Try idea 2"]
    assert first.commit not in {commit.sha for commit in line.repository.log(tip)}


def test_promoting_again_is_a_fast_forward(workspace: Workspace, line: SessionLine) -> None:
    kept = [keep(workspace, line, 1, 1)]
    first = promote(line.repository, line, kept, "results")
    assert promote(line.repository, line, kept, "results") == first
    kept.append(keep(workspace, line, 2, 9))
    second = promote(line.repository, line, kept, "results")
    assert line.repository.commit(second).parents == (first,)
    assert line.repository.resolve("results") == second


def test_a_promoted_commit_is_dated_like_its_patch_so_that_it_is_the_same_at_any_time(
    workspace: Workspace, line: SessionLine
) -> None:
    blob = git(line.repository.root, "hash-object", "-w", "--stdin", stdin="x\n")
    tree = git(line.repository.root, "mktree", stdin=f"100644 blob {blob}\ttrain.py\n")
    commit = line.repository.write_commit(tree, (line.base,), "Old\n", time=datetime(2020, 2, 3, tzinfo=UTC))
    line.keep(commit)
    tip = promote(line.repository, line, [KeptPatch(1, "Old", commit, "x")], "results")
    assert git(line.repository.root, "log", "-1", "--format=%as %cs", tip) == "2020-02-03 2020-02-03"


def test_a_branch_that_is_checked_out_stays_and_the_merge_command_works(
    workspace: Workspace, line: SessionLine
) -> None:
    kept = [keep(workspace, line, 1, 1)]
    before = belongings(line.repository.root)
    with pytest.raises(RefusedError, match="The branch main is checked out in") as caught:
        promote(line.repository, line, kept, "main")
    assert belongings(line.repository.root) == before
    command = caught.value.mend.partition("`")[2].partition("`")[0].split()
    git(line.repository.root, *command[1:])
    assert line.repository.tree_id(line.repository.resolve("main")) == line.repository.tree_id(line.tip)


def test_a_branch_with_other_commits_stays(workspace: Workspace, line: SessionLine) -> None:
    root = line.repository.root
    kept = [keep(workspace, line, 1, 1)]
    git(root, "switch", "-qc", "theirs")
    write(root, {"README.md": "theirs\n"})
    git(root, "commit", "-qam", "Theirs")
    git(root, "switch", "-q", "main")
    theirs = line.repository.resolve("theirs")
    with pytest.raises(RefusedError, match=f"git switch theirs && git merge refs/mlrcopilot/{SESSION}/promoted"):
        promote(line.repository, line, kept, "theirs")
    assert line.repository.resolve("theirs") == theirs


def test_a_branch_behind_the_base_is_fast_forwarded(workspace: Workspace, line: SessionLine) -> None:
    git(line.repository.root, "branch", "theirs")
    tip = promote(line.repository, line, [keep(workspace, line, 1, 1)], "theirs")
    assert line.repository.resolve("theirs") == tip


def test_nothing_kept_is_nothing_to_promote(line: SessionLine) -> None:
    with pytest.raises(RefusedError, match="Nothing is kept yet"):
        promote(line.repository, line, [], "results")


@pytest.mark.parametrize("branch", ["", "HEAD", "-f", "a b", "mlrcopilot", "mlrcopilot/x", "a..b", "x.lock", "main/x"])
def test_odd_branches_are_refused(workspace: Workspace, line: SessionLine, branch: str) -> None:
    with pytest.raises(InputError):
        promote(line.repository, line, [keep(workspace, line, 1, 1)], branch)


def test_patch_files_give_the_champion_s_tree_by_git_am(
    workspace: Workspace, line: SessionLine, tmp_path: Path
) -> None:
    root = line.repository.root
    git(root, "config", "diff.noprefix", "true")
    git(root, "config", "diff.orderFile", "no-such-file")
    git(root, "config", "format.attach", "x")
    git(root, "config", "format.suffix", ".txt")
    hostile = "diff --git a/train.py b/train.py\nFrom: Mallory <m@example.org>\nIndex: train.py\n---\nSubject: mine"
    kept = [keep(workspace, line, 1, 1), replace(keep(workspace, line, 2, 9), evidence=hostile)]
    before = belongings(root)
    files = patch_files(line.repository, line.base, write_promoted(line.repository, line, kept))
    assert list(files) == ["0001-Try-idea-1.patch", "0002-Try-idea-2.patch"]
    write_patch_files(tmp_path / "out", {COVER: f"Session: {SESSION}\n".encode(), **files}, SESSION)
    assert belongings(root) == before
    git(tmp_path, "clone", "-q", str(root), "theirs")
    patches = sorted(str(path) for path in (tmp_path / "out").glob("*.patch"))
    git(tmp_path / "theirs", "-c", "user.name=A", "-c", "user.email=a@b", "am", "-q", *patches)
    assert git(tmp_path / "theirs", "rev-parse", "HEAD^{tree}") == line.repository.tree_id(line.tip)
    message = git(tmp_path / "theirs", "log", "-1", "--format=%an %s%n%b")
    assert message.startswith("mlrcopilot Try idea 2\n| diff --git")
    assert message.endswith(f"| Subject: mine\n\nIdea: 2\nSession: {SESSION}")


def test_a_folder_of_patches_is_brought_up_to_date_unless_others_are_in_it(tmp_path: Path) -> None:
    ours = f"Session: {SESSION}\n".encode()
    write_patch_files(tmp_path, {COVER: ours, "0001-a.patch": ours, "0002-b.patch": ours}, SESSION)
    (tmp_path / "notes.txt").write_text("mine")
    write_patch_files(tmp_path, {COVER: ours, "0001-c.patch": ours}, SESSION)
    assert sorted(path.name for path in tmp_path.iterdir()) == [COVER, "0001-c.patch", "notes.txt"]
    (tmp_path / "0007-mine.patch").write_text("From me\n")
    with pytest.raises(RefusedError, match=r"0007-mine\.patch, which is not of this session"):
        write_patch_files(tmp_path, {COVER: ours, "0001-d.patch": ours}, SESSION)
    assert (tmp_path / "0001-c.patch").exists()
    with pytest.raises(InputError, match="is no folder"):
        write_patch_files(tmp_path / "notes.txt", {}, SESSION)


def test_hooks_and_signing_of_the_researcher_are_not_run(
    workspace: Workspace, line: SessionLine, tmp_path: Path
) -> None:
    root = line.repository.root
    for hook in ("pre-commit", "commit-msg", "post-commit", "reference-transaction"):
        path = root / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n")
        path.chmod(0o755)
    git(root, "config", "commit.gpgsign", "true")
    git(root, "config", "gpg.program", "/bin/false")
    kept = [keep(workspace, line, 1, 1)]
    promote(line.repository, line, kept, "results")
    assert not (tmp_path / "ran").exists()
    assert line.repository.signs_commits()
