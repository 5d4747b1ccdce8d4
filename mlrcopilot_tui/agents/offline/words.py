"""Reads a researcher's words by rules: wishes about knobs, techniques and parts, and what the rules cannot read."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from mlrcopilot_tui.agents.offline.catalogue import TECHNIQUES, Technique
from mlrcopilot_tui.agents.offline.knobs import Knob
from mlrcopilot_tui.agents.offline.literals import Setting
from mlrcopilot_tui.agents.offline.roles import ROLES, normalised

WishKind = Literal["set", "raise", "lower", "lock", "unlock", "use", "only", "drop"]

FAMILY_WORDS: dict[str, tuple[str, ...]] = {
    "optimizer": ("optimizer", "optimiser", "optimization", "optimisation"),
    "features": ("features", "inputs", "preprocessing", "feature extraction"),
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


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing that the words ask for.

    Attributes:
        kind: `lock` and `unlock` stand for the session; the others are for the idea at hand.
        said: the clause that says so.
        role, name, technique, family: what it is about, as far as the words name it; `name` is a knob's own name.
        value: what to set it to.
        factor: by how much to move it; 0 where the words do not say.
        part: which part of the patch, counted from 1.
    """

    kind: WishKind
    said: str
    role: str = ""
    name: str = ""
    technique: str = ""
    family: str = ""
    value: Setting | None = None
    factor: float = 0.0
    part: int = 0

    @property
    def about(self) -> str:
        """What it is about, in words."""
        return self.name or (self.role or self.technique or self.family).replace("_", " ")


@dataclass(frozen=True, slots=True)
class Reading:
    """The wishes in some words, and the clauses that say nothing the rules know."""

    wishes: tuple[Wish, ...]
    unread: tuple[str, ...]


_LEAVE = re.compile(
    r"\b(leave|keep)\b.*\b(alone|as (it is|they are|is)|untouched|fixed|unchanged|constant|the same)\b"
    r"|\b(do not|don't|dont|never|stop|avoid|no more|without|not)\b"
    r".*\b(touch|chang|alter|tun|turn|modif|vary|us|try|apply|add|mov)"
    r"|^\s*(no|avoid|stop|never|freeze|lock|fix)\b(?! effect)",
    re.IGNORECASE,
)
_FREE = re.compile(
    r"\b(you may|you can|feel free|allowed to|unlock|unfreeze|free|fine to|ok to|okay to)\b", re.IGNORECASE
)
_LESS = re.compile(
    r"\b(smaller|lower|less|fewer|reduce|decrease|halve|shrink|shorter|down|weaker|narrower|cut)\b", re.IGNORECASE
)
_MORE = re.compile(
    r"\b(larger|higher|more|bigger|greater|increase|raise|double|triple|grow|longer|up|stronger|wider|deeper)\b",
    re.IGNORECASE,
)
_NUMBER = r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_SET = re.compile(rf"(?:\b(?:to|at|of|is|be|with|by)\b|=|:|\s)\s*(?P<value>{_NUMBER}|true|false)\b", re.IGNORECASE)
_TIMES = re.compile(rf"\b(?:(?P<by>{_NUMBER})\s*(?:x|times)\b|by a factor of (?P<factor>{_NUMBER}))", re.IGNORECASE)
_AMOUNTS = {"double": 2.0, "twice": 2.0, "halve": 2.0, "half": 2.0, "triple": 3.0}
_ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "last": -1}
_PART = re.compile(
    r"\b(?P<which>first|1st|second|2nd|third|3rd|fourth|4th|last)\b.*\b(part|half|change|piece|step|edit|hunk|one)\b",
    re.IGNORECASE,
)
_DROP = re.compile(r"\b(drop|remove|undo|without|skip|leave out|take out|revert|except)\b", re.IGNORECASE)
_USE = re.compile(
    r"\b(use|try|add|apply|switch to|go for|test|with|replace|do|include|prefer|how about|what about|instead)\b",
    re.IGNORECASE,
)


