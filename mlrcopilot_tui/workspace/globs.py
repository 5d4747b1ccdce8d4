"""Which files the workspace's contract speaks of: globs over posix paths, the same on every machine."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from mlrcopilot_tui.workspace.layout import CONFIG_NAME, HOME_NAME

# An agent that may edit these could widen what it may edit, or have git run or fetch something.
NEVER_EDITABLE = (CONFIG_NAME, HOME_NAME, "**/.git", "**/.gitattributes", "**/.gitmodules")


class FileGlobs(Protocol):
    """The four lists of `[files]`."""

    @property
    def editable(self) -> tuple[str, ...]:
        """What agents may change."""

    @property
    def protected(self) -> tuple[str, ...]:
        """What must not change while a run is on."""

    @property
    def hidden(self) -> tuple[str, ...]:
        """What agents and runs never see."""

    @property
    def shared(self) -> tuple[str, ...]:
        """Inputs that are not in git."""


class Matcher:
    """Says whether a relative posix path matches one of some globs.

    `*` and `?` stop at a slash, `**` as a whole part is any number of folders, `[ab]` and `[!ab]` are sets. A glob
    whose last part has no wildcard, or that ends in a slash, also covers everything below that folder.

    Args:
        globs: relative globs with forward slashes.
        fold_case: take upper and lower case for equal, as some file systems do.
    """

    def __init__(self, globs: Iterable[str], *, fold_case: bool = False) -> None:
        self.globs = tuple(globs)
        whole = "|".join(f"(?:{_expression(glob)})" for glob in self.globs) or r"(?!)"
        self._matches = re.compile(whole, re.DOTALL | (re.IGNORECASE if fold_case else 0)).fullmatch

    def __call__(self, path: str) -> bool:
        return self._matches(path) is not None


def _expression(glob: str) -> str:
    parts = [part for part in glob.split("/") if part not in {"", "."}]
    if not parts:
        return r"(?!)"
    folders = "".join("(?:[^/]+/)*" if part == "**" else _part(part) + "/" for part in parts[:-1])
    last = parts[-1]
    if last == "**":
        return folders + ".+"
    below = "/.+" if glob.endswith("/") else "" if re.search(r"[*?\[]", last) else "(?:/.+)?"
    return folders + _part(last) + below


def _part(part: str) -> str:
    pieces: list[str] = []
    at = 0
    while at < len(part):
        char = part[at]
        end = part.find("]", at + (3 if part[at + 1 : at + 2] == "!" else 2)) if char == "[" else -1
        if char == "*":
            pieces.append("[^/]*")
        elif char == "?":
            pieces.append("[^/]")
        elif end > 0:
            inner = part[at + 1 : end]
            negated = inner.startswith("!")
            letters = re.sub(r"([\\\[\]^&~|])", r"\\\1", inner.removeprefix("!"))
            pieces.append(f"[{'^/' if negated else ''}{letters}]")
            at = end
        else:
            pieces.append(re.escape(char))
        at += 1
    return "".join(pieces)


def literal_roots(globs: Iterable[str]) -> tuple[str, ...]:
    """The folders or files, without wildcards, below which every match of the globs lies; "" is the top."""
    roots = set()
    for glob in globs:
        parts = [part for part in glob.split("/") if part not in {"", "."}]
        wild = next((at for at, part in enumerate(parts) if re.search(r"[*?\[]", part)), len(parts))
        roots.add("/".join(parts[:wild]))
    covers = sorted(roots)
    return tuple(root for root in covers if not any(root != up and _below(root, up) for up in covers))


def _below(path: str, folder: str) -> bool:
    return not folder or path.startswith(folder + "/")


@dataclass(frozen=True)
class FileRules:
    """What may be done with each file of a workspace, from the four lists of `[files]`."""

    globs: FileGlobs

    @cached_property
    def protected(self) -> Matcher:
        """Matches what must stay as it is while a run is on."""
        return Matcher(self.globs.protected)

    @cached_property
    def hidden(self) -> Matcher:
        """Matches what no agent and no run sees."""
        return Matcher(self.globs.hidden)

    @cached_property
    def shared(self) -> Matcher:
        """Matches inputs that are not in git."""
        return Matcher(self.globs.shared)

    @cached_property
    def _editable(self) -> Matcher:
        return Matcher(self.globs.editable)

    @cached_property
    def _kept(self) -> Matcher:
        return Matcher((*self.globs.protected, *self.globs.hidden, *NEVER_EDITABLE), fold_case=True)

    def editable(self, path: str) -> bool:
        """Whether an agent may change the file: protected, hidden and the contract itself never are."""
        return self._editable(path) and not self._kept(path)
