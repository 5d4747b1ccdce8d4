"""Which added line took the place of which removed one, so that they stand side by side and show what differs."""

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from mlrcopilot_tui.workspace.patch import DiffLine

_WORD: Final = re.compile(r"\w+")
_ALIKE: Final = 0.4
"""The share of words that two lines have in common from which on one may stand for the other."""
_MOST: Final = 400
"""Pairs of lines that are compared in one block; a larger block is paired by position."""
_LENGTH: Final = 300


def pairs(lines: Sequence[DiffLine]) -> dict[int, int]:
    """Pair each removed line with the added line that took its place, both ways, by position in the hunk."""
    found: dict[int, int] = {}
    for changed, members in groupby(range(len(lines)), key=lambda at: lines[at].kind != "context"):
        block = list(members) if changed else []
        removed = [at for at in block if lines[at].kind == "remove"]
        added = [at for at in block if lines[at].kind == "add"]
        for old, new in partners(lines, removed, added):
            found[old], found[new] = new, old
    return found


def partners(lines: Sequence[DiffLine], removed: Sequence[int], added: Sequence[int]) -> list[tuple[int, int]]:
    """Pair the removed with the added lines of one block, in order.

    By position where there are as many of each, for then a line was most often changed in its place; else so that what
    the pairs have in common is the most.
    """
    if len(removed) == len(added) or len(removed) * len(added) > _MOST:
        return list(zip(removed, added, strict=False))
    olds, news = ([_words(lines[at]) for at in side] for side in (removed, added))
    alike = [[_alike(old, new) for new in news] for old in olds]
    best = [[0.0] * (len(news) + 1) for _ in range(len(olds) + 1)]
    for i in reversed(range(len(olds))):
        for j in reversed(range(len(news))):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], best[i + 1][j + 1] + alike[i][j])
    found, i, j = [], 0, 0
    while i < len(olds) and j < len(news):
        if alike[i][j] and best[i][j] == best[i + 1][j + 1] + alike[i][j]:
            found.append((removed[i], added[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found


def _words(line: DiffLine) -> frozenset[str]:
    return frozenset(_WORD.findall(line.text[:_LENGTH]))


def _alike(old: frozenset[str], new: frozenset[str]) -> float:
    common = len(old & new)
    share = common / (len(old) + len(new) - common) if common else 0.0
    return share if share >= _ALIKE else 0.0
