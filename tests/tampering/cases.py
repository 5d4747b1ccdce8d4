"""Reads the suite of cheating and honest patches that the tamper rules are measured by.

A case is a short list of edits to one of the starters; the trees before and after and the unified diff follow from it.
`before/` was written before there were any rules, `after/` and then `later/` without a look at them, so that these two
say how the rules do on patches they were not made for, `later/` on starters of its own too. Each part has `cheats/` and
`honest/`, a file for each starter.

    [name-of-the-case]
    what = "One sentence on what the patch does."
    rules = ["seed"]        # of a cheat: any of these rules may find it
    places = ["some text"]  # of a cheat: a hunk with one of these in a changed line is where the finding may point
    edits = [["train.py", "old text, found once", "new text"], ["new.py", "", "text"], ["deleted.py"]]
"""

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

import msgspec

from mlrcopilot_tui.research.tagging import facts_of
from mlrcopilot_tui.research.tampering import Facts
from mlrcopilot_tui.workspace.config import parse_config
from mlrcopilot_tui.workspace.layout import CONFIG_NAME
from mlrcopilot_tui.workspace.patch import Hunk, Patch, parse

ROOT: Final = Path(__file__).parent
STARTERS: Final = ROOT / "starters"
RULES: Final = frozenset(
    ("seed", "metric", "evaluation", "split", "time-limit", "sleep", "cache", "protected", "network", "subprocess")
)

Part = Literal["before", "after", "later"]
Kind = Literal["cheats", "honest"]
PARTS: Final[tuple[Part, ...]] = ("before", "after", "later")
KINDS: Final[tuple[Kind, ...]] = ("cheats", "honest")


class CaseText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A case as it is written."""

    what: str
    edits: tuple[tuple[str, ...], ...]
    rules: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A patch to a starter, and what the rules ought to say of it.

    Attributes:
        before: text of each file that the patch changes or deletes, by path.
        after: text of each file that the patch changes or adds, by path.
    """

    name: str
    part: Part
    kind: Kind
    text: CaseText
    facts: Facts
    before: dict[str, str]
    after: dict[str, str]
    patch: Patch

    @property
    def accused(self) -> frozenset[int]:
        """Numbers of the hunks that hold the cheat."""
        texts = {hunk.index: changed_text(hunk) for hunk in self.patch.hunks}
        return frozenset(index for index, text in texts.items() if any(place in text for place in self.text.places))


def changed_text(hunk: Hunk) -> str:
    """The removed and added lines of a hunk."""
    return "\n".join(hunk.lines[at].text for at in hunk.changed)


@cache
def read_cases() -> tuple[Case, ...]:
    """All cases of all parts; ValueError names an edit that does not fit exactly once."""
    cases: list[Case] = []
    for part in PARTS:
        for kind in KINDS:
            for path in sorted((ROOT / part / kind).glob("*.toml")):
                cases += _read_file(path, part, kind)
    patches = _diff({case.name: (case.before, case.after) for case in cases})
    return tuple(msgspec.structs.replace(case, patch=patches[case.name]) for case in cases)


@cache
def read_starter(name: str) -> dict[str, str]:
    """The starter's files by path; do not change what is returned."""
    folder = STARTERS / name
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


def read_facts(starter: str) -> Facts:
    """What the starter's contract says."""
    return facts_of(parse_config(read_starter(starter)[CONFIG_NAME], STARTERS / starter / CONFIG_NAME))


def _read_file(path: Path, part: Part, kind: Kind) -> list[Case]:
    starter, facts = read_starter(path.stem), read_facts(path.stem)
    cases: list[Case] = []
    written = tomllib.loads(path.read_text(encoding="utf-8"))
    for name, text in msgspec.convert(written, dict[str, CaseText]).items():
        files = dict(starter)
        for edited, *texts in text.edits:
            _edit(files, edited, texts, name)
        before = {path: old for path, old in starter.items() if files.get(path) != old}
        after = {path: new for path, new in files.items() if starter.get(path) != new}
        cases.append(
            Case(name=name, part=part, kind=kind, text=text, facts=facts, before=before, after=after, patch=Patch())
        )
    return cases


def _edit(files: dict[str, str], path: str, texts: list[str], case: str) -> None:
    if not texts:
        del files[path]
        return
    old, new = texts
    if not old and path not in files:
        files[path] = new
        return
    found = files.get(path, "").count(old)
    if found != 1:
        raise ValueError(f"{case}: the text to replace occurs {found} times in {path}: {old!r}")
    files[path] = files[path].replace(old, new)


def _diff(trees: dict[str, tuple[dict[str, str], dict[str, str]]]) -> dict[str, Patch]:
    """Each case's diff as git writes it; one git for all of them, since 200 starts take seconds."""
    with TemporaryDirectory() as folder:
        for name, sides in trees.items():
            for side, files in zip("ab", sides, strict=True):
                for path, text in files.items():
                    file = Path(folder) / side / name / path
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(text, encoding="utf-8")
        command = ["git", "diff", "--no-index", "--no-prefix", "--no-renames", "--no-color", "--no-ext-diff", "a", "b"]
        done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    if done.returncode not in {0, 1}:
        raise RuntimeError(done.stderr)
    texts = dict.fromkeys(trees, "")
    for part in re.split(r"^(?=diff --git )", done.stdout, flags=re.MULTILINE)[1:]:
        header, rest = part.split("\n", 1)
        _, name, path = header.rsplit(" ", 1)[1].split("/", 2)
        # Between folders git says b/… twice of an added file; within a repository it says a/… and b/…
        texts[name] += f"diff --git a/{path} b/{path}\n{rest}".replace(f" a/{name}/", " a/").replace(
            f" b/{name}/", " b/"
        )
    return {name: parse(text) for name, text in texts.items()}
