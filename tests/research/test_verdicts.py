"""The verdict rule: right on clear cases, undecided on thin ones, and never more often wrong than it says."""

import random
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.research.verdicts import _T_975, Rule, judge
from mlrcopilot_tui.session.model import Verdict

MIN = Rule(direction="min")


def decided(verdict: Verdict | None) -> Verdict:
    assert verdict is not None
    return verdict


def test_the_quantiles_are_those_of_student() -> None:
    """Checked by simulation-free arithmetic: known values to three digits, and a monotone fall to the normal's 1.96."""
    assert (_T_975[0], _T_975[4], _T_975[9], _T_975[29]) == (12.706, 2.571, 2.228, 2.042)
    assert list(_T_975) == sorted(_T_975, reverse=True)
    assert _T_975[-1] > 1.96


def test_a_clear_gain_is_kept_whatever_the_direction() -> None:
    parent = {0: 0.20, 1: 0.21, 2: 0.19}
    child = {seed: value - 0.1 for seed, value in parent.items()}
    verdict = decided(judge(child, parent, MIN))
    assert verdict.kind == "keep"
    assert verdict.effect == pytest.approx(0.1)
    assert verdict.relative == pytest.approx(0.5)
    assert decided(judge(child, parent, Rule(direction="max"))).kind == "discard"
    assert decided(judge(parent, child, Rule(direction="max"))).kind == "keep"


def test_the_interval_is_the_paired_one() -> None:
    parent = {0: 1.0, 1: 2.0, 2: 3.0}
    child = {0: 0.8, 1: 1.9, 2: 2.6}
    gains = [0.2, 0.1, 0.4]
    half = 4.303 * stdev(gains) / 3**0.5
    verdict = decided(judge(child, parent, Rule(direction="min", max_seeds=3)))
    assert verdict.interval == pytest.approx((fmean(gains) - half, fmean(gains) + half))
    assert verdict.kind == "inconclusive"


def test_undecided_asks_for_a_seed_until_there_is_none_left() -> None:
    parent, child = {0: 1.0, 1: 1.1}, {0: 0.9, 1: 1.15}
    assert judge(child, parent, MIN) is None
    assert decided(judge(child, parent, Rule(direction="min", max_seeds=2))).kind == "inconclusive"


def test_equal_gains_on_two_seeds_need_a_third_but_no_change_at_all_does_not() -> None:
    assert judge({0: 0.9, 1: 0.8}, {0: 1.0, 1: 0.9}, MIN) is None
    assert decided(judge({0: 1.0, 1: 0.9}, {0: 1.0, 1: 0.9}, MIN)).kind == "discard"


def test_a_deterministic_task_needs_one_run() -> None:
    rule = Rule(direction="min", deterministic=True, max_seeds=1)
    verdict = decided(judge({0: 0.9}, {0: 1.0}, rule))
    assert (verdict.kind, verdict.interval) == ("keep", None)
    assert decided(judge({0: 1.0}, {0: 1.0}, rule)).kind == "discard"


def test_the_smallest_effect_worth_keeping_may_be_relative() -> None:
    parent = {0: 1.0, 1: 1.01, 2: 0.99}
    child = {0: 0.95, 1: 0.961, 2: 0.939}
    assert decided(judge(child, parent, Rule(direction="min", min_effect=0.1, relative=True))).kind == "discard"
    assert decided(judge(child, parent, Rule(direction="min", min_effect=0.04))).kind == "keep"


def test_unpaired_intervals_are_wider_where_seeds_matter() -> None:
    parent, child = {0: 1.0, 1: 2.0, 2: 3.0}, {0: 0.9, 1: 1.9, 2: 2.91}
    assert decided(judge(child, parent, MIN)).kind == "keep"
    assert judge(child, parent, Rule(direction="min", paired=False)) is None


@pytest.mark.parametrize(("child", "parent"), [({}, {}), ({0: 1.0}, {1: 1.0}), ({0: 1.0, 1: 1.0}, {0: 1.0})])
def test_different_seeds_cannot_be_compared(child: dict[int, float], parent: dict[int, float]) -> None:
    with pytest.raises(ValueError, match="same seeds"):
        judge(child, parent, MIN)


@given(
    st.dictionaries(st.integers(0, 20), st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=2, max_size=8),
    st.booleans(),
)
def test_a_verdict_keeps_only_what_its_interval_supports(pairs: dict[int, tuple[float, float]], paired: bool) -> None:
    child, parent = {s: a for s, (a, _) in pairs.items()}, {s: b for s, (_, b) in pairs.items()}
    verdict = judge(child, parent, Rule(direction="min", paired=paired, max_seeds=8))
    if verdict is None:
        return
    assert verdict.interval is not None
    low, high = verdict.interval
    assert low <= high
    assert (verdict.kind == "keep") <= (low > 0)
    assert (verdict.kind == "discard") <= (high <= 0)


def test_under_no_effect_false_keeps_are_rare() -> None:
    """2,000 simulated null patches through the whole sequence of two to five seeds."""
    source = random.Random(7)
    kept = 0
    for _ in range(2000):
        parent: dict[int, float] = {}
        child: dict[int, float] = {}
        for seed in range(5):
            parent[seed], child[seed] = source.gauss(1, 0.1), source.gauss(1, 0.1)
            if seed and (verdict := judge(child, parent, MIN)) is not None:
                kept += verdict.kind == "keep"
                break
    assert kept / 2000 < 0.08
