"""Where one idea is edited: a detached worktree of which agents see and change what the contract lets them."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.gitvalues import COPILOT, GITLINK, SYMLINK, Identity, TreeFile
from mlrcopilot_tui.workspace.globs import FileRules
from mlrcopilot_tui.workspace.jail import Jail, is_git_name
from mlrcopilot_tui.workspace.worktrees import add_worktree, remove_worktree, worktree_dirs

MAX_BINARY = 1024 * 1024
"""Bytes of the largest binary file that a patch may add or change."""


class IdeaTree:
    """A worktree for one idea; the files in it are jailed, and each commit of it is the whole patch on `base`.

    Args:
        repository: the researcher's repository.
        path: where the worktree is, or is to be.
        base: the commit that the idea starts from.
        rules: what may be seen and changed.
    """

    def __init__(self, repository: Repository, path: Path, base: str, rules: FileRules) -> None:
        self.path = path
        self.base = base
        self._repository = repository
        self._rules = rules
        self._jail = Jail(path)

    def check_out(self, commit: str | None = None) -> None:
        """Makes the worktree anew with the files of `commit` (`base` by default); edits in it are lost."""
        add_worktree(self._repository, self.path, commit or self.base)

    def remove(self) -> None:
        """Removes the worktree; its commits stay."""
        remove_worktree(self._repository, self.path)

    def files(self) -> tuple[PurePosixPath, ...]:
        """Every file that is not hidden, sorted."""
        return tuple(sorted(PurePosixPath(path) for path in walk(self.path) if not self._rules.hidden(path)))

    def editable(self, path: PurePosixPath) -> bool:
        """Whether `write` and `delete` take this path."""
        return self._rules.editable(str(path))

    def read(self, path: PurePosixPath) -> str:
        """A file's text; raises InputError for one that is absent, hidden, binary or outside."""
        if self._rules.hidden(str(path)):
            raise InputError(f"There is no {path}.")
        return self._jail.read(path)

    def write(self, path: PurePosixPath, text: str) -> None:
        """Replaces a file's text, or makes the file; raises InputError for one that is not editable."""
        self.refuse_kept(path)
        self._jail.write(path, text)

    def delete(self, path: PurePosixPath) -> None:
        """Removes a file; raises InputError for one that is not editable."""
        self.refuse_kept(path)
        self._jail.delete(path)

    def refuse_kept(self, path: PurePosixPath) -> None:
        """Raises InputError for a file that is not editable."""
        if not self.editable(path):
            raise InputError(f"{path} is not editable.", "files.editable in mlrcopilot.toml says which files are.")

    def commit(self, message: str, *, author: Identity = COPILOT) -> str | None:
        """Commits the editable files as one patch on `base`; None where they are as `base` has them.

        Raises:
            RefusedError: the patch adds a link, a nested repository or a large binary file.
        """
        commit = self.commit_tree(self._written_tree(), message, author)
        if commit is not None:
            dirs = worktree_dirs(self._repository, self.path)
            self._repository.run("update-ref", "--no-deref", "HEAD", commit, dirs=dirs)
            self._repository.run("read-tree", commit, dirs=dirs)
        return commit

    def snapshot(self) -> str:
        """The id of a git tree that holds the files as they stand; neither HEAD nor any ref knows of it.

        Raises:
            RefusedError: as `commit` does.
        """
        tree = self._written_tree()
        self.refuse_odd(tree)
        return tree

    def _written_tree(self) -> str:
        """The tree of `base` with the editable files as they are on disk."""
        with private_index() as index:
            self._repository.run("read-tree", self.base, environment=index)
            paths = sorted(path for path in self._present() if self._rules.editable(path))
            staged = b"".join(os.fsencode(path) + b"\0" for path in paths)
            self._repository.run(
                *("update-index", "--add", "--remove", "--replace", "-z", "--stdin"),
                stdin=staged,
                environment=index,
                dirs=worktree_dirs(self._repository, self.path),
                drivers=True,
            )
            return self._repository.run("write-tree", environment=index).text

    def commit_patch(self, patch: str, message: str, author: Identity = COPILOT) -> str | None:
        """Commits a unified diff against `base` (chosen hunks, an edited patch); no file is touched.

        Raises:
            RefusedError: it does not apply, or changes what is not editable.
        """
        return self.commit_tree(patched_tree(self._repository, self.base, patch), message, author)

    def _present(self) -> set[str]:
        """The files on disk and those of `base`, hidden ones too: what a commit must look at."""
        return {*walk(self.path), *(file.path for file in self._repository.files(self.base))}

    def commit_tree(self, tree: str, message: str, author: Identity) -> str | None:
        """Commits a tree as a patch on `base`, whatever the files are; None where it is the tree of `base`.

        Raises:
            RefusedError: as `commit` does.
        """
        if tree == self._repository.tree_id(self.base):
            return None
        commit = self._repository.write_commit(tree, (self.base,), message, author=author)
        self.refuse_odd(commit)
        return commit

    def refuse_odd(self, commit: str) -> None:
        """Raises RefusedError for what a patch of an experiment has no business to hold; a tree's id will do."""
        changed = set(self._repository.changed_paths(self.base, commit))
        for file in self._repository.files(commit):
            if file.path in changed:
                self._refuse_odd_file(file)
        if kept := sorted(path for path in changed if not self._rules.editable(path)):
            raise RefusedError(f"The patch changes {kept[0]}, which is not editable.", "Leave that file as it is.")

    def _refuse_odd_file(self, file: TreeFile) -> None:
        if file.mode == GITLINK:
            raise _nested(file.path)
        if file.mode == SYMLINK:
            raise RefusedError(f"The patch makes {file.path} a link.", "Put a file there instead.")
        if int(self._repository.run("cat-file", "-s", file.blob).text) > MAX_BINARY:
            data = self._repository.run("cat-file", "blob", file.blob).stdout
            if b"\0" in data[:8192]:
                size = f"{len(data) / 1024**2:.1f} MB"
                raise RefusedError(f"The patch adds {file.path}, {size} of binary data.", "Keep such files out of git.")


