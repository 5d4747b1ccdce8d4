"""Curves: no point is lost from sight, nothing a run reports can break them, the parent's band lies behind."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult

from mlrcopilot_tui.tui.themes import variable_defaults
from mlrcopilot_tui.tui.widgets.curve import Curve, braille, number, sparkline

any_float = st.floats(width=64)
any_series = st.lists(st.tuples(any_float, any_float), max_size=60)

SERIES = [(float(step), 1 / (step + 1)) for step in range(15)]
PARENTS = [[(float(step), 0.1 * n + 1 / (step + 1)) for step in range(41)] for n in (1, 2)]


class CurveApp(App[None]):
    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__()
        self.ascii_only = ascii_only

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variable_defaults(self.current_theme)

    def compose(self) -> ComposeResult:
        yield Curve(ascii_only=self.ascii_only)

    def frame(self) -> list[str]:
        return [strip.text for strip in self.screen._compositor.render_strips()]


def heights(drawn: list[str]) -> list[int | None]:
    """The highest dot of each column of dots, counted from below."""
    tops: list[int | None] = []
    for at in range(2 * len(drawn[0])):
        side = (0x40, 0x04, 0x02, 0x01) if at % 2 == 0 else (0x80, 0x20, 0x10, 0x08)
        bits = [bool(ord(line[at // 2]) & bit) and line[at // 2] != " " for line in drawn[::-1] for bit in side]
        tops.append(max((level for level, bit in enumerate(bits) if bit), default=None))
    return tops


@example([(0.0, 1.7976931348623157e308), (0.0, -9.9792015476736e291)], 1, 1)
@example([(0.0, 0.0), (1.0, 8.98846567431158e307)], 2, 1)
@given(any_series, st.integers(0, 30), st.integers(0, 6))
def test_any_series_gives_a_picture_of_the_right_size(
    series: list[tuple[float, float]], width: int, height: int
) -> None:
    drawn = braille(series, width, height)
    assert len(drawn) == height
    assert all(len(line) == width for line in drawn)
    assert {ord(c) for line in drawn for c in line} <= {0x20, *range(0x2801, 0x2900)}


@given(st.lists(any_float, max_size=60), st.integers(0, 30), st.booleans())
def test_any_values_give_a_sparkline(values: list[float], width: int, ascii_only: bool) -> None:
    line = sparkline(values, width, ascii_only=ascii_only)
    assert len(line) == width
    assert not ascii_only or line.isascii()


@given(any_float)
def test_numbers_fit_the_gutter(value: float) -> None:
    assert len(number(value)) <= 8


def test_a_line_runs_from_corner_to_corner() -> None:
    drawn = braille([(0, 0), (9, 19)], 5, 5)
    assert heights(drawn) == [0, 2, 4, 6, 8, 11, 13, 15, 17, 19]


@pytest.mark.parametrize("count", [100, 10_000, 100_000])
def test_a_spike_stays_in_sight(count: int) -> None:
    series = [(float(step), 0.1) for step in range(count)]
    series[count // 3] = (count // 3, 5.0)
    tops = heights(braille(series, 40, 4))
    assert max(top for top in tops if top is not None) == 15
    assert tops.count(15) <= 2
    assert None not in tops


def test_what_is_not_finite_is_left_out() -> None:
    clean = [(0.0, 0.0), (1.0, 1.0), (2.0, 4.0), (3.0, 9.0)]
    dirty = [*clean[:2], (1.5, math.nan), (math.nan, 3.0), (1.6, math.inf), *clean[2:], (math.inf, 0.0)]
    assert braille(dirty, 10, 3) == braille(clean, 10, 3)
    assert braille(clean[::-1], 10, 3) == braille(clean, 10, 3)
    assert braille([(0, math.nan)], 3, 2) == ["   ", "   "]


def test_ranges_can_be_given() -> None:
    half = heights(braille([(0, 0.5), (1, 0.5)], 4, 4, x_range=(0, 2), y_range=(0, 1)))
    assert half[:4] == [8] * 4
    assert half[5:] == [None] * 3


def test_sparklines() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([0, 100], 4, low=0, high=100, ascii_only=True) == "  _#"
    assert sparkline([50, 250, -3], 3, low=0, high=100) == "▅█▁"
    assert sparkline([1, math.nan, 2], 3) == "▁ █"
    assert sparkline([0] * 50 + [9] + [0] * 49, 10)[5] == "█"
    assert sparkline([], 3) == "   "


async def test_the_metric_is_drawn_against_its_parents() -> None:
    app = CurveApp()
    async with app.run_test(size=(60, 12), notifications=True) as pilot:
        curve = app.query_one(Curve)
        await pilot.pause()
        assert app.frame()[0].startswith("The curve appears here")
        assert curve.show(SERIES, PARENTS, "val_error")
        await pilot.pause()
        frame = app.frame()
        assert frame[0].rstrip() == "val_error 0.06667 at step 14 · parent 0.1667 to 0.2667"
        assert frame[1].startswith("     1.2 ")
        assert frame[10].startswith(" 0.06667 ")
        assert frame[11].split() == ["0", "40"]
        styles = {segment.style for y in range(1, 11) for segment in curve.render_line(y) if segment.text.strip()}
        assert len(styles) == 3, "line, band and axis look different"
        assert not curve.show(list(SERIES), PARENTS, "val_error"), "nothing changed, nothing is painted"
        assert curve.show([*SERIES, (15.0, math.nan)], PARENTS, "val_error")
        await pilot.pause()
        assert app.frame()[0].startswith("val_error nan at step 15")


@pytest.mark.parametrize("size", [(60, 12), (30, 6), (20, 3), (9, 1), (1, 1)])
@pytest.mark.parametrize("series", [[], SERIES[:1], SERIES, [(0.0, math.nan)]])
async def test_it_fits_any_size(size: tuple[int, int], series: list[tuple[float, float]]) -> None:
    app = CurveApp(ascii_only=True)
    async with app.run_test(size=size, notifications=True) as pilot:
        app.query_one(Curve).show(series, PARENTS[:1], "\x1b]52;c;aGk=\x07[/x]\u202e " + "m" * 200)
        await pilot.pause()
        frame = app.frame()
        assert all(cell_len(line) == size[0] for line in frame)
        assert "\x1b" not in "".join(frame)
        assert all(line.isascii() for line in frame[1:])
