"""What the header of one file in a git diff says: which file, under which names and modes, changed in which way."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

ChangeKind = Literal["modified", "added", "deleted", "renamed", "copied"]

_NAMES: Final = ("rename from", "rename to", "copy from", "copy to")
_MODES: Final = ("old mode", "new mode", "deleted file mode", "new file mode")
_KINDS: Final[dict[str, ChangeKind]] = {
    "new file mode": "added",
    "deleted file mode": "deleted",
    "rename to": "renamed",
    "copy to": "copied",
}
_BINARY: Final = ("Binary files ", "GIT binary patch")
_ESCAPE: Final = re.compile(rb'\\([abtnvfr"\\]|[0-7]{3})')
_ESCAPED: Final = dict(zip(b'abtnvfr"\\', b'\a\b\t\n\v\f\r"\\', strict=True))


@dataclass(frozen=True, slots=True)
class DiffHeader:
    """The facts of a header; a mode that it does not tell is empty."""

    path: str
    old_path: str
    kind: ChangeKind
    binary: bool
    old_mode: str
    new_mode: str


def read_header(header: Sequence[str]) -> DiffHeader:
    """Read the lines from `diff --git` up to the first hunk."""
    fields = {name: value for line in header for name, value in _field(line)}
    old_path, path = _paths(header[0], fields)
    mode = fields.get("index", "").partition(" ")[2]
    return DiffHeader(
        path=path,
        old_path=old_path,
        kind=next((kind for name, kind in _KINDS.items() if name in fields), "modified"),
        binary=any(line.startswith(_BINARY) for line in header),
        old_mode=fields.get("old mode", fields.get("deleted file mode", mode)),
        new_mode=fields.get("new mode", fields.get("new file mode", mode)),
    )


def kept_header(header: Sequence[str]) -> tuple[str, ...]:
    """Rewrite the header of a deletion for a file of which some lines stay."""
    lines = [line for line in header if not line.startswith(("deleted file mode ", "index "))]
    old = next(line for line in lines if line.startswith("--- "))
    new = "+++ " + re.sub(r'^("?)a/', r"\1b/", old.removeprefix("--- "))
    return tuple(new if line.startswith("+++ ") else line for line in lines)


def _field(line: str) -> Iterator[tuple[str, str]]:
    for name in (*_NAMES, *_MODES, "index", "---", "+++"):
        if line.startswith(name + " "):
            yield name, line[len(name) + 1 :]


def _paths(first_line: str, fields: dict[str, str]) -> tuple[str, str]:
    for old, new in (_NAMES[:2], _NAMES[2:]):
        if new in fields:
            return _unquoted(fields[old]), _unquoted(fields[new])
    # git ends a name that holds a space with a tab, so that other programs find where it stops.
    sides = [fields[side].removesuffix("\t") for side in ("---", "+++") if side in fields]
    named = [_unquoted(side)[2:] for side in sides if side != "/dev/null"]
    if named:
        return named[0], named[-1]
    # No content changed: the first line holds the same name twice, once with a/ and once with b/.
    names = first_line.removeprefix("diff --git ")
    path = _unquoted(names[: len(names) // 2])[2:]
    return path, path


def _unquoted(name: str) -> str:
    if not name.startswith('"'):
        return name
    raw = name[1:-1].encode(errors="surrogateescape")
    return _ESCAPE.sub(_byte, raw).decode(errors="surrogateescape")


def _byte(escape: re.Match[bytes]) -> bytes:
    code = escape[1]
    return bytes([int(code, 8) if len(code) == 3 else _ESCAPED[code[0]]])
