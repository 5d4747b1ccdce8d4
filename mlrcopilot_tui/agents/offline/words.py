"""Reads a researcher's words by rules: wishes about settings, techniques and parts, and what the rules cannot read."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mlrcopilot_tui.agents.offline.catalogue import Technique
from mlrcopilot_tui.agents.offline.knobs import Knob
from mlrcopilot_tui.agents.offline.literals import Setting
from mlrcopilot_tui.agents.offline.naming import NOTHING, Target, targets

MAX_CHARACTERS = 4000
"""What a person types; longer words are read from their beginning."""

WishKind = Literal["set", "raise", "lower", "lock", "unlock", "use", "only", "drop"]


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing that the words ask for.

    Attributes:
        kind: `lock` and `unlock` stand for the session; the others are for the idea at hand.
        said: the clause that says so.
        target: what it is about; empty where it is about a part of the patch.
        value: what to set it to.
        factor: by how much to move it; 0 where the words do not say.
        part: which part of the patch, counted from 1; -1 is the last; 0 where it is about none.
    """

    kind: WishKind
    said: str
    target: Target = NOTHING
    value: Setting | None = None
    factor: float = 0.0
    part: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """The wishes in some words, and the clauses that say nothing the rules know."""

    wishes: tuple[Wish, ...]
    unread: tuple[str, ...]


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_LEAVE = _words(
    r"\b(leave|keep)\b.*\b(alone|as (it is|they are|is)|untouched|fixed|unchanged|constant|the same)\b"
    r"|\b(do not|don't|dont|never|stop|avoid|no more|not)\b"
    r".*\b(touch|chang|alter|tun|turn|modif|vary|us|try|apply|add|mov)"
    r"|^\s*(no|avoid|stop|never|freeze|lock|fix)\b(?! effect)"
)
_FREE = _words(r"\b(you may|you can|feel free|allowed to|unlock|unfreeze|fine to|ok to|okay to)\b")
_NEGATED = _words(r"\bnot\b|n't\b")
_LESS = _words(
    r"\b(smaller|lower|less|fewer|reduce|decrease|halve|half|shrink|shorter|down|weaker|narrower|cut)\b"
    r"|\btoo (high|large|big|long|many|much|strong|wide|deep)\b"
)
_MORE = _words(
    r"\b(larger|higher|more|bigger|greater|increase|raise|double|twice|triple|grow|longer|up|stronger|wider|deeper)\b"
    r"|\btoo (low|small|short|few|little|weak|narrow|shallow)\b"
)
_NUMBER = r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_VALUE = _words(rf"(?:\b(?:to|at|of|is|be|with|by)\b|=|:|\s)\s*(?P<value>{_NUMBER}|true|false)\b")
_TIMES = _words(rf"\b(?:(?P<by>{_NUMBER})\s*(?:x|times)\b|by a factor of (?P<factor>{_NUMBER}))")
_AMOUNTS = {"double": 2.0, "twice": 2.0, "halve": 2.0, "half": 2.0, "triple": 3.0}
_ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "last": -1}
_PART = _words(rf"\b(?P<which>{'|'.join(_ORDINALS)})\b.*\b(part|half|change|piece|step|edit|hunk|one)\b")
_ONLY = _words(r"\b(only|just)\b")
_DROP = _words(r"\b(drop|remove|undo|without|skip|leave out|take out|revert|except)\b")
_USE = _words(
    r"\b(use|try|add|apply|switch to|go for|test|with|replace|do|include|prefer|how about|what about|instead)\b|\btun"
)
_SET = _words(r"\bset\b|=")
_BACK = _words(r"\b(it|them|that|this|those)\b")


def read(words: str, knobs: Sequence[Knob] = ()) -> Reading:
    """The wishes in the researcher's words, clause by clause; `knobs` are the settings that this code has."""
    wishes: list[Wish] = []
    unread: list[str] = []
    named: list[Target] = []
    for clause in _clauses(words[:MAX_CHARACTERS]):
        about = targets(clause, knobs)
        if not about and _BACK.search(clause):
            about = named  # "the learning rate is too high, reduce it"
        named = about or named
        found = _wishes(clause, about)
        wishes += [wish for wish in found if not any(_repeats(wish, other) for other in wishes)]
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
        clauses += pieces if len(pieces) > 1 and all(map(_asks, pieces)) else [part]
    return [clause.strip() for clause in clauses if re.search(r"\w", clause)]


def _asks(clause: str) -> bool:
    return any(pattern.search(clause) for pattern in (_LEAVE, _FREE, _LESS, _MORE, _USE, _DROP, _SET))


def _repeats(a: Wish, b: Wish) -> bool:
    return replace(a, said="") == replace(b, said="")


def _wishes(clause: str, about: Sequence[Target]) -> list[Wish]:
    part = _PART.search(clause)
    if part is not None:
        dropped = _DROP.search(clause) and not _ONLY.search(clause)
        return [Wish("drop" if dropped else "only", clause, part=_ORDINALS[part["which"].lower()])]
    if _FREE.search(clause) and not _NEGATED.search(clause):
        return [Wish("unlock", clause, target) for target in about]
    if _LEAVE.search(clause):
        return [Wish("lock", clause, target) for target in about]
    if _DROP.search(clause):
        return [Wish("drop", clause, target) for target in about]
    turned = [wish for target in about if target.is_setting and (wish := _turned(clause, target)) is not None]
    used = [Wish("use", clause, target) for target in about if target.technique]
    if turned and used:  # a number or a direction means the setting, anything else the technique
        return used if all(wish.kind == "use" for wish in turned) else turned
    return turned or used


def _turned(clause: str, target: Target) -> Wish | None:
    """The wish to turn a setting; None where the clause only mentions it."""
    times = _TIMES.search(clause)
    factor = float((times["by"] or times["factor"]).replace("_", "")) if times else 0.0
    for word, amount in _AMOUNTS.items():
        factor = amount if re.search(rf"\b{word}\b", clause, re.IGNORECASE) else factor
    rest = _TIMES.sub(" ", clause)
    value = _VALUE.search(rest.replace(target.name, " ") if target.name else rest)
    if value is not None and not factor:
        return Wish("set", clause, target, value=_setting(value["value"]))
    less = bool(_LESS.search(clause))
    if less or factor or _MORE.search(clause):
        return Wish("lower" if less else "raise", clause, target, factor=factor)
    return Wish("use", clause, target) if _USE.search(clause) else None


def _setting(text: str) -> Setting:
    plain = text.lower().replace("_", "")
    if plain in {"true", "false"}:
        return plain == "true"
    return int(plain) if re.fullmatch(r"[-+]?\d+", plain) else float(plain)


@dataclass(frozen=True, slots=True)
class Locks:
    """What the researcher wants left alone for the rest of the session."""

    targets: tuple[Target, ...] = ()

    def knob(self, knob: Knob) -> bool:
        """Whether this knob is to stay as it is."""
        return any(target.knobs([knob]) for target in self.targets)

    def technique(self, technique: Technique) -> bool:
        """Whether this technique is not to be used."""
        return any(target.covers(technique) for target in self.targets)


def locks(instructions: Iterable[str], knobs: Sequence[Knob]) -> Locks:
    """What stands locked after all instructions, oldest first; a later one frees what an earlier one locked."""
    standing: list[Target] = []
    for words in instructions:
        for wish in read(words, knobs).wishes:
            if wish.kind == "lock":
                standing.append(wish.target)
            elif wish.kind == "unlock":
                standing = [target for target in standing if target != wish.target]
    return Locks(tuple(standing))
