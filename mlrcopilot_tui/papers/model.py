"""What a paper is once it is read: sections of plain text in which every character knows its page."""

import re
from bisect import bisect_right
from collections.abc import Iterator

import msgspec


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One headed part of a paper, without its subsections, which follow it in `Paper.sections`.

    Attributes:
        title: the heading as printed, with its number: "3.2 Ablations".
        level: 1 for a main section, 2 for a subsection, and so on.
        page: the page on which the heading stands, counted from 1.
        text: re-flowed paragraphs, one a line, with an empty line between two.
        pages: (offset into `text`, page) by ascending offset: from that offset on the text stands on that page.
    """

    title: str
    level: int
    page: int
    text: str
    pages: tuple[tuple[int, int], ...]

    @property
    def name(self) -> str:
        """The heading without its number: "Ablations"."""
        return SECTION_NUMBER.sub("", self.title)

    def page_at(self, offset: int) -> int:
        """The page, counted from 1, that holds the character at `offset` of the text."""
        index = bisect_right(self.pages, offset, key=lambda mark: mark[0]) - 1
        return self.pages[max(index, 0)][1] if self.pages else self.page


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """A paper as the agents and the screens see it.

    Attributes:
        digest: SHA-256 of the file, in hex; the paper's identity.
        title: as printed on the first page, or else from the file's metadata, or else the file's stem.
        abstract: its text; also the first section where the paper sets it apart, so that it can be cited by page.
        sections: all of the running text, in reading order.
        page_count: pages in the file, those without readable text included.
        source: the file's name, without its folder.
        warnings: what a reader should know about the quality of the text, a sentence each.
    """

    digest: str
    title: str
    abstract: str
    sections: tuple[Section, ...]
    page_count: int
    source: str
    warnings: tuple[str, ...]


SECTION_NUMBER = re.compile(
    r"^(?:(?:Appendix|Section)\s+)?"
    r"(?:\d{1,2}(?:\.\d{1,2}){0,3}\.?|[A-Z](?:\.\d{1,2}){1,3}\.?|[A-Z][.:]|[IVXL]{1,6}\.|[B-HJ-Z])\s+(?=\S)"
)

_END = re.compile(
    r"""[.!?]+["'\u201d\u2019)\]]*            # the stop, with what closes after it
        (?:\s?\[\d[\d,;\s\u2013-]*\])?        # a reference set behind the stop still belongs to its sentence
        (?=\s+["'\u201c\u2018(\[]*[^\Wa-z_])  # then a capital, another script's letter or a digit
    """,
    re.VERBOSE,
)
_LAST_TOKEN = re.compile(r"[^\s(\[{\u201c\u2018\"']+$")
_ABBREVIATION = re.compile(
    r"al|algs?|appx?|approx|assn|ca|cf|ch|chap|col|conf|cor|def|dept|dr|eds?|e\.?g|eqn?s?|esp|est|ex|figs?|ff|i\.?e|"
    r"i\.i\.d|incl|int|jr|lem|max|min|mrs?|ms|nos?|op|pp?|par|proc|prof|prop|refs?|resp|sect?s?|sr|st|suppl|tabs?|thm|"
    r"trans|univ|viz|vols?|vs|w\.?r\.?t|a\.k\.a|n\.b|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec",
    re.IGNORECASE,
)


def sentences(section: Section) -> Iterator[tuple[str, int]]:
    """The section's sentences in order, each with the page, counted from 1, on which it begins."""
    for paragraph in re.finditer(r"[^\n]+", section.text):
        start = paragraph.start()
        for end in [*_sentence_ends(paragraph.group()), len(paragraph.group())]:
            raw = section.text[start : paragraph.start() + end]
            if sentence := raw.strip():
                yield sentence, section.page_at(start + len(raw) - len(raw.lstrip()))
            start = paragraph.start() + end


def _sentence_ends(text: str) -> Iterator[int]:
    begin = 0
    for match in _END.finditer(text):
        if match.group()[0] == "." and _is_abbreviated(text[begin : match.start()]):
            continue
        yield match.end()
        begin = match.end()


def _is_abbreviated(before: str) -> bool:
    """Whether the stop that follows `before`, the sentence so far, belongs to its last word."""
    token = _LAST_TOKEN.search(before)
    if token is None:
        return False
    word = token.group()
    if not before[: token.start()].strip() and word.isdigit():
        return True  # the number of a list item: "2. Train the probe."
    initials = all(len(letter) == 1 and letter.isupper() for letter in re.split(r"[.-]+", word))
    return initials or _ABBREVIATION.fullmatch(word) is not None
