"""An idea's worktree as we left it, beside the worktree as it is: the difference between the two is the researcher's.

Agents see and change the first. What they write goes to disk too, unless the researcher has been at that very file;
then the disk keeps the researcher's bytes, and git the agent's.
"""

import hashlib
import os
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.gitcommand import GitDirs
from mlrcopilot_tui.workspace.gitvalues import COPILOT, GITLINK, SYMLINK, Identity
from mlrcopilot_tui.workspace.globs import FileRules, Matcher
from mlrcopilot_tui.workspace.idea_tree import IdeaTree, private_index, walk
from mlrcopilot_tui.workspace.jail import as_text, checked_text
from mlrcopilot_tui.workspace.worktrees import add_worktree, force_remove, remove_worktree, worktree_dirs
from mlrcopilot_tui.workspace.write_log import WriteLog

_RACY_NS: Final = 50_000_000
"""File systems tell times in ticks of some ms: a file that young may change without its times telling."""
_ODD: Final = "neither a file nor absent"

_is_dropping = Matcher(
    ("**/__pycache__/**", "**/.ipynb_checkpoints/**", "**/.*_cache/**", "**/*.pyc", "**/*~", "**/.*.sw?", "**/.#*",
     "**/#*#", "**/4913", "**/.DS_Store", "**/.*.tmp")
)  # fmt: skip
"""What editors and interpreters leave beside files, which nobody takes for an edit."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """The files that are not as we left them, sorted.

    Attributes:
        edited: those that a patch may change.
        strays: those that none may change.
    """

    edited: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.edited or self.strays)


class RecordedTree:
    """Implements `SourceTree` for the agents; tells the loop what the researcher changed, and loses none of it.

    Args:
        repository: the researcher's repository.
        tree: the idea's worktree.
        rules: what may be seen and changed.
        log: what we wrote there.
        kept: a folder for files that no commit can hold when the worktree goes.
    """

    def __init__(self, repository: Repository, tree: IdeaTree, rules: FileRules, log: WriteLog, kept: Path) -> None:
        self.path = tree.path
        self._repository = repository
        self._tree = tree
        self._rules = rules
        self._log = log
        self._kept = kept
        self._lock = threading.RLock()
        self._started: tuple[str, dict[str, tuple[str, str]]] = ("", {})
        self._seen: dict[Path, tuple[tuple[int, ...], str]] = {}
        if log.unsure is not None and self._on_disk(log.unsure[0]) == log.unsure[1]:
            log.add(log.unsure[0], log.unsure[1], log.unsure[1])

    @property
    def start(self) -> str:
        """The commit that the files were last those of, but for what was written since; empty where there is none."""
        return self._log.start

    # What agents see and do

    def files(self) -> tuple[PurePosixPath, ...]:
        """Every file that is not hidden, sorted."""
        with self._lock:
            return tuple(sorted(PurePosixPath(path) for path in self._left() if not self._rules.hidden(path)))

    def editable(self, path: PurePosixPath) -> bool:
        """Whether `write` and `delete` take this path."""
        return self._rules.editable(str(path))

    def read(self, path: PurePosixPath) -> str:
        """A file's text as we left it; raises InputError for one that is absent, hidden, binary or outside."""
        checked_text(path, "")
        with self._lock:
            blob = self._left().get(str(path))
            if self._on_disk(str(path)) == blob or self._rules.hidden(str(path)):
                return self._tree.read(path)
            if blob is None:
                raise InputError(f"There is no {path}.")
            return as_text(self._repository.run("cat-file", "blob", blob).stdout, path)

    def write(self, path: PurePosixPath, text: str) -> None:
        """Replaces a file's text, or makes the file; raises InputError for one that is not editable."""
        self._tree.refuse_kept(path)
        data = checked_text(path, text)
        with self._lock:
            was, found = self._left().get(str(path)), self._on_disk(str(path))
            self._log.add(str(path), self._stored(str(path), data), was)
            if found not in {was, _ODD}:
                return
            try:
                self._tree.write(path, text)
            except BaseException:
                self._log.add(str(path), was, was)
                raise

    def delete(self, path: PurePosixPath) -> None:
        """Removes a file; raises InputError for one that is not editable."""
        self._tree.refuse_kept(path)
        with self._lock:
            was, found = self._left().get(str(path)), self._on_disk(str(path))
            if was is None:
                raise InputError(f"There is no {path}.")
            self._log.add(str(path), None, was)
            if found == was:
                self._tree.delete(path)

    # What the loop does

    def left_tree(self) -> str:
        """The id of a git tree that holds the files as we left them."""
        with self._lock:
            if not self._log.written:
                return self._repository.tree_id(self._log.start)
            held = self._started_with()
            lines = b"".join(
                os.fsencode(f"{_mode(held, path) if blob else 0} {blob or '0' * len(self._log.start)}\t{path}\0")
                for path, blob in self._log.written.items()
            )
            with private_index() as index:
                self._repository.run("read-tree", self._log.start, environment=index)
                told = ("update-index", "--add", "--replace", "-z", "--index-info")
                self._repository.run(*told, stdin=lines, environment=index)
                return self._repository.run("write-tree", environment=index).text

    def snapshot(self) -> str:
        """The same, where a patch may hold what is in it.

        Raises:
            RefusedError: as `commit` does.
        """
        tree = self.left_tree()
        self._tree.refuse_odd(tree)
        return tree

    def commit(self, message: str, *, author: Identity = COPILOT) -> str | None:
        """Commits the files as we left them as one patch; None where they are as the patch's base has them.

        Raises:
            RefusedError: the patch adds a link, a nested repository or a large binary file.
        """
        with self._lock:
            commit = self._tree.commit_tree(self.left_tree(), message, author)
            if commit is not None:
                self.adopt(commit)
            return commit

    def foreign(self) -> Foreign:
        """What is not as we left it.

        Raises:
            RefusedError: there is a git repository in the worktree.
        """
        with self._lock:
            return self._foreign_in(self.path) if self._stands() else Foreign()

    def edited_tree(self, foreign: Foreign) -> str:
        """The id of a git tree that holds the files as we left them, with the researcher's edits in them."""
        with self._lock, private_index() as index:
            self._repository.run("read-tree", self.left_tree(), environment=index)
            self._repository.run(
                *("update-index", "--add", "--remove", "--replace", "-z", "--stdin"),
                stdin=b"".join(os.fsencode(path) + b"\0" for path in foreign.edited),
                environment=index,
                dirs=self._record() or GitDirs(self._repository.git_dir, self.path),
                drivers=True,
            )
            return self._repository.run("write-tree", environment=index).text

    def adopt(self, commit: str) -> None:
        """The files are to be those of `commit` from now on; no file is touched."""
        with self._lock:
            self._log.begin(commit)
            if (dirs := self._record()) is not None:
                self._repository.run("update-ref", "--no-deref", "HEAD", commit, dirs=dirs)
                self._repository.run("read-tree", commit, dirs=dirs)

    def check_out(self, commit: str) -> tuple[Path, ...]:
        """Puts the files of `commit` there; a worktree that holds them already is left alone.

        Returns:
            Where files of the researcher's are kept that were in the way and are in no commit.
        """
        with self._lock:
            held = self._record() is not None and self._stands() and self.left_tree()
            if held == self._repository.tree_id(commit) and not self.foreign().edited:
                self.adopt(commit)
                return ()
            kept = self._retire()
            self._log.begin(commit, making=True)
            add_worktree(self._repository, self.path, commit)
            self._log.begin(commit)
            return kept

    def put(self, commit: str) -> None:
        """Writes the files of `commit` over those that are there as if somebody had saved them: nothing is recorded."""
        with self._lock:
            if not self._stands():
                return
            there = {file.path: file.blob for file in self._repository.files(commit)}
            left = self._left()
            for path in sorted(path for path in there.keys() | left.keys() if there.get(path) != left.get(path)):
                file = self.path / path
                if path not in there:
                    file.unlink(missing_ok=True)
                    continue
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(self._repository.run("cat-file", "blob", there[path]).stdout)

    def rewind(self) -> None:
        """Takes back what was written since the commit, and leaves what the researcher wrote."""
        with self._lock:
            for path, blob in list(self._log.written.items()):
                start = self._started_with().get(path)
                if self._on_disk(path) == blob and start is None:
                    (self.path / path).unlink(missing_ok=True)
                elif self._on_disk(path) == blob and start is not None:
                    data = self._repository.run("cat-file", "blob", start[1]).stdout
                    (self.path / path).write_bytes(data)
            self._log.begin(self._log.start)

    @property
    def overtaken(self) -> bool:
        """Whether something was written that is not on the disk, because the researcher had been at that file."""
        with self._lock:
            return any(self._on_disk(path) != blob for path, blob in self._log.written.items())

    def remove(self) -> tuple[Path, ...]:
        """Removes the worktree; its commits stay. Returns where files are kept that no commit holds."""
        with self._lock:
            kept = self._retire()
            self._log.forget()
            return kept

    def _retire(self) -> tuple[Path, ...]:
        """Takes the worktree out of its place, so that nothing more is saved there, and then keeps what is foreign."""
        retired = retired_place(self.path)
        if not self._log.start and (dirs := self._record()) is not None:  # as a program left it that kept no record
            self._log.begin(self._repository.run("rev-parse", "HEAD", dirs=dirs).text)
        if self.path.is_dir() and not self.path.is_symlink():
            if retired.is_dir():  # two of them: nobody can tell what is foreign in the older one
                shutil.move(retired, self._folder_to_keep())
            self.path.rename(retired)
        remove_worktree(self._repository, self.path)
        if not self._log.start or not retired.is_dir():
            force_remove(retired)
            return ()
        try:
            foreign = self._foreign_in(retired)
        except RefusedError:  # a repository within it, which nobody is to take apart
            (retired / ".git").unlink(missing_ok=True)
            kept = [Path(shutil.move(retired, self._folder_to_keep()))]
        else:
            kept = list(self._moved(retired, (*foreign.edited, *foreign.strays)))
        force_remove(retired)
        return tuple(kept)

    def _folder_to_keep(self) -> Path:
        number = 1 + len(list(self._kept.parent.glob(f"{self._kept.name}-*")))
        self._kept.parent.mkdir(mode=0o700, exist_ok=True)
        return self._kept.with_name(f"{self._kept.name}-{number}")

    def _moved(self, top: Path, paths: tuple[str, ...]) -> Iterator[Path]:
        folder = self._folder_to_keep()
        for path in (path for path in paths if os.path.lexists(top / path)):
            target = folder / path
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.move(top / path, target)
            yield target

    # What stands where

    def _stands(self) -> bool:
        """Whether there is a worktree that we checked out; one without a single file was removed."""
        there = bool(self._log.start) and self._log.whole and self.path.is_dir()
        return there and next(walk(self.path), None) is not None

    def _record(self) -> GitDirs | None:
        """Git's own record of the worktree; None where somebody removed it."""
        try:
            dirs = worktree_dirs(self._repository, self.path)
        except InputError:
            return None
        return dirs if (dirs.git_dir / "HEAD").is_file() else None

    def _started_with(self) -> dict[str, tuple[str, str]]:
        """Mode and blob of each file of the commit that was checked out."""
        if self._started[0] != self._log.start:
            files = self._repository.files(self._log.start) if self._log.start else ()
            held = {file.path: (file.mode, file.blob) for file in files if file.mode != GITLINK}
            self._started = (self._log.start, held)
        return self._started[1]

    def _left(self) -> dict[str, str]:
        """The blob of each file as we left it."""
        left = {path: blob for path, (_, blob) in self._started_with().items()}
        for path, blob in self._log.written.items():
            left.pop(path, None)
            if blob is not None:
                left[path] = blob
        return left

    def _foreign_in(self, top: Path) -> Foreign:
        left = self._left()
        present = {path for path in walk(top) if path in left or not _is_dropping(path)}
        changed = [path for path in sorted(present | left.keys()) if self._on_disk(path, top, left) != left.get(path)]
        edited = tuple(path for path in changed if self._rules.editable(path))
        return Foreign(edited, tuple(path for path in changed if path not in edited))

    def _on_disk(self, path: str, top: Path | None = None, left: Mapping[str, str] | None = None) -> str | None:
        """The blob of what is on the disk; None where nothing is. Many paths share what we `left`, or it takes long."""
        file = (top or self.path) / path
        try:
            found = file.lstat()
            if stat.S_ISLNK(found.st_mode):
                return self._digest(os.fsencode(file.readlink()))
            if not stat.S_ISREG(found.st_mode):
                return _ODD
            times = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
            if file in self._seen and self._seen[file][0] == times:
                return self._seen[file][1]
            data = file.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            return _ODD
        blob = self._digest(data)
        left = self._left() if left is None else left
        if blob != left.get(path):  # the same text may be there with other line ends
            blob = self._stored(path, data, write=False)
        if time.time_ns() - found.st_mtime_ns > _RACY_NS:
            self._seen[file] = (times, blob)
        return blob

    def _digest(self, data: bytes) -> str:
        kind = hashlib.sha256 if len(self._log.start) == 64 else hashlib.sha1
        return kind(b"blob %d\0" % len(data) + data).hexdigest()

    def _stored(self, path: str, data: bytes, *, write: bool = True) -> str:
        """The blob of a file with this content, as git would store it."""
        if b"\r\n" in data:
            return self._staged(path, data)
        options = ("-w",) if write else ()
        told = ("hash-object", *options, f"--path={path}", "--stdin")
        return self._repository.run(*told, stdin=data, dirs=self._record(), drivers=True).text

    def _staged(self, path: str, data: bytes) -> str:
        """The same for a file with such line ends, which git keeps where the commit has them: it looks at an index."""
        with private_index() as index, tempfile.TemporaryDirectory(prefix="mlrcopilot-") as aside:
            file = Path(aside, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            for folder in PurePosixPath(path).parents:
                if (told := self.path / folder / ".gitattributes").is_file() and not told.is_symlink():
                    shutil.copyfile(told, Path(aside, folder, ".gitattributes"))
            dirs = GitDirs((self._record() or GitDirs(self._repository.git_dir, self.path)).git_dir, Path(aside))
            self._repository.run("read-tree", self._log.start, environment=index)
            added = ("update-index", "--add", "--replace", "-z", "--stdin")
            self._repository.run(*added, stdin=os.fsencode(path), environment=index, dirs=dirs, drivers=True)
            staged = self._repository.run("ls-files", "--stage", "-z", "--", path, environment=index, dirs=dirs)
            return staged.fields[0].split()[1]


def retired_place(tree: Path) -> Path:
    """Where an idea's worktree is for a moment before it is gone."""
    return tree.with_name(f"retired-{tree.name}")


def _mode(held: Mapping[str, tuple[str, str]], path: str) -> str:
    mode = held[path][0] if path in held else "100644"
    return "100644" if mode == SYMLINK else mode
