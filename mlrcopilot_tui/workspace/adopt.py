"""Taking a git repository in as a workspace, and letting go of it without a trace."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.workspace.command import PYTHONS, split_command
from mlrcopilot_tui.workspace.config import (
    Direction,
    FilesConfig,
    MetricConfig,
    RunConfig,
    TaskConfig,
    WorkspaceConfig,
    parse_config,
)
from mlrcopilot_tui.workspace.config_text import render_config
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.gitcommand import run_git
from mlrcopilot_tui.workspace.gitvalues import GITLINK
from mlrcopilot_tui.workspace.globs import Matcher
from mlrcopilot_tui.workspace.layout import CONFIG_NAME, HOME_NAME, Layout
from mlrcopilot_tui.workspace.lines import BRANCHES, REFS
from mlrcopilot_tui.workspace.notes import LOCK_NAME, NOTES_REF
from mlrcopilot_tui.workspace.worktrees import clean_trees, force_remove, remove_asides

_EXCLUDED = f"/{HOME_NAME}/".encode()
# Filters that keep a file's real content outside the repository or make it unreadable without a key.
_OUTSIDE = {"lfs": "Git LFS", "git-crypt": "git-crypt", "annex": "git-annex"}


@dataclass(frozen=True, slots=True)
class Adoption:
    """What `adopt` did: the workspace, and sentences that the researcher should read."""

    root: Path
    remarks: tuple[str, ...]


def adopt(
    folder: Path,
    *,
    command: str,
    metric: str,
    direction: Direction,
    editable: Sequence[str] = (),
    protected: Sequence[str] = (),
    shared: Sequence[str] = (),
) -> Adoption:
    """Makes the git repository around `folder` a workspace: writes `mlrcopilot.toml` and the `.mlrcopilot` folder.

    Raises:
        InputError: the repository or the settings will not do; nothing has changed.
    """
    repository = Repository(folder)
    layout = Layout(repository.root)
    if layout.config.exists():
        raise InputError(f"{layout.root} is a workspace already.", f"Edit its {CONFIG_NAME}, or run `mlrcopilot`.")
    tracked = check_repository(repository)
    config = WorkspaceConfig(
        task=TaskConfig(name=layout.root.name),
        run=RunConfig(command=command),
        metric=MetricConfig(name=metric, direction=direction),
        files=FilesConfig(
            editable=tuple(editable) or (_script(command, tracked, repository.root, folder),),
            protected=tuple(protected),
            shared=tuple(shared),
        ),
    )
    text = render_config(config)
    parse_config(text, layout.config)
    for glob in editable:
        if not any(map(Matcher([glob]), tracked)):
            raise InputError(f"--editable {glob!r} matches no committed file.", "Commit the file, or mend the glob.")
    with contextlib.ExitStack() as undo:
        if not layout.home.exists():
            undo.callback(_remove_home, repository)
        make_home(repository)
        _write_new(layout.config, text)
        undo.pop_all()
    return Adoption(layout.root, tuple(_remarks(repository, folder)))


def _remarks(repository: Repository, folder: Path) -> list[str]:
    remarks = []
    if not folder.samefile(repository.root):
        remarks.append(f"The workspace is the whole repository, {repository.root}; commands run there.")
    head = repository.head()
    if head is not None and head.branch is None:
        remarks.append(f"HEAD is detached; sessions begin at {head.commit[:10]}.")
    if dirt := repository.dirt():
        count = dirt.staged + dirt.unstaged
        remarks.append(f"Uncommitted changes ({count}) stay as they are; sessions begin at the last commit.")
    return remarks


def check_repository(repository: Repository) -> frozenset[str]:
    """Refuses a repository that sessions cannot work in; returns the paths that its last commit has.

    Raises:
        InputError: nothing is committed, a branch is in the way, or it has submodules or files kept elsewhere.
    """
    head = repository.head()
    if head is None:
        raise InputError(f"{repository.root} has no commit yet.", "Commit your files (`git add`, `git commit`) first.")
    if repository.refs(BRANCHES.removesuffix("/")).get(BRANCHES.removesuffix("/")):
        mend = "Rename it: `git branch -m mlrcopilot another-name`."
        raise InputError("The repository has a branch named mlrcopilot, where ours would be.", mend)
    files = repository.files(head.commit)
    if gitlink := next((file.path for file in files if file.mode == GITLINK), None):
        raise InputError(f"The repository has a submodule, {gitlink}, and submodules are not supported.")
    if any(file.path.startswith(f"{HOME_NAME}/") for file in files):
        raise InputError(f"The repository tracks files in {HOME_NAME}.", f"Remove them: `git rm -r {HOME_NAME}`.")
    paths = frozenset(file.path for file in files)
    asked = "".join(f"{path}\0" for path in sorted(paths)).encode("utf-8", "surrogateescape")
    fields = repository.run("check-attr", "-z", "--stdin", "filter", stdin=asked).fields
    for path, _, driver in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
        if driver in _OUTSIDE:
            raise InputError(f"{path} is kept in {_OUTSIDE[driver]}, which is not supported.")
    return paths


def _script(command: str, tracked: frozenset[str], root: Path, folder: Path) -> str:
    """The committed script that a command names: what agents edit unless told otherwise."""
    try:
        words = split_command(command)
    except InputError as error:
        raise InputError(f"The command {error.sentence}", error.mend) from error
    named = [PurePosixPath(word).as_posix() for word in words if not word.startswith("-")]
    if "-m" in words[:-1]:
        module = words[words.index("-m") + 1].replace(".", "/")
        named += [f"{module}.py", f"{module}/__main__.py"]
    if script := next((name for name in named if name in tracked), None):
        return script
    below = folder.resolve().relative_to(root.resolve())
    for name in named:
        if (below / name).as_posix() in tracked:
            mend = f"Write the command as it runs there, with {(below / name).as_posix()}."
            raise InputError(f"Commands run at the top of the repository, and {name} is not there.", mend)
        if (root / name).is_file() and name not in PYTHONS:
            raise InputError(f"{name} is not committed, so no run would have it.", f"Run `git add {name}` and commit.")
    raise InputError(f"The command {command!r} names no committed file.", "Say what may be edited with --editable.")


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        reason = (error.strerror or "unknown").lower()
        raise InputError(f"{path} cannot be written: {reason}.", "Check the folder's permissions.") from error


def make_home(repository: Repository) -> Layout:
    """Makes `.mlrcopilot` where it is not yet, keeps it out of git's sight, and returns the paths in it.

    It is an empty git repository itself, because `git clean -fdx` passes those by.
    """
    layout = Layout(repository.root)
    try:
        layout.make(layout.home)
        if not (layout.home / ".git").exists():
            made = ("init", "--quiet", "--initial-branch=main", "--template=", "--", str(layout.home))
            run_git(made, layout.home)
        exclude = repository.common_dir / "info" / "exclude"
        exclude.parent.mkdir(exist_ok=True)
        text = exclude.read_bytes() if exclude.exists() else b""
        if _EXCLUDED not in text.splitlines():
            # Where the last line has no end, ours gets none either, so that taking it out gives the same bytes back.
            addition = _EXCLUDED + b"\n" if text.endswith(b"\n") or not text else b"\n" + _EXCLUDED
            with exclude.open("ab") as file:
                file.write(addition)
    except OSError as error:
        reason = (error.strerror or "unknown").lower()
        raise InputError(f"{layout.home} cannot be made: {reason}.", "Check the folder's permissions.") from error
    return layout


def _remove_home(repository: Repository) -> None:
    force_remove(Layout(repository.root).home)
    if any((entry.path / HOME_NAME).exists() for entry in repository.worktrees()):
        return
    (repository.common_dir / LOCK_NAME).unlink(missing_ok=True)
    remove_asides(repository, older_than=0)
    for emptied in ("refs/mlrcopilot", "refs/notes", "logs/refs/mlrcopilot", "logs/refs/notes"):
        with contextlib.suppress(OSError):
            (repository.common_dir / emptied).rmdir()
    exclude = repository.common_dir / "info" / "exclude"
    text = exclude.read_bytes() if exclude.exists() else b""
    if text.endswith(b"\n" + _EXCLUDED):
        left = text.removesuffix(b"\n" + _EXCLUDED)
    else:
        left = b"".join(line for line in text.splitlines(keepends=True) if line.rstrip(b"\r\n") != _EXCLUDED)
    if left == text:
        return
    if left:
        exclude.write_bytes(left)
        return
    exclude.unlink()
    with contextlib.suppress(OSError):
        exclude.parent.rmdir()


def let_go(workspace: Path, *, remove_config: bool = False) -> tuple[str, ...]:
    """Removes all of ours from a repository: branches, refs, notes, worktrees, `.mlrcopilot`, the exclude line.

    Where another worktree of the repository is a workspace too, what belongs to it stays. `mlrcopilot.toml` stays
    unless told otherwise. Returns the refs that were removed.

    Raises:
        RefusedError: someone stands on one of the branches; nothing has changed.
    """
    repository = Repository(workspace)
    layout = Layout(repository.root)
    others = [entry.path for entry in repository.worktrees() if entry.path != repository.root]
    shared = any((path / HOME_NAME).exists() for path in others)
    prefixes = [BRANCHES, REFS]
    if shared:
        sessions = [path.name for path in layout.sessions.iterdir()] if layout.sessions.is_dir() else []
        prefixes = [f"{above}{session}/" for session in sessions for above in (BRANCHES, REFS)]
    doomed = set(repository.refs(*prefixes)) if prefixes else set()
    for entry in repository.worktrees():
        ref = f"refs/heads/{entry.branch}"
        if ref in doomed and layout.worktrees not in entry.path.parents:
            mend = f"Go to a branch of yours there: `git -C {entry.path} switch -`."
            raise RefusedError(f"The branch {entry.branch} is checked out in {entry.path}.", mend)
    if not shared:
        doomed |= set(repository.refs(NOTES_REF))
    clean_trees(layout, alive=())
    repository.delete_refs(sorted(doomed))
    _remove_home(repository)
    if remove_config:
        layout.config.unlink(missing_ok=True)
    return tuple(sorted(doomed))