def _nested(path: str) -> RefusedError:
    return RefusedError(f"{path} is a git repository of its own, which a patch cannot hold.", "Remove its .git.")


def walk(top: Path) -> Iterator[str]:
    """Every file and link below `top` as a posix path, the worktree's own `.git` left out."""
    for at, folders, names in os.walk(top):
        below = Path(at).relative_to(top)
        inside = below != Path()
        if inside and any(is_git_name(name) for name in (*folders, *names)):
            raise _nested(below.as_posix())
        links = [name for name in folders if Path(at, name).is_symlink()]
        folders[:] = [name for name in folders if name not in links and not is_git_name(name)]
        yield from ((below / name).as_posix() for name in (*names, *links) if not is_git_name(name))


def patched_tree(repository: Repository, base: str, patch: str) -> str:
    """The tree of commit `base` with a unified diff applied; nothing is checked out.

    Raises:
        RefusedError: the patch does not apply.
    """
    with private_index() as index:
        repository.run("read-tree", base, environment=index)
        applied = repository.run(
            *("apply", "--cached", "--whitespace=nowarn", "-"),
            stdin=patch.encode("utf-8", "surrogateescape"),
            environment=index,
            drivers=True,
            accept=(0, 1, 128),
        )
        if applied.status:
            raise RefusedError("The patch does not apply to the commit that it was made for.", "Edit it again.")
        return repository.run("write-tree", environment=index).text


@contextmanager
def private_index() -> Iterator[dict[str, str]]:
    """The environment that makes git use an empty index of its own."""
    with tempfile.TemporaryDirectory(prefix="mlrcopilot-") as folder:
        yield {"GIT_INDEX_FILE": str(Path(folder, "index"))}
