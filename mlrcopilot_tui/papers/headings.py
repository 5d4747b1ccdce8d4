"""Finds the headings among a paper's lines: by the PDF's outline first, by how headings are printed second."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mlrcopilot_tui.papers.characters import key
from mlrcopilot_tui.papers.extract import Bookmark, Line
from mlrcopilot_tui.papers.model import SECTION_NUMBER

MAX_HEADING_WORDS = 16
_MIN_LOCATED = 3

# Names, spaces left out, that are hardly ever alone on a line unless they are headings.
_CERTAIN = re.compile(
    "abstract|introduction|relatedworks?|conclusions?|concludingremarks|limitations?|futurework|acknowledge?ments?|"
    "references|bibliography|appendix|appendices|supplementarymaterials?|(broader)?impacts?(statement)?|"
    "ethic(s|al)(statement|considerations)|reproducibility(statement)?|authorcontributions|keywords|indexterms|"
    "experimental(setup|results)|experimentsandresults|resultsanddiscussion|problem(statement|formulation|setup)|"
    "open(questions|problems)|preliminaries"
)
# Names that head columns of tables just as well: these count with a number or in a heading's style.
_LIKELY = re.compile(
    "background|motivation|methods?|methodology|approach|models?|algorithms?|theory|experiments?|setup|results|"
    "evaluation|analysis|ablations?(stud(y|ies))?|discussion|data|datasets?|training|implementation(details)?|"
    "baselines?|notation|overview|summary"
)
_RUN_IN = re.compile(
    r"(A ?bstract|A ?BSTRACT|A B S T R A C T|Keywords|Key words|KEYWORDS|Index Terms)"
    r"(?: ?[\u2014\u2013:.-]+ ?(?=\S)|$| (?=(?:We|This|In|The)\b))"
)
_DOT_LEADERS = re.compile(r"(?:\. ?){4,}")
_SENTENCE_END = re.compile(r"[.;,:]$")
_OUTLINE_SPAN = 4


@dataclass(frozen=True, slots=True)
class Heading:
    """Lines `start` to `end` (exclusive) of a paper are one heading."""

    start: int
    end: int
    title: str
    level: int


def split_run_in(lines: Sequence[Line]) -> list[Line]:
    """Give an abstract's or the keywords' heading a line of its own where the text follows on it ("Abstract—We")."""
    split: list[Line] = []
    for line in lines:
        match = _RUN_IN.match(line.text) if line.page <= 2 else None
        if match is None:
            split.append(line)
            continue
        split.append(replace(line, text=match[1].replace(" ", "").capitalize() if "bst" in key(match[1]) else match[1]))
        if rest := line.text[match.end() :]:
            split.append(replace(line, text=rest))
    return split


def find_headings(lines: Sequence[Line], outline: Sequence[Bookmark]) -> list[Heading]:
    """All headings, in reading order; `lines` are the whole paper's."""
    located = _locate(lines, outline)
    rules = _Rules(lines)
    taken = {index for heading in located for index in range(heading.start, heading.end)}
    certain_only = len(located) >= _MIN_LOCATED
    printed = [heading for heading in rules.headings(certain_only=certain_only) if heading.start not in taken]
    return sorted([*located, *printed], key=lambda heading: heading.start)


def is_named(title: str) -> bool:
    """Whether sections of papers commonly have this title, with or without a number."""
    return _named(title, _CERTAIN) or _named(title, _LIKELY)


def _named(title: str, names: re.Pattern[str]) -> bool:
    bare = SECTION_NUMBER.sub("", title).rstrip(":.")
    first = re.split(r",| and | & |: ", bare, maxsplit=1, flags=re.IGNORECASE)[0]
    leading = names.fullmatch(key(first)) is not None and len(bare.split()) <= 8 and bare[:1].isupper()
    return leading or names.fullmatch(key(bare)) is not None


def _locate(lines: Sequence[Line], outline: Sequence[Bookmark]) -> list[Heading]:
    """The outline's entries that are found as lines of their own, on the page they name or the next."""
    starts: dict[int, int] = {}
    for index, line in enumerate(lines):
        starts.setdefault(line.page, index)
    found: dict[int, Heading] = {}
    for bookmark in outline:
        first = starts.get(bookmark.page, starts.get(bookmark.page + 1))
        wanted = {key(bookmark.title), key(SECTION_NUMBER.sub("", bookmark.title))} - {""}
        if first is None or not wanted:
            continue
        for start in range(first, len(lines)):
            if lines[start].page > bookmark.page + 1:
                break
            end = _match_end(lines, start, wanted) if start not in found else None
            if end is not None:
                title = _join(lines[start:end])
                found[start] = Heading(start, end, title, bookmark.depth + 1)
                break
    return _from_level_one(sorted(found.values(), key=lambda heading: heading.start))


def _match_end(lines: Sequence[Line], start: int, wanted: set[str]) -> int | None:
    for end in range(start + 1, min(start + _OUTLINE_SPAN, len(lines)) + 1):
        printed = _join(lines[start:end])
        if wanted & {key(printed), key(SECTION_NUMBER.sub("", printed))}:
            return end
        if len(key(printed)) > max(map(len, wanted)) + 4:
            return None
    return None


def _from_level_one(headings: list[Heading]) -> list[Heading]:
    """Levels counted from 1, where the outline's only top entry is the paper itself."""
    top = min((heading.level for heading in headings), default=1)
    return [replace(heading, level=_level(heading.title, heading.level - top + 1)) for heading in headings]


