"""Chooses a knob's next value: an Optuna study, rebuilt from the session's ideas and their verdicts at each question.

Each judged knob experiment becomes one finished trial that holds the whole setting it ran with. Its value is the gain
over the first setting, relative and negated, summed along the kept experiments, so that trials on different champions
compare. The sampler's seed comes from the session's seed and the number of trials: the same journal gives the same
answer, in a resumed session too.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from mlrcopilot_tui.agents.offline.knobs import Knob
from mlrcopilot_tui.agents.offline.literals import Setting, tidy
from mlrcopilot_tui.agents.offline.recipe import KnobPart, Recipe, from_dict
from mlrcopilot_tui.session.state import IdeaState, SessionState

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study

_FAILED = -1.0
"""The gain that a crash counts as: as bad as doubling the error."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One judged change of knobs: what was set from what, and the relative gain; open ones have no gain yet."""

    idea: int
    parts: tuple[KnobPart, ...]
    gain: float | None
    kept: bool


@dataclass(slots=True)
class History:
    """The session's knob experiments, oldest first, with what was ever set."""

    trials: list[Trial] = field(default_factory=list)
    keys: set[frozenset[str]] = field(default_factory=set)

    def of(self, knob_id: str) -> list[Trial]:
        """The judged trials that turned this knob alone."""
        return [t for t in self.trials if t.gain is not None and len(t.parts) == 1 and t.parts[0].knob == knob_id]

    def open(self, knob_id: str) -> bool:
        """Whether an idea that turns this knob still waits or runs."""
        return any(t.gain is None and any(part.knob == knob_id for part in t.parts) for t in self.trials)


def history(state: SessionState) -> History:
    """The knob experiments of `state`, in the order in which they were judged."""
    past = History()
    for idea in sorted(state.ideas.values(), key=lambda s: (s.verdicts[-1].seq if s.verdicts else inf, s.idea.number)):
        recipe = from_dict(idea.idea.recipe)
        past.keys.add(recipe.key())
        if recipe.parts and not recipe.techniques and idea.status not in {"pruned", "rejected", "withdrawn"}:
            past.trials.append(Trial(idea.idea.number, recipe.knobs, gain_of(idea), idea.status == "kept"))
    return past


def gain_of(idea: IdeaState) -> float | None:
    """The idea's measured relative improvement, positive when better; None before a verdict."""
    verdict = idea.verdict
    if verdict is None:
        return None
    if verdict.kind == "crash" or verdict.effect is None:
        return _FAILED
    return max(verdict.effect if verdict.relative is None else verdict.relative, _FAILED)


def next_values(
    knobs: Sequence[Knob], turned: Sequence[Knob], past: History, first: Mapping[str, Setting], seed: int
) -> dict[str, Setting] | None:
    """Values for the knobs in `turned`, not tried before and not those of now; None where nothing new comes.

    `first` holds what experience says to try; the sampler fills in the rest.
    """
    study = _rebuilt(knobs, past, seed, salt="+".join(knob.id for knob in turned))
    spaces = {knob.id: _space(knob, past, first.get(knob.id)) for knob in turned}
    if first:
        study.enqueue_trial({knob.id: _within(spaces[knob.id], first[knob.id]) for knob in turned if knob.id in first})
    for _ in range(24):
        asked = study.ask(dict(spaces)).params
        values = {knob.id: _tidied(knob, asked[knob.id]) for knob in turned}
        changed = {knob.id: values[knob.id] for knob in turned if values[knob.id] != knob.value}
        key = Recipe(parts=tuple(KnobPart(knob=k, was=0, to=v) for k, v in changed.items())).key()
        if len(changed) == len(turned) and key not in past.keys:
            return changed
    return None


