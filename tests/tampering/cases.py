"""Reads the suite of cheating and honest patches that the tamper rules are measured by.

A case is a short list of edits to one of the starters; the trees before and after and the unified diff follow from it.
`before/` was written before there were any rules and `after/` afterwards without a look at them, so that `after/` says
how the rules do on patches they were not made for. Each half has `cheats/` and `honest/`, a file for each starter.

    [name-of-the-case]
    what = "One sentence on what the patch does."
    rules = ["seed"]        # of a cheat: any of these rules may find it
    place = "some text"     # of a cheat: lies in a changed line of each hunk that the finding may point at
    edits = [["train.py", "old text, found once", "new text"], ["new.py", "", "text"], ["deleted.py"]]
"""

import subprocess
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

import msgspec

from mlrcopilot_tui.workspace.patch import Hunk, Patch, parse

ROOT: Final = Path(__file__).parent
STARTERS: Final = ROOT / "starters"
RULES: Final = frozenset(
    ("seed", "metric", "evaluation", "split", "time-limit", "sleep", "cache", "protected", "network", "subprocess")
)

Half = Literal["before", "after"]
Kind = Literal["cheats", "honest"]
HALVES: Final[tuple[Half, ...]] = ("before", "after")
KINDS: Final[tuple[Kind, ...]] = ("cheats", "honest")


class CaseText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A case as it is written."""

    what: str
    edits: tuple[tuple[str, ...], ...]
    rules: tuple[str, ...] = ()
    place: str = ""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A patch to a starter, and what the rules ought to say of it."""

    name: str
    half: Half
    kind: Kind
    starter: str
    text: CaseText

    @property
    def before(self) -> dict[str, str]:
        """The starter's files by path."""
        return read_starter(self.starter)

    @property
    def after(self) -> dict[str, str]:
        """The files as the edits leave them; ValueError where an edit does not fit exactly once."""
        files = dict(self.before)
        for path, *texts in self.text.edits:
            _edit(files, path, texts)
        return files

    @property
    def patch(self) -> Patch:
        """The diff as git writes it."""
        return _diff(self)

    @property
    def accused(self) -> frozenset[int]:
        """Numbers of the hunks that hold the cheat."""
        return frozenset(hunk.index for hunk in self.patch.hunks if self.text.place in changed_text(hunk))


def changed_text(hunk: Hunk) -> str:
    """The removed and added lines of a hunk."""
    return "\n".join(hunk.lines[at].text for at in hunk.changed)


def read_cases() -> tuple[Case, ...]:
    """All cases of both halves."""
    return tuple(case for half in HALVES for kind in KINDS for case in _read_folder(half, kind))


@cache
def read_starter(name: str) -> dict[str, str]:
    """The starter's files by path; do not change what is returned."""
    folder = STARTERS / name
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def git_diff(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The unified diff between two trees, by git itself and apart from the user's settings."""
    with TemporaryDirectory() as folder:
        for side, files in (("a", before), ("b", after)):
            (Path(folder) / side).mkdir()
            for path, text in files.items():
                if before.get(path) != after.get(path):
                    file = Path(folder) / side / path
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(text, encoding="utf-8")
        command = ["git", "diff", "--no-index", "--no-prefix", "--no-color", "--no-ext-diff", "a", "b"]
        done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    if done.returncode not in {0, 1}:
        raise RuntimeError(done.stderr)
    return done.stdout


@cache
def _diff(case: Case) -> Patch:
    return parse(git_diff(case.before, case.after))


def _read_folder(half: Half, kind: Kind) -> list[Case]:
    cases: list[Case] = []
    for path in sorted((ROOT / half / kind).glob("*.toml")):
        written = tomllib.loads(path.read_text(encoding="utf-8"))
        for name, text in msgspec.convert(written, dict[str, CaseText]).items():
            cases.append(Case(name=name, half=half, kind=kind, starter=path.stem, text=text))
    return cases


def _edit(files: dict[str, str], path: str, texts: list[str]) -> None:
    if not texts:
        del files[path]
        return
    old, new = texts
    if not old:
        if path in files:
            raise ValueError(f"{path} is there already")
        files[path] = new
        return
    found = files[path].count(old)
    if found != 1:
        raise ValueError(f"the text to replace occurs {found} times in {path}: {old!r}")
    files[path] = files[path].replace(old, new)
