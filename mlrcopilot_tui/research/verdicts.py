"""The rule that keeps or discards a patch: a Student interval of the improvement over the parent."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, sqrt
from statistics import fmean, variance
from typing import TYPE_CHECKING, Literal

from mlrcopilot_tui.session.model import Verdict, VerdictKind
from mlrcopilot_tui.workspace.config import parse_min_effect

if TYPE_CHECKING:
    from mlrcopilot_tui.research.bench import Bench

CONFIDENCE = 0.95

_T_975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
"""Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How verdicts are reached in this session.

    Attributes:
        direction: which way the metric is better.
        min_effect: the improvement that a patch must exceed; in the metric's unit, or a share of the parent's mean.
        relative: `min_effect` is a share.
        deterministic: neither seed nor repetition changed the starter's metric; where two seeds change nothing for
            child and parent either, there is no chance in their difference.
        paired: equal seeds repeat, so that child and parent are compared seed by seed.
        max_seeds: how many seeds may be spent before an undecided verdict becomes `inconclusive`.
    """

    direction: Literal["min", "max"]
    min_effect: float = 0.0
    relative: bool = False
    deterministic: bool = False
    paired: bool = True
    max_seeds: int = 5


def rule_of(bench: "Bench") -> Rule:
    """The rule in force in a session."""
    baseline = bench.state.baseline
    effect = parse_min_effect(bench.config.verdict.min_effect)
    return Rule(
        direction=bench.config.metric.direction,
        min_effect=effect.value,
        relative=effect.relative,
        deterministic=baseline is not None and baseline.deterministic,
        paired=baseline is None or baseline.repeatable,
        max_seeds=bench.settings.seeds,
    )


def judge(child: Mapping[int, float], parent: Mapping[int, float], rule: Rule) -> Verdict | None:
    """The verdict on `child` against `parent` (metric by seed), or None: undecided, measure one more seed.

    The seeds of both must be the same. With as many as `max_seeds` the answer is never None.

    Raises:
        ValueError: no seeds, or different ones.
    """
    if not child or child.keys() != parent.keys():
        raise ValueError(f"child and parent need the same seeds, got {sorted(child)} and {sorted(parent)}")
    sign = 1.0 if rule.direction == "max" else -1.0
    gains = [sign * (child[seed] - parent[seed]) for seed in sorted(child)]
    effect, base = fmean(gains), fmean(parent.values())
    threshold = rule.min_effect * abs(base) if rule.relative else rule.min_effect
    exhausted = len(gains) >= rule.max_seeds
    if len(gains) == 1 and not exhausted:
        return None
    interval = None
    constant = rule.deterministic and len(set(child.values())) == len(set(parent.values())) == 1
    if constant or len(gains) == 1:
        kind: VerdictKind | None = "keep" if effect > threshold else "discard"
        why = f"deterministic: {len(gains)} seeds agree" if len(gains) > 1 else "one seed only: no interval"
    else:
        half = _half_width(gains) if rule.paired else _welch_half_width(list(child.values()), list(parent.values()))
        interval = (effect - half, effect + half)
        kind = _by_interval(interval, threshold, len(gains), exhausted=exhausted)
        why = f"{'paired' if rule.paired else 'unpaired'} t interval, {CONFIDENCE:.0%}, {len(gains)} seeds"
    if kind is None:
        return None
    return Verdict(
        kind=kind,
        rule=f"{why}; keep above {threshold:.6g}",
        effect=effect,
        interval=interval,
        relative=effect / abs(base) if base else None,
        values=dict(child),
        parent_values=dict(parent),
    )


def _by_interval(interval: tuple[float, float], threshold: float, seeds: int, *, exhausted: bool) -> VerdictKind | None:
    """What the interval of the effect says; None where it says nothing yet."""
    low, high = interval
    # Equal gains on two seeds are what a coarse metric gives by chance; a third seed has to agree.
    if low > threshold and (high > low or seeds > 2 or exhausted):
        return "keep"
    if high <= threshold:
        return "discard"
    return "inconclusive" if exhausted else None


def _half_width(gains: list[float]) -> float:
    return _quantile(len(gains) - 1) * sqrt(variance(gains) / len(gains))


def _welch_half_width(a: list[float], b: list[float]) -> float:
    """Welch's interval for two means with unequal variances; both samples have at least two values."""
    share_a, share_b = variance(a) / len(a), variance(b) / len(b)
    both = share_a + share_b
    if both == 0:
        return 0.0
    # By ratios, because the squares of tiny shares are zero.
    freedom = 1 / ((share_a / both) ** 2 / (len(a) - 1) + (share_b / both) ** 2 / (len(b) - 1))
    return _quantile(floor(freedom)) * sqrt(both)


def _quantile(freedom: int) -> float:
    """Beyond the table its last value: a little too wide, never too narrow."""
    return _T_975[min(max(freedom, 1), len(_T_975)) - 1]
