"""The extractive summary: only sentences of the paper, each with its page and section, and the ones that matter."""

from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.agents.offline.reading import keywords, summarize
from mlrcopilot_tui.papers.model import Paper, Section, sentences
from mlrcopilot_tui.session.model import Quote

ABSTRACT = (
    "We study the classification of leaf shapes when only fifty images carry a label. "
    "A linear model reaches an error of 14.2 % on held-out leaves. "
    "The use of unlabelled leaves remains unexplored."
)
PAPER = Paper(
    digest="0" * 64,
    title="Leaf Shapes from Few Labels",
    abstract=ABSTRACT,
    sections=(
        Section(title="Abstract", level=1, page=1, text=ABSTRACT, pages=((0, 1),)),
        Section(
            title="2 Data",
            level=1,
            page=1,
            text="The data set consists of 1,600 images of leaves, drawn from a public herbarium. It is old.",
            pages=((0, 1),),
        ),
        Section(
            title="3 Method",
            level=1,
            page=2,
            text="We train a linear classifier on raw pixels with gradient descent. The learning rate is constant.",
            pages=((0, 2),),
        ),
        Section(
            title="4 Experiments",
            level=1,
            page=2,
            text="We report the error rate, the share of held-out leaves that are classified wrongly. "
            "Over five seeds the model reaches an error of 14.2 %, and 11.9 % with twice the labels.",
            pages=((0, 2),),
        ),
        Section(
            title="5 Limitations",
            level=1,
            page=3,
            text="However, no use is made of the unlabelled leaves. We did not tune the learning rate. "
            "The herbarium opened its doors in a spring long past.\n"
            "The model does not see the direction of edges, which stays a limitation.",
            pages=((0, 3), (90, 4)),
        ),
        Section(
            title="References",
            level=1,
            page=4,
            text="Doe, J. We leave open problems to future work. Journal of Unexplored Things.",
            pages=((0, 4),),
        ),
    ),
    page_count=4,
    source="leaves.pdf",
    warnings=(),
)


def texts(quotes: tuple[Quote, ...]) -> str:
    return " ".join(quote.text for quote in quotes)


def test_each_aspect_gets_the_sentences_that_tell_of_it() -> None:
    summary = summarize(PAPER, "offline")
    assert summary.engine == "offline"
    assert "We study the classification of leaf shapes" in texts(summary.task)
    assert "1,600 images" in texts(summary.datasets)
    assert "error rate" in texts(summary.metrics)
    assert "linear classifier on raw pixels" in texts(summary.method)
    assert "14.2 %" in texts(summary.results)
    gaps = [gap.quote.text for gap in summary.gaps]
    assert "However, no use is made of the unlabelled leaves." in gaps
    assert "We did not tune the learning rate." in gaps
    assert not any("spring" in gap or "Journal" in gap for gap in gaps)
    assert [gap.id for gap in summary.gaps] == [f"g{number}" for number in range(1, len(gaps) + 1)]
    assert any(gap.statement == "No use is made of the unlabelled leaves." for gap in summary.gaps)


def test_each_quote_stands_on_its_page() -> None:
    summary = summarize(PAPER, "offline")
    by_text = {gap.quote.text: gap.quote for gap in summary.gaps}
    assert by_text["However, no use is made of the unlabelled leaves."].page == 3
    edges = next(quote for text, quote in by_text.items() if "edges" in text)
    assert (edges.page, edges.section) == (4, "5 Limitations")


def test_a_sentence_repeated_in_other_words_is_quoted_once() -> None:
    summary = summarize(PAPER, "offline")
    unlabelled = [gap for gap in summary.gaps if "unlabelled leaves" in gap.quote.text]
    assert len({gap.quote.text for gap in unlabelled}) == len(unlabelled)
    assert len(summary.gaps) <= 8


def test_a_paper_without_gaps_has_none() -> None:
    text = "Cats purr at many frequencies in the evening. The sun shone over the harbour and its boats."
    section = Section(title="Story", level=1, page=1, text=text, pages=((0, 1),))
    paper = Paper(digest="", title="", abstract="", sections=(section,), page_count=1, source="a.pdf", warnings=())
    summary = summarize(paper, "offline")
    assert summary.gaps == ()
    assert summary.results == ()


def test_an_empty_paper_has_an_empty_summary() -> None:
    paper = Paper(digest="", title="", abstract="", sections=(), page_count=0, source="a.pdf", warnings=())
    summary = summarize(paper, "offline")
    assert summary.task == ()
    assert summary.keywords == ()


def test_keywords_are_phrases_of_the_paper() -> None:
    found = keywords(PAPER)
    whole = " ".join([PAPER.title, PAPER.abstract, *(section.text for section in PAPER.sections)]).lower()
    assert found
    assert all(phrase in whole for phrase in found)
    assert any("leaves" in phrase or "leaf" in phrase for phrase in found)


WORDS = st.sampled_from(
    [
        "we",
        "study",
        "do",
        "not",
        "use",
        "remains",
        "unexplored",
        "however",
        "limitation",
        "future",
        "work",
        "data",
        "set",
        "of",
        "100",
        "images",
        "error",
        "3.2",
        "%",
        "reaches",
        "leave",
        "model",
        "train",
        "the",
        "is",
        ".",
        ".",
        ".",
        "!",
        "?",
        "\n",
        "(see",
        "[1])",
        "e.g.",
        "Fig.",
        "2",
    ]
)
TEXTS = st.lists(WORDS, max_size=120).map(" ".join)


@given(st.lists(st.tuples(st.sampled_from(["Abstract", "5 Limitations", "Results", "References"]), TEXTS), max_size=4))
def test_nothing_is_invented(parts: list[tuple[str, str]]) -> None:
    sections = tuple(
        Section(title=title, level=1, page=page, text=text, pages=((0, page),))
        for page, (title, text) in enumerate(parts, start=1)
    )
    paper = Paper(digest="", title="T", abstract="", sections=sections, page_count=9, source="a.pdf", warnings=())
    real = {(text, page, section.title) for section in sections for text, page in sentences(section)}
    summary = summarize(paper, "offline")
    quotes = [gap.quote for gap in summary.gaps]
    for part in (summary.task, summary.datasets, summary.metrics, summary.method, summary.results, summary.future_work):
        quotes += part
    assert {(quote.text, quote.page, quote.section) for quote in quotes} <= real
    assert summary == summarize(paper, "offline")
