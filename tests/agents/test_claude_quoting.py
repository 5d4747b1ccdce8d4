"""Quotes are found in a paper however they were copied, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.agents.claude.ideas.paper_text import shown_paper
from mlrcopilot_tui.agents.claude.ideas.quoting import QuoteIndex
from mlrcopilot_tui.papers.model import Paper, Section, sentences

TEXT = (
    "We classify the ﬁgures of “few-label” data. The regularisation of deep models — dropout, say — is untested here, "
    "because Müller et al. [12] left it out. Accuracy falls by 0.31 on unseen fonts.\n\n"
    "This sentence begins on one page and it ends only on the page after that. "
    "The same words stand twice in this paper."
)
SPLIT = TEXT.index("ends only")


def paper_of(*sections: Section, abstract: str = "") -> Paper:
    return Paper(digest="d", title="T", abstract=abstract, sections=sections, page_count=9, source="t.pdf", warnings=())


PAPER = paper_of(
    Section(title="1 Introduction", level=1, page=3, text=TEXT, pages=((0, 3), (SPLIT, 4))),
    Section(title="6 Conclusion", level=1, page=8, text="The same words stand twice in this paper.", pages=((0, 8),)),
    abstract="An abstract that is printed apart says this sentence once.",
)
INDEX = QuoteIndex(PAPER)


@pytest.mark.parametrize(
    ("words", "begins", "page"),
    [
        ('We classify the figures of "few-label" data.', "We classify", 3),
        ("we classify the figures of few label data", "We classify", 3),
        ("The regular-\nisation of deep models - dropout, say - is untested here", "The regularisation", 3),
        ("because Muller et al. [12] left it out.", "The regularisation", 3),
        ("it ends only on the page after that.", "This sentence", 3),
        ("An abstract that is printed apart says this", "An abstract", 1),
    ],
)
def test_a_quote_is_found_however_it_was_copied(words: str, begins: str, page: int) -> None:
    found = INDEX.nearest(words, page)
    assert found is not None
    assert found.away(page) == 0
    assert found.quote.page == page
    assert found.quote.text.startswith(begins)
    assert found.quote.text.endswith((".", "once."))
    assert found.quote.text in TEXT.replace("\n", " ") or found.quote.text == PAPER.abstract


@pytest.mark.parametrize(
    "words",
    [
        "Accuracy falls by 0.13 on unseen fonts.",  # the digits changed places
        "Accuracy rises by 0.31 on unseen fonts.",
        "We classify the figures … is untested here",  # joined
        "unseen fonts",  # words that stand anywhere
        "",
        "   ",
    ],
)
def test_what_the_paper_does_not_say_is_not_found(words: str) -> None:
    assert INDEX.nearest(words, 3) is None


def test_the_place_nearest_to_the_page_counts() -> None:
    near_end = INDEX.nearest("The same words stand twice in this paper.", 9)
    assert near_end is not None
    assert (near_end.quote.page, near_end.quote.section, near_end.away(9)) == (8, "6 Conclusion", 1)
    near_start = INDEX.nearest("The same words stand twice in this paper.", 4)
    assert near_start is not None
    assert (near_start.quote.page, near_start.away(4)) == (4, 0)


def test_a_sentence_over_two_pages_stands_on_both() -> None:
    found = INDEX.nearest("This sentence begins on one page and it ends only on the page after that.", 4)
    assert found is not None
    assert (found.first, found.last, found.quote.page) == (3, 4, 3)


@given(st.lists(st.text(alphabet="abc XYZ.,;-\n'é1", min_size=1), min_size=1, max_size=6), st.data())
def test_every_sentence_of_a_paper_is_found_as_it_stands(parts: list[str], data: st.DataObject) -> None:
    section = Section(title="S", level=1, page=1, text="\n\n".join(parts), pages=((0, 1),))
    index = QuoteIndex(paper_of(section))
    for sentence, _ in sentences(section):
        if sum(letter.isalnum() for letter in sentence) >= 20:
            spaced = data.draw(
                st.sampled_from([sentence, sentence.replace(" ", "\n"), f"“{sentence}”", sentence.upper()])
            )
            found = index.nearest(spaced, 1)
            assert found is not None
            assert found.quote.text in " ".join(parts).replace("\n", " ") or found.quote.text in section.text


def test_a_long_paper_shows_what_tells_most_and_says_what_is_missing() -> None:
    def section(title: str, page: int, level: int = 1) -> Section:
        return Section(title=title, level=level, page=page, text=f"{title} {'word ' * 400}", pages=((0, page),))

    paper = paper_of(
        section("1 Introduction", 1),
        section("2 Related Work", 2),
        section("3 Oddities", 3),
        section("4 Results", 4),
        section("4.1 Details", 5, level=2),
        section("5 Limitations", 6),
        section("References", 7),
        section("A Proofs of the Method", 8),
        abstract="The abstract.",
    )
    shown = shown_paper(paper, 7_800)
    order = [title for title in ("Abstract", "Introduction", "Related", "Results", "Details", "Limitations", "Proofs")
             if f"{title}" in shown.text]  # fmt: skip
    assert order == ["Abstract", "Introduction", "Results", "Details", "Limitations"]
    assert "References" not in shown.text
    assert (
        shown.left_out == "2 Related Work (p. 2), 3 Oddities (p. 3), 4.1 Details (p. 5), A Proofs of the Method (p. 8)"
    )
    assert "characters left out" in shown.text
    whole = shown_paper(paper)
    assert whole.left_out == ""
    assert "Proofs" in whole.text
