"""Pace: how long a run takes in all, told from how far its beginning came and from what its parent's runs took."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import median
from typing import Final

from mlrcopilot_tui.runs.metrics import Reading

Points = tuple[tuple[float, float], ...]
"""How far a run was, and the seconds that had passed; both grow."""

MARGIN: Final = 0.1
"""Of what is still to come; no machine keeps its pace to the second."""
_MOST_POINTS: Final = 48
_TREND_POINTS: Final = 6
"""With fewer, a trend of the pace cannot be told from its noise."""
_WORST_TREND: Final = 10.0
_LONE_SHARE: Final = 0.25
"""The least share of the time up to a lone reading that its steps took; the rest was start-up."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run was when.

    Attributes:
        points: its steps and their seconds; without steps, its readings are counted.
        total: how many steps it said that there are; None where it did not say.
        counted: the steps are readings that were counted.
    """

    points: Points = ()
    total: int | None = None
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """A run that has ended or was cut: its progress, and the seconds that it took until then."""

    progress: Progress
    wall_s: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds: most likely `about`, hardly less than `low` or more than `high`."""

    low: float
    about: float
    high: float


def progress_of(readings: Sequence[Reading]) -> Progress:
    """The progress that a run's readings tell of; the evaluation, which comes after the run, tells of none."""
    own = [reading for reading in readings if reading.source != "evaluate"]
    by_source = [[reading for reading in own if reading.source == source] for source in ("file", "stdout")]
    best = max(by_source, key=lambda found: (sum(r.step is not None for r in found), len(found)))
    steps = [reading for reading in best if reading.step is not None]
    if not steps or any((b.step or 0) < (a.step or 0) for a, b in pairwise(steps)):
        # A counter that begins anew, as of batches in each epoch, does not say how far the run is.
        return Progress(_growing([(place, reading.t) for place, reading in enumerate(best, 1)]), counted=True)
    totals = {reading.total for reading in steps if reading.total}
    total = totals.pop() if len(totals) == 1 else None
    return Progress(_growing([(reading.step or 0, reading.t) for reading in steps]), total)


def whole_run(cut: Course, parents: Sequence[Course]) -> Estimate | None:
    """How long a run takes in all that was cut at the end of `cut`; None where nothing tells.

    Args:
        cut: its beginning.
        parents: runs of its parent that came to their end.
    """
    progress = cut.progress
    if not progress.points:
        return None
    alike = [parent for parent in parents if _comparable(progress, parent.progress)]
    if alike:
        found = [_beside(progress.points, parent) for parent in alike]
        estimate = Estimate(
            min(one.low for one in found), median(one.about for one in found), max(one.high for one in found)
        )
    elif progress.total is not None and not progress.counted:
        ended = [parent for parent in parents if parent.progress.total and parent.progress.points]
        tails = [one.wall_s - t for one in ended for x, t in one.progress.points[-1:] if x == one.progress.total]
        estimate = _later(extrapolate(progress.points, progress.total), median(tails) if tails else 0.0)
    else:
        return None
    return _at_least(estimate, cut.wall_s)


def like_parents(cut: Course | None, parents: Sequence[Course]) -> Estimate | None:
    """How long a run takes if it goes like its parent's, stretched by how much later than those it reports first.

    Args:
        cut: its beginning, in which nothing was reported; None where it was not tried.
        parents: runs of its parent that came to their end.
    """
    if not parents:
        return None
    wall = median(parent.wall_s for parent in parents)
    firsts = [parent.progress.points[0][1] for parent in parents if parent.progress.points]
    late = cut.wall_s / max(median(firsts), 0.001) if cut is not None and firsts else 1.0
    estimate = Estimate(wall * (1 - MARGIN), wall * max(1.0, late), wall * max(1.0, late) * (1 + MARGIN))
    return estimate if cut is None else _at_least(estimate, cut.wall_s)


def extrapolate(points: Points, end: float) -> Estimate:
    """When `end` is reached: the median slope of the later half, which start-up and warm-up do not reach.

    The range holds four fifths of the slopes between points, a trend in them, and the margin.

    Args:
        points: at least one.
        end: as far as the run goes.
    """
    x, t = points[-1]
    left = max(0.0, end - x)
    if len(points) == 1:
        slope = t / x if x > 0 else 0.0
        return Estimate(t + left * slope * _LONE_SHARE, t + left * slope, t + left * slope * (1 + MARGIN))
    recent = points[min(len(points) // 2, len(points) - 2) :]
    slopes = sorted(_slopes(recent))
    slope = median(slopes)
    low, high = _share(slopes, 0.1), max(_share(slopes, 0.9), _trend(points, recent, slope, left))
    return Estimate(t + left * low * (1 - MARGIN), t + left * slope, t + left * high * (1 + MARGIN))


def _comparable(progress: Progress, parent: Progress) -> bool:
    """Whether both count alike, the same way far, and the parent was where the run is."""
    if progress.counted != parent.counted or not parent.points:
        return False
    return parent.points[-1][0] >= progress.points[-1][0] and progress.total in {None, parent.total}


def _beside(points: Points, parent: Course) -> Estimate:
    """The run's seconds over its parent's seconds at the same step, up to the parent's end.

    That way what comes late in every run is reckoned with: dearer steps, a checkpoint, the evaluation.
    """
    there = parent.progress.points
    return extrapolate(_growing([(_time_at(there, step), t) for step, t in points]), parent.wall_s)


def _time_at(points: Points, step: float) -> float:
    """When a run had come to a step, between its points as if it had gone evenly."""
    before = (0.0, 0.0)
    for at, t in points:
        if at >= step:
            return before[1] + (t - before[1]) * (step - before[0]) / (at - before[0]) if at > before[0] else t
        before = (at, t)
    return before[1]


def _growing(pairs: Sequence[tuple[float, float]]) -> Points:
    """Those that are further and later than all before them."""
    kept: list[tuple[float, float]] = []
    for x, t in pairs:
        if not kept or (x > kept[-1][0] and t > kept[-1][1]):
            kept.append((x, t))
    return tuple(kept)


def _slopes(points: Points) -> list[float]:
    thinned = points[:: -(-len(points) // _MOST_POINTS)]
    pairs = combinations(thinned if len(thinned) > 1 else (points[0], points[-1]), 2)
    return [(t_b - t_a) / (x_b - x_a) for (x_a, t_a), (x_b, t_b) in pairs]


def _share(ordered: Sequence[float], share: float) -> float:
    return ordered[round(share * (len(ordered) - 1))]


def _trend(points: Points, recent: Points, slope: float, left: float) -> float:
    """The mean slope of what is left if it goes on to grow as it has grown; 0 where it does not."""
    early = points[1 : len(points) - len(recent) + 1]
    if len(points) < _TREND_POINTS or len(early) < 2:
        return 0.0
    before = median(_slopes(early))
    apart = (recent[0][0] + recent[-1][0] - early[0][0] - early[-1][0]) / 2
    if slope <= before or apart <= 0:
        return 0.0
    ahead = recent[-1][0] + left / 2 - (recent[0][0] + recent[-1][0]) / 2
    return min(slope + (slope - before) / apart * ahead, slope * _WORST_TREND)


def _later(estimate: Estimate, seconds: float) -> Estimate:
    return Estimate(estimate.low + seconds, estimate.about + seconds, estimate.high + seconds)


def _at_least(estimate: Estimate, seconds: float) -> Estimate:
    return Estimate(max(estimate.low, seconds), max(estimate.about, seconds), max(estimate.high, seconds))