def read(words: str, knobs: Sequence[Knob] = ()) -> Reading:
    """The wishes in the researcher's words, clause by clause; `knobs` are the names that this code knows."""
    wishes: list[Wish] = []
    unread: list[str] = []
    for clause in _clauses(words):
        found = _wishes(clause, knobs)
        wishes += found
        if not found:
            unread.append(clause)
    return Reading(tuple(wishes), tuple(unread))


def _clauses(words: str) -> list[str]:
    parts = re.split(
        r"(?<!\d)[.;!?\n]+(?=\s|$)|(?<=\d)[.;!?](?=\s|$)|,\s+(?:and |then |but )?|\s+(?:and then|but|then|while)\s+",
        words,
    )
    clauses: list[str] = []
    for part in parts:
        pieces = re.split(r"\s+and\s+", part)
        # "the learning rate and momentum" is one wish about two things; "lower X and raise Y" is two wishes
        if len(pieces) > 1 and all(_has_verb(piece) for piece in pieces):
            clauses += pieces
        else:
            clauses.append(part)
    return [clause.strip() for clause in clauses if re.search(r"\w", clause)]


def _has_verb(clause: str) -> bool:
    return any(p.search(clause) for p in (_LEAVE, _FREE, _LESS, _MORE, _USE, _DROP)) or bool(
        re.search(r"\bset\b|=", clause, re.IGNORECASE)
    )


def _wishes(clause: str, knobs: Sequence[Knob]) -> list[Wish]:
    part = _PART.search(clause)
    if part is not None:
        kind: WishKind = (
            "drop" if _DROP.search(clause) and not re.search(r"\bonly\b|\bjust\b", clause, re.IGNORECASE) else "only"
        )
        return [Wish(kind, clause, part=_ORDINALS[part["which"].lower()])]
    targets = _targets(clause, knobs)
    if _FREE.search(clause) and not re.search(r"\bnot\b|n't\b", clause):
        return [_about("unlock", clause, target) for target in targets]
    if _LEAVE.search(clause):
        return [_about("lock", clause, target) for target in targets]
    if _DROP.search(clause) and targets:
        return [_about("drop", clause, target) for target in targets]
    return [wish for target in targets if (wish := _turn_or_use(clause, target)) is not None]


def _about(kind: WishKind, clause: str, target: dict[str, str]) -> Wish:
    return Wish(
        kind,
        clause,
        role=target.get("role", ""),
        name=target.get("name", ""),
        technique=target.get("technique", ""),
        family=target.get("family", ""),
    )


def _turn_or_use(clause: str, target: dict[str, str]) -> Wish | None:
    knob = bool(target.get("role") or target.get("name"))
    if not knob:
        return Wish("use", clause, technique=target.get("technique", "")) if target.get("technique") else None
    times = _TIMES.search(clause)
    factor = float((times["by"] or times["factor"]).replace("_", "")) if times else 0.0
    rest = _TIMES.sub(" ", clause)
    rest = rest.replace(target.get("name", "") or "\0", " ")
    value = _SET.search(rest)
    less, more = _LESS.search(clause), _MORE.search(clause)
    for word, amount in _AMOUNTS.items():
        factor = amount if re.search(rf"\b{word}\b", clause, re.IGNORECASE) else factor
    if value is not None and not factor:
        return Wish(
            "set", clause, role=target.get("role", ""), name=target.get("name", ""), value=_setting(value["value"])
        )
    if less or more or factor:
        kind: WishKind = "lower" if less or re.search(r"\bhal(f|ve)\b", clause, re.IGNORECASE) else "raise"
        return Wish(kind, clause, role=target.get("role", ""), name=target.get("name", ""), factor=factor)
    return (
        Wish("use", clause, role=target.get("role", ""), name=target.get("name", ""))
        if _USE.search(clause) or re.search(r"\btun", clause)
        else None
    )


def _setting(text: str) -> Setting:
    lower = text.lower()
    if lower in {"true", "false"}:
        return lower == "true"
    return int(lower.replace("_", "")) if re.fullmatch(r"[-+]?[\d_]+", lower) else float(lower.replace("_", ""))


