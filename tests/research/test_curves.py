"""The rule that calls a run hopeless: silent on any child as good as its parent, clear about one that runs away."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import early_stop
from mlrcopilot_tui.research.curves import POINTS, Lag, Patience, Point, Trace, hopeless

TOTAL = 40
Schedule = Callable[[float], float]

SHAPES = st.tuples(st.floats(0.1, 10), st.floats(0.01, 0.5), st.floats(-5, 5))
JITTER = st.lists(st.floats(-1, 1), min_size=TOTAL, max_size=TOTAL)


def curve(height: float, rate: float, end: float, jitter: list[float] | None = None, every: int = 1) -> list[Point]:
    """An exponential fall from `height` above `end`, with some noise."""
    noise = jitter or [0.0] * TOTAL
    steps = range(every, TOTAL + 1, every)
    return [(float(step), end + height * math.exp(-rate * step) + 0.05 * height * noise[step - 1]) for step in steps]


def mirrored(points: list[Point]) -> list[Point]:
    """The same for a metric that is better when it is higher."""
    return [(step, -value) for step, value in points]


def verdicts(child: list[Point], parents: list[list[Point]], total: float | None = TOTAL) -> list[Lag | None]:
    """What the rule says after each reading."""
    return [hopeless(child[:count], parents, "min", total) for count in range(len(child) + 1)]


@given(SHAPES, JITTER, st.lists(JITTER, min_size=1, max_size=4), st.floats(0, 3))
def test_a_child_that_is_never_worse_than_its_parent_is_left_alone(
    shape: tuple[float, float, float], jitter: list[float], others: list[list[float]], ahead: float
) -> None:
    parents = [curve(*shape, jitter), *(curve(*shape, other) for other in others)]
    best = [min(values) for values in zip(*([value for _, value in parent] for parent in parents), strict=True)]
    child = [(float(step), value - ahead) for step, value in enumerate(best, 1)]
    assert not any(verdicts(child, parents))


@given(SHAPES, JITTER, st.floats(0.1, 1e6))
def test_no_run_is_stopped_before_its_share_of_the_steps(
    shape: tuple[float, float, float], jitter: list[float], gap: float
) -> None:
    parent = curve(*shape)
    child = [(step, value + gap) for step, value in curve(*shape, jitter)]
    early = [lag for at, lag in enumerate(verdicts(child, [parent])) if at < Patience().share * TOTAL]
    assert not any(early)
    blind = verdicts(child, [parent], total=None)
    assert not any(lag for at, lag in enumerate(blind) if at < Patience().blind_share * TOTAL)


@given(SHAPES, st.integers(1, 4), st.floats(0.2, 1e9))
def test_a_run_that_runs_away_is_seen(shape: tuple[float, float, float], seeds: int, pace: float) -> None:
    parents = [[(step, value + 0.001 * seed) for step, value in curve(*shape)] for seed in range(seeds)]
    height, _, end = shape
    child = [(float(step), end + height * (1 + pace * step)) for step in range(1, TOTAL + 1)]
    found = [lag for lag in verdicts(child, parents) if lag]
    assert found
    assert found[0].step <= TOTAL / 2
    assert found[0].value > found[0].parent
    assert found[0].since <= found[0].step
    assert found[0].end == TOTAL


@given(SHAPES, JITTER, JITTER, st.floats(-2, 2))
def test_the_direction_is_but_a_sign(
    shape: tuple[float, float, float], one: list[float], other: list[float], gap: float
) -> None:
    parents = [curve(*shape), curve(*shape, one)]
    child = [(step, value + gap * shape[0]) for step, value in curve(*shape, other)]
    for count in range(0, TOTAL, 5):
        low = hopeless(child[:count], parents, "min", TOTAL)
        high = hopeless(mirrored(child[:count]), [mirrored(parent) for parent in parents], "max", TOTAL)
        assert (low is None) == (high is None)
        if low is not None and high is not None:
            assert (low.step, low.since, low.value, low.parent) == (high.step, high.since, -high.value, -high.parent)


@pytest.mark.parametrize(
    ("schedule", "name"),
    [
        (lambda done: 1.0 if done < 0.7 else 0.1, "a rate that drops late, with much noise before"),
        (lambda done: 1.4 - 1.3 * done, "a straight fall that overtakes in the end"),
    ],
)
def test_a_slow_beginning_is_no_reason(schedule: Schedule, name: str) -> None:
    parent = curve(1.0, 0.1, 0.15)
    noise = [0.25 * (-1) ** step for step in range(1, TOTAL + 1)]
    child = [
        (float(step), schedule(step / TOTAL) * (0.5 + (noise[step - 1] if "noise" in name else 0.0)))
        for step in range(1, TOTAL + 1)
    ]
    assert child[-1][1] < parent[-1][1]
    assert not any(verdicts(child, [parent, parent])), name


def test_steps_that_differ_are_compared_between_the_readings() -> None:
    parent = curve(1.0, 0.1, 0.2, every=4)
    child = [(step, value + 0.5) for step, value in curve(1.0, 0.1, 0.2, every=2)]
    found = next(lag for lag in verdicts(child, [parent, parent]) if lag)
    assert found.parent == pytest.approx(0.2 + math.exp(-0.1 * found.step), abs=0.02)


def test_a_child_with_more_steps_is_held_against_the_same_share_of_the_way_too() -> None:
    parent = curve(1.0, 0.1, 0.2)
    stretched = [(4 * step, value) for step, value in parent]
    assert not any(verdicts(stretched, [parent], total=4 * TOTAL))


@pytest.mark.parametrize("parents", [[], [[]], [[(1.0, 0.5)]]])
def test_without_a_curve_to_hold_it_against_nobody_can_tell(parents: list[list[Point]]) -> None:
    child = [(float(step), 100.0 * step) for step in range(1, TOTAL)]
    assert not any(verdicts(child, parents))


@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=60), st.sampled_from(["min", "max"]))
def test_nothing_that_a_run_reports_breaks_it(
    readings: list[tuple[float, float]], direction: Literal["min", "max"]
) -> None:
    trace = Trace()
    for step, value in readings:
        trace.add(step, value)
    hopeless(trace.points, [trace.points, curve(1.0, 0.1, 0.2)], direction, TOTAL)
    hopeless(trace.points, [trace.points], direction)


def test_a_long_run_is_kept_thin_and_even() -> None:
    trace = Trace()
    for step in range(100_000):
        trace.add(step, float(step % 2))
    steps = [step for step, _ in trace.points]
    assert POINTS <= len(steps) < 2 * POINTS
    assert len({b - a for a, b in pairwise(steps)}) == 1
    assert {value for _, value in trace.points} == {0.5}


def test_what_was_reported_twice_or_is_no_number_is_passed_over() -> None:
    trace = Trace()
    for step, value in ((1, 1.0), (1, 2.0), (2, math.nan), (3, math.inf), (2, 5.0)):
        trace.add(step, value)
    assert trace.points == [(1, 1.0), (2, 5.0)]


def test_on_recorded_trainings_it_stops_many_and_hardly_one_that_would_be_kept() -> None:
    """A part of what `benchmarks/early_stop.py` measures, so that a change of the rule cannot go unseen."""
    families = {"template digits": early_stop.read_families()["template digits"][::2]}
    found = list(early_stop.cases(families, early_stop.by_curve, 2))
    assert sum(one.keep for one in found) > 20
    assert early_stop.wrong_share(found) <= 2.0
    assert early_stop.right_share(found) >= 35.0
