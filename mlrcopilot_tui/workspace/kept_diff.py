"""A diff on disk, for screens that call no git: as git writes it, and once more with the unchanged lines around it.

What is approved, and what hunks are numbered by, is the diff with git's three lines of context. The wide one is only
ever looked at: git merges hunks whose context meets, so its hunks are others.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlrcopilot_tui.files import write_whole

if TYPE_CHECKING:
    from mlrcopilot_tui.workspace.git import Repository

CONTEXT: Final = 1000
"""Unchanged lines that are kept on each side of a change: all of a script, some of a data file."""
LARGEST: Final = 4_000_000
"""Characters of a wide diff that is kept; a patch that has more is shown without what is around it."""


@dataclass(frozen=True, slots=True)
class KeptDiff:
    """A diff, and the same with wide context; empty where it is absent."""

    text: str = ""
    wide: str = ""


def keep_diff(repository: "Repository", target: Path, old: str, new: str) -> str:
    """Write the diff between two commits to `target` and the wide one beside it; return the diff."""
    text, wide = repository.diff(old, new), repository.diff(old, new, context=CONTEXT)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if len(wide) <= LARGEST:
        write_whole(_wide(target), wide.encode("utf-8", "surrogateescape"), durable=False)
    write_whole(target, text.encode("utf-8", "surrogateescape"), durable=False)
    return text


def read_diff(target: Path) -> KeptDiff:
    """Read what `keep_diff` wrote, byte for byte."""
    return KeptDiff(_read(target), _read(_wide(target)))


def _wide(target: Path) -> Path:
    return target.with_suffix(".wide.diff")


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return ""