def _targets(clause: str, knobs: Sequence[Knob]) -> list[dict[str, str]]:
    """What the clause is about: knobs by their own names, then roles, techniques and families by their words."""
    lowered = f" {re.sub(r'[^a-z0-9+.=-]+', ' ', clause.lower().replace('_', ' '))} "
    found: list[dict[str, str]] = []
    for name in dict.fromkeys(knob.name for knob in knobs):
        exact = len(name) == 1 or name.isupper() or "_" in name or name.startswith("-")
        if (
            re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", clause, 0 if len(name) == 1 else re.IGNORECASE)
            and exact
        ):
            found.append({"name": name})
            lowered = lowered.replace(f" {normalised(name).replace('_', ' ')} ", "  ")
    hits: list[tuple[int, int, dict[str, str]]] = []
    for role in ROLES:
        hits += [
            (len(word), lowered.find(f" {word} "), {"role": role.id})
            for word in role.words
            if len(word) > 1 and f" {word} " in lowered
        ]
    for technique in TECHNIQUES:
        names = (*technique.claim.words, technique.id.replace("_", " "), technique.claim.known_as.lower())
        hits += [
            (len(word), lowered.find(f" {_plain(word)} "), {"technique": technique.id})
            for word in names
            if f" {_plain(word)} " in lowered
        ]
    for family, words in FAMILY_WORDS.items():
        hits += [(len(word), lowered.find(f" {word} "), {"family": family}) for word in words if f" {word} " in lowered]
    taken: list[tuple[int, int]] = []
    for length, start, target in sorted(hits, key=lambda hit: (-hit[0], hit[1])):
        if all(start + length <= a or start >= b or (start, start + length) == (a, b) for a, b in taken):
            taken.append((start, start + length))
            if target not in found:
                found.append(target)
    return _preferring(found, clause)


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9+.=-]+", " ", word.lower())


def _preferring(found: list[dict[str, str]], clause: str) -> list[dict[str, str]]:
    """Where words name a setting and a technique, a number or a direction means the setting, else the technique."""
    roles = [target for target in found if "role" in target or "name" in target]
    techniques = [target for target in found if "technique" in target]
    if not roles or not techniques:
        return found
    turning = _LESS.search(clause) or _MORE.search(clause) or re.search(r"\d|\bset\b", clause)
    locking = _LEAVE.search(clause) or _FREE.search(clause)
    return found if locking else roles if turning else techniques


@dataclass(frozen=True, slots=True)
class Locks:
    """What the researcher wants left alone for the rest of the session."""

    wishes: tuple[Wish, ...] = ()

    def knob(self, knob: Knob) -> bool:
        """Whether this knob is to stay as it is."""
        role = knob.role.id if knob.role else ""
        return any(
            (wish.name and normalised(wish.name) == normalised(knob.name))
            or (wish.role and wish.role == role)
            or (wish.family and role in FAMILY_ROLES.get(wish.family, frozenset()))
            for wish in self.wishes
        )

    def technique(self, technique: Technique) -> bool:
        """Whether this technique is not to be used."""
        return any(
            wish.technique == technique.id
            or (wish.family and wish.family in technique.claim.families)
            or (wish.role and wish.role in technique.id)
            for wish in self.wishes
        )


def locks(instructions: Iterable[str], knobs: Sequence[Knob]) -> Locks:
    """What stands locked after all instructions, oldest first; a later one frees what an earlier one locked."""
    standing: list[Wish] = []
    for words in instructions:
        for wish in read(words, knobs).wishes:
            key = (wish.role, normalised(wish.name), wish.technique, wish.family)
            if wish.kind == "lock":
                standing.append(wish)
            elif wish.kind == "unlock":
                standing = [
                    old for old in standing if (old.role, normalised(old.name), old.technique, old.family) != key
                ]
    return Locks(tuple(standing))


def resolve(wish: Wish, knobs: Sequence[Knob]) -> list[Knob]:
    """The knobs of this code that a wish is about, by name first."""
    named = [knob for knob in knobs if wish.name and normalised(knob.name) == normalised(wish.name)]
    return named or [knob for knob in knobs if wish.role and knob.role is not None and knob.role.id == wish.role]
