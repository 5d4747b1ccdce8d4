"""Whether a run is still worth its time: its curve so far held against the band in which its parent's runs moved.

A run counts as hopeless only where three things hold: it has been worse than the band for a while, a good part of its
steps is done, and even by the most hopeful of three estimates of what it still gains it ends worse than its parent.
A child that begins slower and ends better is common (a schedule, dropout, a wider network), so each of them leans
towards letting it run; `benchmarks/early_stop.py` measures how often that is not enough.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean, median
from typing import Final, Literal

Point = tuple[float, float]
"""A step and the value at it."""

POINTS: Final = 400
"""A longer curve is kept as means of neighbours: between so many points and twice as many."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How much it takes to call a run hopeless; the defaults are those that `benchmarks/early_stop.py` measures.

    Attributes:
        share: of its steps that a run gets in any case; `blind_share` is that of one that does not tell how many it
            has, and so might have more than its parent.
        readings: that have to be there, and `behind` of the newest of them, as a share, outside the band.
        widths: standard deviations from the middle of the band to its edge, by the number of the parent's runs; the
            last for more. Few runs tell their spread badly.
        floor: the least standard deviation, as a share of what the parent gained in all.
        parent_gain: what the parent gained from here on, times this, is granted to the child.
        noise: of the child's readings, times this, is granted too: a falling learning rate takes the noise away.
    """

    share: float = 0.35
    blind_share: float = 0.5
    readings: int = 6
    behind: float = 0.34
    widths: tuple[float, ...] = (3.0, 3.0, 2.5, 2.0)
    floor: float = 0.03
    parent_gain: float = 1.5
    noise: float = 2.0


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a run is behind: its level at `step` of `end` and the parent's there, give or take `around`.

    `since` is the step from which on it has been behind the band.
    """

    step: float
    end: float
    since: float
    value: float
    parent: float
    around: float


@dataclass(slots=True)
class Trace:
    """The readings of one run as they come, thinned evenly: in bounded memory however many they are."""

    points: list[Point] = field(default_factory=list)
    _stride: int = 1
    _open: list[Point] = field(default_factory=list)

    def add(self, step: float, value: float) -> bool:
        """Takes one more reading, unless it is not finite or of a step that was there before; says whether it did."""
        last = self._open[-1:] or self.points[-1:]
        if not (math.isfinite(step) and math.isfinite(value)) or (last and step <= last[0][0]):
            return False
        self._open.append((step, value))
        if len(self._open) == self._stride:
            self.points.append(_merged(self._open))
            self._open.clear()
        if len(self.points) >= 2 * POINTS:
            self.points = [_merged(self.points[at : at + 2]) for at in range(0, len(self.points), 2)]
            self._stride *= 2
        return True


def _merged(points: Sequence[Point]) -> Point:
    """Their mean value at the last of their steps."""
    return points[-1][0], fmean(value for _, value in points)


def hopeless(
    child: Sequence[Point],
    parents: Sequence[Sequence[Point]],
    direction: Literal["min", "max"],
    total: float | None = None,
    patience: Patience = Patience(),
) -> Lag | None:
    """How far a run is behind where it will not catch up; None where it may, or where nobody can tell.

    Args:
        child: its readings so far, by rising step.
        parents: the same of each finished run of its parent.
        direction: which way the metric is better.
        total: the child's steps, where it tells.
    """
    sign = -1.0 if direction == "max" else 1.0
    known = [[(step, sign * value) for step, value in parent] for parent in parents if len(parent) > 1]
    if not known:
        return None
    parent_total = fmean(parent[-1][0] for parent in known)
    end = total or parent_total
    begin = max(parent[0][0] for parent in known)
    so_far = [(step, sign * value) for step, value in child if step >= begin]
    share = patience.share if total else patience.blind_share
    if len(so_far) < patience.readings or not share * end <= so_far[-1][0] < end:
        return None
    band = _Band(known, stretch=parent_total / end, patience=patience)
    newest = so_far[-max(3, math.ceil(patience.behind * len(so_far))) :]
    gap = min(value - band.worst(step) for step, value in newest)
    if gap <= 0:
        return None
    half = band.half(newest[0][0], newest[-1][0], _noise([value for _, value in newest]))
    if gap <= half or _may_catch_up(so_far, newest, band, half, end):
        return None
    step = newest[-1][0]
    level = fmean(value for _, value in newest[-3:])
    inside = [after for (at, value), (after, _) in pairwise(so_far) if value - band.worst(at) <= half]
    since = inside[-1] if inside else so_far[0][0]
    return Lag(step, end, since, sign * level, sign * band.middle(step), half)


