"""Adopting a repository and letting go of it."""

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict, Unpack

import pytest

from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.workspace.adopt import Adoption, adopt, let_go
from mlrcopilot_tui.workspace.gitvalues import ABSENT
from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.opening import Workspace, open_workspace
from tests.workspace.researcher import TRAIN, begin, belongings, git, write

SESSION = "0123abcd"


class Settings(TypedDict, total=False):
    command: str
    editable: Sequence[str]
    protected: Sequence[str]


def take(folder: Path, **settings: Unpack[Settings]) -> Adoption:
    given: Settings = {"command": "python train.py", **settings}
    return adopt(folder, metric="val_error", direction="min", **given)


def test_afterwards_git_shows_the_contract_and_nothing_else(repo: Path) -> None:
    before = belongings(repo)
    adoption = take(repo)
    assert adoption == Adoption(repo.resolve(), ())
    assert git(repo, "status", "--porcelain") == "?? mlrcopilot.toml"
    assert stat.S_IMODE((repo / ".mlrcopilot").stat().st_mode) == 0o700
    assert belongings(repo) == before
    config = open_workspace(repo).contract.config
    assert config.files.editable == ("train.py",)
    assert (config.run.command, config.metric.name, config.metric.direction) == ("python train.py", "val_error", "min")


def test_cleaning_and_stashing_everything_passes_our_folder_by(workspace: Workspace) -> None:
    root = workspace.layout.root
    journal = workspace.layout.make(workspace.layout.session(SESSION)) / "journal.jsonl"
    journal.write_text("{}\n")
    git(root, "clean", "-fdx")
    git(root, "stash", "--all", check=False)
    git(root, "add", "--all")
    assert journal.exists()
    assert ".mlrcopilot" not in git(root, "ls-files", "--stage")
    assert "?? .mlrcopilot" not in git(root, "status", "--porcelain")


def test_it_can_be_undone_to_the_byte(repo: Path) -> None:
    exclude = repo / ".git/info/exclude"
    for text in (b"", b"*.log\n", b"*.log", b"# last line without an end"):
        exclude.write_bytes(text)
        before = belongings(repo)
        take(repo)
        assert git(repo, "status", "--porcelain") == "?? mlrcopilot.toml"
        let_go(repo, remove_config=True)
        assert git(repo, "status", "--porcelain", "--ignored") == ""
        assert belongings(repo) == before
        assert exclude.exists() is bool(text)
        assert not text or exclude.read_bytes() == text
        exclude.parent.mkdir(exist_ok=True)


def test_the_contract_stays_unless_told_otherwise(repo: Path) -> None:
    take(repo)
    let_go(repo)
    assert git(repo, "status", "--porcelain") == "?? mlrcopilot.toml"
    assert not (repo / ".mlrcopilot").exists()


def test_from_a_subdirectory_it_takes_the_whole_repository_and_says_so(repo: Path) -> None:
    (repo / "deep").mkdir()
    adoption = take(repo / "deep")
    assert adoption.root == repo.resolve()
    assert "The workspace is the whole repository" in adoption.remarks[0]


def test_a_detached_head_and_a_dirty_tree_are_fine_and_said(repo: Path) -> None:
    git(repo, "switch", "-q", "--detach")
    write(repo, {"train.py": "x\n"})
    before = belongings(repo)
    remarks = " ".join(take(repo).remarks)
    assert "HEAD is detached" in remarks
    assert "Uncommitted changes (1) stay as they are" in remarks
    assert belongings(repo) == before


def test_a_linked_worktree_is_a_workspace_of_its_own(repo: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "-q", str(linked))
    take(repo)
    take(linked)
    assert git(linked, "status", "--porcelain") == "?? mlrcopilot.toml"
    here, there = open_workspace(repo), open_workspace(linked)
    base = here.repository.resolve("HEAD")
    SessionLine(here.repository, SESSION).start(base)
    SessionLine(there.repository, "89abcdef").start(base)
    there.layout.make(there.layout.session("89abcdef"))
    here.layout.make(here.layout.session(SESSION))
    removed = let_go(linked)
    assert set(removed) == {"refs/heads/mlrcopilot/89abcdef/main", "refs/mlrcopilot/89abcdef/base"}
    assert SessionLine(here.repository, SESSION).tip == base
    assert git(repo, "status", "--porcelain") == "?? mlrcopilot.toml"
    let_go(repo)
    assert git(repo, "for-each-ref", "--format=%(refname)") == "refs/heads/linked\nrefs/heads/main"


