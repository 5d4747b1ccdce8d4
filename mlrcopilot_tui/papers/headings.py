"""Finds the headings among a paper's lines: by the PDF's outline first, by how headings are printed second."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mlrcopilot_tui.papers.characters import key
from mlrcopilot_tui.papers.extract import Bookmark, Line
from mlrcopilot_tui.papers.model import SECTION_NUMBER

MAX_HEADING_WORDS = 16
MAX_HEADING_CHARACTERS = 160
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
    r"(?: ?[\u2014\u2013:.-]+ ?(?=\S)|$| (?=[A-Z](?:\S* ){5}))"
)
_SENTENCE_END = re.compile(r"[.;,:]$")
_OUTLINE_SPAN = 4

Style = tuple[float, str]


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
    return _without_contents(sorted([*located, *printed], key=lambda heading: heading.start))


def _without_contents(headings: list[Heading]) -> list[Heading]:
    """Without the lines of a table of contents: headings that end with a number and come again without it."""
    names = {key(SECTION_NUMBER.sub("", heading.title)) for heading in headings}
    listed = {heading: re.match(r"(.*\S) ?\b\d{1,4}$", SECTION_NUMBER.sub("", heading.title)) for heading in headings}
    return [heading for heading, match in listed.items() if match is None or key(match[1]) not in names]


def is_named(title: str) -> bool:
    """Whether sections of papers commonly have this title, with or without a number."""
    return _named(title, _CERTAIN) or _named(title, _LIKELY)


def _named(title: str, names: re.Pattern[str]) -> bool:
    bare = SECTION_NUMBER.sub("", title).rstrip(":.")
    first = re.split(r",| and | & |: ", bare, maxsplit=1, flags=re.IGNORECASE)[0]
    short = len(bare.split()) <= 8 and bare[:1].isupper()
    return short and any(names.fullmatch(key(part)) for part in (first, bare))


def _locate(lines: Sequence[Line], outline: Sequence[Bookmark]) -> list[Heading]:
    """The outline's entries that are found as lines of their own, on the page they name or the next."""
    starts: dict[int, int] = {}
    for index, line in enumerate(lines):
        starts.setdefault(line.page, index)
    keys = [key(line.text) for line in lines]
    bare_keys = [key(SECTION_NUMBER.sub("", line.text)) for line in lines]
    found: dict[int, Heading] = {}
    for bookmark in outline:
        wanted = {key(bookmark.title), key(SECTION_NUMBER.sub("", bookmark.title))} - {""}
        start = starts.get(bookmark.page, starts.get(bookmark.page + 1, len(lines)))
        while wanted and start < len(lines) and lines[start].page <= bookmark.page + 1:
            end = _match_end(keys, bare_keys, start, wanted)
            if end is not None and start not in found:
                found[start] = Heading(start, end, _join(lines[start:end]), bookmark.depth + 1)
                break
            start += 1
    return _from_level_one(sorted(found.values(), key=lambda heading: heading.start))


def _match_end(keys: Sequence[str], bare_keys: Sequence[str], start: int, wanted: set[str]) -> int | None:
    """Where the heading that begins at `start` ends, if its lines, with or without their number, are a wanted title."""
    printed, bare = "", bare_keys[start]
    for end in range(start + 1, min(start + _OUTLINE_SPAN, len(keys)) + 1):
        printed += keys[end - 1]
        if end > start + 1:
            bare += keys[end - 1]
        if wanted & {printed, bare}:
            return end
        if not any(title.startswith((printed, bare)) for title in wanted):
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
        styles: Counter[Style] = Counter()
        for line in lines:
            styles[self._style(line)] += len(line.text)
        self._size, self._font = styles.most_common(1)[0][0] if styles else (0.0, "")
        self._levels = self._learn_styles()

    def _learn_styles(self) -> dict[Style, int]:
        """The styles, unlike the body's, in which headings with a certain name or a number are printed."""
        levels: dict[Style, int] = {}
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
        if _named(line.text, _CERTAIN):
            return _level(line.text, 1)
        if certain_only:
            return None
        if number:
            return _level(line.text, 1) if self._is_numbered_heading(line, number[0], last_number) else None
        if not learned:
            return self._unlearned_level(line)
        likely = _named(line.text, _LIKELY) or _is_titled(line.text) or line.size > 1.08 * self._size
        return learned if likely and (begun or line.page > 1) else None

    def _unlearned_level(self, line: Line) -> int | None:
        """Headings of a paper in which no other heading has shown the style: short, and larger or all capitals."""
        bare_words = line.text.split()
        larger = line.size > 1.08 * self._size
        capitals = line.text.isupper() and len(bare_words) >= 2 and sum(map(str.isalpha, line.text)) >= 8
        if self._levels or line.page == 1 or len(bare_words) > 8 or not _is_titled(line.text):
            return None
        return 1 if larger or (capitals and self._stands_out(line)) else None

    def _is_numbered_heading(self, line: Line, number: str, last_number: int) -> bool:
        title = line.text[len(number) :]
        if self._levels:
            lone_letter = re.fullmatch("[A-Z] ", number) is not None  # as a statement of code begins
            return self._style(line) in self._levels or (self._stands_out(line) and not lone_letter)
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
            long = len(_join(self._lines[start : end + 1]).split()) > MAX_HEADING_WORDS
            if self._style(line) != self._style(first) or not near or named or long or SECTION_NUMBER.match(line.text):
                break
            end += 1
        return end

    def _plausible(self, line: Line) -> bool:
        text = line.text
        return (
            len(text) <= MAX_HEADING_CHARACTERS
            and len(text.split()) <= MAX_HEADING_WORDS
            and any(char.isalpha() for char in text)
            and not (_SENTENCE_END.search(text) and not _named(text, _CERTAIN))
            and line.size >= 0.85 * self._size
        )

    def _stands_out(self, line: Line) -> bool:
        bolder = line.bold and line.font != self._font
        return line.size > 1.04 * self._size or (bolder and line.size >= 0.95 * self._size)

    @staticmethod
    def _style(line: Line) -> Style:
        return line.size, line.font


def _is_titled(text: str) -> bool:
    """Whether it is written as a title: a capital first, and capitals for most of the longer words."""
    words = re.findall(r"[^\W\d_]{3,}", text)
    longer = [word for word in words if len(word) > 3]
    return text[:1].isupper() and bool(words) and sum(word[0].isupper() for word in longer) >= 0.6 * len(longer)
