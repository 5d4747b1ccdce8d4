"""The staircase: each experiment of a session as a mark at what it measured, and the champion's value as steps."""

import dataclasses
import math
from collections.abc import Sequence
from typing import ClassVar, Final

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from mlrcopilot_tui.research.staircase import Stair
from mlrcopilot_tui.tui.widgets import chart
from mlrcopilot_tui.tui.widgets.curve import number
from mlrcopilot_tui.tui.widgets.painting import component_style

_GUTTER: Final = 9
_PRIORITY: Final = {"staircase--other": 0, "staircase--crashed": 1, "staircase--kept": 2}
Mark = tuple[str, str]
"""A character and how it is styled."""


class Staircase(Widget):
    """Draws metric over experiments."""

    DEFAULT_CSS = """
    Staircase {
        height: 6;
        & > .staircase--line { color: $curve; }
        & > .staircase--kept { color: $kept; text-style: bold; }
        & > .staircase--crashed { color: $crashed; }
        & > .staircase--other { color: $inconclusive; }
        & > .staircase--axis { color: $muted; text-style: $muted-style; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "staircase--line", "staircase--kept", "staircase--crashed", "staircase--other", "staircase--axis",
    }  # fmt: skip

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__()
        self._ascii_only = ascii_only
        self._told: tuple[Stair, ...] = ()
        self._stairs: tuple[Stair, ...] = ()
        self._strips: list[Strip] = []
        self._drawn_at = (-1, -1)

    def show(self, stairs: tuple[Stair, ...]) -> None:
        """Draws other experiments, or these further on; nothing is painted where nothing changed."""
        if stairs != self._told:
            self._told = stairs
            self._stairs = tuple(_drawable(stair) for stair in stairs)
            self._drawn_at = (-1, -1)
            self.refresh()

    def notify_style_update(self) -> None:
        """Draws again in another theme."""
        super().notify_style_update()
        self._drawn_at = (-1, -1)

    def render_line(self, y: int) -> Strip:
        """One line of the widget."""
        width, height = self.size
        if self._drawn_at != (width, height):
            self._strips = self._draw(width, height)
            self._drawn_at = (width, height)
        return self._strips[y] if y < len(self._strips) else Strip.blank(width, self.rich_style)

    def _draw(self, width: int, height: int) -> list[Strip]:
        bounds = _bounds(self._stairs)
        cells, rows = width - _GUTTER, height - 1
        if bounds is None or len(self._stairs) < 2 or cells < 8 or rows < 2:
            return []
        line = chart.dots(_steps(self._stairs, 2 * cells), rows, bounds)
        marks = self._marks(cells, rows, bounds)
        labels = {0: number(bounds[1]), rows - 1: number(bounds[0])}
        strips = []
        for row in range(rows):
            segments = [self._segment(f"{labels.get(row, ''):>{_GUTTER - 1}} ", "staircase--axis")]
            for at in range(cells):
                text = chart.ascii_cell(line[row][at]) if self._ascii_only else chart.cell(line[row][at])
                segments.append(self._segment(*marks.get((row, at), (text, "staircase--line"))))
            strips.append(Strip(segments, width).simplify())
        return [*strips, self._axis(width, cells)]

    def _axis(self, width: int, cells: int) -> Strip:
        count = len(self._stairs) - 1
        last = f"{count} experiment{'s' * (count != 1)}"
        text = f"{'':{_GUTTER}}0{last:>{cells - 1}}"
        return Strip([self._segment(text[:width], "staircase--axis")]).extend_cell_length(width, self.rich_style)

    def _marks(self, cells: int, rows: int, bounds: chart.Range) -> dict[tuple[int, int], Mark]:
        """By row and column of cells: the experiments, of which the most telling is seen where several meet."""
        marks: dict[tuple[int, int], Mark] = {}
        for stair in self._stairs[1:]:
            mark = self._mark(stair)
            share = 0.0 if stair.value is None else _share(stair.value, bounds)
            place = round((1 - share) * (rows - 1)), _column(stair.number, len(self._stairs), 2 * cells) // 2
            if place not in marks or _PRIORITY[mark[1]] > _PRIORITY[marks[place][1]]:
                marks[place] = mark
        return marks

    def _mark(self, stair: Stair) -> Mark:
        if stair.fate == "kept":
            return ("*" if self._ascii_only else "●"), "staircase--kept"
        if stair.fate == "crashed" or stair.value is None:
            return ("x" if self._ascii_only else "✗"), "staircase--crashed"
        return ("o" if self._ascii_only else "○"), "staircase--other"

    def _segment(self, text: str, name: str) -> Segment:
        return Segment(text, component_style(self, (name,)))


def _bounds(stairs: Sequence[Stair]) -> chart.Range | None:
    """The lowest and the highest value that are drawn: the champion's and as much again, for one wild experiment must
    not press the steps flat; what lies beyond stands at the edge."""
    best = chart.extent([stair.best for stair in stairs if stair.best is not None])
    every = chart.extent([stair.value for stair in stairs if stair.value is not None])
    if best is None or every is None:
        return None
    room = (best[1] - best[0]) or (every[1] - every[0])
    low, high = max(every[0], best[0] - room / 2), min(every[1], best[1] + room / 2)
    return min(low, best[0]), max(high, best[1])


def _drawable(stair: Stair) -> Stair:
    """The same, where what is no finite number has no place in a chart."""
    value, best = (each if each is not None and math.isfinite(each) else None for each in (stair.value, stair.best))
    return dataclasses.replace(stair, value=value, best=best)


def _share(value: float, bounds: chart.Range) -> float:
    low, high = bounds
    room = high / 2 - low / 2  # halves: the whole of a range can be more than a float holds
    return min(1.0, max(0.0, (value / 2 - low / 2) / room)) if room > 0 else 0.5


def _column(place: int, count: int, columns: int) -> int:
    """Where an experiment stands, of so many columns."""
    return round(place * (columns - 1) / max(1, count - 1))


def _steps(stairs: Sequence[Stair], columns: int) -> chart.Columns:
    """The champion's value in each column of dots; where it changes, the column holds both."""
    spans: chart.Columns = [None] * columns
    before: float | None = None
    for at, stair in enumerate(stairs):
        start = _column(at, len(stairs), columns)
        stop = _column(at + 1, len(stairs), columns) if at + 1 < len(stairs) else columns
        if stair.best is not None:
            last = stair.best if before is None else before
            spans[start] = min(last, stair.best, *(spans[start] or ())), max(last, stair.best, *(spans[start] or ()))
            spans[start + 1 : stop] = [(stair.best, stair.best)] * max(0, stop - start - 1)
            before = stair.best
    return spans
