"""Sections give every character its page, and sentences come out whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.papers.model import Section, sentences


def _section(text: str, pages: tuple[tuple[int, int], ...] = ((0, 3),), title: str = "1 Introduction") -> Section:
    return Section(title=title, level=1, page=3, text=text, pages=pages)


def _split(text: str) -> list[str]:
    return [sentence for sentence, _ in sentences(_section(text))]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The error falls to 3.5 points.", "It stays there."),
        ("We use dropout, e.g. at a rate of 0.5.", "It helps."),
        ("This holds, i.e. The Bound of Theorem 1 is tight.", "We prove it."),
        ("As Smith et al. Showed in 2019, it fails.", "We confirm that."),
        ("See Fig. 3 and Eq. (4) for details.", "Then go on."),
        ("Both agree (cf. Sec. 2).", "A test follows."),
        ("The idea is due to J. Q. Public and D.-W. Kim.", "They published it."),
        ("It was shown before [12].", "We go further."),
        ("It was shown before. [3, 12]", "We go further."),
        ('They call it "solved."', "We disagree."),
        ("Does it scale?", "It does!"),
        ("Results vary w.r.t. Adam and are i.i.d. Gaussian otherwise.", "2 seeds were run."),
        ("We compare approx. 10 runs vs. Baselines.", "None wins."),
        ("2. Train the probe on Fig. 1.", "3. Stop."),
        ("In the U.S. Census data there are gaps.", "Élan vital follows."),
    ],
)
def test_sentences_end_where_they_end(first: str, second: str) -> None:
    assert _split(f"{first} {second}") == [first, second]


def test_a_paragraph_ends_a_sentence() -> None:
    assert _split("A heading without a stop\n\nA sentence. Another one.") == [
        "A heading without a stop",
        "A sentence.",
        "Another one.",
    ]


def test_a_sentence_is_cited_by_the_page_on_which_it_begins() -> None:
    text = "One stands here. Two goes over the edge. Three is on the next."
    section = _section(text, ((0, 4), (text.index("over"), 5)))
    assert [page for _, page in sentences(section)] == [4, 4, 5]


def test_page_at_holds_at_the_edges() -> None:
    section = _section("abcdef", ((0, 4), (3, 5)))
    assert [section.page_at(offset) for offset in (-1, 0, 2, 3, 99)] == [4, 4, 4, 5, 5]
    assert _section("", ()).page_at(0) == 3


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("3.2 Ablations", "Ablations"),
        ("1. Introduction", "Introduction"),
        ("IV. EXPERIMENTS", "EXPERIMENTS"),
        ("A.1 Proofs", "Proofs"),
        ("Appendix B Data", "Data"),
        ("A Simple Method", "A Simple Method"),
        ("I Know What You Did", "I Know What You Did"),
        ("Abstract", "Abstract"),
        ("3D Vision", "3D Vision"),
    ],
)
def test_a_name_is_the_title_without_its_number(title: str, name: str) -> None:
    assert _section("", title=title).name == name


@given(st.text(st.sampled_from(list('abC .!?[]"(12\n,é')), max_size=80))
def test_sentences_lose_no_character(text: str) -> None:
    assert "".join("".join(_split(text)).split()) == "".join(text.split())
