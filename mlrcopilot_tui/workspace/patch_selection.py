"""Which part of a patch is taken: some of its hunks and lines and not others, made a patch that applies."""

from collections.abc import Iterable, Sequence

import msgspec

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.workspace.diff_header import kept_header
from mlrcopilot_tui.workspace.patch import FileChange, Hunk, Patch, RawLine, made_hunk


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
        hunks.append(made_hunk(first_hunk + len(hunks), hunk.old_start, new_start, hunk.section, raw))
        growth += new_count - hunk.old_count
    if not hunks:
        return None
    if file.kind == "deleted" and hunks[0].new_count:
        header = kept_header(file.header)
        return msgspec.structs.replace(file, kind="modified", header=header, hunks=tuple(hunks), new_mode=file.old_mode)
    return msgspec.structs.replace(file, hunks=tuple(hunks))


def _select_lines(hunk: Hunk, chosen: Selection) -> list[RawLine]:
    raw: list[RawLine] = []
    for at, line in enumerate(hunk.lines):
        if line.kind == "context" or chosen.takes(hunk.index, at):
            raw.append((line.kind, line.text, line.newline))
        elif line.kind == "remove":
            raw.append(("context", line.text, line.newline))
    return raw


def _ended(raw: Sequence[RawLine]) -> list[RawLine]:
    """Give a file's last line without line end a line end where the selection gave it a successor."""
    last = max((at for at, (kind, _, _) in enumerate(raw) if kind != "remove"), default=-1)
    ended: list[RawLine] = []
    for at, (kind, text, newline) in enumerate(raw):
        if newline or kind == "remove" or at == last:
            ended.append((kind, text, newline))
            continue
        if kind == "context":
            ended.append(("remove", text, False))
        ended.append(("add", text, True))
    return ended
