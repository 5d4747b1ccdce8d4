"""The tree that a run gets: its commit, without what is hidden, with what is shared, and nothing after it."""

import os
import subprocess
from pathlib import Path

import pytest

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.workspace.config import FilesConfig
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.globs import FileRules
from mlrcopilot_tui.workspace.layout import Layout
from mlrcopilot_tui.workspace.opening import Workspace
from mlrcopilot_tui.workspace.run_tree import MANY, RunTree, export_run_tree, hidden_inputs, shared_digest
from tests.workspace.researcher import TRAIN, begin, belongings, git, write

SESSION = "0123abcd"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {"train.py": TRAIN, "evaluate.py": "x\n", "checks/a.py": "a\n", "answers/test.csv": "secret\n"}
    root = begin(tmp_path / "repo", {**files, "data/tracked.csv": "in git\n", "run.sh": "#!/bin/sh\n"})
    git(root, "update-index", "--chmod=+x", "run.sh")
    git(root, "commit", "-qm", "Executable")
    git(root, "reset", "-q", "--hard")
    write(root, {"data/in.csv": "1\n", "data/deep/in.csv": "2\n", "data/secret.csv": "3\n", "untracked.py": "x\n"})
    return root


HIDDEN = ("answers/**", "data/secret.csv")


def export(
    root: Path, name: str = "r1", shared: tuple[str, ...] = ("data/**",), hidden: tuple[str, ...] = HIDDEN
) -> RunTree:
    files = FilesConfig(editable=("train.py",), protected=("evaluate.py", "checks"), hidden=hidden, shared=shared)
    repository = Repository(root)
    path = Layout(repository.root).run_tree(SESSION, name)
    return export_run_tree(repository, path, repository.resolve("HEAD"), FileRules(files))


def files_of(path: Path) -> list[str]:
    return sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if not file.is_dir())


def test_it_equals_the_commit_without_what_is_hidden_and_with_what_is_shared(root: Path) -> None:
    write(root, {"train.py": "uncommitted\n"})
    before = belongings(root)
    run = export(root)
    assert files_of(run.path) == [
        *("checks/a.py", "data/deep/in.csv", "data/in.csv", "data/tracked.csv", "evaluate.py", "run.sh", "train.py")
    ]
    assert (run.path / "train.py").read_text() == TRAIN
    assert (run.path / "data/tracked.csv").read_text() == "in git\n"
    assert not (run.path / "data/tracked.csv").is_symlink()
    assert (run.path / "data/in.csv").readlink() == root.resolve() / "data/in.csv"
    assert os.access(run.path / "run.sh", os.X_OK)
    assert run.shared.keys() == {"data/in.csv", "data/deep/in.csv"}
    assert belongings(root) == before


def test_no_repository_of_the_researcher_is_in_reach(workspace: Workspace) -> None:
    repository = workspace.repository
    path = workspace.layout.run_tree(SESSION, "r1")
    run = export_run_tree(repository, path, repository.resolve("HEAD"), workspace.contract.rules)
    assert not (run.path / ".git").exists()
    found = git(run.path, "rev-parse", "--absolute-git-dir")
    assert Path(found) == workspace.layout.home / ".git"
    assert git(run.path, "rev-parse", "HEAD", check=False) != repository.resolve("HEAD")


