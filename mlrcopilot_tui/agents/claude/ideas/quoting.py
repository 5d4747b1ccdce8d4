"""Finds quotes in a paper: whether the words stand there, on which page, and as which sentence of the paper's own."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mlrcopilot_tui.papers.model import Paper, Section, sentences
from mlrcopilot_tui.session.model import Quote

LEAST: Final = 20
"""Letters, digits and signs below which words stand in a paper by chance, unless they are a whole sentence."""

LONGEST: Final = 700
"""Characters beyond which a quote is not rounded up to whole sentences."""

_SIGNS: Final = "\"'`\N{ACUTE ACCENT}\N{MINUS SIGN}"
_EDGES: Final = ".,;:!?…[]()"


@dataclass(frozen=True, slots=True)
class Found:
    """Where words stand: the paper's own sentence, and the pages that they are on, first and last."""

    quote: Quote
    first: int
    last: int

    def away(self, page: int) -> int:
        """How many pages lie between `page` and the place; 0 on it."""
        return max(self.first - page, page - self.last, 0)


class QuoteIndex:
    """A paper's text in the form in which quotes are compared with it.

    Spaces, line ends, hyphens and dashes, quotation marks, ligatures, accents and capitals make no difference; the
    letters, digits and other signs do, in their order.
    """

    def __init__(self, paper: Paper) -> None:
        sections = list(paper.sections)
        if paper.abstract and not any(paper.abstract in section.text for section in sections):
            sections.insert(0, Section(title="Abstract", level=1, page=1, text=paper.abstract, pages=()))
        self._sections = [_IndexedSection(section) for section in sections]

    def nearest(self, words: str, page: int) -> Found | None:
        """The place nearest to `page` where the words stand; None where they stand nowhere, or could anywhere."""
        places = [place for section in self._sections for place in section.places(words)]
        return min(places, key=lambda place: place.away(page), default=None)


class _IndexedSection:
    def __init__(self, section: Section) -> None:
        self._section = section
        self._letters, self._offsets = _squeezed(section.text)
        self._starts: list[int] = []
        self._sentences: list[tuple[int, str, int]] = []
        at = 0
        for text, page in sentences(section):
            at = section.text.index(text, at)
            self._starts.append(at)
            at += len(text)
            self._sentences.append((at, text, page))

    def places(self, words: str) -> Iterator[Found]:
        letters, _ = _squeezed(words.strip().strip(_EDGES))
        at = self._letters.find(letters) if letters else -1
        while at >= 0:
            start, end = self._offsets[at], self._offsets[at + len(letters) - 1] + 1
            found = self._found(start, end)
            if len(letters) >= LEAST or letters == _squeezed(found.quote.text.strip(_EDGES))[0]:
                yield found
            at = self._letters.find(letters, at + len(letters))

    def _found(self, start: int, end: int) -> Found:
        first = max(bisect_right(self._starts, start) - 1, 0)
        touched = [one for begin, one in self._from(first) if begin < end and one[0] > start]
        whole = " ".join(text for _, text, _ in touched)
        pages = self._section.page_at(start), self._section.page_at(end - 1)
        if not touched or len(whole) > LONGEST:
            text, page = re.sub(r"\s+", " ", self._section.text[start:end]), pages[0]
        else:
            text, page = whole, touched[0][2]
        return Found(Quote(text=text, page=page, section=self._section.title), min(page, pages[0]), pages[1])

    def _from(self, first: int) -> Iterator[tuple[int, tuple[int, str, int]]]:
        return zip(self._starts[first:], self._sentences[first:], strict=True)


def _squeezed(text: str) -> tuple[str, list[int]]:
    """What of the text is compared, and the offset in it of each character that is."""
    letters: list[str] = []
    offsets: list[int] = []
    for offset, character in enumerate(text):
        kept = _KEPT[character]
        letters.append(kept)
        offsets.extend([offset] * len(kept))
    return "".join(letters), offsets


class _Kept(dict[str, str]):
    """What is compared of each character; filled as characters are met."""

    def __missing__(self, character: str) -> str:
        plain = unicodedata.normalize("NFKD", character).casefold()
        kept = self[character] = "".join(letter for letter in plain if not _makes_no_difference(letter))
        return kept


def _makes_no_difference(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "ZCM" or category in {"Pd", "Pi", "Pf"} or character in _SIGNS


_KEPT: Final = _Kept()
