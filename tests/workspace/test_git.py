"""What is read from and written to a repository, and how its troubles read."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.errors import CopilotError, EnvironmentLackError, InputError, RefusedError
from mlrcopilot_tui.workspace import gitcommand
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.gitcommand import explain, run_git
from mlrcopilot_tui.workspace.gitvalues import ABSENT, COPILOT, Dirt, Head, Identity, is_ref
from mlrcopilot_tui.workspace.new_repository import init_repository
from tests.workspace.researcher import begin, belongings, git, write


def test_a_new_repository_has_everything_in_its_first_commit(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "1\n", "deep/ü b.txt": "2\n", "-n": "3\n"})
    init_repository(tmp_path, "Begin\n\nBody.")
    repository = Repository(tmp_path)
    head = repository.head()
    assert head is not None
    assert head.branch == "main"
    assert [file.path for file in repository.files(head.commit)] == ["-n", "a.py", "deep/ü b.txt"]
    assert repository.commit("HEAD").message == "Begin\n\nBody."
    assert repository.commit("HEAD").author == COPILOT
    assert git(tmp_path, "status", "--porcelain") == ""
    with pytest.raises(InputError, match="is a git repository already"):
        init_repository(tmp_path, "Again")


def test_the_researcher_s_own_name_is_used_where_git_knows_it(tmp_path: Path, home: Path) -> None:
    write(home, {".gitconfig": "[user]\n name = Ada <x>\n email = ada@example.org\n"})
    write(tmp_path, {"a.py": "1\n"})
    init_repository(tmp_path, "Begin")
    assert Repository(tmp_path).identity() == Identity("Ada x", "ada@example.org")
    assert Repository(tmp_path).commit("HEAD").author == Identity("Ada x", "ada@example.org")


def test_a_repository_is_found_from_below_and_from_a_linked_worktree(repo: Path, tmp_path: Path) -> None:
    (repo / "deep").mkdir()
    assert Repository(repo / "deep").root == repo.resolve()
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"))
    linked = Repository(tmp_path / "linked")
    assert linked.root == (tmp_path / "linked").resolve()
    assert linked.common_dir == (repo / ".git").resolve()
    assert linked.head() == Head(git(repo, "rev-parse", "HEAD"), "linked")


def test_where_the_researcher_stands(repo: Path) -> None:
    repository = Repository(repo)
    commit = git(repo, "rev-parse", "HEAD")
    assert repository.head() == Head(commit, "main")
    git(repo, "switch", "-q", "--detach")
    assert repository.head() == Head(commit, None)
    assert repository.dirt() == Dirt(0, 0, 0)
    write(repo, {"train.py": "changed\n", "new.txt": "x\n", "README.md": "staged\n"})
    git(repo, "add", "README.md")
    git(repo, "mv", "evaluate.py", "renamed.py")
    assert repository.dirt() == Dirt(staged=2, unstaged=1, untracked=1)


@pytest.mark.parametrize("revision", ["HEAD", "main", "HEAD~0", "mlrcopilot/0123abcd/main"])
def test_a_revision_resolves_to_a_full_commit_id(repo: Path, revision: str) -> None:
    git(repo, "branch", "mlrcopilot/0123abcd/main")
    assert Repository(repo).resolve(revision) == git(repo, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    "revision",
    ["", "nothing", "--all", "-h", "HEAD..main", "HEAD:train.py", ":/Begin", "@{-1}", "HEAD^{tree}", "a\nb", "x" * 300],
)
def test_anything_else_is_no_commit(repo: Path, revision: str) -> None:
    with pytest.raises(InputError, match="No commit is named"):
        Repository(repo).resolve(revision)


def test_files_and_diffs_of_commits(repo: Path) -> None:
    repository = Repository(repo)
    old = repository.resolve("HEAD")
    write(repo, {"train.py": "new\n", "*.py": "star\n"})
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "Second\n\nBody\n")
    new = repository.resolve("HEAD")
    assert repository.read_file(new, "train.py") == b"new\n"
    assert repository.read_file(new, "*.py") == b"star\n"
    assert repository.read_file(old, "*.py") is None
    assert repository.read_file(new, "../train.py") is None
    assert repository.changed_paths(old, new) == ("*.py", "train.py")
    diff = repository.diff(old, new)
    assert "+new\n" in diff
    assert diff.startswith("diff --git a/*.py b/*.py\n")
    assert [commit.subject for commit in repository.log(new)] == ["Second", "Begin"]
    assert [commit.sha for commit in repository.log(new, since=old)] == [new]
    assert repository.commit(new).message == "Second\n\nBody"
    assert repository.is_ancestor(old, new)
    assert not repository.is_ancestor(new, old)
    assert repository.merge_base(old, new) == old


def test_the_diff_does_not_depend_on_settings(repo: Path) -> None:
    repository = Repository(repo)
    old = repository.resolve("HEAD")
    write(repo, {"train.py": "new\n"})
    git(repo, "commit", "-qam", "Second")
    plain = repository.diff(old, repository.resolve("HEAD"))
    for setting in ("diff.noprefix=true", "diff.mnemonicPrefix=true", "color.ui=always", "diff.context=9"):
        git(repo, "config", *setting.split("="))
    assert repository.diff(old, repository.resolve("HEAD")) == plain


MESSAGES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80)


def test_a_hostile_message_and_path_come_back_as_they_went_in(tmp_path: Path) -> None:
    repo = begin(tmp_path / "repo")
    repository = Repository(repo)
    tree = repository.tree_id(repository.resolve("HEAD"))

    @given(MESSAGES)
    def check(message: str) -> None:
        commit = repository.write_commit(tree, (), f"Subject\n\n{message}", author=Identity("-x", "--all"))
        assert repository.commit(commit).message == f"Subject\n\n{message}".rstrip("\n")

    check()


@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_a_ref_moves_by_compare_and_swap(tmp_path: Path, form: str) -> None:
    git(tmp_path, "init", "--quiet", f"--object-format={form}")
    repository = Repository(tmp_path)
    first = repository.write_commit(git(tmp_path, "write-tree").strip(), (), "First\n")
    other = repository.write_commit(repository.tree_id(first), (first,), "Other\n")
    ref = "refs/mlrcopilot/0123abcd/base"
    repository.move_ref(ref, first, ABSENT)
    with pytest.raises(RefusedError, match="moved meanwhile"):
        repository.move_ref(ref, other, ABSENT)
    with pytest.raises(RefusedError, match="moved meanwhile"):
        repository.move_ref(ref, other, other)
    repository.move_ref(ref, other, first)
    assert repository.refs("refs/mlrcopilot") == {ref: other}
    repository.delete_refs([ref])
    assert repository.refs("refs/mlrcopilot") == {}


def test_a_branch_that_is_checked_out_is_not_moved(repo: Path, tmp_path: Path) -> None:
    repository = Repository(repo)
    git(repo, "worktree", "add", "-q", "-b", "theirs", str(tmp_path / "linked"))
    first = repository.resolve("HEAD")
    other = repository.write_commit(repository.tree_id(first), (first,), "Other\n")
    for branch in ("main", "theirs"):
        with pytest.raises(RefusedError, match=f"The branch {branch} is checked out in"):
            repository.move_ref(f"refs/heads/{branch}", other, first)


def test_a_planted_symbolic_ref_does_not_lead_to_the_researcher_s_branch(repo: Path) -> None:
    repository = Repository(repo)
    first = repository.resolve("HEAD")
    git(repo, "branch", "theirs")
    ref = "refs/heads/mlrcopilot/0123abcd/main"
    git(repo, "symbolic-ref", ref, "refs/heads/theirs")
    other = repository.write_commit(repository.tree_id(first), (first,), "Other\n")
    repository.move_ref(ref, other, first)
    assert git(repo, "rev-parse", "theirs") == first


@pytest.mark.parametrize(
    "ref",
    [
        *("HEAD", "refs/tags/v1", "refs/heads/-x", "refs/heads/a/-x", "refs/heads/a..b", "refs/heads/a b"),
        *(
            "refs/heads/a.lock",
            "refs/heads/a//b",
            "refs/heads/a\nb",
            "refs/heads/.a",
            "refs/heads/a/",
            "refs/heads/@{x}",
        ),
    ],
)
def test_odd_names_are_no_refs(repo: Path, ref: str) -> None:
    assert not is_ref(ref)
    with pytest.raises(InputError):
        Repository(repo).move_ref(ref, "0" * 40, ABSENT)


@given(st.text("ab./-_ @{}~^:?*[\\\n", max_size=12))
def test_git_takes_every_name_that_we_take(name: str) -> None:
    if is_ref(f"refs/heads/{name}"):
        subprocess.run(["git", "check-ref-format", "--branch", name], check=True, capture_output=True)


def test_a_folder_without_git_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not in a git repository\. Run `git init` there"):
        Repository(tmp_path)


def test_a_bare_repository_and_the_inside_of_git_are_one_sentence(tmp_path: Path, repo: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    with pytest.raises(InputError, match="is a bare repository"):
        Repository(tmp_path / "bare.git")
    with pytest.raises(InputError, match=r"is inside a \.git folder"):
        Repository(repo / ".git")


def test_a_damaged_repository_is_one_sentence(repo: Path) -> None:
    repository = Repository(repo)
    commit = repository.resolve("HEAD")
    path = repo / ".git/objects" / commit[:2] / commit[2:]
    path.chmod(0o644)
    path.write_bytes(b"not zlib")
    with pytest.raises(InputError, match=r"is damaged.*git fsck"):
        repository.commit(commit)
    with pytest.raises(InputError, match="is damaged"):
        repository.head()
    path.unlink()
    with pytest.raises(InputError, match="is damaged"):
        repository.head()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_user_s_repository_is_one_sentence_until_declared_safe(repo: Path, home: Path) -> None:
    for path in (repo, repo / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(InputError, match=r"belongs to another user.*safe\.directory"):
        Repository(repo)
    write(home, {".gitconfig": f"[safe]\n directory = {repo}\n"})
    assert Repository(repo).head() is not None


@pytest.mark.parametrize(
    ("stderr", "kind", "said"),
    [
        ("fatal: write error: No space left on device", EnvironmentLackError, "The disk is full."),
        ("error: insufficient permission for adding an object", InputError, "git may not write in"),
        ("fatal: Unable to create '/r/.git/x.lock': File exists.", RefusedError, "Another git command is at work"),
        ("error: inflate: data stream error\nfatal: loose object is corrupt", InputError, "damaged: loose object is"),
        ("fatal: bad \x1b[31mthing\x07", InputError, "`git x` failed in /r: bad  [31mthing."),
        ("", InputError, "`git x` failed in /r"),
    ],
)
def test_git_s_complaints_become_sentences(stderr: str, kind: type[CopilotError], said: str) -> None:
    error = explain("x", stderr, Path("/r"))
    assert type(error) is kind
    assert said in str(error)


def test_no_git_at_all_is_an_environment_that_lacks_it(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repo))
    with pytest.raises(EnvironmentLackError, match="git was not found"):
        Repository(repo)


@pytest.mark.parametrize(("says", "sentence"), [("git version 2.17.1", "git 2.17 at .* is too old"), ("", "does not")])
def test_an_old_git_is_named_with_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, sentence: str
) -> None:
    fake = tmp_path / "git"
    fake.write_text(f"#!/bin/sh\necho '{says}'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(EnvironmentLackError, match=sentence):
        Repository(tmp_path)


def test_importing_the_module_does_not_import_gitpython() -> None:
    code = "import sys, mlrcopilot_tui.workspace.opening; sys.exit('git' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def open_files() -> set[str]:
    table = Path("/proc/self/fd")
    return {path.name for path in table.iterdir()} if table.exists() else set()


def test_no_child_process_and_no_file_stays_open(repo: Path) -> None:
    repository = Repository(repo)
    repository.head()
    before, children = open_files(), {child.pid for child in psutil.Process().children()}
    for _ in range(5):
        repository.files(repository.resolve("HEAD"))
    assert open_files() == before
    assert {child.pid for child in psutil.Process().children()} == children


def test_inherited_variables_of_git_do_not_reach_it(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = begin(tmp_path / "other", {"other.txt": "x\n"})
    before = belongings(repo)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / "index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "objects"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    repository = Repository(repo)
    assert repository.root == repo.resolve()
    head = repository.head()
    assert head is not None
    assert "train.py" in {file.path for file in repository.files(head.commit)}
    monkeypatch.undo()
    assert belongings(repo) == before
    assert not (other / "index").exists()


def test_reading_leaves_the_index_alone(repo: Path) -> None:
    os.utime(repo / "train.py", ns=(1, 1))
    before = belongings(repo)
    Repository(repo).dirt()
    assert belongings(repo) == before


def test_the_least_version_is_stated_once() -> None:
    assert gitcommand.MINIMUM_VERSION <= (2, 39)
    assert run_git(["version"], Path("/")).text.startswith("git version")