class _Band:
    """Where the parent's runs were at a step; less is better here."""

    def __init__(self, parents: Sequence[Sequence[Point]], stretch: float, patience: Patience) -> None:
        self._parents = parents
        self._stretch = stretch
        self.patience = patience
        self.final = fmean(fmean(value for _, value in parent[-3:]) for parent in parents)

    def middle(self, step: float) -> float:
        return fmean(_at(parent, step) for parent in self._parents)

    def worst(self, step: float) -> float:
        """The worse of where the parent was at this step and at this share of its way."""
        return max(self.middle(step), self.middle(step * self._stretch))

    def half(self, begin: float, end: float, noise: float) -> float:
        """From the middle to the edge, as measured between two steps; `noise` is that of the child."""
        steps = [begin + (end - begin) * at / 8 for at in range(9)]
        spreads = [_deviation([_at(parent, step) for parent in self._parents]) for step in steps]
        gained = max(parent[0][1] - min(value for _, value in parent) for parent in self._parents)
        noises = [_noise([value for step, value in parent if step >= begin]) for parent in self._parents]
        deviation = max(
            math.hypot(*spreads) / math.sqrt(len(spreads)),
            math.hypot(fmean(noises), noise),
            self.patience.floor * gained,
        )
        widths = self.patience.widths
        return widths[min(len(self._parents), len(widths)) - 1] * deviation


def _may_catch_up(so_far: Sequence[Point], newest: Sequence[Point], band: _Band, half: float, end: float) -> bool:
    """Whether it may end where the parent ended, by the most hopeful of what speaks for it."""
    step = newest[-1][0]
    patience = band.patience
    level = fmean(value for _, value in newest[-3:])
    granted = max(
        _slope_gain(newest, end - step),
        patience.parent_gain * (band.worst(step) - band.final),
        0.0,
    )
    noise = patience.noise * _noise([value for _, value in newest])
    goal = band.final + half
    return min(value for _, value in so_far) <= band.final or level - granted - noise <= goal


def _slope_gain(points: Sequence[Point], left: float) -> float:
    """What is gained over the steps that are left if it goes on as lately, and a standard error better."""
    middle, level = fmean(step for step, _ in points), fmean(value for _, value in points)
    spread = sum((step - middle) ** 2 for step, _ in points)
    slope = sum((step - middle) * (value - level) for step, value in points) / spread
    errors = [value - level - slope * (step - middle) for step, value in points]
    doubt = math.sqrt(sum(error**2 for error in errors) / max(1, len(points) - 2) / spread)
    return -(slope - doubt) * left


def _at(curve: Sequence[Point], step: float) -> float:
    """The value at a step, on the line between its neighbours; before and after the ends that of the end."""
    place = bisect_right(curve, (step, math.inf))
    if place == 0:
        return curve[0][1]
    if place == len(curve):
        return curve[-1][1]
    (left, before), (right, after) = curve[place - 1], curve[place]
    return before + (after - before) * (step - left) / (right - left)


def _deviation(values: Sequence[float]) -> float:
    """The standard deviation of a sample; that of a single value, which nobody knows, counts as none."""
    middle = fmean(values)
    return math.hypot(*(value - middle for value in values)) / math.sqrt(max(1, len(values) - 1))


def _noise(values: Sequence[float]) -> float:
    """The standard deviation of single readings about their trend: from second differences, which leave no slope."""
    bends = [abs(a - 2 * b + c) for a, b, c in zip(values, values[1:], values[2:], strict=False)]
    return median(bends) / (0.6745 * math.sqrt(6)) if bends else 0.0
