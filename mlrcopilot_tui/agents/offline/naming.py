"""Finds what words are about: settings by their own names or their roles, techniques, and families of techniques."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mlrcopilot_tui.agents.offline.catalogue import TECHNIQUES, Technique
from mlrcopilot_tui.agents.offline.knobs import Knob
from mlrcopilot_tui.agents.offline.roles import ROLES, normalised

FAMILY_WORDS: dict[str, tuple[str, ...]] = {
    "optimizer": ("optimizer", "optimiser", "optimization", "optimisation"),
    "features": ("features", "inputs", "preprocessing", "feature extraction"),
    "scaling": ("standardisation", "standardization", "normalisation", "normalization", "scaling"),
    "data": ("training data", "data", "training set", "labels"),
    "model": ("model", "architecture", "estimator", "classifier", "regressor"),
    "ensemble": ("ensemble", "ensembles", "ensembling"),
    "regularisation": ("regularisation", "regularization"),
    "schedule": ("schedule",),
    "smoothing": ("smoothing",),
    "loss": ("loss", "objective"),
}
FAMILY_ROLES: dict[str, frozenset[str]] = {
    "optimizer": frozenset({"learning_rate", "momentum", "decay", "clip", "warmup"}),
    "regularisation": frozenset({"weight_decay", "dropout", "inverse_penalty"}),
    "model": frozenset({"width", "depth", "order"}),
    "smoothing": frozenset({"smoothing"}),
}
"""The settings that belong to a family."""


@dataclass(frozen=True, slots=True)
class Target:
    """What words are about: one of a knob's own name, a role, a technique or a family."""

    name: str = ""
    role: str = ""
    technique: str = ""
    family: str = ""

    @property
    def about(self) -> str:
        """The same in words."""
        return self.name or (self.role or self.technique or self.family).replace("_", " ")

    @property
    def is_setting(self) -> bool:
        """Whether it can be set to a value."""
        return bool(self.name or self.role)

    def knobs(self, knobs: Sequence[Knob]) -> list[Knob]:
        """The knobs of this code that are meant, by name first, then by role, then by family."""
        if self.name:
            return [knob for knob in knobs if normalised(knob.name) == normalised(self.name)]
        roles = {self.role} if self.role else FAMILY_ROLES.get(self.family, frozenset())
        return [knob for knob in knobs if knob.role is not None and knob.role.id in roles]

    def covers(self, technique: Technique) -> bool:
        """Whether the technique is meant: itself, one of its family, or one that works on the setting."""
        return (
            self.technique == technique.id
            or bool(self.family and self.family in technique.claim.families)
            or bool(self.role and self.role in technique.id)
        )


NOTHING = Target()


def targets(clause: str, knobs: Sequence[Knob]) -> list[Target]:
    """What the clause names: settings that the code has, then the longest words that mean something, left to right."""
    text = f" {_plain(clause)} "
    found: list[Target] = []
    for name in dict.fromkeys(knob.name for knob in knobs):
        exact = re.escape(name) if len(name) == 1 else f"(?i:{re.escape(name)})"
        distinct = len(name) == 1 or name.isupper() or "_" in name or name.startswith("-")
        if distinct and re.search(rf"(?<![\w-]){exact}(?![\w-])", clause):
            found.append(Target(name=name))
    roles = {knob.role.id for target in found for knob in target.knobs(knobs) if knob.role is not None}
    hits = sorted(_hits(text), key=lambda hit: (hit[0] - hit[1], hit[0]))
    taken: list[tuple[int, int]] = []
    for start, end, target in hits:
        if all(end <= a or start >= b or (start, end) == (a, b) for a, b in taken):
            taken.append((start, end))
            if target not in found and target.role not in roles:
                found.append(target)
    return found


def _hits(text: str) -> list[tuple[int, int, Target]]:
    """(start, end, target) of every word of ours in the text."""
    named = [(role.words, Target(role=role.id)) for role in ROLES]
    for technique in TECHNIQUES:
        own = (technique.id.replace("_", " "), technique.claim.known_as)
        named.append(((*technique.claim.words, *own), Target(technique=technique.id)))
    named += [(words, Target(family=family)) for family, words in FAMILY_WORDS.items()]
    hits = []
    for words, target in named:
        for word in words:
            start = text.find(f" {_plain(word)} ") if len(word) > 1 else -1
            if start >= 0:
                hits.append((start, start + len(_plain(word)), target))
    return hits


def _plain(words: str) -> str:
    return re.sub(r"[^a-z0-9+]+", " ", words.lower()).strip()
