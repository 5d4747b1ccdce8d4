"""A unified git diff as values, read from git's own text and written back, byte for byte.

Text stands in and out as `str`; decode git's output with `errors="surrogateescape"` and encode with the same, and every
byte survives.
"""

import itertools
import re
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.workspace.diff_header import ChangeKind, read_header

LineKind = Literal["context", "add", "remove"]
RawLine = tuple[LineKind, str, bool]
"""A line of a hunk as (kind, text, whether a line end follows)."""

_SIGNS: Final[dict[str, LineKind]] = {" ": "context", "+": "add", "-": "remove", "": "context"}
_SIGN_OF: Final[dict[LineKind, str]] = {"context": " ", "add": "+", "remove": "-"}
_NO_NEWLINE: Final = "\\ No newline at end of file"
_HUNK: Final = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(?: (.*))?", re.DOTALL)


class DiffLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of a hunk, without its sign and line end; line numbers count from 1."""

    kind: LineKind
    text: str
    old_no: int | None
    new_no: int | None
    newline: bool = True


class Hunk(msgspec.Struct, frozen=True, kw_only=True):
    """One contiguous change with its context; `index` counts from 1 through the whole patch."""

    index: int
    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: str
    lines: tuple[DiffLine, ...]

    @property
    def header(self) -> str:
        """The `@@` line as git writes it."""
        old, new = _span(self.old_start, self.old_count), _span(self.new_start, self.new_count)
        return f"@@ -{old} +{new} @@" + (f" {self.section}" if self.section else "")

    @property
    def changed(self) -> tuple[int, ...]:
        """Positions in `lines` of what is added or removed."""
        return tuple(at for at, line in enumerate(self.lines) if line.kind != "context")


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to one file; `header` is git's own lines up to the first hunk (a binary change is all header)."""

    path: str
    old_path: str
    kind: ChangeKind
    header: tuple[str, ...]
    hunks: tuple[Hunk, ...] = ()
    binary: bool = False
    old_mode: str = ""
    new_mode: str = ""

    @property
    def counts(self) -> tuple[int, int]:
        """Lines added, and lines removed."""
        kinds = [line.kind for hunk in self.hunks for line in hunk.lines]
        return kinds.count("add"), kinds.count("remove")


class Patch(msgspec.Struct, frozen=True, kw_only=True):
    """All the changes of one diff, in git's order."""

    files: tuple[FileChange, ...] = ()

    @property
    def hunks(self) -> tuple[Hunk, ...]:
        """Every hunk; hunk `n` stands at position `n - 1`."""
        return tuple(hunk for file in self.files for hunk in file.hunks)

    @property
    def added(self) -> int:
        """Lines added."""
        return self._count("add")

    @property
    def removed(self) -> int:
        """Lines removed."""
        return self._count("remove")

    def _count(self, kind: LineKind) -> int:
        return sum(line.kind == kind for hunk in self.hunks for line in hunk.lines)


def parse(text: str) -> Patch:
    """Read the output of `git diff` (prefixes `a/` and `b/`); InputError where it is not one."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    starts = [at for at, line in enumerate(lines) if line.startswith("diff --git ")]
    if lines and (not starts or any(line.strip() for line in lines[: starts[0]])):
        raise InputError("This is not the output of git diff.", "A patch begins with a line 'diff --git a/… b/…'.")
    files: list[FileChange] = []
    first_hunk = 1
    for start, stop in itertools.pairwise([*starts, len(lines)]):
        files.append(_read_file(lines[start:stop], first_hunk))
        first_hunk += len(files[-1].hunks)
    return Patch(files=tuple(files))


def render(patch: Patch) -> str:
    """Write the patch as `git apply` reads it; of a parsed patch, byte for byte what was parsed."""
    lines: list[str] = []
    for file in patch.files:
        lines += file.header
        for hunk in file.hunks:
            lines.append(hunk.header)
            for line in hunk.lines:
                lines.append(_SIGN_OF[line.kind] + line.text)
                if not line.newline:
                    lines.append(_NO_NEWLINE)
    return "".join(f"{line}\n" for line in lines)


def _span(start: int, count: int) -> str:
    return f"{start}" if count == 1 else f"{start},{count}"


def _read_file(lines: Sequence[str], first_hunk: int) -> FileChange:
    at = next((at for at, line in enumerate(lines) if line.startswith("@@ ")), len(lines))
    header = tuple(lines[:at])
    hunks: list[Hunk] = []
    while at < len(lines):
        hunk, at = _read_hunk(lines, at, first_hunk + len(hunks))
        hunks.append(hunk)
    facts = read_header(header)
    return FileChange(
        path=facts.path,
        old_path=facts.old_path,
        kind=facts.kind,
        header=header,
        hunks=tuple(hunks),
        binary=facts.binary,
        old_mode=facts.old_mode,
        new_mode=facts.new_mode,
    )


def _read_hunk(lines: Sequence[str], at: int, index: int) -> tuple[Hunk, int]:
    header = lines[at]
    match = _HUNK.fullmatch(header)
    if match is None:
        raise InputError(f"The patch has a hunk header that git does not write: {header[:60]!r}.")
    old_start, old_count, new_start, new_count = (int(match[i]) if match[i] else 1 for i in range(1, 5))
    old_left, new_left = old_count, new_count
    raw: list[RawLine] = []
    at += 1
    while at < len(lines):
        line = lines[at]
        if line.startswith("\\") and raw:
            raw[-1] = (*raw[-1][:2], False)
        elif (old_left or new_left) and line[:1] in _SIGNS:
            kind = _SIGNS[line[:1]]
            old_left -= kind != "add"
            new_left -= kind != "remove"
            raw.append((kind, line[1:], True))
        else:
            break
        at += 1
    if old_left or new_left or (at < len(lines) and not lines[at].startswith("@@ ")):
        raise InputError(f"The hunk {header[:60]!r} does not hold the lines that it announces.")
    return made_hunk(index, old_start, new_start, match[5] or "", raw), at


def made_hunk(index: int, old_start: int, new_start: int, section: str, raw: Sequence[RawLine]) -> Hunk:
    """A hunk of these lines; their numbers follow from the first of each side."""
    old_count = sum(kind != "add" for kind, _, _ in raw)
    new_count = sum(kind != "remove" for kind, _, _ in raw)
    old_no, new_no = old_start, new_start
    lines: list[DiffLine] = []
    for kind, text, newline in raw:
        in_old, in_new = kind != "add", kind != "remove"
        lines.append(
            DiffLine(
                kind=kind,
                text=text,
                old_no=old_no if in_old else None,
                new_no=new_no if in_new else None,
                newline=newline,
            )
        )
        old_no += in_old
        new_no += in_new
    return Hunk(
        index=index,
        old_start=old_start,
        old_count=old_count,
        new_start=new_start,
        new_count=new_count,
        section=section,
        lines=tuple(lines),
    )
