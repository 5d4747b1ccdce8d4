"""The live curve: the metric of a run as it trains, against the band in which its parent's runs moved."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from mlrcopilot_tui.text import one_line
from mlrcopilot_tui.tui.widgets import chart
from mlrcopilot_tui.tui.widgets.chart import Point, Range, braille, sparkline
from mlrcopilot_tui.tui.widgets.painting import component_style

__all__ = ["Curve", "Point", "braille", "sparkline"]

_SMALLEST_CHART: Final = 4  # lines, the headline and the steps included


@dataclass(frozen=True, slots=True)
class _Track:
    """One run's metric, ordered by step."""

    steps: list[float]
    values: list[float]

    def at(self, step: float) -> float | None:
        """The last value at or before a step."""
        place = bisect_right(self.steps, step)
        return self.values[place - 1] if place else None


class Curve(Widget):
    """Draws a metric over its steps; where the run has a parent, the band of the parent's runs behind it, hatched."""

    DEFAULT_CSS = """
    Curve {
        height: 1fr;
        & > .curve--line { color: $curve; }
        & > .curve--band { color: $curve-band; }
        & > .curve--axis { color: $muted; text-style: $muted-style; }
        & > .curve--headline { text-style: bold; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"curve--line", "curve--band", "curve--axis", "curve--headline"}

    def __init__(
        self,
        *,
        empty: str = "The curve appears here once the run reports its metric step by step.",
        ascii_only: bool = False,
        id: str | None = None,  # noqa: A002 -- Textual's own name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._empty = empty
        self._ascii_only = ascii_only
        self._shown: tuple[list[Point], list[list[Point]], str, str] = ([], [], "", "")
        self._track = _Track([], [])
        self._parents: list[_Track] = []
        self._label = self._advice = ""
        self._strips: list[Strip] = []
        self._drawn_at = (-1, -1)

    def show(
        self, series: Sequence[Point], parents: Sequence[Sequence[Point]] = (), label: str = "", advice: str = ""
    ) -> bool:
        """Draw a metric; nothing is painted where nothing changed.

        Args:
            series: (step, value) of the run; what is not finite is left out.
            parents: the same of each of the parent's runs.
            label: the metric's name.
            advice: what had better be done, for the end of the headline.

        Returns:
            Whether anything changed.
        """
        shown = (list(series), [list(parent) for parent in parents], label, advice)
        if shown == self._shown:
            return False
        self._shown = shown
        self._track = _Track(*chart.ordered(shown[0]))
        self._parents = [_Track(*chart.ordered(parent)) for parent in shown[1]]
        self._label, self._advice = label, advice
        self._drawn_at = (-1, -1)
        self.refresh()
        return True

    def notify_style_update(self) -> None:
        """Draw again in another theme."""
        super().notify_style_update()
        self._drawn_at = (-1, -1)

    def render_line(self, y: int) -> Strip:
        """Draw one line of the widget."""
        width, height = self.size
        if self._drawn_at != (width, height):
            self._strips = self._draw(width, height)
            self._drawn_at = (width, height)
        return self._strips[y] if y < len(self._strips) else Strip.blank(width, self.rich_style)

    @property
    def headline(self) -> str:
        """The last value and its step, and what the parent's runs had at that step."""
        steps, values = self._track.steps, self._track.values
        parts = [f"{self._label} {number(values[-1])} at step {number(steps[-1])}"] if steps else []
        now = steps[-1] if steps else math.inf
        band = chart.extent([value for parent in self._parents if (value := parent.at(now)) is not None])
        if band:
            low, high = map(number, band)
            parts.append(f"parent {low}" if low == high else f"parent {low} to {high}")
        dot = "|" if self._ascii_only else "·"
        return f" {dot} ".join([*parts, self._advice] if self._advice else parts)

    def _draw(self, width: int, height: int) -> list[Strip]:
        tracks = [track for track in (self._track, *self._parents) if track.steps]
        if not tracks:
            return [self._text_strip(self._empty, width, "curve--axis")]
        headline = self._text_strip(self.headline, width, "curve--headline")
        if height < _SMALLEST_CHART:
            bars = sparkline(self._track.values, width, ascii_only=self._ascii_only)
            return [headline, self._text_strip(bars.strip(), width, "curve--line")][:height]
        across = (min(track.steps[0] for track in tracks), max(track.steps[-1] for track in tracks))
        return [headline, *self._draw_chart(width, height - 2, across), self._draw_steps(width, across)]

    def _draw_chart(self, width: int, height: int, across: Range) -> list[Strip]:
        gutter = 9 if width >= 40 else 0
        count = 2 * (width - gutter)
        line = self._spans(self._track, count, across)
        band = _union([self._spans(parent, count, across) for parent in self._parents], count)
        upright = chart.reach(line + band)
        if upright is None:
            return [self._text_strip("No value is a finite number.", width, "curve--axis")]
        front, behind = chart.dots(line, height, upright), chart.dots(band, height, upright)
        labels = {0: number(upright[1]), height - 1: number(upright[0])}
        strips = []
        for row in range(height):
            label = f"{labels.get(row, ''):>8} "[:gutter]
            segments = [Segment(label, self._style("curve--axis"))]
            segments += [self._cell(*patterns) for patterns in zip(front[row], behind[row], strict=True)]
            strips.append(Strip(segments, width).simplify())
        return strips

    def _draw_steps(self, width: int, across: Range) -> Strip:
        gutter = 9 if width >= 40 else 0
        left, right = map(number, across)
        return self._text_strip(" " * gutter + left + right.rjust(width - gutter - len(left)), width, "curve--axis")

    def _cell(self, front: int, behind: int) -> Segment:
        if front:
            return Segment(
                chart.ascii_cell(front) if self._ascii_only else chart.cell(front), self._style("curve--line")
            )
        hatched = behind & chart.HATCH or behind
        text = ("-" if hatched else " ") if self._ascii_only else chart.cell(hatched)
        return Segment(text, self._style("curve--band"))

    def _spans(self, track: _Track, count: int, across: Range) -> chart.Columns:
        if not track.steps:
            return [None] * count
        return chart.joined(chart.columns(track.steps, track.values, count, across))

    def _text_strip(self, text: str, width: int, name: str) -> Strip:
        shown = text[:width] if text.startswith(" ") else one_line(text, width)
        return Strip([Segment(shown, self._style(name))]).extend_cell_length(width, self.rich_style)

    def _style(self, name: str) -> Style:
        return component_style(self, (name,))


def number(value: float) -> str:
    """Write a number in at most eight characters."""
    return next(text for digits in (4, 3, 2, 1) if len(text := f"{value:.{digits}g}") <= 8)


def _union(bands: Sequence[chart.Columns], count: int) -> chart.Columns:
    """Give what all tracks together span in each column."""
    return [chart.reach([band[at] for band in bands]) for at in range(count)]
