"""How often a run that is stopped for its curve would have been kept, and what stopping saves, on recorded curves.

Every ordered pair of two trainings of one family plays parent and child. The child runs seed by seed beside the
parent's finished runs, as in a session, and its idea ends with its first stop. What would have become of it tells the
verdict's own rule on what all of its seeds reached. The reference in the same run is the median stopping rule: a run
ends where its best value is worse than the median of its parent's running means.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from statistics import fmean, median

from benchmarks.measuring import Result, spread
from benchmarks.record_curves import Recorded, read_curves
from mlrcopilot_tui.research.curves import Point, hopeless
from mlrcopilot_tui.research.verdicts import Rule, judge

Stops = Callable[[Sequence[Point], Sequence[Sequence[Point]], float], bool]
"""Whether a run ends, by its readings so far, those of its parent's runs, and how many steps it has."""

PARENTS = (1, 2, 3)
"""So many of the parent's runs are known: of a session's starter two seeds, of a kept patch two to five."""


@dataclass(frozen=True, slots=True)
class Training:
    """What was recorded of one way to train, by seed."""

    runs: tuple[Recorded, ...]

    @property
    def finals(self) -> dict[int, float]:
        return {run.seed: run.final for run in self.runs}


@dataclass(frozen=True, slots=True)
class Case:
    """One child beside its parent.

    Attributes:
        keep: what the verdict would say of it.
        late: whether half-way through a run it is still worse than its parent was there.
        stopped: whether one of its runs was stopped.
        saved: the share of its first run's steps that it was spared.
    """

    keep: bool
    late: bool
    stopped: bool
    saved: float


def measure(place: Path) -> Iterator[Result]:  # noqa: ARG001 - nothing is written
    """Wrong stops and savings, by rule and by how many runs of the parent are known."""
    families = read_families()
    for known in PARENTS:
        ours, theirs = (list(cases(families, stops, known)) for stops in (by_curve, by_median))
        runs = f"{known} run{'s' * (known > 1)} of the parent"
        kept = sum(one.keep for one in ours)
        yield _line(f"wrong stops, {runs}", wrong_share(ours), wrong_share(theirs), f"of {kept} to be kept", 2.0)
        late, theirs_late = ([one for one in found if one.late] for found in (ours, theirs))
        slow = f"of {sum(one.keep for one in late)} to be kept that are behind half-way"
        yield _line(f"wrong stops of late ones, {runs}", wrong_share(late), wrong_share(theirs_late), slow)
        yield _line(f"right stops, {runs}", right_share(ours), right_share(theirs), f"of {len(ours) - kept} others")
        yield _line(f"steps saved, {runs}", saved_share(ours), saved_share(theirs), "of all first runs")


def _line(name: str, ours: float, theirs: float, note: str, target: float | None = None) -> Result:
    return Result(
        name=name,
        unit="%",
        samples=spread([ours]),
        reference=spread([theirs]),
        reference_name="median stopping",
        figure=ours,
        figure_unit="%",
        target=target,
        note=note,
    )


def read_families() -> dict[str, list[Training]]:
    """The recorded trainings, by what they train for."""
    grouped: defaultdict[tuple[str, str], list[Recorded]] = defaultdict(list)
    for curve in read_curves():
        grouped[curve.family, curve.change].append(curve)
    families: defaultdict[str, list[Training]] = defaultdict(list)
    for (family, _), runs in grouped.items():
        families[family].append(Training(tuple(runs)))
    return dict(families)


def cases(families: dict[str, list[Training]], stops: Stops, known: int) -> Iterator[Case]:
    """Every pair as parent and child, where as many runs of the parent are there."""
    for trainings in families.values():
        for parent, child in permutations(trainings, 2):
            if len(parent.runs) >= known and parent.finals.keys() == child.finals.keys():
                yield case(parent, child, stops, known)


def case(parent: Training, child: Training, stops: Stops, known: int) -> Case:
    """The child's runs one by one, until one is stopped."""
    rule = Rule(direction="min", deterministic=len(child.runs) == 1, max_seeds=len(child.runs))
    verdict = judge(child.finals, parent.finals, rule)
    curves = [_points(run) for run in parent.runs[:known]]
    saved = [_saved(run, curves, stops) for run in child.runs]
    stopped = any(saved)
    keep = verdict is not None and verdict.kind == "keep"
    return Case(keep, any(_is_behind_half_way(run, curves) for run in child.runs), stopped, saved[0])


def _is_behind_half_way(run: Recorded, parents: list[list[Point]]) -> bool:
    step, value = next(point for point in _points(run) if point[0] >= run.total / 2)
    return value > fmean(next((v for at, v in parent if at >= step), parent[-1][1]) for parent in parents)


def _saved(run: Recorded, parents: list[list[Point]], stops: Stops) -> float:
    """The share of its steps that a run is spared."""
    points = _points(run)
    for count in range(1, len(points)):
        if stops(points[:count], parents, run.total):
            return 1 - points[count - 1][0] / run.total
    return 0.0


def by_curve(child: Sequence[Point], parents: Sequence[Sequence[Point]], total: float) -> bool:
    """The rule of the program."""
    return hopeless(child, parents, "min", total) is not None


def by_median(child: Sequence[Point], parents: Sequence[Sequence[Point]], total: float) -> bool:
    """The median stopping rule, from the same share of the steps on."""
    step = child[-1][0]
    if step < 0.35 * total:
        return False
    means = [fmean(before) for parent in parents if (before := [value for at, value in parent if at <= step])]
    return bool(means) and min(value for _, value in child) > median(means)


def wrong_share(found: Sequence[Case]) -> float:
    """Percent of the children to be kept that were stopped."""
    kept = [one for one in found if one.keep]
    return 100 * fmean(one.stopped for one in kept)


def right_share(found: Sequence[Case]) -> float:
    """Percent of the others that were stopped."""
    return 100 * fmean(one.stopped for one in found if not one.keep)


def saved_share(found: Sequence[Case]) -> float:
    """Percent of the steps of all first runs that were not run."""
    return 100 * fmean(one.saved for one in found)


def _points(run: Recorded) -> list[Point]:
    return [(float(run.every * place), value) for place, value in enumerate(run.values, 1)]