def lfs(repo: Path) -> None:
    write(repo, {".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "model.bin": "pointer\n"})


def nested(repo: Path) -> None:
    begin(repo / "library", {"a.py": "1\n"})


def tracked_home(repo: Path) -> None:
    write(repo, {".mlrcopilot/x": "1\n"})


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lfs, "model.bin is kept in Git LFS, which is not supported."),
        (nested, "The repository has a submodule, library, and submodules are not supported."),
        (tracked_home, "The repository tracks files in .mlrcopilot."),
    ],
)
def test_what_sessions_cannot_work_in_is_refused(repo: Path, prepare: Callable[[Path], None], said: str) -> None:
    prepare(repo)
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "More")
    check_refused(repo, said)


def check_refused(repo: Path, said: str, **settings: Unpack[Settings]) -> None:
    before, exclude = belongings(repo), (repo / ".git/info/exclude").read_bytes()
    with pytest.raises(InputError) as caught:
        take(repo, **settings)
    assert said in str(caught.value)
    assert belongings(repo) == before
    assert (repo / ".git/info/exclude").read_bytes() == exclude
    assert not (repo / "mlrcopilot.toml").exists()


def test_attributes_for_files_that_are_not_there_do_no_harm(repo: Path) -> None:
    write(repo, {".gitattributes": "*.safetensors filter=lfs diff=lfs merge=lfs -text\n"})
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "Attributes")
    take(repo)


def test_a_branch_in_our_way_is_refused(repo: Path) -> None:
    git(repo, "branch", "mlrcopilot")
    check_refused(repo, "The repository has a branch named mlrcopilot")
    git(repo, "pack-refs", "--all")
    check_refused(repo, "git branch -m mlrcopilot another-name")


def test_a_repository_without_a_commit_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    write(tmp_path, {"train.py": "x\n"})
    with pytest.raises(InputError, match="has no commit yet"):
        take(tmp_path)


def test_adopting_twice_is_refused(repo: Path) -> None:
    take(repo)
    with pytest.raises(InputError, match="is a workspace already"):
        take(repo)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"command": "python nothing.py"}, "names no committed file. Say what may be edited with --editable."),
        ({"command": "python new.py"}, "new.py is not committed, so no run would have it. Run `git add new.py`"),
        ({"command": "python 'x"}, "The command cannot be split into words"),
        ({"command": ""}, "The command is empty."),
        ({"editable": ["missing/*.py"]}, "--editable 'missing/*.py' matches no committed file."),
        ({"editable": ["../x"]}, "files.editable has the glob '../x', which leads out of the workspace."),
        ({"protected": ["/etc"]}, "files.protected has the glob '/etc'"),
    ],
)
def test_settings_that_cannot_work_are_refused(repo: Path, settings: Settings, said: str) -> None:
    write(repo, {"new.py": "x\n"})
    check_refused(repo, said, **settings)


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ("python train.py --seed {seed}", "train.py"),
        ("python -u ./train.py", "train.py"),
        ("python -m package.train", "package/train.py"),
        ("python -m package", "package/__main__.py"),
        ("./run.sh train.py", "run.sh"),
    ],
)
def test_the_script_that_the_command_names_becomes_editable(repo: Path, command: str, script: str) -> None:
    write(repo, {"package/train.py": "x\n", "package/__main__.py": "x\n", "run.sh": "x\n"})
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "More")
    take(repo, command=command)
    assert open_workspace(repo).contract.config.files.editable == (script,)