def _level(title: str, unnumbered: int) -> int:
    number = SECTION_NUMBER.match(title)
    return number[0].strip().rstrip(".:").count(".") + 1 if number else unnumbered


def _join(lines: Sequence[Line]) -> str:
    return re.sub(r"(?<=[a-z])- (?=[a-z])", "", " ".join(line.text for line in lines))


class _Rules:
    """Headings by print: known names, numbers in sequence, a style that other headings of the paper have."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        styles: Counter[tuple[float, bool]] = Counter()
        for line in lines:
            styles[line.size, line.bold] += len(line.text)
        self._body = styles.most_common(1)[0][0] if styles else (0.0, False)
        self._levels = self._learn_styles()

    def _learn_styles(self) -> dict[tuple[float, bool], int]:
        """The styles, unlike the body's, in which headings with a certain name or a number are printed."""
        levels: dict[tuple[float, bool], int] = {}
        for line in self._lines:
            numbered = SECTION_NUMBER.match(line.text) is not None
            known = _named(line.text, _CERTAIN) or (numbered and _named(line.text, _LIKELY))
            if known and self._plausible(line) and self._stands_out(line):
                levels[self._style(line)] = min(_level(line.text, 1), levels.get(self._style(line), 9))
        return levels

    def headings(self, *, certain_only: bool) -> Iterator[Heading]:
        """Every heading that the print gives away; with `certain_only`, those with a certain name alone."""
        last_number = 0
        begun = False  # names of authors are often printed like headings, but stand before the first that is certain
        index = 0
        while index < len(self._lines):
            line = self._lines[index]
            level = self._level_of(line, last_number, begun=begun, certain_only=certain_only)
            if level is None:
                index += 1
                continue
            if number := re.match(r"(\d{1,2})\b", line.text):
                last_number = int(number[1])
            begun = True
            end = self._end(index)
            yield Heading(index, end, _join(self._lines[index:end]), level)
            index = end

    def _level_of(self, line: Line, last_number: int, *, begun: bool, certain_only: bool) -> int | None:
        if not self._plausible(line):
            return None
        learned = self._levels.get(self._style(line))
        number = SECTION_NUMBER.match(line.text)
        if _named(line.text, _CERTAIN) and (number or learned or not self._levels or not certain_only):
            return _level(line.text, 1)
        if certain_only:
            return None
        if number:
            return _level(line.text, 1) if self._is_numbered_heading(line, number[0], last_number) else None
        if not learned:
            return self._unlearned_level(line)
        likely = _named(line.text, _LIKELY) or _is_titled(line.text) or line.size > 1.08 * self._body[0]
        return learned if likely and (begun or line.page > 1) else None

    def _unlearned_level(self, line: Line) -> int | None:
        """Headings of a paper in which no other heading has shown the style: short, and larger or all capitals."""
        bare_words = line.text.split()
        larger = line.size > 1.08 * self._body[0]
        capitals = line.text.isupper() and len(bare_words) >= 2 and sum(map(str.isalpha, line.text)) >= 8
        if self._levels or line.page == 1 or len(bare_words) > 8 or not _is_titled(line.text):
            return None
        return 1 if larger or (capitals and self._stands_out(line)) else None

    def _is_numbered_heading(self, line: Line, number: str, last_number: int) -> bool:
        title = line.text[len(number) :]
        if self._levels:
            return self._style(line) in self._levels or self._stands_out(line)
        main = re.match(r"\d{1,2}", number)
        follows = main is None or int(main[0]) in (last_number, last_number + 1)
        return follows and len(title.split()) <= 8 and (_is_titled(title) or _named(title, _LIKELY))

    def _end(self, start: int) -> int:
        """A long heading goes on in the next line, in the same style and close below."""
        first = self._lines[start]
        end = start + 1
        while end < len(self._lines) and end - start < 3 and self._stands_out(first):
            line = self._lines[end]
            near = line.page == first.page and 0 < self._lines[end - 1].y - line.y < 1.5 * first.size
            named = any(_named(line.text, names) for names in (_CERTAIN, _LIKELY)) or _named(
                self._lines[end - 1].text, _CERTAIN
            )
            if self._style(line) != self._style(first) or not near or named or SECTION_NUMBER.match(line.text):
                break
            end += 1
        return end

    def _plausible(self, line: Line) -> bool:
        text = line.text
        return (
            len(text.split()) <= MAX_HEADING_WORDS
            and any(char.isalpha() for char in text)
            and not _DOT_LEADERS.search(text)
            and not (_SENTENCE_END.search(text) and not _named(text, _CERTAIN))
            and line.size >= 0.85 * self._body[0]
        )

    def _stands_out(self, line: Line) -> bool:
        size, bold = self._body
        return line.size > 1.04 * size or (line.bold and not bold and line.size >= 0.95 * size)

    @staticmethod
    def _style(line: Line) -> tuple[float, bool]:
        return line.size, line.bold


def _is_titled(text: str) -> bool:
    """Whether it is written as a title: a capital first, and capitals for most of the longer words."""
    words = re.findall(r"[^\W\d_]{3,}", text)
    longer = [word for word in words if len(word) > 3]
    return text[:1].isupper() and bool(words) and sum(word[0].isupper() for word in longer) >= 0.6 * len(longer)
