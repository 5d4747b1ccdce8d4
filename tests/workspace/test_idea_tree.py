"""Editing an idea: what agents see, what they may change, and what a patch may hold."""

import os
import stat
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlrcopilot_tui.errors import CopilotError, InputError, RefusedError
from mlrcopilot_tui.workspace.config import FilesConfig
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.gitvalues import Identity
from mlrcopilot_tui.workspace.globs import FileRules
from mlrcopilot_tui.workspace.idea_tree import MAX_BINARY, IdeaTree
from mlrcopilot_tui.workspace.jail import MAX_TEXT, Jail
from mlrcopilot_tui.workspace.layout import Layout
from mlrcopilot_tui.workspace.worktrees import clean_trees
from tests.workspace.researcher import TRAIN, begin, belongings, git, write

SESSION = "0123abcd"
P = PurePosixPath


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {"train.py": TRAIN, "src/model.py": "model = 1\n", "evaluate.py": "x\n", "answers/test.csv": "secret\n"}
    return begin(tmp_path / "repo", files)


@pytest.fixture
def tree(root: Path) -> IdeaTree:
    return make_tree(root)


def make_tree(root: Path, editable: tuple[str, ...] = ("train.py", "src/**", "link", "big.bin", "new/**")) -> IdeaTree:
    rules = FileRules(FilesConfig(editable=editable, protected=("evaluate.py",), hidden=("answers/**",)))
    repository = Repository(root)
    tree = IdeaTree(repository, Layout(repository.root).idea_tree(SESSION, 1), repository.resolve("HEAD"), rules)
    tree.check_out()
    return tree


def test_hidden_files_are_not_there(tree: IdeaTree) -> None:
    assert [str(path) for path in tree.files()] == ["evaluate.py", "src/model.py", "train.py"]
    with pytest.raises(InputError, match=r"There is no answers/test\.csv"):
        tree.read(P("answers/test.csv"))


def test_a_patch_is_a_commit_on_the_base_and_changes_nothing_else(tree: IdeaTree, root: Path) -> None:
    write(root, {"train.py": "uncommitted\n", "staged.txt": "x\n"})
    git(root, "add", "staged.txt")
    before = belongings(root)
    tree.write(P("train.py"), TRAIN.replace("line_3 = 3", "line_3 = 30"))
    tree.write(P("src/new.py"), "new = 1\n")
    tree.delete(P("src/model.py"))
    commit = tree.commit("Try\n", author=Identity("Ada", "ada@example.org"))
    assert commit is not None
    repository = Repository(root)
    assert repository.commit(commit).parents == (tree.base,)
    assert repository.commit(commit).author.name == "Ada"
    assert repository.changed_paths(tree.base, commit) == ("src/model.py", "src/new.py", "train.py")
    assert git(tree.path, "status", "--porcelain") == ""
    assert git(tree.path, "rev-parse", "HEAD") == commit
    assert belongings(root) == before


def test_each_attempt_is_the_whole_patch(tree: IdeaTree, root: Path) -> None:
    tree.write(P("train.py"), "first\n")
    tree.commit("First\n")
    tree.write(P("src/model.py"), "second\n")
    second = tree.commit("Second\n")
    assert second is not None
    repository = Repository(root)
    assert repository.commit(second).parents == (tree.base,)
    assert repository.changed_paths(tree.base, second) == ("src/model.py", "train.py")


def test_nothing_changed_is_no_patch(tree: IdeaTree) -> None:
    assert tree.commit("Nothing\n") is None
    tree.write(P("train.py"), "x\n")
    tree.write(P("train.py"), TRAIN)
    assert tree.commit("Nothing\n") is None


def test_checking_out_an_attempt_brings_it_back(tree: IdeaTree) -> None:
    tree.write(P("train.py"), "first\n")
    first = tree.commit("First\n")
    tree.check_out()
    assert tree.read(P("train.py")) == TRAIN
    tree.check_out(first)
    assert tree.read(P("train.py")) == "first\n"