def test_a_command_for_a_subdirectory_is_told_how_to_read(repo: Path) -> None:
    write(repo, {"deep/other.py": "x\n"})
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "More")
    with pytest.raises(InputError, match=r"Write the command as it runs there, with deep/other\.py"):
        take(repo / "deep", command="python other.py")


def test_a_file_in_our_place_is_one_sentence_and_stays_as_it_is(repo: Path) -> None:
    write(repo, {".mlrcopilot": "theirs\n"})
    check_refused(repo, "cannot be made: file exists.")
    assert (repo / ".mlrcopilot").read_text() == "theirs\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_one_sentence_and_stays_as_it_is(repo: Path) -> None:
    repo.chmod(0o555)
    try:
        check_refused(repo, "cannot be made: permission denied.")
    finally:
        repo.chmod(0o755)


def test_letting_go_removes_all_of_ours_and_nothing_else(repo: Path) -> None:
    before = belongings(repo)
    git(repo, "tag", "v1")
    git(repo, "branch", "mlrcopilot-notes")
    git(repo, "notes", "add", "-m", "theirs")
    take(repo)
    workspace = open_workspace(repo)
    line = SessionLine(workspace.repository, SESSION)
    head = workspace.repository.resolve("HEAD")
    line.start(head)
    line.record_attempt(1, 1, head)
    workspace.repository.move_ref("refs/notes/mlrcopilot", head, ABSENT)
    git(repo, "worktree", "add", "-q", "--detach", str(workspace.layout.idea_tree(SESSION, 1)))
    (repo / ".git/mlrcopilot-aside-1").mkdir()
    let_go(repo, remove_config=True)
    assert git(repo, "for-each-ref", "--format=%(refname)").splitlines() == [
        *("refs/heads/main", "refs/heads/mlrcopilot-notes", "refs/notes/commits", "refs/tags/v1")
    ]
    assert len(git(repo, "worktree", "list").splitlines()) == 1
    git(repo, "tag", "-d", "v1")
    git(repo, "branch", "-qD", "mlrcopilot-notes")
    git(repo, "update-ref", "-d", "refs/notes/commits")
    assert {**belongings(repo), "refs": before["refs"]}["train.py"] == before["train.py"]
    assert not list((repo / ".git").rglob("*mlrcopilot*"))


def test_a_branch_of_ours_that_is_checked_out_is_not_taken_away(workspace: Workspace) -> None:
    root = workspace.layout.root
    line = SessionLine(workspace.repository, SESSION)
    line.start(workspace.repository.resolve("HEAD"))
    git(root, "switch", "-q", line.branch)
    with pytest.raises(RefusedError, match=f"The branch {line.branch} is checked out in"):
        let_go(root)
    assert line.tip
    assert (root / ".mlrcopilot").exists()


def test_another_worktree_of_the_researcher_stays_though_it_is_missing(workspace: Workspace, tmp_path: Path) -> None:
    root = workspace.layout.root
    git(root, "worktree", "add", "-q", str(tmp_path / "unplugged"))
    (tmp_path / "unplugged").rename(tmp_path / "elsewhere")
    let_go(root)
    assert "unplugged" in git(root, "worktree", "list")


def test_opening_says_where_the_contract_must_lie(repo: Path) -> None:
    take(repo)
    (repo / "deep").mkdir()
    (repo / "mlrcopilot.toml").rename(repo / "deep/mlrcopilot.toml")
    with pytest.raises(InputError, match="is not at the top of its git repository"):
        open_workspace(repo / "deep")


def test_opening_a_clone_with_a_committed_contract_makes_our_folder(repo: Path, tmp_path: Path) -> None:
    take(repo)
    git(repo, "add", "mlrcopilot.toml")
    git(repo, "commit", "-qm", "Adopt")
    git(tmp_path, "clone", "-q", str(repo), "clone")
    assert open_workspace(tmp_path / "clone").layout.home.is_dir()
    assert git(tmp_path / "clone", "status", "--porcelain") == ""
    assert TRAIN in (tmp_path / "clone/train.py").read_text()
