"""Printed lines become paragraphs whose hyphens, pages and sentences are right."""

from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.papers.extract import Line
from mlrcopilot_tui.papers.paragraphs import reflow, vocabulary


def _lines(*texts: str, page: int = 1, size: float = 10.0) -> list[Line]:
    return [Line(text, page, size, x=50.0, y=700.0 - 12 * index) for index, text in enumerate(texts)]


def _text(*texts: str, known: str = "") -> str:
    printed = _lines(*texts)
    return reflow(printed, vocabulary([*printed, *_lines(known)]))[0]


def test_a_word_cut_by_the_line_is_mended() -> None:
    assert _text("the represen-", "tation of it") == "the representation of it"


def test_a_hyphen_stays_where_only_the_hyphenated_word_occurs() -> None:
    assert _text("a pre-", "trained net", known="it was pre-trained before") == "a pre-trained net"
    assert _text("a pre-", "trained net", known="pretrained, or pre-trained") == "a pretrained net"


def test_a_hyphen_stays_between_two_words_that_are_known() -> None:
    assert _text("on large-", "scale data", known="a large set of some scale") == "on large-scale data"


def test_a_chain_of_hyphens_a_capital_and_a_number_keep_theirs() -> None:
    assert _text("the state-of-the-", "art") == "the state-of-the-art"
    assert _text("we use Vision-", "Language models") == "we use Vision-Language models"
    assert _text("we use GPT-", "3 there") == "we use GPT-3 there"


def test_a_dash_is_no_hyphen() -> None:
    assert _text("it was late \u2013", "too late") == "it was late \u2013 too late"
    assert _text("it was late\u2014", "too late") == "it was late\u2014too late"
    assert _text("a minus -", "b") == "a minus - b"


def test_a_short_last_line_ends_the_paragraph() -> None:
    full = "this line is as long as the column is wide and goes on"
    assert _text(full, "and ends here.", full, full + ".").split("\n\n") == [
        f"{full} and ends here.",
        f"{full} {full}.",
    ]


def test_an_indented_line_begins_a_paragraph() -> None:
    full = "this line is as long as the column is wide and it ends."
    indented = [*_lines(full, full), Line(full, 1, x=62.0, y=676.0), Line(full, 1, x=50.0, y=664.0)]
    assert reflow(indented[:3], frozenset())[0].split("\n\n") == [f"{full} {full}", full]


def test_references_are_paragraphs() -> None:
    entries = ["[1] A. Author. A title that fills the line to its end", "and a second. 2019.", "[2] B. Writer. 2020."]
    assert len(_text(*entries).split("\n\n")) == 2


def test_a_note_or_caption_does_not_cut_a_sentence() -> None:
    before = _lines("the sentence begins on this page and")
    note = _lines("1 A note at the foot of the page.", size=8.0)
    caption = _lines("Figure 2: What is seen here goes", "on in a second line.", page=2)
    after = _lines("goes on over the next one.", page=2)
    text, pages = reflow([*before, *note, *caption, *after], frozenset())
    assert text.split("\n\n") == [
        "the sentence begins on this page and goes on over the next one.",
        "1 A note at the foot of the page.",
        "Figure 2: What is seen here goes on in a second line.",
    ]
    assert [(text[offset : offset + 4], page) for offset, page in pages] == [
        ("the ", 1),
        ("goes", 2),
        ("1 A ", 1),
        ("Figu", 2),
    ]


def test_a_word_cut_by_the_page_is_mended_and_both_halves_have_their_page() -> None:
    text, pages = reflow([*_lines("a represen-"), *_lines("tation of it", page=2)], frozenset())
    assert text == "a representation of it"
    assert pages == ((0, 1), (text.index("tation"), 2))


_TEXTS = st.text(st.sampled_from(list("abcA .-:1[]•")), min_size=1, max_size=12).map(str.strip).filter(bool)
_LINES = st.lists(
    st.builds(
        Line,
        text=_TEXTS,
        page=st.integers(1, 3),
        size=st.sampled_from([8.0, 10.0]),
        x=st.sampled_from([50.0, 60.0]),
        y=st.floats(0, 800),
    ),
    max_size=12,
)


@given(_LINES)
def test_every_letter_keeps_its_page(lines: list[Line]) -> None:
    text, pages = reflow(lines, vocabulary(lines))
    offsets = [offset for offset, _ in pages]
    assert offsets == sorted(set(offsets))
    got: dict[int, int] = dict.fromkeys(range(1, 4), 0)
    for index, (offset, page) in enumerate(pages):
        end = offsets[index + 1] if index + 1 < len(offsets) else len(text)
        got[page] += sum(map(str.isalnum, text[offset:end]))
    assert got == {page: sum(sum(map(str.isalnum, line.text)) for line in lines if line.page == page) for page in got}
