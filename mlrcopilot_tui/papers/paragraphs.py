"""Re-flows printed lines into paragraphs: mends hyphens, takes notes and captions out of the sentences they cut."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from mlrcopilot_tui.papers.extract import Line

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_BROKEN = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)*)-$")
_OPENING = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_TERMINAL = re.compile(r"[.!?:;]['\"\u201d\u2019)\]]*$")
_BULLET = re.compile(r"[•●▪◦‣∙■◆]")
_ITEM = re.compile(r"(?:[-\u2013*]|\(?(?:[ivx]{1,4}|\d{1,3}|[a-z])[.)]|\[\d{1,3}\]) ")
_CAPTION = re.compile(r"(?:Figure|Fig\.|Table|Algorithm|Listing) \d+[.:]")
_SIZE_TOLERANCE = 0.04

Marks = tuple[tuple[int, int], ...]


def vocabulary(lines: Iterable[Line]) -> frozenset[str]:
    """Every word of the paper that is not cut by a line's end, hyphenated ones whole, case folded."""
    words: set[str] = set()
    for line in lines:
        words.update(word.casefold() for word in _WORD.findall(_BROKEN.sub("", line.text)))
    return frozenset(words)


def reflow(lines: Sequence[Line], words: frozenset[str]) -> tuple[str, Marks]:
    """The lines as running text.

    Args:
        lines: in reading order.
        words: the paper's vocabulary, which decides whether a hyphen at a line's end is the word's own.

    Returns:
        The text, paragraphs separated by an empty line; and (offset, page) wherever the page changes.
    """
    text = ""
    parts: list[str] = []
    offset = 0
    marks: list[tuple[int, int]] = []
    for paragraph in _paragraphs(lines):
        for index, line in enumerate(paragraph):
            glue = ("\n\n" if parts else "") if index == 0 else _glue(paragraph[index - 1].text, line.text, words)
            if glue is None:
                parts[-1] = parts[-1][:-1]
                offset -= 1
                glue = ""
            offset += len(glue)
            if not marks or marks[-1][1] != line.page:
                marks.append((offset, line.page))
            parts += (glue, line.text)
            offset += len(line.text)
    text = "".join(parts)
    return text, tuple(marks)


def _glue(before: str, after: str, words: frozenset[str]) -> str | None:
    """What joins two lines of a paragraph; None: the hyphen between them goes."""
    broken, opening = _BROKEN.search(before), _OPENING.match(after)
    if broken is None:
        return "" if re.search(r"\w[-\u2013\u2014]$", before) and after[0].isalnum() else " "
    if opening is None or not after[0].islower():
        return "" if after[0].isalnum() else " "
    left, right = broken[1].casefold(), opening.group().casefold()
    if left + right in words:
        return None
    both_words = len(left) >= 4 and len(right) >= 4 and left in words and right in words
    return "" if f"{left}-{right}" in words or "-" in left or both_words else None


def _paragraphs(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Paragraphs of the running text, each followed by the notes and captions that stood within it."""
    layout = _Layout(lines)
    body: list[Line] = []
    asides: list[list[Line]] = []
    in_aside = False
    for line in lines:
        in_caption = bool(in_aside and asides and _CAPTION.match(asides[-1][0].text)) and not _TERMINAL.search(
            asides[-1][-1].text
        )
        if layout.is_aside(line) or in_caption:
            if in_aside and not layout.breaks(asides[-1][-1], line):
                asides[-1].append(line)
            else:
                asides.append([line])
            in_aside = True
            continue
        in_aside = False
        if body and (layout.breaks(body[-1], line) or (asides and _TERMINAL.search(body[-1].text))):
            yield body
            yield from asides
            body, asides = [], []
        body.append(line)
    if body:
        yield body
    yield from asides


class _Layout:
    """The measures of a section by which one paragraph is told from the next."""

    def __init__(self, lines: Sequence[Line]) -> None:
        sizes: Counter[float] = Counter()
        for line in lines:
            sizes[line.size] += len(line.text)
        self._size = sizes.most_common(1)[0][0] if sizes else 0.0
        lengths = sorted(len(line.text) for line in lines if line.size == self._size)
        self._full = lengths[len(lengths) * 3 // 4] if lengths else 0
        gaps = [a.y - b.y for a, b in pairwise(lines) if 0 < a.y - b.y < 3 * self._size]
        self._leading = sorted(gaps)[len(gaps) // 2] if gaps else 0.0

    def is_aside(self, line: Line) -> bool:
        """Whether the line is a note, a caption or part of a figure rather than running text."""
        return abs(line.size - self._size) > _SIZE_TOLERANCE * self._size or bool(_CAPTION.match(line.text))

    def breaks(self, before: Line, after: Line) -> bool:
        """Whether a new paragraph begins with `after`."""
        if _BULLET.match(after.text) or abs(after.size - before.size) > _SIZE_TOLERANCE * self._size:
            return True
        down, right = before.y - after.y, after.x - before.x
        below = 0 < down < 6 * self._size and abs(right) < 10 * self._size
        if not _TERMINAL.search(before.text):
            return below and down > 1.6 * self._leading and after.text[0].isupper()
        if len(before.text) < 0.8 * self._full or _ITEM.match(after.text):
            return True
        return below and (0.4 * self._size < abs(right) < 4 * self._size or down > 1.4 * self._leading)
