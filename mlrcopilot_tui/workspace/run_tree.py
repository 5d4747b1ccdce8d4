"""Where one run works: the files of its commit, exported afresh, with no repository in reach and removed afterwards."""

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.workspace.config import FilesConfig
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.gitcommand import GitDirs
from mlrcopilot_tui.workspace.globs import FileRules, literal_roots
from mlrcopilot_tui.workspace.idea_tree import private_index
from mlrcopilot_tui.workspace.layout import HOME_NAME, Layout
from mlrcopilot_tui.workspace.worktrees import force_remove

MANY = 200
"""Shared files in one folder above which it is linked as one: 1,000 links take 0.5 s on a 2 vCPU Xeon VM."""


class RunTree:
    """One run's checkout. What it found can be kept elsewhere and given back later, by a process that did not make it.

    Attributes:
        path: the checkout.
        commit: the commit, or the tree of one to be, that it equals, without the hidden files.
        shared: the linked inputs, relative path -> the researcher's file.
        digests: the size and SHA-256 of each protected file, after its target where it is a link.
        inputs: the fingerprint of each linked input; of now, where it is not given.
    """

    def __init__(
        self,
        path: Path,
        commit: str,
        rules: FileRules,
        shared: Mapping[str, Path],
        digests: Mapping[str, str],
        inputs: Mapping[str, str] | None = None,
    ) -> None:
        self.path = path
        self.commit = commit
        self.shared = shared
        self.digests = digests
        self.inputs = input_states(shared) if inputs is None else inputs
        self._rules = rules

    def verify_protected(self) -> list[str]:
        """The protected and shared paths that are no longer as the run found them, sorted; a new file counts too."""
        return sorted({*self.changed_files(), *self.changed_inputs()})

    def changed_files(self) -> list[str]:
        """The protected files that are no longer as the run found them, sorted; a new one counts too."""
        return differing(self.digests, protected_digests(self.path, self._rules, self.digests))

    def changed_inputs(self) -> list[str]:
        """The shared inputs that are no longer as the run found them, sorted."""
        return differing({name: self.inputs.get(name, "") for name in self.shared}, input_states(self.shared))

    def remove(self) -> None:
        """Removes the checkout, also where the run made folders read-only; the shared inputs stay."""
        force_remove(self.path)


def export_run_tree(repository: Repository, path: Path, commit: str, rules: FileRules) -> RunTree:
    """Exports `commit` (or a tree, by its id) to the new folder `path`, without hidden files, shared inputs linked in.

    Raises:
        RefusedError: the folder is there already, so that another run may be in it.
    """
    layout = Layout(repository.root)
    layout.make(path.parent)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError as error:
        raise RefusedError(f"{path} is there already.", "`mlrcopilot clean` removes what a crash left.") from error
    try:
        tracked = _export(repository, path, commit, rules)
        shared = _link_shared(repository.root, path, rules, tracked)
        return RunTree(path, commit, rules, shared, protected_digests(path, rules))
    except BaseException:
        force_remove(path)
        raise


def unveiled(rules: FileRules) -> FileRules:
    """Rules by which nothing is hidden: what is, and is not in git, is an input like the shared ones."""
    globs = rules.globs
    shared = (*globs.shared, *globs.hidden)
    return FileRules(FilesConfig(editable=globs.editable, protected=globs.protected, shared=shared))


def _export(repository: Repository, path: Path, commit: str, rules: FileRules) -> set[str]:
    dirs = GitDirs(repository.git_dir, path)
    tracked = {file.path for file in repository.files(commit)}
    hidden = b"".join(os.fsencode(name) + b"\0" for name in tracked if rules.hidden(name))
    with private_index() as index:
        repository.run("read-tree", commit, environment=index, dirs=dirs)
        if hidden:
            removed = ("update-index", "--force-remove", "-z", "--stdin")
            repository.run(*removed, stdin=hidden, environment=index, dirs=dirs)
        repository.run("checkout-index", "--all", "--quiet", environment=index, dirs=dirs, drivers=True)
    return tracked


def _link_shared(source: Path, path: Path, rules: FileRules, tracked: set[str]) -> dict[str, Path]:
    linked: dict[str, Path] = {}
    folders = {path}
    for name in _links(source, rules, tracked):
        at, linked[name] = path / name, source / name
        if at.parent not in folders:
            at.parent.mkdir(parents=True, exist_ok=True)
            folders.add(at.parent)
        at.symlink_to(linked[name])
    return linked


def _links(source: Path, rules: FileRules, tracked: set[str]) -> list[str]:
    """What is linked: each shared file, so that a run's new files beside it stay in its tree; a large folder as one."""
    names = [name for name in _shared_files(source, rules) if name not in tracked and not rules.hidden(name)]
    for root in literal_roots(rules.globs.shared):
        inside = f"{root}/"
        below = {name for name in names if name.startswith(inside)}
        if len(below) > MANY and _shared_whole(root, rules) and not any(name.startswith(inside) for name in tracked):
            names = [root, *(name for name in names if name not in below)]
    return names