def _rebuilt(knobs: Sequence[Knob], past: History, seed: int, salt: str) -> "Study":
    import optuna  # noqa: PLC0415  # 0.2 s that a session without a knob idea never pays

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    vectors = _vectors(knobs, past)
    sampler = optuna.samplers.TPESampler(
        seed=zlib.crc32(f"{seed}/{len(vectors)}/{salt}".encode()), n_startup_trials=3, n_ei_candidates=32
    )
    study = optuna.create_study(sampler=sampler, direction="minimize")
    for vector, gain in vectors:
        spaces = {knob.id: _space(knob, past, vector[knob.id]) for knob in knobs}
        study.add_trial(optuna.trial.create_trial(params=vector, distributions=spaces, value=-gain))
    return study


def _vectors(knobs: Sequence[Knob], past: History) -> list[tuple[dict[str, Any], float]]:
    """(whole setting, gain over the first setting) of each judged trial, the first setting itself in front."""
    setting: dict[str, Any] = {knob.id: knob.value for knob in knobs}
    for trial in reversed(past.trials):
        for part in trial.parts if trial.kept else ():
            if part.knob in setting and isinstance(part.was, int | float | str):
                setting[part.knob] = part.was
    vectors, level = [(dict(setting), 0.0)], 0.0
    for trial in past.trials:
        if trial.gain is None:
            continue
        tried = setting | {part.knob: part.to for part in trial.parts if part.knob in setting}
        vectors.append((tried, level + trial.gain))
        if trial.kept:
            setting, level = tried, level + trial.gain
    return vectors


def _tried(knob: Knob, past: History) -> list[Setting]:
    """Every value that the session gave this knob, the oldest first."""
    return [v for trial in past.trials for part in trial.parts if part.knob == knob.id for v in (part.was, part.to)]


def _space(knob: Knob, past: History, also: Setting | None = None) -> "BaseDistribution":
    """Where to search: around the present and the first value, widened to hold all that were tried."""
    from optuna.distributions import (  # noqa: PLC0415  # as above
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if knob.choices or isinstance(knob.value, bool | str):
        return CategoricalDistribution(tuple(knob.choices) or (False, True))
    tried = [float(v) for v in (*_tried(knob, past), also) if isinstance(v, int | float)]
    low, high = bounds(knob, [float(knob.value), *tried[:1]])
    low, high = min(low, *tried, high), max(high, *tried, low)
    if isinstance(knob.value, int):
        least = max(int(low), 1 if low >= 1 else 0)
        return IntDistribution(least, max(int(high), least + 1), log=is_log(knob) and least >= 1)
    return FloatDistribution(low, high, log=is_log(knob) and low > 0)


def is_log(knob: Knob) -> bool:
    """Whether the knob's values spread over orders of magnitude."""
    if knob.role is None:
        return isinstance(knob.value, int | float) and knob.value > 0
    return knob.role.scale in {"log", "log_int"}


def bounds(knob: Knob, around: Sequence[float]) -> tuple[float, float]:
    """The lowest and highest value worth trying around these, in the knob's own unit."""
    role = knob.role
    least, most, down, up = (role.low, role.high, role.down, role.up) if role else (0.0, 1e9, 5.0, 5.0)
    if role is not None and role.scale in {"linear", "near_one"}:
        return min(least, *around), max(most, *around)
    positive = [value for value in around if value > 0]
    if not positive:
        return 0.0, max(role.zero if role and role.zero else (1.0,)) * 10
    low, high = max(min(positive) / down, least), min(max(positive) * up, most)
    return min(low, *around) if 0 in around else min(low, *positive), max(high, *positive)


def _within(space: "BaseDistribution", value: Setting) -> Any:  # noqa: ANN401  # Optuna's own parameter type
    low, high = getattr(space, "low", None), getattr(space, "high", None)
    if low is None or high is None or isinstance(value, str):
        return value
    return min(max(value, low), high)


def _tidied(knob: Knob, value: Any) -> Setting:  # noqa: ANN401  # Optuna's own parameter type
    if isinstance(value, bool | str):
        return value
    if isinstance(knob.value, int):
        return int(tidy(float(value), 2)) if value >= 100 else int(value)
    return round(float(value), 5) if knob.role is not None and knob.role.scale == "near_one" else tidy(float(value))
