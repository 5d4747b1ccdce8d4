"""What every benchmark measures with: samples of two things taken in turn, and the figure that a target is about."""

import math
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

Unit = Literal["s", "ms", "MB", "B/s", "tokens", "x", "%"]


class NotMeasuredError(Exception):
    """What was to be measured did not happen, or cannot happen here; the text says why."""


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """The samples of one thing: their middle and their ends."""

    median: float
    low: float
    high: float
    count: int


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the report.

    Attributes:
        samples, reference: in `unit`; the reference was sampled in turn with what is measured.
        figure: the number that the target is about, in `figure_unit`; None where it could not be measured.
        target: at most so much is good; None where no target is set.
    """

    name: str
    unit: Unit
    samples: Spread | None
    reference: Spread | None
    reference_name: str
    figure: float | None
    figure_unit: Unit
    target: float | None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is no target or no figure."""
        return None if self.figure is None or self.target is None else self.figure <= self.target


def spread(samples: Iterable[float]) -> Spread:
    """The spread of at least one sample."""
    values = list(samples)
    return Spread(median=statistics.median(values), low=min(values), high=max(values), count=len(values))


def percentile(samples: Iterable[float], share: float) -> float:
    """The smallest sample that at least `share` of all samples do not exceed."""
    values = sorted(samples)
    return values[max(0, math.ceil(share * len(values)) - 1)]


def in_turn(times: int, *measures: Callable[[], float], warm: int = 1) -> list[list[float]]:
    """Takes `times` samples of each measure, one of each in turn, so that a busy moment falls on all of them.

    The first `warm` rounds fill the caches and are not counted.
    """
    rounds = [[measure() for measure in measures] for _ in range(warm + times)]
    return [list(samples) for samples in zip(*rounds[warm:], strict=True)]


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def milliseconds(work: Callable[[], object]) -> float:
    """How long `work` takes, in ms."""
    return 1000 * seconds(work)
