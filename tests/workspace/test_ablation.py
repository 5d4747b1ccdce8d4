"""A line without one of its patches, and with it those that overlap."""

from pathlib import PurePosixPath

from mlrcopilot_tui.workspace.ablation import ablate
from mlrcopilot_tui.workspace.idea_tree import IdeaTree
from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.opening import Workspace
from tests.workspace.researcher import SESSION, belongings


def keep(workspace: Workspace, line: SessionLine, idea: int, *lines: int) -> str:
    """A kept patch that changes these lines of the script."""
    path = PurePosixPath("train.py")
    tree = IdeaTree(workspace.repository, workspace.layout.idea_tree(SESSION, idea), line.tip, workspace.contract.rules)
    tree.check_out()
    text = "".join(
        f"idea{idea}_{row}" if at in lines else row for at, row in enumerate(tree.read(path).splitlines(keepends=True))
    )
    tree.write(path, text)
    commit = tree.commit(f"Try idea {idea}\n")
    assert commit is not None
    line.keep(commit)
    return commit


def test_what_overlaps_goes_with_it_and_what_does_not_stays(workspace: Workspace, line: SessionLine) -> None:
    first = keep(workspace, line, 1, 1)
    second = keep(workspace, line, 2, 11)
    third = keep(workspace, line, 3, 1, 6)
    kept, tip, before = [first, second, third], line.tip, belongings(line.repository.root)
    found = {patch: ablate(line.repository, line, tip, kept, patch) for patch in kept}
    assert [found[patch].needing for patch in kept] == [(third,), (), ()]
    texts = {patch: line.repository.read_file(found[patch].commit, "train.py") or b"" for patch in kept}
    assert [[f"idea{idea}".encode() in texts[patch] for idea in (1, 2, 3)] for patch in kept] == [
        [False, True, False],
        [True, False, True],
        [True, True, False],
    ]
    assert line.tip == tip
    assert belongings(line.repository.root) == before
    refs = line.repository.refs(f"refs/mlrcopilot/{SESSION}/ablation/")
    assert set(refs.values()) == {one.commit for one in found.values()}
    assert {patch: ablate(line.repository, line, tip, kept, patch) for patch in kept} == found


def test_without_its_only_patch_a_line_is_its_base(workspace: Workspace, line: SessionLine) -> None:
    only = keep(workspace, line, 1, 3)
    found = ablate(line.repository, line, line.tip, [only], only)
    assert line.repository.tree_id(found.commit) == line.repository.tree_id(line.base)


def test_what_was_reverted_and_redone_can_be_left_out_again(workspace: Workspace, line: SessionLine) -> None:
    first, second = keep(workspace, line, 1, 1), keep(workspace, line, 2, 11)
    line.revert(first)
    line.redo(first)
    found = ablate(line.repository, line, line.tip, [second, first], first)
    assert found.needing == ()
    assert b"idea1" not in (line.repository.read_file(found.commit, "train.py") or b"")
