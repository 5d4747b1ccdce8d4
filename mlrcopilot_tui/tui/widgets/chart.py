"""Small charts as text: a line chart in braille dots and a one-line bar chart, without a plotting library.

A hundred thousand points are drawn in a few milliseconds, and a spike of one of them stays visible.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from operator import itemgetter
from typing import Final

Point = tuple[float, float]
"""A step and the value at it."""
Range = tuple[float, float]
"""The lowest and the highest value."""
Columns = list[Range | None]
"""What each column of dots spans, from left to right; None where there is nothing."""

HATCH: Final = 0x95
"""Every other dot of a braille cell, as a chessboard."""

_BRAILLE: Final = 0x2800
_DOTS: Final = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
# Dots of one side of a cell from row `a` down to row `b`.
_BARS: Final = tuple(tuple(tuple(sum(side[a : b + 1]) for b in range(4)) for a in range(4)) for side in _DOTS)
_UPPER: Final = 0x01 | 0x02 | 0x08 | 0x10
_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_BLOCKS_ASCII: Final = "_.-:=+*#"


def braille(
    series: Sequence[Point],
    width: int,
    height: int,
    *,
    x_range: Range | None = None,
    y_range: Range | None = None,
) -> list[str]:
    """Draw a line chart in `height` lines of `width` cells, two by four dots each.

    Args:
        series: steps and values; what is not finite is left out, and the rest need not be in order.
        width: cells a line.
        height: lines.
        x_range: steps at the left and right edge; by default the series' own.
        y_range: values at the bottom and the top; by default the series' own.
    """
    steps, values = ordered(series)
    if not steps or width <= 0 or height <= 0:
        return [" " * max(0, width)] * max(0, height)
    spans = joined(columns(steps, values, 2 * width, x_range or (steps[0], steps[-1])))
    upright = y_range or reach(spans)
    cells = dots(spans, height, upright) if upright else [[0] * width] * height
    return ["".join(map(cell, row)) for row in cells]


def sparkline(
    values: Sequence[float],
    width: int,
    *,
    low: float | None = None,
    high: float | None = None,
    ascii_only: bool = False,
) -> str:
    """Draw the last values as bars on one line; more values than cells keep their highest, what is not finite is blank.

    Args:
        values: oldest first.
        width: cells.
        low: value of the lowest bar; by default the lowest of the values.
        high: value of the highest bar; by default the highest of the values.
        ascii_only: for terminals without block characters.
    """
    bars = _BLOCKS_ASCII if ascii_only else _BLOCKS
    span = extent(values)
    if span is None or width <= 0:
        return " " * max(0, width)
    bottom = span[0] if low is None else low
    top = span[1] if high is None else high
    scale = (len(bars) - 1) / (top - bottom) if top > bottom else 0.0
    count = min(width, len(values))
    edges = [len(values) * at // count for at in range(count + 1)]
    drawn = ""
    for start, stop in pairwise(edges):
        finite = [value for value in values[start:stop] if math.isfinite(value)]
        level = round((max(finite) - bottom) * scale) if finite else 0
        drawn += bars[min(max(level, 0), len(bars) - 1)] if finite else " "
    return drawn.rjust(width)


def ordered(series: Sequence[Point]) -> tuple[list[float], list[float]]:
    """Split a series into its steps, in order and finite, and the values at them."""
    steps = list(map(itemgetter(0), series))
    if not math.isfinite(sum(steps)) or steps != sorted(steps):
        series = sorted((point for point in series if math.isfinite(point[0])), key=itemgetter(0))
        steps = list(map(itemgetter(0), series))
    return steps, list(map(itemgetter(1), series))


def extent(values: Sequence[float]) -> Range | None:
    """Give the lowest and highest of the finite values, None if there is none."""
    if not math.isfinite(sum(values)):
        values = [value for value in values if math.isfinite(value)]
    return (min(values), max(values)) if values else None


def columns(steps: Sequence[float], values: Sequence[float], count: int, across: Range) -> Columns:
    """Sort values into `count` columns by their ordered steps, keeping the extremes of each column."""
    left, right = across
    width = (right - left) / max(1, count - 1)
    cuts = [bisect_left(steps, left + (at - 0.5) * width) for at in range(count + 1)] if width else [0, len(steps)]
    spans = [extent(values[start:stop]) for start, stop in pairwise(cuts)]
    return spans + [None] * (count - len(spans))


def reach(spans: Columns) -> Range | None:
    """Give the lowest and highest of all columns."""
    known = [span for span in spans if span is not None]
    return (min(low for low, _ in known), max(high for _, high in known)) if known else None


def joined(spans: Columns) -> Columns:
    """Close the gaps: columns between two points get the value of the line between them, neighbours touch."""
    line: Columns = list(spans)
    known = [at for at, span in enumerate(line) if span is not None]
    for left, right in pairwise(known):
        before, after = spans[left], spans[right]
        if before is None or after is None:
            continue
        start = before[1] if after[0] > before[1] else before[0] if after[1] < before[0] else None
        goal = after[0] if after[0] > before[1] else after[1]
        for at in range(left + 1, right):
            share = (at - left) / (right - left)
            value = before[0] / 2 + before[1] / 2 if start is None else start * (1 - share) + goal * share
            line[at] = (value, value)
        if right == left + 1 and start is not None:
            line[right] = (min(start, after[0]), max(start, after[1]))
    return line


def dots(spans: Columns, height: int, upright: Range) -> list[list[int]]:
    """Set the dots that each column spans; returns the braille pattern of each cell, line by line."""
    cells = [[0] * ((len(spans) + 1) // 2) for _ in range(height)]
    bottom, top = upright
    rows = 4 * height - 1
    half = top / 2 - bottom / 2  # halves: the whole of a range can be more than a float holds
    for at, span in enumerate(spans):
        if span is None or span[1] < bottom or span[0] > top:
            continue
        inside = [min(max(value, bottom), top) for value in span[::-1]]
        upper, lower = (rows - round((value / 2 - bottom / 2) / half * rows if half else rows / 2) for value in inside)
        for row in range(upper // 4, lower // 4 + 1):
            bar = _BARS[at % 2][max(0, upper - 4 * row)][min(3, lower - 4 * row)]
            cells[row][at // 2] |= bar
    return cells


def cell(pattern: int) -> str:
    """The character of a braille pattern; a space where no dot is set."""
    return chr(_BRAILLE + pattern) if pattern else " "


def ascii_cell(pattern: int) -> str:
    """The nearest plain character: high, low or both."""
    if not pattern:
        return " "
    return ":" if pattern & _UPPER and pattern & ~_UPPER else "'" if pattern & _UPPER else "."