def test_only_editable_files_are_written_and_staged(tree: IdeaTree, root: Path) -> None:
    for path in ("evaluate.py", "mlrcopilot.toml", "other.py", "src/.gitattributes", "answers/test.csv"):
        with pytest.raises(InputError, match="is not editable"):
            tree.write(P(path), "x")
    write(tree.path, {"evaluate.py": "cheat\n", "other.py": "x\n", "train.py": "fair\n"})
    commit = tree.commit("Try\n")
    assert commit is not None
    assert Repository(root).changed_paths(tree.base, commit) == ("train.py",)


def test_mode_line_ends_and_bytes_stay(tree: IdeaTree) -> None:
    (tree.path / "train.py").chmod(0o755)
    tree.write(P("train.py"), "a\r\nb\rc\n\ufeff")
    assert stat.S_IMODE((tree.path / "train.py").stat().st_mode) == 0o755
    assert (tree.path / "train.py").read_bytes() == "a\r\nb\rc\n\ufeff".encode()
    assert tree.read(P("train.py")) == "a\r\nb\rc\n\ufeff"


def test_an_ignored_file_is_still_part_of_the_patch(tree: IdeaTree, root: Path) -> None:
    write(root, {".git/info/exclude": "*.cfg\n"})
    tree.write(P("src/a.cfg"), "x\n")
    commit = tree.commit("Try\n")
    assert commit is not None
    assert Repository(root).changed_paths(tree.base, commit) == ("src/a.cfg",)


@pytest.mark.parametrize(
    "path", ["src/-n", "src/--help", "src/ü ö.py", "src/*.py", "src/:(top)x", 'src/"q"', "src/a\\b"]
)
def test_any_name_can_be_committed(tree: IdeaTree, root: Path, path: str) -> None:
    tree.write(P(path), "x\n")
    commit = tree.commit("Try\n")
    assert commit is not None
    assert Repository(root).read_file(commit, path) == b"x\n"
    assert Repository(root).changed_paths(tree.base, commit) == (path,)


def test_a_file_may_become_a_folder(tree: IdeaTree, root: Path) -> None:
    tree.delete(P("src/model.py"))
    tree.write(P("src/model.py/part.py"), "x\n")
    commit = tree.commit("Split\n")
    assert commit is not None
    assert Repository(root).read_file(commit, "src/model.py/part.py") == b"x\n"


def test_a_folder_may_become_a_file(root: Path) -> None:
    tree = make_tree(root, editable=("**",))
    tree.delete(P("src/model.py"))
    (tree.path / "src").rmdir()
    tree.write(P("src"), "x\n")
    commit = tree.commit("Join\n")
    assert commit is not None
    assert Repository(root).changed_paths(tree.base, commit) == ("src", "src/model.py")


def test_a_sparse_checkout_still_shows_every_file(root: Path) -> None:
    git(root, "sparse-checkout", "set", "--no-cone", "/train.py")
    tree = make_tree(root)
    assert P("src/model.py") in tree.files()
    assert tree.commit("Nothing\n") is None


def test_a_nested_repository_is_refused(tree: IdeaTree) -> None:
    begin(tree.path / "src/library", {"a.py": "1\n"})
    with pytest.raises(RefusedError, match="src/library is a git repository of its own"):
        tree.commit("Try\n")


def test_a_link_is_refused(tree: IdeaTree) -> None:
    (tree.path / "link").symlink_to("/etc/passwd")
    with pytest.raises(RefusedError, match="makes link a link"):
        tree.commit("Try\n")
    (tree.path / "link").unlink()
    (tree.path / "src/here").symlink_to("..")
    with pytest.raises(RefusedError, match="makes src/here a link"):
        tree.commit("Try\n")


def test_a_large_binary_file_is_refused_and_a_small_one_is_not(tree: IdeaTree) -> None:
    (tree.path / "big.bin").write_bytes(b"\0" * (MAX_BINARY + 1))
    with pytest.raises(RefusedError, match=r"The patch adds big\.bin, 1\.0 MB of binary data"):
        tree.commit("Try\n")
    (tree.path / "big.bin").write_bytes(b"\0" * 10)
    assert tree.commit("Try\n")


