"""What the researcher's words are about, kept so that they make sense when the patch they were said of is gone."""

from typing import Literal

import msgspec

SubjectKind = Literal["session", "idea", "patch", "hunk", "run", "verdict"]


class Subject(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What some words are about.

    Attributes:
        idea: 0 for the whole session, and for runs that are no idea's.
        attempt, commit: the patch that they were said of; 0 and empty where they are about none.
        hunk: its number in the attempt's patch, from 1.
        first, last: the hunk's changed lines, or those of them that were marked, in the patched file; where lines are
            only removed, in the file before.
        excerpt: the hunk, or those lines of it, as they stood.
        run: the run's journaled name.
    """

    kind: SubjectKind = "session"
    idea: int = 0
    attempt: int = 0
    commit: str = ""
    hunk: int = 0
    path: str = ""
    first: int = 0
    last: int = 0
    excerpt: str = ""
    run: str = ""

    @property
    def told(self) -> str:
        """It in words: `hunk 2 of train.py, lines 41-44, in patch 3.2`."""
        match self.kind:
            case "hunk":
                return f"{place(self.hunk, self.path, self.first, self.last)}, in patch {self.idea}.{self.attempt}"
            case "patch":
                return f"patch {self.idea}.{self.attempt}"
            case "verdict":
                return f"the verdict on {self.idea}.{self.attempt}"
            case "run":
                return f"run {self.run}"
            case "idea":
                return f"idea {self.idea}"
            case "session":
                return "the session"


class HunkNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A remark on a patch under review, which goes along with the decision on it.

    Attributes:
        hunk: counts from 1; 0 for a remark on the whole patch.
        first, last: lines of the hunk, context included, from 1; 0 for the whole hunk.
    """

    text: str
    hunk: int = 0
    first: int = 0
    last: int = 0


class LeftOut(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change of a patch that the researcher did not take.

    Attributes:
        hunk: the hunk of the patch that it is a part of, from 1; 0 for a change without hunks, such as a renaming.
        first, last: its lines in the patched file; where lines are only removed, in the file before.
        why: the researcher's reason for this very change; empty where they gave none.
    """

    path: str
    hunk: int = 0
    first: int = 0
    last: int = 0
    added: int = 0
    removed: int = 0
    why: str = ""

    @property
    def told(self) -> str:
        """It in words: `hunk 2 of train.py, lines 41-44 (+3 -1): too fragile`."""
        size = f" (+{self.added} -{self.removed})" if self.added or self.removed else ""
        return f"{place(self.hunk, self.path, self.first, self.last)}{size}{f': {self.why}' if self.why else ''}"


def place(hunk: int, path: str, first: int, last: int) -> str:
    """`hunk 2 of train.py, lines 41-44`."""
    where = f"hunk {hunk} of {path}" if hunk else path
    lines = f", line{'s' * (last > first)} {first}{f'-{last}' if last > first else ''}" if first else ""
    return where + lines
