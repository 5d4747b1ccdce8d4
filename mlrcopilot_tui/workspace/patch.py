"""A unified git diff as values, so that a person can approve some of its hunks and lines and not others.

Text stands in and out as `str`; decode git's output with `errors="surrogateescape"` and encode with the same, and every
byte survives.
"""

import itertools
import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.workspace.diff_header import ChangeKind, kept_header, read_header

LineKind = Literal["context", "add", "remove"]
Raw = tuple[LineKind, str, bool]

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


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What a person chose of one patch.

    Attributes:
        hunks: numbers of the hunks taken whole.
        lines: (hunk number, position in the hunk's lines) of single lines taken from other hunks.
        files: paths of the taken changes that have no hunk: binary, renamed only, mode only, empty.
    """

    hunks: frozenset[int] = frozenset()
    lines: frozenset[tuple[int, int]] = frozenset()
    files: frozenset[str] = frozenset()

    def takes(self, hunk: int, position: int) -> bool:
        """Say whether the changed line at this position of this hunk is chosen."""
        return hunk in self.hunks or (hunk, position) in self.lines


def everything(patch: Patch) -> Selection:
    """Choose the whole patch."""
    return Selection(hunks=frozenset(hunk.index for hunk in patch.hunks), files=_without_hunks(patch))


def only_hunks(patch: Patch, numbers: Iterable[int]) -> Selection:
    """Choose whole hunks by number; InputError names a number that the patch does not have."""
    chosen, known = frozenset(numbers), len(patch.hunks)
    if unknown := sorted(number for number in chosen if not 1 <= number <= known):
        raise InputError(f"The patch has no hunk {unknown[0]}.", f"Its hunks are numbered 1 to {known}.")
    return Selection(hunks=chosen)


def only_lines(patch: Patch, lines: Iterable[tuple[int, int]], files: Iterable[str] = ()) -> Selection:
    """Choose single changed lines; a hunk of which every changed line is chosen is taken whole."""
    given = frozenset(lines)
    whole = frozenset(hunk.index for hunk in patch.hunks if all((hunk.index, at) in given for at in hunk.changed))
    rest = frozenset((number, at) for number, at in given if number not in whole)
    return Selection(hunks=whole, lines=rest, files=frozenset(files) & _without_hunks(patch))


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


def select(patch: Patch, chosen: Selection) -> Patch:
    """Give the patch that holds only what was chosen, and applies to the same tree.

    An addition not chosen vanishes, a removal not chosen becomes context. A rename or a change of mode goes with any
    chosen line of its file. Hunks are numbered anew.
    """
    files: list[FileChange] = []
    first_hunk = 1
    for file in patch.files:
        part = _select_file(file, chosen, first_hunk)
        if part is not None:
            files.append(part)
            first_hunk += len(part.hunks)
    return Patch(files=tuple(files))


def _without_hunks(patch: Patch) -> frozenset[str]:
    return frozenset(file.path for file in patch.files if not file.hunks)


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
    raw: list[Raw] = []
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
    return _hunk(index, old_start, new_start, match[5] or "", raw), at


def _hunk(index: int, old_start: int, new_start: int, section: str, raw: Sequence[Raw]) -> Hunk:
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


def _select_file(file: FileChange, chosen: Selection, first_hunk: int) -> FileChange | None:
    if not file.hunks:
        return file if file.path in chosen.files else None
    hunks: list[Hunk] = []
    growth = 0
    for hunk in file.hunks:
        raw = _ended(_select_lines(hunk, chosen))
        if all(kind == "context" for kind, _, _ in raw):
            continue
        new_count = sum(kind != "remove" for kind, _, _ in raw)
        # A side without lines names the line before it, not its first.
        new_start = hunk.old_start + (hunk.old_count == 0) + growth - (new_count == 0)
        hunks.append(_hunk(first_hunk + len(hunks), hunk.old_start, new_start, hunk.section, raw))
        growth += new_count - hunk.old_count
    if not hunks:
        return None
    if file.kind == "deleted" and hunks[0].new_count:
        header = kept_header(file.header)
        return msgspec.structs.replace(file, kind="modified", header=header, hunks=tuple(hunks), new_mode=file.old_mode)
    return msgspec.structs.replace(file, hunks=tuple(hunks))


def _select_lines(hunk: Hunk, chosen: Selection) -> list[Raw]:
    raw: list[Raw] = []
    for at, line in enumerate(hunk.lines):
        if line.kind == "context" or chosen.takes(hunk.index, at):
            raw.append((line.kind, line.text, line.newline))
        elif line.kind == "remove":
            raw.append(("context", line.text, line.newline))
    return raw


def _ended(raw: Sequence[Raw]) -> list[Raw]:
    """Give a file's last line without line end a line end where the selection gave it a successor."""
    last = max((at for at, (kind, _, _) in enumerate(raw) if kind != "remove"), default=-1)
    ended: list[Raw] = []
    for at, (kind, text, newline) in enumerate(raw):
        if newline or kind == "remove" or at == last:
            ended.append((kind, text, newline))
            continue
        if kind == "context":
            ended.append(("remove", text, False))
        ended.append(("add", text, True))
    return ended
