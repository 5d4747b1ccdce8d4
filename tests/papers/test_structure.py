"""Whatever lines and outline a PDF holds, they become a paper whose pages are the file's."""

from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.papers.extract import Bookmark, Extract, Line
from mlrcopilot_tui.papers.model import sentences
from mlrcopilot_tui.papers.structure import structure

_PROSE = (
    "We study a thing that takes a long line to tell, and then some words, in all of forty so that it counts as prose "
    "which is what this is for, for the length of it alone makes it so, and nothing else does at all in here."
)
_TEXTS = st.sampled_from(
    [
        "Abstract",
        "Abstract\u2014We begin",
        "Keywords",
        "1 Introduction",
        "2 Results",
        "References",
        "[3] C. Author. 2019.",
        "A Title of a Paper",
        "Ada Author",
        "Figure 2: A caption",
        "the text goes on over the repre-",
        "sentation of it and ends.",
        "12",
        "-",
        _PROSE,
    ]
)
_LINES = st.lists(
    st.builds(
        Line,
        text=_TEXTS,
        page=st.just(1),
        size=st.sampled_from([0.0, 8.0, 10.0, 12.0, 16.0]),
        font=st.sampled_from(["Times-Roman", "Times-Bold"]),
        x=st.sampled_from([50.0, 300.0]),
        y=st.sampled_from([0.0, 400.0, 412.0, 780.0]),
    ),
    max_size=10,
)
_OUTLINES = st.lists(st.builds(Bookmark, title=_TEXTS, depth=st.integers(0, 3), page=st.integers(-1, 5)), max_size=4)


@given(st.lists(_LINES, min_size=1, max_size=4), _OUTLINES, _TEXTS)
def test_any_lines_make_a_paper(pages: list[list[Line]], outline: list[Bookmark], title: str) -> None:
    numbered = [
        tuple(Line(line.text, number, line.size, line.font, line.x, line.y) for line in page)
        for number, page in enumerate(pages, 1)
    ]
    parsed = structure(Extract(tuple(numbered), tuple(outline), title, ()))
    assert parsed.page_count == len(pages)
    for section in parsed.sections:
        assert section.title
        assert section.level >= 1
        assert {page for _, page in section.pages} <= set(range(1, len(pages) + 1))
        assert all(1 <= page <= len(pages) for _, page in sentences(section))