def test_chosen_hunks_become_a_commit(tree: IdeaTree, root: Path) -> None:
    tree.write(P("train.py"), TRAIN.replace("line_1 ", "better_1 "))
    full = tree.commit("Full\n")
    assert full is not None
    tree.write(P("src/model.py"), "unwanted\n")
    part = tree.commit_patch(Repository(root).diff(tree.base, full), "Part\n")
    assert part is not None
    assert Repository(root).tree_id(part) == Repository(root).tree_id(full)
    assert tree.read(P("src/model.py")) == "unwanted\n", "what is on disk is not its business"
    assert tree.read(P("train.py")).count("better_1 ") == 1


def test_a_patch_that_does_not_apply_or_reaches_too_far_is_refused(tree: IdeaTree) -> None:
    text = "--- a/{0}\n+++ b/{0}\n@@ -1 +1 @@\n-{1}\n+y\n"
    with pytest.raises(RefusedError, match="does not apply"):
        tree.commit_patch(text.format("train.py", "never"), "x\n")
    with pytest.raises(RefusedError, match=r"changes evaluate\.py, which is not editable"):
        tree.commit_patch(text.format("evaluate.py", "x"), "x\n")
    with pytest.raises(RefusedError, match="does not apply"):
        tree.commit_patch(text.format("../outside", "x"), "x\n")
    link = "diff --git a/new/l b/new/l\nnew file mode 120000\n--- /dev/null\n+++ b/new/l\n@@ -0,0 +1 @@\n+/etc/passwd\n"
    with pytest.raises(RefusedError, match="makes new/l a link"):
        tree.commit_patch(link, "x\n")
    assert tree.read(P("train.py")) == TRAIN


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/etc/passwd", "leads out of the workspace"),
        ("../x", "leads out of the workspace"),
        ("src/../../x", "leads out of the workspace"),
        ("", "leads out of the workspace"),
        ("src/.git/config", "is git's own"),
        ("src/.GIT./config", "is git's own"),
        ("src/a\nb", "has control characters"),
        ("src/a\0b", "has control characters"),
        ("link/x", "is a link or leads through one"),
        ("folder", "is a link, a folder or a device"),
        ("link", "is a link, a folder or a device"),
        ("pipe", "is a link, a folder or a device"),
        ("x" * 300, "file name too long"),
    ],
)
def test_no_path_leads_out_of_the_jail(tmp_path: Path, path: str, said: str) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    (inside / "folder").mkdir(parents=True)
    (inside / "link").symlink_to(outside)
    os.mkfifo(inside / "pipe")
    with pytest.raises(InputError, match=said):
        Jail(inside).write(P(path), "x")
    with pytest.raises(InputError):
        Jail(inside).read(P(path))
    assert list(outside.iterdir()) == []
    assert (
        sorted(entry.name for entry in inside.iterdir())
        == ["folder", "link", "pipe", *(["src"] * path.startswith("s"))][:3]
    )


def test_what_is_no_text_is_said(tmp_path: Path) -> None:
    jail = Jail(tmp_path)
    (tmp_path / "b").write_bytes(b"a\0b")
    (tmp_path / "l").write_bytes(b"caf\xe9")
    (tmp_path / "h").write_bytes(b"x" * (MAX_TEXT + 1))
    for name, said in (("b", "is binary"), ("l", "is not UTF-8"), ("h", "is larger than 4 MB"), ("n", "There is no n")):
        with pytest.raises(InputError, match=said):
            jail.read(P(name))
    with pytest.raises(InputError, match="not valid Unicode"):
        jail.write(P("s"), "\ud800")


def test_a_hard_link_to_the_outside_is_cut_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "inside").mkdir()
    os.link(tmp_path / "theirs", tmp_path / "inside/same")
    Jail(tmp_path / "inside").write(P("same"), "ours")
    assert (tmp_path / "theirs").read_text() == "theirs"


