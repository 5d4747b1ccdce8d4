"""A session's line: growing, taking back and doing again, with the researcher's files never touched."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.workspace.idea_tree import IdeaTree
from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.opening import Workspace
from tests.workspace.researcher import belongings, git, write

SESSION = "0123abcd"
TRAIN_PY = PurePosixPath("train.py")
Propose = Callable[..., str]


@pytest.fixture
def line(workspace: Workspace) -> SessionLine:
    line = SessionLine(workspace.repository, SESSION)
    line.start(workspace.repository.resolve("HEAD"))
    return line


@pytest.fixture
def propose(workspace: Workspace, line: SessionLine) -> Propose:
    """Makes a patch that changes some lines of train.py, on the tip or on `base`."""

    def propose(idea: int, *lines: int, base: str = "") -> str:
        path = workspace.layout.idea_tree(SESSION, idea)
        tree = IdeaTree(workspace.repository, path, base or line.tip, workspace.contract.rules)
        tree.check_out()
        text = tree.read(TRAIN_PY)
        for number in lines:
            text = text.replace(f"line_{number} ", f"idea{idea}_line_{number} ")
        tree.write(TRAIN_PY, text)
        commit = tree.commit(f"Try idea {idea}\n\nIdea: {idea}\n")
        assert commit is not None
        return commit

    return propose


def text_at(line: SessionLine, commit: str) -> str:
    return str((line.repository.read_file(commit, "train.py") or b"").decode())


def test_a_line_begins_once(line: SessionLine, workspace: Workspace, propose: Propose) -> None:
    base = line.base
    assert line.tip == base
    line.start(base)
    with pytest.raises(RefusedError, match="began at another commit"):
        line.start(propose(1, 1))
    with pytest.raises(InputError, match="has no refs/heads/mlrcopilot/89abcdef/main"):
        _ = SessionLine(workspace.repository, "89abcdef").tip


def test_it_grows_by_fast_forward_only(line: SessionLine, propose: Propose) -> None:
    first, rival = propose(1, 1), propose(2, 9)
    line.keep(first)
    line.keep(first)
    assert line.tip == first
    with pytest.raises(RefusedError, match=r"it moved meanwhile\. Rebase the patch on it and measure it again"):
        line.keep(rival)
    rebased = line.rebase(rival)
    assert line.repository.commit(rebased).parents == (first,)
    assert line.repository.commit(rebased).message == line.repository.commit(rival).message
    line.keep(rebased)
    assert text_at(line, line.tip).count("idea") == 2


def test_attempts_are_kept_whatever_becomes_of_them(line: SessionLine, propose: Propose) -> None:
    first, second = propose(1, 1), propose(1, 2)
    line.record_attempt(1, 1, first)
    line.record_attempt(1, 2, second)
    line.record_attempt(1, 2, second)
    assert line.attempts(1) == {1: first, 2: second}
    assert line.repository.resolve(line.idea_branch(1)) == second
    with pytest.raises(RefusedError, match="Attempt 1 of idea 1 is already recorded"):
        line.record_attempt(1, 1, second)


def test_an_idea_branch_that_someone_looks_at_stays_while_the_attempt_is_recorded(
    line: SessionLine, propose: Propose, tmp_path: Path
) -> None:
    first, second = propose(1, 1), propose(1, 2)
    line.record_attempt(1, 1, first)
    git(line.repository.root, "worktree", "add", "-q", str(tmp_path / "look"), line.idea_branch(1))
    line.record_attempt(1, 2, second)
    assert line.repository.resolve(line.idea_branch(1)) == first
    assert line.attempts(1) == {1: first, 2: second}


def test_a_line_that_someone_has_checked_out_is_not_moved(line: SessionLine, propose: Propose) -> None:
    commit = propose(1, 1)
    git(line.repository.root, "switch", "-q", line.branch)
    with pytest.raises(RefusedError, match=f"The branch {line.branch} is checked out in"):
        line.keep(commit)


def test_revert_and_redo(line: SessionLine, propose: Propose) -> None:
    first = propose(1, 1)
    line.keep(first)
    second = propose(2, 9)
    line.keep(second)
    before = belongings(line.repository.root)
    (tip,) = line.revert(first)
    assert tip == line.tip
    assert line.repository.commit(tip).parents == (second,)
    assert line.repository.commit(tip).message == (
        f'Revert "Try idea 1"\n\nThis takes back commit {first}.\n\nSession: {SESSION}\nReverts: {first}'
    )
    assert ("idea1_" in text_at(line, tip), "idea2_" in text_at(line, tip)) == (False, True)
    with pytest.raises(RefusedError, match="is taken back already; nothing changed"):
        line.revert(first)
    (again,) = line.redo(first)
    assert line.repository.tree_id(again) == line.repository.tree_id(second)
    with pytest.raises(RefusedError, match="is there already; nothing changed"):
        line.redo(first)
    assert belongings(line.repository.root) == before
    assert not list((line.repository.root / ".mlrcopilot/worktrees" / SESSION).glob("scratch-*"))


@pytest.mark.parametrize("attributes", ["", "*.py merge=union\n"])
def test_a_conflict_names_the_files_and_changes_nothing(line: SessionLine, propose: Propose, attributes: str) -> None:
    write(line.repository.common_dir, {"info/attributes": attributes})
    first = propose(1, 5)
    line.keep(first)
    line.keep(propose(2, 4, 6))
    write(line.repository.root, {"train.py": "uncommitted\n"})
    tip, before = line.tip, belongings(line.repository.root)
    with pytest.raises(RefusedError) as caught:
        line.revert(first)
    assert (
        'Try idea 1" cannot be taken back: later changes overlap with it in train.py, lines 5-7.'
        in caught.value.sentence
    )
    assert "Nothing changed." in caught.value.mend
    assert line.tip == tip
    assert belongings(line.repository.root) == before
    assert not list((line.repository.root / ".mlrcopilot/worktrees" / SESSION).glob("scratch-*"))


def test_only_a_step_of_the_line_is_taken_back(line: SessionLine, propose: Propose) -> None:
    stray = propose(1, 1)
    for commit in (stray, line.base):
        with pytest.raises(InputError, match=f"is not a step of session {SESSION}"):
            line.revert(commit)
    with pytest.raises(InputError, match="No commit is named"):
        line.revert("--abort")


@pytest.mark.parametrize("session", ["", "x", "../../..", "0123abcd/x", "0123ABCD"])
def test_only_a_session_id_names_a_line(workspace: Workspace, session: str) -> None:
    with pytest.raises(InputError, match="is not a session id"):
        SessionLine(workspace.repository, session)
