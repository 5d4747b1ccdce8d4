"""A paper as text: one look tells what was read, and from where."""

from mlrcopilot_tui.papers.model import Paper, Section
from mlrcopilot_tui.papers.present import as_text


def _section(title: str, level: int, page: int, words: int) -> Section:
    return Section(title=title, level=level, page=page, text="word " * words, pages=((0, page),))


def _paper(**changes: object) -> Paper:
    values: dict[str, object] = {
        "digest": "ab" * 32,
        "title": "Few Labels, Many Shapes",
        "abstract": "We study digits.",
        "sections": (_section("1 Introduction", 1, 1, 1234), _section("1.1 Data", 2, 3, 5)),
        "page_count": 4,
        "source": "digits.pdf",
        "warnings": ("One page is missing.",),
    }
    return Paper(**{**values, **changes})  # type: ignore[arg-type]  # the values are the struct's own


def test_the_whole_of_it() -> None:
    assert as_text(_paper()) == (
        "Few Labels, Many Shapes\n"
        "digits.pdf · 4 pages · sha256 abababababab\n"
        "\n"
        "Abstract\n"
        "  We study digits.\n"
        "\n"
        "Sections" + " " * 71 + "page    words\n"
        "  1 Introduction " + "·" * 61 + "    1    1,234\n"
        "    1.1 Data " + "·" * 65 + "    3        5\n"
        "\n"
        "! One page is missing.\n"
    )


def test_long_titles_fit_and_nothing_is_said_of_what_is_not_there() -> None:
    long = _section("An Exceedingly Long Heading " * 9, 3, 1, 1)
    text = as_text(_paper(abstract="", sections=(long, _section("x" * 300, 1, 1, 1)), warnings=(), page_count=1))
    assert max(map(len, text.splitlines())) <= 92
    assert "Abstract" not in text
    assert "!" not in text
    assert "1 page ·" in text