def test_any_path_is_written_inside_or_refused(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "outside").mkdir()
    (inside / "out").symlink_to(tmp_path / "outside")

    @settings(max_examples=150)
    @given(st.lists(st.sampled_from(["..", ".", "out", "a", ".git", "", "~", "/", "b\n"]), max_size=5).map("/".join))
    def check(path: str) -> None:
        try:
            Jail(inside).write(P(path), "x")
        except CopilotError:
            pass
        else:
            assert (inside / path).resolve().is_relative_to(inside)
        assert list((tmp_path / "outside").iterdir()) == []
        assert {entry.name for entry in tmp_path.iterdir()} == {"inside", "outside"}

    check()


def test_leftovers_of_a_crash_are_found_and_removed(tree: IdeaTree, root: Path) -> None:
    layout = Layout(Repository(root).root)
    other = layout.make(layout.run_tree(SESSION, "r1"))
    (other / "locked").mkdir(mode=0o500)
    alive = make_tree(root)
    git(root, "worktree", "add", "-q", "--detach", str(layout.idea_tree(SESSION, 2)))
    git(root, "worktree", "lock", str(layout.idea_tree(SESSION, 2)))
    gone = layout.idea_tree("89abcdef", 3)
    git(root, "worktree", "add", "-q", "--detach", str(gone))
    gone.rename(root.parent / "moved")
    removed = clean_trees(layout, alive=[alive.path])
    assert set(removed) == {other, layout.idea_tree(SESSION, 2), gone}
    assert [Path(line.split()[0]).name for line in git(root, "worktree", "list").splitlines()] == ["repo", "idea-1"]
    assert alive.read(P("train.py")) == TRAIN
    assert clean_trees(layout, alive=[]) == (alive.path,)
    assert list(layout.worktrees.iterdir()) == []


def test_what_a_crash_left_aside_in_the_git_folder_is_removed_once_it_is_old(root: Path) -> None:
    old, new = root / ".git/mlrcopilot-aside-old", root / ".git/mlrcopilot-aside-new"
    for aside in (old, new):
        write(aside, {"HEAD": "x\n"})
    os.utime(old, (1, 1))
    clean_trees(Layout(root), alive=())
    assert (old.exists(), new.exists()) == (False, True)


def test_where_refs_are_kept_in_another_way_git_makes_the_worktree(root: Path) -> None:
    (root / ".git/reftable").mkdir()
    tree = make_tree(root)
    assert tree.read(P("train.py")) == TRAIN
    tree.write(P("train.py"), "x\n")
    assert tree.commit("Try\n")
    tree.remove()
    assert len(git(root, "worktree", "list").splitlines()) == 1


def test_git_knows_the_worktree_as_one_of_its_own(tree: IdeaTree, root: Path) -> None:
    assert f"worktree {tree.path}\nHEAD {tree.base}\ndetached" in git(root, "worktree", "list", "--porcelain")
    git(root, "gc", "--quiet", "--prune=now")
    git(root, "worktree", "prune", "--expire=now")
    assert git(tree.path, "status", "--porcelain") == ""
    assert git(tree.path, "rev-parse", "--git-common-dir") == str(root.resolve() / ".git")
    git(root, "worktree", "remove", str(tree.path))
    assert not (root / ".git/worktrees").exists()


def test_a_worktree_that_is_half_made_is_made_again(tree: IdeaTree, root: Path) -> None:
    (tree.path / ".git").unlink()
    tree.check_out()
    assert tree.read(P("train.py")) == TRAIN
    tree.remove()
    tree.remove()
    assert len(git(root, "worktree", "list").splitlines()) == 1


def test_a_git_file_that_points_elsewhere_is_not_trusted(tree: IdeaTree, tmp_path: Path) -> None:
    other = begin(tmp_path / "other")
    (tree.path / ".git").write_text(f"gitdir: {other}/.git\n")
    tree.write(P("train.py"), "x\n")
    with pytest.raises(InputError, match="is a worktree of another repository"):
        tree.commit("Try\n")
