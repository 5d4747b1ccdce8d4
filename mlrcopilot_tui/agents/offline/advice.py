"""Which knobs to turn next and where to: priors from a knob's role, directions from what the session has measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlrcopilot_tui.agents.offline.knobs import Knob
from mlrcopilot_tui.agents.offline.literals import Setting, tidy
from mlrcopilot_tui.agents.offline.study import History, Trial, bounds

_PLAIN_PRIOR = 4.0
_FLAG_PRIOR = 3.4
_CHOICE_PRIOR = 5.2
_CLEAR_LOSS = -0.02
"""A relative change of the metric below which the opposite direction is promising."""

ITERATES = frozenset(
    {
        "SGDClassifier",
        "SGDRegressor",
        "MLPClassifier",
        "MLPRegressor",
        "Perceptron",
        "HistGradientBoostingClassifier",
        "HistGradientBoostingRegressor",
    }
)
"""Estimators for which `max_iter` is an amount of training and not only a bound on a solver."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What is known about one knob.

    Attributes:
        expectation: how much turning it promises, 1 to 10.
        values: what experience says to try, best first; empty where the sampler is to choose.
        reason: why, for the rationale.
        last: the newest judged trial that turned it alone.
    """

    expectation: float
    values: tuple[Setting, ...]
    reason: str
    last: Trial | None


def advise(knob: Knob, past: History) -> Advice:
    """What to do with the knob, from its role and its trials so far."""
    trials = past.of(knob.id)
    deaf = sum(t.gain == 0 for t in past.trials)  # settings that changed nothing: the run listens to something else
    if not trials:
        return Advice(prior(knob) - min(0.4 * deaf, 1.5), tuple(first_values(knob)), _why(knob), None)
    last = trials[-1]
    part, gain = last.parts[0], last.gain or 0.0
    wins = sum((t.gain or 0.0) > 0.005 for t in trials)
    losses = len(trials) - wins
    if last.kept:
        further = _beyond(knob, part.was, part.to)
        reason = (
            f"going from {part.was} to {part.to} gained {gain:.1%} (idea {last.idea}), "
            "so the best value may lie further"
        )
        return Advice(min(9.0, prior(knob) + min(gain * 8, 1.5) - 0.5 * (len(trials) - 1)), further, reason, last)
    bolder = _bolder(knob, part.to) if gain == 0 and len(trials) <= 2 else ()
    if bolder:
        reason = f"{part.to} changed nothing to the last digit (idea {last.idea}), so only a far larger step can tell"
        return Advice(prior(knob) - 0.3 * deaf, bolder, reason, last)
    tried = {t.parts[0].to for t in trials}
    other = tuple(v for v in first_values(knob) if v not in tried and _other_side(knob.value, part.to, v))
    if len(trials) == 1 and other:
        return Advice(
            # A clear loss points the other way; a flat one says that other knobs deserve their first turn before.
            prior(knob) - (0.8 if gain < _CLEAR_LOSS else 1.8),
            other,
            f"{part.to} did not help (idea {last.idea}: {gain:+.1%}), so the other direction is open",
            last,
        )
    reason = f"{len(trials)} values were tried; the sampler proposes where the next is likeliest to gain"
    return Advice(max(1.5, prior(knob) - 0.9 * losses + 0.5 * wins), (), reason, last)


def prior(knob: Knob) -> float:
    """Expected effectiveness before any result."""
    if knob.choices:
        return _FLAG_PRIOR if isinstance(knob.value, bool) else _CHOICE_PRIOR
    if knob.role is None:
        return _PLAIN_PRIOR
    if knob.name == "max_iter" and not any(name in knob.id for name in ITERATES):
        return 2.0
    return knob.role.prior - (0.3 if not knob.written else 0.0)


def first_values(knob: Knob) -> list[Setting]:
    """The values that the knob's role says to try first."""
    if knob.choices:
        return [choice for choice in knob.choices if choice != knob.value]
    steps = knob.role.steps if knob.role else (2.0, 0.5)
    if isinstance(knob.value, str | bool):
        return []
    if not knob.value:
        tries = knob.role.zero if knob.role else ()
        return [
            value if isinstance(knob.value, float) else int(value)
            for value in tries
            if isinstance(knob.value, float) or value >= 1
        ]
    scale = knob.role.scale if knob.role else "log"
    if scale == "linear" and knob.role is not None and knob.role.id != "share":
        return [step for step in steps if abs(step - knob.value) > 0.05]
    return [_stepped(knob, float(knob.value), step) for step in steps]


def _stepped(knob: Knob, value: float, step: float) -> Setting:
    """`value` moved by a factor on the knob's own scale, within its bounds."""
    low, high = bounds(knob, [value])
    if knob.role is not None and knob.role.scale == "near_one" and value < 1:
        return round(1.0 - (1.0 - value) / step, 5)
    moved = min(max(value * step, low), high)
    if isinstance(knob.value, int):
        whole = round(tidy(moved))
        return whole if whole != knob.value else (knob.value + 1 if step > 1 else max(knob.value - 1, 1))
    return tidy(moved)


def _beyond(knob: Knob, was: Setting, to: Setting) -> tuple[Setting, ...]:
    """A step further the way that `was` to `to` went."""
    if isinstance(to, str | bool) or isinstance(was, str | bool) or knob.choices or knob.value != to:
        return ()
    if not was or not to:
        return tuple(value for value in first_values(knob) if value != was)[:1]
    if knob.role is not None and knob.role.scale == "int":
        whole = max(round(2 * to - was), 1)  # small whole numbers: the same step once more
        return (whole,) if whole != to and knob.role.low <= whole <= knob.role.high else ()
    near_one = knob.role is not None and knob.role.scale == "near_one" and was < 1 and to < 1
    step = (1.0 - was) / (1.0 - to) if near_one else to / was
    value = _stepped(knob, float(to), min(max(step, 0.1), 10.0))
    return (value,) if value != to else ()


def _bolder(knob: Knob, tried: Setting) -> tuple[Setting, ...]:
    """Ten times the step that `tried` was, the same way."""
    if (
        isinstance(tried, str | bool)
        or isinstance(knob.value, str | bool)
        or knob.choices
        or not tried
        or not knob.value
    ):
        return ()
    value = _stepped(knob, float(tried), 10.0 if tried > knob.value else 0.1)
    return (value,) if value not in {tried, knob.value} else ()


def _other_side(now: Setting, tried: Setting, candidate: Setting) -> bool:
    if any(isinstance(value, str | bool) for value in (now, tried, candidate)):
        return True
    return (float(candidate) > float(now)) != (float(tried) > float(now))


def _why(knob: Knob) -> str:
    if knob.role is not None:
        return knob.role.why
    return "its value is one of several that the code could have, and nothing shows that it was tuned"


def joint(knobs: Sequence[Knob], past: History) -> list[Knob]:
    """The two or three knobs to turn together: those probed singly that moved the metric most."""
    probed = [
        (max(abs(t.gain or 0.0) for t in trials), knob)
        for knob in knobs
        if (trials := past.of(knob.id)) and not knob.choices
    ]
    ranked = sorted(probed, key=lambda item: (-item[0], item[1].id))
    return [knob for _, knob in ranked[:3]] if len(ranked) >= 2 else []