def _shared_files(source: Path, rules: FileRules) -> Iterator[str]:
    """What the `shared` globs match in the researcher's tree.

    A linked folder is one input, and is not entered, where all of it is shared and nothing can be hidden in it.
    """
    for root in literal_roots(rules.globs.shared):
        top = source / root
        if top.is_symlink() and top.is_dir() and _shared_whole(root, rules):
            yield root
        elif top.is_dir():
            yield from _inputs_below(source, top, rules)
        elif top.exists() and rules.shared(root):
            yield root


def _shared_whole(folder: str, rules: FileRules) -> bool:
    return rules.shared(f"{folder}/-/-") and not rules.globs.hidden


def _inputs_below(source: Path, top: Path, rules: FileRules) -> Iterator[str]:
    for at, folders, names in os.walk(top):
        below = Path(at).relative_to(source).as_posix()
        prefix = "" if below == "." else f"{below}/"
        ours = {".git"} if prefix else {HOME_NAME, ".git"}
        links = [name for name in folders if Path(at, name).is_symlink()]
        folders[:] = [name for name in folders if name not in links and name not in ours]
        yield from (f"{prefix}{name}" for name in sorted(names) if name not in ours and rules.shared(f"{prefix}{name}"))
        for link in links:
            if _shared_whole(f"{prefix}{link}", rules):
                yield f"{prefix}{link}"
            elif rules.shared(f"{prefix}{link}/-") and not _leads_up(Path(at), link):
                yield from _inputs_below(source, Path(at, link), rules)


def _leads_up(at: Path, link: str) -> bool:
    """Whether a link comes back to a folder that it lies in, so that entering it would never end."""
    return at.resolve().is_relative_to((at / link).resolve())


def protected_digests(path: Path, rules: FileRules, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Size and SHA-256 of each protected file of a tree; compiled Python, which a run writes beside it, does not count.

    Where the `known` ones are given, others, and those of another size, are not read: what a run made may be of any
    size, holes included.
    """
    digests: dict[str, str] = {}
    if not rules.globs.protected:
        return digests
    unvisited = [path]  # no recursion: a run may nest folders as deep as it likes
    while unvisited:
        with contextlib.suppress(OSError), os.scandir(unvisited.pop()) as entries:
            for entry in entries:
                file = Path(entry.path)
                below = file.relative_to(path).as_posix()
                if entry.is_dir(follow_symlinks=False):
                    unvisited += [file] if entry.name != "__pycache__" else []
                elif rules.protected(below) and not (entry.is_symlink() and os.path.isdir(file)):  # noqa: PTH112  never raises
                    digests[below] = _digest(file, None if known is None else known.get(below, ""))
    return digests


def _digest(file: Path, known: str | None) -> str:
    try:
        link = f"link to {file.readlink()}: " if file.is_symlink() else ""
        if not file.is_file():
            return f"{link}no file"
        with file.open("rb") as data:
            size = f"{link}{os.fstat(data.fileno()).st_size} B, "
            if known is not None and not known.startswith(size):
                return f"{size}unread"
            return size + hashlib.file_digest(data, "sha256").hexdigest()
    except OSError as error:  # as of one whose rights a run has taken away
        return f"unreadable: {error.strerror}"


def shared_digest(source: Path, rules: FileRules) -> str:
    """A SHA-256 over the shared inputs in the researcher's tree: names, sizes, times of change."""
    inputs = {name: fingerprint(source / name) for name in _shared_files(source, rules)}
    return hashlib.sha256(repr(sorted(inputs.items())).encode("utf-8", "surrogateescape")).hexdigest()


def input_states(shared: Mapping[str, Path]) -> dict[str, str]:
    """What inputs are like just now, so that a change while a run is on is found, also one that hides its time."""
    return {name: fingerprint(source, times=("st_mtime_ns", "st_ctime_ns")) for name, source in shared.items()}


def hidden_inputs(repository: Repository, commit: str, rules: FileRules) -> dict[str, Path]:
    """The hidden files that only an evaluation finds in its tree and that are not in the commit, by their paths."""
    only = FileRules(FilesConfig(editable=(), shared=rules.globs.hidden))
    tracked = {file.path for file in repository.files(commit)}
    return {name: repository.root / name for name in _links(repository.root, only, tracked)}


def differing(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The names that stand for something else now, or for nothing, sorted."""
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def fingerprint(source: Path, *, times: tuple[str, ...] = ("st_mtime_ns",)) -> str:
    """An input's size and times of change, as git too tells a changed file; its bytes may be many gigabytes.

    Of a folder, which is shared as a whole where it is a link: a digest over those of all its files.
    """
    try:
        found = source.stat()
    except OSError as error:
        return f"unreadable: {error.strerror}"
    if not stat.S_ISDIR(found.st_mode):
        return ":".join([str(found.st_size), *(str(getattr(found, time)) for time in times)])
    below = sorted((str(file), fingerprint(file, times=times)) for file in source.rglob("*") if not file.is_dir())
    return hashlib.sha256(repr(below).encode("utf-8", "surrogateescape")).hexdigest()