def test_a_linked_folder_of_inputs_is_linked_as_one(root: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", {"a.csv": "a\n", "b.csv": "b\n"})
    (root / "raw").symlink_to(tmp_path / "elsewhere")
    for globs in (("raw/**",), ("raw",), ("**",)):
        run = export(root, shared=globs, hidden=())
        assert (run.path / "raw/b.csv").read_text() == "b\n"
        assert "raw" in run.shared
        run.remove()


def test_of_a_linked_folder_only_what_is_asked_for_is_linked(root: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", {"a.csv": "a\n", "b.txt": "b\n", "secret.csv": "s\n"})
    (root / "raw").symlink_to(tmp_path / "elsewhere")
    (root / "data/raw").symlink_to(tmp_path / "elsewhere")
    (root / "dangling").symlink_to("nowhere")
    (tmp_path / "elsewhere/loop").symlink_to(tmp_path / "elsewhere")
    hidden = ("raw/secret.csv", "data/raw/secret.csv", "data/secret.csv")
    for globs, expected in (
        (("raw/*.csv", "dangling"), {"raw/a.csv"}),
        (("data/raw",), {"data/raw/a.csv", "data/raw/b.txt"}),
    ):
        run = export(root, shared=globs, hidden=hidden)
        assert run.shared.keys() == expected
        run.remove()


def test_a_large_folder_of_inputs_is_linked_as_one_where_nothing_of_it_is_in_git(root: Path) -> None:
    write(root, {f"{folder}/{number}.csv": "1\n" for folder in ("large", "data") for number in range(MANY + 1)})
    run = export(root, shared=("large/**", "data/**"), hidden=())
    assert "large" in run.shared
    assert len(run.shared) == 1 + MANY + 1 + 3
    assert (run.path / "large/7.csv").read_text() == "1\n"
    (root / "large/new.csv").write_text("2\n")
    assert run.verify_protected() == ["large"]


def test_a_sparse_checkout_still_runs_on_every_file(root: Path) -> None:
    git(root, "sparse-checkout", "set", "--no-cone", "/train.py")
    before = belongings(root)
    assert not (root / "evaluate.py").exists()
    assert (export(root).path / "evaluate.py").exists()
    assert belongings(root) == before


def test_our_own_folder_and_git_are_never_shared(workspace: Workspace) -> None:
    write(workspace.layout.root, {"notes.txt": "x\n"})
    rules = FileRules(FilesConfig(editable=("train.py",), shared=("**", ".git", ".mlrcopilot")))
    repository = workspace.repository
    run = export_run_tree(repository, workspace.layout.run_tree(SESSION, "r1"), repository.resolve("HEAD"), rules)
    assert run.shared.keys() == {"notes.txt", "mlrcopilot.toml"}


def test_one_run_sees_nothing_of_another(root: Path) -> None:
    first = export(root, "r1")
    (first.path / "train.py").write_text("changed\n")
    (first.path / "model.bin").write_text("left behind\n")
    second = export(root, "r2")
    assert (second.path / "train.py").read_text() == TRAIN
    assert not (second.path / "model.bin").exists()
    with pytest.raises(RefusedError, match="is there already"):
        export(root, "r1")
    assert (first.path / "model.bin").exists()


def test_a_protected_file_that_changes_is_found(root: Path) -> None:
    run = export(root)
    assert run.digests.keys() == {"evaluate.py", "checks/a.py"}
    assert run.verify_protected() == []
    (run.path / "train.py").write_text("may change\n")
    (run.path / "checks/__pycache__").mkdir()
    (run.path / "checks/__pycache__/a.pyc").write_bytes(b"compiled")
    assert run.verify_protected() == []
    (run.path / "evaluate.py").write_text("cheat\n")
    (run.path / "checks/a.py").unlink()
    (run.path / "checks/b.py").write_text("new\n")
    assert run.verify_protected() == ["checks/a.py", "checks/b.py", "evaluate.py"]


def test_a_protected_file_behind_a_link_is_found_though_its_bytes_are_equal(root: Path) -> None:
    run = export(root)
    (run.path / "elsewhere.py").write_text("x\n")
    (run.path / "evaluate.py").unlink()
    (run.path / "evaluate.py").symlink_to("elsewhere.py")
    assert run.verify_protected() == ["evaluate.py"]


def test_a_protected_file_of_another_size_is_found_and_not_read(root: Path) -> None:
    run = export(root)
    os.truncate(run.path / "evaluate.py", 1 << 40)
    assert run.verify_protected() == ["evaluate.py"]


def test_a_shared_input_that_changes_is_found_and_changes_the_digest(root: Path) -> None:
    run, rules = export(root), FileRules(FilesConfig(editable=("train.py",), shared=("data/**",)))
    digest = shared_digest(root, rules)
    assert shared_digest(root, rules) == digest
    write(root, {"data/in.csv": "longer than before\n"})
    assert run.verify_protected() == ["data/in.csv"]
    assert shared_digest(root, rules) != digest


def test_an_input_that_changes_is_found_though_its_size_and_time_are_put_back(root: Path) -> None:
    run = export(root)
    data = root / "data/in.csv"
    text, found = data.read_text(), data.stat()
    data.write_text(text[::-1])
    os.utime(data, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert run.verify_protected() == ["data/in.csv"]


def test_only_hidden_files_that_are_in_no_commit_are_inputs_of_an_evaluation(root: Path) -> None:
    repository, rules = Repository(root), FileRules(FilesConfig(editable=("train.py",), hidden=("*.csv", "secret/**")))
    write(root, {"tracked.csv": "1\n"})
    repository.run("add", "tracked.csv")
    tree = repository.run("write-tree").text
    write(root, {"secret/deep/labels.txt": "1\n", "other.csv": "1\n", "train.txt": "1\n"})
    assert hidden_inputs(repository, tree, rules).keys() == {"secret/deep/labels.txt", "other.csv"}


def test_a_tree_is_checked_by_a_process_that_did_not_make_it(root: Path) -> None:
    made = export(root)
    write(root, {"data/in.csv": "longer than before\n"})
    (made.path / "evaluate.py").write_text("cheat\n")
    rules = FileRules(FilesConfig(editable=("train.py",), protected=("evaluate.py", "checks")))
    found = RunTree(made.path, made.commit, rules, made.shared, made.digests, made.inputs)
    assert found.verify_protected() == ["data/in.csv", "evaluate.py"]


def test_a_file_that_changes_in_a_linked_folder_is_found(root: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", {"deep/a.csv": "a\n"})
    (root / "raw").symlink_to(tmp_path / "elsewhere")
    run = export(root, shared=("raw",), hidden=())
    assert run.verify_protected() == []
    write(tmp_path / "elsewhere", {"deep/a.csv": "other\n"})
    assert run.verify_protected() == ["raw"]


def test_removal_takes_read_only_folders_and_spares_what_is_shared(root: Path) -> None:
    run = export(root)
    deep = run.path / "out/deep"
    deep.mkdir(parents=True)
    (deep / "file").write_text("x")
    (deep / "link").symlink_to(root / "data")
    for folder in (deep, deep.parent, run.path):
        folder.chmod(0o500)
    before = belongings(root)
    run.remove()
    assert not run.path.exists()
    assert belongings(root) == before
    run.remove()


@pytest.mark.parametrize(("name", "depth"), [("a", 1200), ("b" * 200, 40)])  # recursion; the length of a path
def test_folders_nested_too_deep_hold_nobody_up(root: Path, name: str, depth: int) -> None:
    run = export(root)
    at = os.open(run.path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=at)
        at, above = os.open(name, os.O_RDONLY, dir_fd=at), at
        os.close(above)
    os.close(at)
    (run.path / "evaluate.py").write_text("cheat\n")
    assert run.verify_protected() == ["evaluate.py"]
    run.remove()
    assert not run.path.exists()


def test_a_new_protected_file_of_any_size_is_found_at_once(root: Path) -> None:
    run = export(root)
    (run.path / "checks/huge.py").touch()
    os.truncate(run.path / "checks/huge.py", 1 << 40)
    assert run.verify_protected() == ["checks/huge.py"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read all")
def test_a_protected_file_that_cannot_be_read_any_more_has_changed(root: Path) -> None:
    run = export(root)
    (run.path / "evaluate.py").chmod(0)
    assert run.verify_protected() == ["evaluate.py"]


def test_a_failed_export_leaves_nothing(root: Path) -> None:
    repository = Repository(root)
    path = Layout(repository.root).run_tree(SESSION, "r1")
    with pytest.raises(Exception, match=r"damaged|failed"):
        export_run_tree(repository, path, "0" * 40, FileRules(FilesConfig(editable=("train.py",))))
    assert not path.exists()


def test_a_run_works_in_it(root: Path) -> None:
    run = export(root)
    code = "import pathlib; print(pathlib.Path('data/in.csv').read_text() + pathlib.Path('evaluate.py').read_text())"
    done = subprocess.run(["python3", "-c", code], cwd=run.path, capture_output=True, text=True, check=True)
    assert done.stdout == "1\nx\n\n"
