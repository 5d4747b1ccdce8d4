"""The one boundary where untrusted text (papers, logs, diffs, model replies, file names) becomes safe to show.

A terminal obeys what it is sent: an OSC 52 in a training log overwrites the clipboard, a bidirectional override
makes code read as something else. What passes through here holds printable characters only.
"""

import re
import unicodedata
from typing import Final

_CSI: Final = r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?"
# The body of a string sequence (OSC, DCS, SOS, PM, APC) stops at any control character, so that one without an end
# hides nothing after it and a hostile text of a million introducers is still read in one pass.
_STRING: Final = r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x00-\x08\x0a-\x1f\x7f-\x9f]*+(?:\x07|\x1b\\|\x9c)"
_SEQUENCE: Final = re.compile(rf"{_CSI}|{_STRING}|\x1b[ -/]*+[0-~]?")
_LINE_END: Final = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")
_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Letters and marks that show nothing although Unicode does not class them as format characters.
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {chr(c) for c in range(0xFE00, 0xFE10)}
_GIB: Final = 1 << 30
# Format characters that do show something: the Arabic, Syriac and Kaithi number and verse signs.
_SHOWN: Final = frozenset("\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd") | {chr(c) for c in range(0x600, 0x606)}


def printable(text: str, *, keep_newlines: bool = False, tab_width: int = 4, reveal: bool = False) -> str:
    """Make text safe to show: no escape sequence, control, bidirectional or invisible character is left in it.

    Bidirectional controls become visible marks such as ⟦U+202E⟧; unassigned characters and lone surrogates (the bytes
    of a file that is not UTF-8) become U+FFFD; private-use characters stay.

    Args:
        text: anything at all; a sequence cut in two by chunks shows its remains as plain characters.
        keep_newlines: keep line ends, each as one newline; otherwise each becomes a space.
        tab_width: columns between tab stops.
        reveal: for code under review, where nothing may hide: escape sequences, controls and invisible characters are
            marked instead of dropped.

    Returns:
        Text without characters below U+0020 (but newlines where kept), U+007F to U+009F, or half a surrogate pair.
    """
    if text.isascii() and text.isprintable():
        return text
    if reveal:
        text = text.replace("\r\n", "\n") if keep_newlines else text
        return text.expandtabs(tab_width).translate(_REVEALED_LINES if keep_newlines else _REVEALED)
    text = _LINE_END.sub("\n" if keep_newlines else " ", _SEQUENCE.sub("", text))
    return text.expandtabs(tab_width).translate(_CLEANED)


def one_line(text: str, width: int) -> str:
    """Fit text on one line of `width` cells: sanitised, runs of space joined, cut with an ellipsis where too long."""
    if width <= 0:
        return ""
    # Four characters a cell leave room for combining marks; ten megabytes of them must not be measured.
    line = " ".join(printable(text[: 64 + 16 * width]).split())[: 4 * width + 4]
    if line.isascii():
        return line if len(line) <= width else line[: width - 1] + "…"
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415 -- 40 ms that a plain ASCII line need not pay

    return line if cell_len(line) <= width else set_cell_size(line, width - 1).rstrip() + "…"


def last_carriage_segment(line: str) -> str:
    """Give what a line shows in the end where a progress bar redrew it: what follows its last inner carriage return."""
    return line.rstrip("\r").rpartition("\r")[2]


def span(seconds: float) -> str:
    """A duration: `8 s`, `3 min`, `2 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def size(count: int) -> str:
    """A number of bytes: `240 MiB`, `3.1 GiB`, `141 GiB`."""
    gib = count / _GIB
    if gib < 1:
        return f"{1024 * gib:.0f} MiB"
    return f"{gib:.1f} GiB" if gib < 100 else f"{gib:.0f} GiB"


class _Shown(dict[int, int | str]):
    """What each character is shown as; filled as characters are met, so that str.translate does the work."""

    def __init__(self, known: dict[int, int | str], *, reveal: bool) -> None:
        super().__init__(known)
        self._reveal = reveal

    def __missing__(self, code: int) -> int | str:
        shown = self[code] = _shown(chr(code), reveal=self._reveal)
        return shown


def _shown(character: str, *, reveal: bool) -> int | str:
    category = unicodedata.category(character)
    if character in _BIDI:
        return _mark(character)
    if (category in {"Cc", "Cf", "Zl", "Zp"} and character not in _SHOWN) or character in _BLANK:
        return _mark(character) if reveal else ""
    if category in {"Cn", "Cs"}:
        return "\ufffd"
    return ord(character)


def _mark(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟦U+{code:04X}⟧"


_CLEANED: Final = _Shown({0x0A: 0x0A}, reveal=False)
_REVEALED: Final = _Shown({}, reveal=True)
_REVEALED_LINES: Final = _Shown({0x0A: 0x0A}, reveal=True)
