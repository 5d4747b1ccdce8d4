"""Checkouts of our own, under `.mlrcopilot/worktrees`: made, removed, and found again after a crash."""

import contextlib
import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.gitcommand import GitDirs
from mlrcopilot_tui.workspace.layout import Layout

_ASIDE = "mlrcopilot-aside-"


def add_worktree(repository: Repository, path: Path, commit: str) -> GitDirs:
    """Checks `commit` out at `path`, detached; what a crash left there goes first.

    Git's record of the worktree appears complete, in one rename. `git worktree add` writes a HEAD of zeros first, and
    when it is killed then, `git gc` and `git log --all` fail in the whole repository.
    """
    remove_worktree(repository, path)
    layout = Layout(repository.root)
    commit = repository.resolve(commit)
    if (repository.common_dir / "reftable").is_dir():  # a way to keep refs that only git itself can write
        layout.make(path.parent)
        added = ("worktree", "add", "--quiet", "--detach", "--force", "--", str(path), commit)
        repository.run(*added, drivers=True)
        return worktree_dirs(repository, path)
    layout.make(path)
    records = repository.common_dir / "worktrees"
    dirs = GitDirs(records / f"mlrcopilot-{path.parent.name}-{path.name}", path)
    _write_line(path / ".git", f"gitdir: {dirs.git_dir}")
    with _aside(repository) as aside:
        _write_line(aside / "HEAD", commit)
        _write_line(aside / "commondir", "../..")
        _write_line(aside / "gitdir", str(_real(path) / ".git"))
        _put(aside, dirs.git_dir)
    repository.run("read-tree", "--reset", "-u", commit, dirs=dirs, drivers=True)
    return dirs


def _put(aside: Path, record: Path) -> None:
    """Renames a folder to its place; whoever removes the last other worktree at this moment removes the place."""
    while True:
        record.parent.mkdir(exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            aside.rename(record)
            return


def _write_line(path: Path, line: str) -> None:
    path.write_bytes(os.fsencode(line) + b"\n")


@contextmanager
def _aside(repository: Repository) -> Iterator[Path]:
    """A folder in the git folder that git does not look at; gone afterwards, if it was not renamed."""
    aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=repository.common_dir))
    try:
        yield aside
    finally:
        force_remove(aside)


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
    records = repository.common_dir / "worktrees"
    for record in _folders(records):
        if _recorded_path(record) == _real(path):
            with _aside(repository) as aside:
                record.rename(aside / "record")
    with contextlib.suppress(OSError):
        records.rmdir()


def _recorded_path(record: Path) -> Path | None:
    """Where the worktree of a record is."""
    try:
        return _real(record / os.fsdecode((record / "gitdir").read_bytes()).strip()).parent
    except OSError:
        return None


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
    remove_asides(repository, older_than=60)
    for session in _folders(home):
        if not any(session.iterdir()):
            session.rmdir()
    return tuple(dead)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def remove_asides(repository: Repository, *, older_than: float) -> None:
    """Removes what a crash left in the git folder; what is younger, in seconds, may be another session at work."""
    for aside in repository.common_dir.glob(f"{_ASIDE}*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - aside.stat().st_mtime >= older_than:
                force_remove(aside)


def _folders(folder: Path) -> list[Path]:
    return [entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink()] if folder.is_dir() else []


def force_remove(path: Path) -> None:
    """Removes a file or a folder, read-only folders too; links are removed, not followed; nothing there is fine."""
    if path.is_symlink() or path.is_file():
        path.unlink()
        return
    if not path.exists():
        return
    try:
        path.chmod(stat.S_IRWXU)
        for at, folders, _ in os.walk(path):
            for name in folders:
                folder = Path(at, name)
                if not folder.is_symlink():
                    folder.chmod(stat.S_IRWXU)
        shutil.rmtree(path)
    except (OSError, RecursionError):
        # Folders may be nested deeper than a path is long, or than Python recurses; these two go down step by step.
        for command in (("chmod", "-R", "u+rwx"), ("rm", "-rf")):
            subprocess.run([*command, "--", path], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if path.exists():
            raise
