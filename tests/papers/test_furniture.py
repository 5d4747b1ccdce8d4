"""What a page prints around its text goes; the text itself stays."""

from mlrcopilot_tui.papers.extract import Line
from mlrcopilot_tui.papers.furniture import drop_furniture


def _page(number: int, head: str, foot: str, body: int = 12) -> list[Line]:
    texts = [f"body {'abcdefgh'[number]} {'mnopqrstuvwxyz'[index]} of words" for index in range(body)]
    printed = [Line(head, number, y=800.0), *(Line(text, number, y=700.0 - 20 * i) for i, text in enumerate(texts))]
    return [line for line in [*printed, Line(foot, number, y=30.0)] if line.text]


def _texts(pages: list[list[Line]]) -> list[str]:
    return [line.text for page in drop_furniture(pages) for line in page]


def test_running_heads_with_page_numbers_in_them_go() -> None:
    pages = [_page(n, f"{n + 7} Smith et al., 2024" if n > 1 else "", str(n + 7)) for n in range(1, 6)]
    assert all(text.startswith("body") for text in _texts(pages))
    assert len(_texts(pages)) == 60


def test_heads_of_odd_and_even_pages_go() -> None:
    pages = [_page(n, "Smith and Jones" if n % 2 else "On the Few-Label Regime", f"- {n} -") for n in range(1, 7)]
    assert all(text.startswith("body") for text in _texts(pages))


def test_a_line_that_is_repeated_within_the_text_stays() -> None:
    pages = [_page(n, "", "") for n in range(1, 5)]
    for page in pages:
        page.insert(6, Line("end for", page[0].page, y=581.0))
    assert _texts(pages).count("end for") == 4


def test_a_head_on_too_few_pages_stays() -> None:
    pages = [_page(n, "Only here" if n <= 2 else "", "") for n in range(1, 6)]
    assert _texts(pages).count("Only here") == 2


def test_rows_of_figures_are_no_running_heads() -> None:
    pages = [_page(n, f"0.{n} 0.{n + 1}", "") for n in range(1, 6)]
    assert len(_texts(pages)) == 65


def test_line_numbers_of_a_review_copy_go() -> None:
    page = [Line(f"{number:03}", 1, y=700.0 - number) for number in range(54)]
    page[20:20] = _page(1, "", "")
    page[26:26] = [Line("2019", 1, y=591.0)]
    assert _texts([page]) == [line.text for line in _page(1, "", "")[:6]] + ["2019"] + [
        line.text for line in _page(1, "", "")[6:]
    ]


def test_lines_of_a_table_of_contents_go() -> None:
    page = _page(1, "", "")
    page.insert(6, Line("3 Results . . . . . . . . 17", 1, y=590.5))
    assert _texts([page]) == [line.text for line in _page(1, "", "")]
