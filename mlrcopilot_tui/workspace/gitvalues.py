"""What a git repository holds, as values, and the rules for the names that are handed to git."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mlrcopilot_tui.errors import InputError

ABSENT = ""
"""Where a ref stands that is not there: what git takes whatever a repository's form of ids."""
GITLINK = "160000"
SYMLINK = "120000"

_REF = re.compile(r"refs/(?:heads|notes|mlrcopilot)/[A-Za-z0-9][A-Za-z0-9._+/-]{0,200}")
REVISION = re.compile(r"\w[\w.+/~^@-]{0,220}")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who wrote or committed something."""

    name: str
    email: str


COPILOT = Identity("mlrcopilot", "mlrcopilot@localhost")


@dataclass(frozen=True, slots=True)
class Head:
    """Where the researcher stands: a commit, and the branch if they are on one."""

    commit: str
    branch: str | None


@dataclass(frozen=True, slots=True)
class Dirt:
    """How many files differ from the last commit."""

    staged: int
    unstaged: int
    untracked: int

    def __bool__(self) -> bool:
        return bool(self.staged or self.unstaged)


@dataclass(frozen=True, slots=True)
class TreeFile:
    """One entry of a commit's tree; `mode` is git's octal mode as text."""

    mode: str
    blob: str
    path: str


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Identity
    time: datetime
    message: str

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class WorktreeEntry:
    """One work tree of the repository, the researcher's own included."""

    path: Path
    branch: str | None


def is_ref(ref: str) -> bool:
    """Whether a full ref name is one that this program may write."""
    parts = ref.split("/")
    odd = any(not part or part.startswith((".", "-")) or part.endswith((".", ".lock")) for part in parts)
    return bool(_REF.fullmatch(ref)) and not odd and ".." not in ref


def checked(commit: str) -> str:
    """The commit id itself, once it is known to be one and so can stand among a command's arguments."""
    if not _COMMIT.fullmatch(commit):
        raise InputError(f"{commit[:60]!r} is not a full commit id.")
    return commit
