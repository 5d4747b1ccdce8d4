"""A commit's files as an agent may see them: read straight from git, nothing checked out, nothing writable."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import PurePosixPath

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.globs import FileRules


class CommitTree:
    """The visible files of `commit`; see `SourceTree` for what the methods promise."""

    def __init__(self, repository: Repository, commit: str, rules: FileRules) -> None:
        self._repository = repository
        self._commit = commit
        self._rules = rules

    @cached_property
    def _visible(self) -> dict[str, PurePosixPath]:
        listed = (file.path for file in self._repository.files(self._commit) if file.mode.startswith("100"))
        return {path: PurePosixPath(path) for path in sorted(listed) if not self._rules.hidden(path)}

    def files(self) -> Sequence[PurePosixPath]:
        """Every visible file, sorted."""
        return list(self._visible.values())

    def editable(self, path: PurePosixPath) -> bool:
        """Whether a worktree of this commit would accept a write to `path`."""
        return self._rules.editable(str(path))

    def read(self, path: PurePosixPath) -> str:
        """The file's text at the commit."""
        data = self._repository.read_file(self._commit, str(path)) if str(path) in self._visible else None
        if data is None:
            raise InputError(f"{path} is not a file that agents may see.")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not UTF-8 text.") from error

    def write(self, path: PurePosixPath, text: str) -> None:  # noqa: ARG002 - the protocol's signature
        """Refuses: a commit does not change."""
        raise InputError(f"{path} cannot be written here: a commit does not change.")

    def delete(self, path: PurePosixPath) -> None:
        """Refuses: a commit does not change."""
        raise InputError(f"{path} cannot be removed here: a commit does not change.")
