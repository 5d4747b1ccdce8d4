"""Tells how alike two texts are by their words: how near an idea is to the paper, and whether two ideas are one."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Final

from mlrcopilot_tui.likeness import singular

SAME: Final = 0.75
"""The likeness of title and hypothesis from which on two ideas are one: rewordings of an idea measured 0.80 to 0.93,
different ideas of one session at most 0.45 (58 pairs)."""

_TOKEN: Final = re.compile(r"\d+(?:\.\d+)?(?:e[-+]?\d+)?%?|[^\W\d_]+")
_STOP: Final = frozenset(
    [
        *("a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "has", "have", "in"),
        *("into", "is", "it", "its", "more", "of", "on", "or", "our", "that", "the", "their", "then", "there", "these"),
        *("they", "this", "to", "use", "used", "using", "was", "we", "were", "which", "will", "with"),
    ]
)
_UP: Final = frozenset(
    [
        "raise",
        "increase",
        "add",
        "enable",
        "grow",
        "larger",
        "higher",
        "longer",
        "deeper",
        "wider",
        "stronger",
        "faster",
    ]
)
_DOWN: Final = frozenset(
    [
        *("lower", "decrease", "reduce", "remove", "drop", "disable", "shrink", "smaller", "shorter", "shallower"),
        *("narrower", "weaker", "slower", "without"),
    ]
)


def words_of(text: str) -> list[str]:
    """The words that carry meaning, in order; identifiers come apart, plural and singular are one."""
    found = [word.casefold() for word in _TOKEN.findall(text)]
    return [singular(word) for word in found if word not in _STOP]


def cosine(a: Mapping[str, int], b: Mapping[str, int]) -> float:
    """The cosine of two texts as vectors of counts: 0 where they share nothing, 1 where they are alike."""
    shared = sum(count * b.get(word, 0) for word, count in a.items())
    norm = sqrt(sum(count**2 for count in a.values()) * sum(count**2 for count in b.values()))
    return min(shared / norm, 1.0) if norm else 0.0


def similarity(text: str, sentences: Iterable[str]) -> float:
    """How near a text is to what is said already: its cosine with the nearest of the sentences, 0 to 1.

    Words and pairs of neighbouring words count, so that a shared phrase weighs more than the same words apart.
    """
    own = _grams(text)
    return max((cosine(own, _grams(sentence)) for sentence in sentences), default=0.0)


@dataclass(frozen=True, slots=True)
class Gist:
    """What makes an idea the idea it is."""

    key: tuple[str, ...]
    numbers: frozenset[str]
    way: int
    whole: Mapping[str, int]

    @classmethod
    def of(cls, title: str, hypothesis: str) -> "Gist":
        """The gist of an idea in these words."""
        words = words_of(title)
        way = sum((word in _UP) - (word in _DOWN) for word in words)
        numbers = frozenset(word for word in words if word[0].isdigit())
        return cls(tuple(words) or (title.casefold(),), numbers, way, Counter([*words, *words_of(hypothesis)]))

    def same(self, other: "Gist") -> bool:
        """Whether it is the same experiment in other words: other numbers, or another direction, make another one."""
        if self.key == other.key:
            return True
        if self.numbers != other.numbers or self.way * other.way < 0:
            return False
        return sorted(self.key) == sorted(other.key) or cosine(self.whole, other.whole) >= SAME


def _grams(text: str) -> Counter[str]:
    words = words_of(text)
    return Counter([*words, *(f"{a} {b}" for a, b in pairwise(words))])
