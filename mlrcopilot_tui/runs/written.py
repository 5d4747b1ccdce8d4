"""Counts what a run has written below some folders, a little at a time, so that a huge tree holds nobody up."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_BLOCK: Final = 512  # the unit of st_blocks, whatever the file system's own


class Written:
    """The files below `places` that were written after this was made, by the blocks that they occupy.

    Told by their change time, which no program can set. Links are not followed, and a hard link counts once.
    """

    def __init__(self, places: tuple[str, ...]) -> None:
        real = sorted({os.path.realpath(place) for place in places})
        self._places = [place for place in real if not any(_is_inside(place, other) for other in real)]
        self._since = {place: _now_at(place) for place in self._places}
        self._round: Iterator[None] | None = None
        self._counted = 0

    def count(self, budget_s: float) -> int | None:
        """Go on counting for `budget_s` seconds: the bytes at the end of a round, None before it."""
        until = time.monotonic() + budget_s
        if self._round is None:
            self._round, self._counted = self._walk(), 0
        for _ in self._round:
            if time.monotonic() >= until:
                return None
        self._round = None
        return self._counted

    def _walk(self) -> Iterator[None]:
        linked: set[tuple[int, int]] = set()
        for place, since in self._since.items():
            unvisited = [place]
            while unvisited:
                with contextlib.suppress(OSError), os.scandir(unvisited.pop()) as entries:
                    for entry in entries:
                        yield
                        with contextlib.suppress(OSError):
                            if entry.is_dir(follow_symlinks=False):
                                unvisited.append(entry.path)
                            else:
                                self._counted += _blocks(entry.stat(follow_symlinks=False), since, linked)


def _blocks(found: os.stat_result, since: int, linked: set[tuple[int, int]]) -> int:
    if found.st_ctime_ns <= since:
        return 0
    if found.st_nlink > 1:
        if (found.st_dev, found.st_ino) in linked:
            return 0
        linked.add((found.st_dev, found.st_ino))
    return found.st_blocks * _BLOCK


def _is_inside(place: str, other: str) -> bool:
    return place != other and Path(place).is_relative_to(other)


def _now_at(place: str) -> int:
    """The time by the clock of the file system, which on a network mount is the server's own."""
    with contextlib.suppress(OSError):
        os.utime(place)
        return Path(place).stat().st_ctime_ns
    return time.time_ns()
