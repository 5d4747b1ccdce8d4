"""How well texts answer a query in words: BM25, for a few hundred texts that are at hand and need no index."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+")
_PASSED_OVER: Final = frozenset(
    _WORD.findall(
        "a an and are as at be by can for from has have in into is it its of on or our that the their this to use used "
        "using was we were which will with small large good best model models dataset datasets data"
    )
)
_K1, _B = 1.2, 0.75


def words(text: str) -> list[str]:
    """The words that tell what a text is about, in lower case, a plural `s` dropped."""
    found = (word.lower() for word in _WORD.findall(text))
    kept = (word for word in found if word not in _PASSED_OVER)
    return [singular(word) for word in kept]


def singular(word: str) -> str:
    """An English word without its plural `s`, near enough to hold words against each other."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def likeness(query: str, texts: Sequence[str]) -> list[float]:
    """The BM25 score of each text; 0 where it shares no word with the query."""
    wanted = set(words(query))
    counted = [Counter(words(text)) for text in texts]
    lengths = [counts.total() for counts in counted]
    usual = sum(lengths) / max(1, len(lengths)) or 1.0
    holding = {word: sum(word in counts for counts in counted) for word in wanted}
    rarity = {word: math.log(1 + (len(texts) - n + 0.5) / (n + 0.5)) for word, n in holding.items()}
    return [
        sum(
            rarity[word] * counts[word] * (_K1 + 1) / (counts[word] + _K1 * (1 - _B + _B * length / usual))
            for word in wanted
            if counts[word]
        )
        for counts, length in zip(counted, lengths, strict=True)
    ]
