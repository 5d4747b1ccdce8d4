"""Headings are found by the outline and by how they are printed, and nothing else is taken for one."""

import pytest

from mlrcopilot_tui.papers.extract import Bookmark, Line
from mlrcopilot_tui.papers.headings import find_headings, split_run_in

_BODY = "this is one of the lines of running text that fill the page"


def _document(*texts: str, size: float = 12.0) -> list[Line]:
    """Headings, given with "# " before them, and other lines, each followed by lines of text."""
    document: list[Line] = []
    for text in texts:
        styled = Line(text[2:], 2, size, "Times-Bold") if text.startswith("# ") else Line(text, 2)
        document += [styled, *[Line(_BODY, 2)] * 3]
    return [Line(line.text, 2, line.size, line.font, 50.0, 800.0 - 20 * y) for y, line in enumerate(document)]


def _found(lines: list[Line], *outline: Bookmark) -> list[tuple[str, int]]:
    return [(heading.title, heading.level) for heading in find_headings(lines, outline)]


def test_numbered_headings_have_the_level_of_their_number() -> None:
    titles = [
        "1 Introduction",
        "2 Self-supervised encoders",
        "2.1 lasso: a package",
        "3 Results",
        "A Proofs",
        "A.1 One",
    ]
    assert _found(_document(*(f"# {title}" for title in titles))) == list(zip(titles, (1, 1, 2, 1, 1, 2), strict=True))


def test_headings_in_the_type_of_the_text_are_found_by_name_and_sequence() -> None:
    titles = ["Abstract", "1 Introduction", "2 Related Work", "3 Deep Sets", "3.1 Masked Layers", "4 Conclusion"]
    assert [title for title, _ in _found(_document(*titles))] == titles


@pytest.mark.parametrize("titles", [["I. INTRODUCTION", "II. RELATED WORK", "III. THE NETWORK", "REFERENCES"]])
def test_roman_numbers_and_capitals(titles: list[str]) -> None:
    assert [title for title, _ in _found(_document(*(f"# {title}" for title in titles)))] == titles


def test_unnumbered_headings_share_the_style_of_those_with_a_known_name() -> None:
    titles = ["Abstract", "Introduction", "The Sparse Regime", "Results", "Limitations", "References"]
    assert [title for title, _ in _found(_document(*(f"# {title}" for title in titles)))] == titles


def test_items_table_heads_and_captions_are_not_headings() -> None:
    others = [
        "1. We propose a new way to train them without labels",
        "2. Faster inference.",
        "Method",
        "Model Error Data",
        "Figure 2: Results of the Second Experiment",
        "R help systems are not appendices",
        "2019 Was a Good Year",
    ]
    assert _found(_document("# 1 Introduction", *others, "# 2 Conclusion")) == [
        ("1 Introduction", 1),
        ("2 Conclusion", 1),
    ]


def test_a_table_of_contents_gives_no_headings() -> None:
    document = _document("# 1 Introduction 1", "# 2 Results 12", "# 1. Introduction", "# 2. Results", "# 3. CIFAR 10")
    assert [title for title, _ in _found(document)] == ["1. Introduction", "2. Results", "3. CIFAR 10"]


def test_authors_printed_like_headings_are_not_headings() -> None:
    front = [Line("Ada Author", 1, 12.0, "Times-Bold"), Line("Bo Writer", 1, 12.0, "Times-Bold")]
    assert _found([*front, *_document("# Abstract", "# Introduction")]) == [("Abstract", 1), ("Introduction", 1)]


def test_a_heading_of_two_lines_is_one() -> None:
    long = [
        Line("3 A Heading That Is Far Too Long", 2, 12.0, "Times-Bold", x=50, y=500),
        Line("for the Column", 2, 12.0, "Times-Bold", x=50, y=486),
    ]
    found = _found([*_document("# 1 Introduction"), *long, *_document("# 4 Results")])
    assert found[1] == ("3 A Heading That Is Far Too Long for the Column", 1)


def test_the_outline_leads_and_known_names_are_added() -> None:
    document = _document("Abstract", "Why we do it", "How it is done", "What came of it", "References")
    outline = [Bookmark(title, 1, 2) for title in ("Why we do it", "How it is done", "What came of it", "Not there")]
    assert _found(document, *outline) == [
        ("Abstract", 1),
        ("Why we do it", 1),
        ("How it is done", 1),
        ("What came of it", 1),
        ("References", 1),
    ]


def test_an_outline_without_numbers_is_found_in_print_with_them_and_over_two_lines() -> None:
    document = _document("1 Why we", "2 How it is done", "2.1 In short")
    document[1] = Line("do it", 2, 10.0)
    outline = [Bookmark("Why we do it", 0, 2), Bookmark("How it is done", 0, 1), Bookmark("In short", 1, 2)]
    assert _found(document, *outline) == [("1 Why we do it", 1), ("2 How it is done", 1), ("2.1 In short", 2)]


@pytest.mark.parametrize(
    ("text", "heading", "rest"),
    [
        ("Abstract\u2014We study digits", "Abstract", "We study digits"),
        ("ABSTRACT: In this paper", "Abstract", "In this paper"),
        ("Abstract. Digits are hard", "Abstract", "Digits are hard"),
        ("A B S T R A C T", "Abstract", ""),
        ("Index Terms\u2014digits, labels", "Index Terms", "digits, labels"),
        ("Abstract nonsense is a field", None, "Abstract nonsense is a field"),
    ],
)
def test_a_heading_on_the_line_of_its_text_is_split_off(text: str, heading: str | None, rest: str) -> None:
    assert [line.text for line in split_run_in([Line(text, 1)])] == [part for part in (heading, rest) if part]
