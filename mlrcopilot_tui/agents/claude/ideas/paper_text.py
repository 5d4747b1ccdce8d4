"""Chooses what of a paper a model is shown: by section and page, the telling sections first, within a budget."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from mlrcopilot_tui.agents.claude.fences import fenced
from mlrcopilot_tui.papers.model import Paper, Section

PAPER_CHARS: Final = 120_000
"""About 30,000 tokens: all of a conference paper with its appendix; of a thesis, what tells most."""

_SCRAP: Final = 400
"""Characters that are worth showing of a piece that does not fit as a whole."""

_ORDINARY: Final = 3
_APPENDIX: Final = 5
_UNREAD: Final = 9

_REFERENCES: Final = r"\b(references|bibliography)\b"
_RANKS: Final[tuple[tuple[str, int], ...]] = (
    (_REFERENCES, _UNREAD),
    (r"\b(acknowledg\w*|contents|author contributions|checklist)\b", _UNREAD),
    (r"\b(appendix|supplement\w*)\b", _APPENDIX),
    (r"\b(abstract|summary)\b", 0),
    (r"\b(limitations?|future|conclusions?|concluding|discussion|outlook|open (problems|questions))\b", 1),
    (r"\bintroduction\b", 1),
    (r"\b(related|previous|prior|background|preliminar\w*)\b", 4),
    (r"\b(methods?|methodology|approach|model|algorithm|architecture|setup|data\w*|training|implementation)\b", 2),
    (r"\b(experiments?|experimental|results?|evaluation|ablations?|analysis|findings)\b", 2),
)
"""What a heading says of how much its section tells; 0 tells most. The first that matches counts."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """The part of a section that stands on one page."""

    section: str
    page: int
    text: str
    rank: int


@dataclass(frozen=True, slots=True)
class Shown:
    """The paper as a model is shown it.

    Attributes:
        text: the fenced pieces in reading order.
        left_out: what is not among them or only in part, in words; empty where everything is.
    """

    text: str
    left_out: str


def shown_paper(paper: Paper, budget: int = PAPER_CHARS) -> Shown:
    """The paper's text within `budget` characters; references are never shown."""
    pieces = list(_pieces(paper))
    kept: dict[int, int] = {}
    for at in sorted(range(len(pieces)), key=lambda at: (pieces[at].rank, at)):
        room = budget if pieces[at].rank < _UNREAD else 0
        if room >= min(len(pieces[at].text), _SCRAP):
            kept[at] = min(len(pieces[at].text), room)
            budget -= kept[at]
    text = "\n\n".join(
        fenced(f"page {piece.page}, section {piece.section}", piece.text, kept[at])
        for at, piece in enumerate(pieces)
        if at in kept
    )
    short = [p for at, p in enumerate(pieces) if p.rank < _UNREAD and kept.get(at, 0) < len(p.text)]
    return Shown(text, _listed(short))


def _pieces(paper: Paper) -> Iterator[_Piece]:
    if paper.abstract and not any(paper.abstract in section.text for section in paper.sections):
        yield _Piece("Abstract", 1, paper.abstract, 0)
    above: list[tuple[int, int]] = []  # (level, rank) of the headings that the section stands under
    over = False  # whether the references are behind us
    for section in paper.sections:
        while above and above[-1][0] >= section.level:
            above.pop()
        rank = _rank(section.title)
        if rank is None:
            rank = above[-1][1] if above else _ORDINARY
        if over and rank != _UNREAD:
            rank = _APPENDIX
        over = over or re.search(_REFERENCES, section.title, re.IGNORECASE) is not None
        above.append((section.level, rank))
        for page, text in _by_page(section):
            yield _Piece(section.title, page, text, rank)


def _by_page(section: Section) -> Iterator[tuple[int, str]]:
    marks = [*(section.pages or ((0, section.page),)), (len(section.text), 0)]
    for (start, page), (end, _) in pairwise(marks):
        if text := section.text[start:end].strip():
            yield page, text


def _rank(title: str) -> int | None:
    return next((rank for pattern, rank in _RANKS if re.search(pattern, title, re.IGNORECASE)), None)


def _listed(pieces: Sequence[_Piece]) -> str:
    """`section 3 Method (pages 4 to 6)`, and so on; the first few."""
    pages: dict[str, list[int]] = {}
    for piece in pieces:
        pages.setdefault(piece.section, []).append(piece.page)
    named = [f"{name} (p. {min(at)}{f' to {max(at)}' if max(at) > min(at) else ''})" for name, at in pages.items()]
    more = f" and {len(named) - 8} more sections" if len(named) > 8 else ""
    return ", ".join(named[:8]) + more
