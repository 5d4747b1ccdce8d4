"""Checkouts of our own, under `.mlrcopilot/worktrees`: made, removed, and found again after a crash."""

import os
import shutil
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.gitcommand import GitDirs
from mlrcopilot_tui.workspace.gitvalues import checked
from mlrcopilot_tui.workspace.layout import Layout


def add_worktree(repository: Repository, path: Path, commit: str) -> GitDirs:
    """Checks `commit` out at `path`, detached; what a crash left there goes first."""
    remove_worktree(repository, path)
    Layout(repository.root).make(path.parent)
    added = ("worktree", "add", "--quiet", "--detach", "--force", "--force", "--", str(path), checked(commit))
    repository.run(*added, drivers=True)
    return worktree_dirs(repository, path)


def worktree_dirs(repository: Repository, path: Path) -> GitDirs:
    """The git folder and work tree of one of our worktrees; what its `.git` file says is checked, not trusted."""
    try:
        git_dir = Path(os.path.realpath((path / ".git").read_text("utf-8").removeprefix("gitdir:").strip()))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a worktree.", "`mlrcopilot clean` removes what is left over.") from error
    if git_dir.parent != repository.common_dir / "worktrees":
        raise InputError(
            f"{path} is a worktree of another repository.", "`mlrcopilot clean` removes what is left over."
        )
    return GitDirs(git_dir, path)


def remove_worktree(repository: Repository, path: Path) -> None:
    """Removes one of our worktrees with git's record of it, if there is one; other worktrees are not looked at."""
    force_remove(path)
    if any(entry.path == _real(path) for entry in repository.worktrees()):
        repository.run("worktree", "remove", "--force", "--force", "--", str(path))


@contextmanager
def scratch_worktree(repository: Repository, path: Path, commit: str) -> Iterator[GitDirs]:
    """A worktree for one operation."""
    try:
        yield add_worktree(repository, path, commit)
    finally:
        remove_worktree(repository, path)


def clean_trees(layout: Layout, alive: Collection[Path]) -> tuple[Path, ...]:
    """Removes every checkout under `.mlrcopilot/worktrees` that is not in `alive`; returns what was removed."""
    repository = Repository(layout.root)
    home = Layout(repository.root).worktrees
    found = {tree for session in _folders(home) for tree in _folders(session)}
    recorded = {entry.path for entry in repository.worktrees() if home in entry.path.parents}
    dead = sorted((found | recorded) - {_real(path) for path in alive})
    for path in dead:
        remove_worktree(repository, path)
    for session in _folders(home):
        if not any(session.iterdir()):
            session.rmdir()
    return tuple(dead)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _folders(folder: Path) -> list[Path]:
    return [entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink()] if folder.is_dir() else []


def force_remove(path: Path) -> None:
    """Removes a file or a folder, read-only folders too; links are removed, not followed; nothing there is fine."""
    if path.is_symlink() or path.is_file():
        path.unlink()
        return
    if not path.exists():
        return
    path.chmod(stat.S_IRWXU)
    for at, folders, _ in os.walk(path):
        for name in folders:
            folder = Path(at, name)
            if not folder.is_symlink():
                folder.chmod(stat.S_IRWXU)
    shutil.rmtree(path)
