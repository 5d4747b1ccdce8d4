"""Drops what is printed around the text: running heads, page numbers, line numbers of review copies, contents."""

import re
from collections import Counter
from collections.abc import Sequence

from mlrcopilot_tui.papers.extract import Line

_EDGE = 4
_REPEATED = 0.6
_LINE_NUMBERS = 10
_CONTENTS = re.compile(r"(?:\. ?){4,} ?\d{1,4}$")
_NUMBERS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"(?:page )?\d{1,5}(?: ?(?:/|of) ?\d{1,5})?|[-\u2013\u2014] ?\d{1,5} ?[-\u2013\u2014]|[ivxl]{1,6}", re.IGNORECASE
)

Pages = Sequence[Sequence[Line]]
Shape = tuple[str, int]


def drop_furniture(pages: Pages) -> list[list[Line]]:
    """The pages without the lines that belong to the page rather than to the text."""
    pages = [_without_line_numbers(page) for page in pages]
    running = _running_shapes(pages)
    kept: list[list[Line]] = []
    for page in pages:
        outer = _edge(page, _EDGE)
        outermost = _edge(page, 2)
        kept.append(
            [
                line
                for index, line in enumerate(page)
                if not (index in outer and _shape(line) in running)
                and not (index in outermost and _PAGE_NUMBER.fullmatch(line.text))
                and not _CONTENTS.search(line.text)
            ]
        )
    return kept


def _shape(line: Line) -> Shape:
    """The line with its numbers made equal, and its height: "8 Smith et al." and "10 Smith et al." are one head."""
    return _NUMBERS.sub("#", line.text.casefold()), round(line.y)


def _edge(page: Sequence[Line], width: int) -> set[int]:
    """The first and last lines of a page, both by order in the stream and by height on the paper."""
    by_height = sorted(range(len(page)), key=lambda index: page[index].y)
    by_stream = range(len(page))
    return {*by_stream[:width], *by_stream[-width:], *by_height[:width], *by_height[-width:]}


def _running_shapes(pages: Pages) -> set[Shape]:
    """Shapes found at the edges of more than 60 % of the pages, or of the odd or the even ones."""
    shapes = [{_shape(page[index]) for index in _edge(page, _EDGE)} for page in pages]
    running = _frequent(shapes)
    if len(pages) >= 4:
        running |= _frequent(shapes[::2]) | _frequent(shapes[1::2])
    return {shape for shape in running if sum(map(str.isalpha, shape[0])) >= 3}


def _frequent(sets: Sequence[set[Shape]]) -> set[Shape]:
    counts = Counter(shape for shapes in sets for shape in shapes)
    return {shape for shape, count in counts.items() if count >= 2 and count > _REPEATED * len(sets)}


def _without_line_numbers(page: Sequence[Line]) -> list[Line]:
    """Without runs of ten or more lone, consecutive numbers."""
    run: list[int] = []
    dropped: set[int] = set()
    for index, line in enumerate(page):
        if not re.fullmatch(r"\d{1,4}", line.text):
            continue
        if run and int(line.text) != int(page[run[-1]].text) + 1:
            run = []
        run.append(index)
        if len(run) >= _LINE_NUMBERS:
            dropped.update(run)
    return [line for index, line in enumerate(page) if index not in dropped]
