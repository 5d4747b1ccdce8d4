"""The unchanged lines around a patch's hunks, found in the same diff with wide context and read only when looked at."""

import re
from bisect import bisect
from collections.abc import Iterator
from typing import Final, NamedTuple

from mlrcopilot_tui.workspace.patch import DiffLine, FileChange, Hunk, Patch

# Content begins with a sign, so what begins with one of these is git's own.
_LANDMARK: Final = re.compile(r"^(?:diff --git .*|@@ -(\d+)(?:,\d+)? \+(\d+)(?:,(\d+))? @@.*)\n", re.MULTILINE)


class _Stretch(NamedTuple):
    """One wide hunk: its lines' numbers in the new state, and where its text lies."""

    first: int
    last: int
    old_first: int
    start: int
    stop: int


class Gap(NamedTuple):
    """The unchanged lines between two hunks, or between a hunk and an end of its file.

    Attributes:
        first: number in the new state of the first line.
        lines: how many there are; after the last hunk, how many are known.
        above, below: how many are known from the hunk above on, and up to the hunk below.
    """

    first: int
    lines: int
    above: int
    below: int


class Surroundings:
    """What is around the hunks of `patch`, as `wide` tells it: the same diff with more context; empty for nothing."""

    def __init__(self, patch: Patch, wide: str = "") -> None:
        self._wide = wide
        self._files = _stretches(wide)
        self._lines: dict[_Stretch, dict[int, DiffLine]] = {}
        if len(self._files) != len(patch.files):
            self._files = [[] for _ in patch.files]

    def gaps(self, at: int, file: FileChange) -> Iterator[Gap]:
        """The gaps before each hunk of the file at position `at`, and the one after the last."""
        before: Hunk | None = None
        for hunk in (*file.hunks, None):
            yield self._gap(at, before, hunk)
            before = hunk

    def line(self, at: int, number: int) -> DiffLine | None:
        """The unchanged line of this number in the new state of the file at position `at`; None if it is not known."""
        stretch = self._stretch(at, number)
        if stretch is None:
            return None
        if stretch not in self._lines:
            self._lines[stretch] = dict(_unchanged(stretch, self._wide[stretch.start : stretch.stop]))
        return self._lines[stretch].get(number)

    def _gap(self, at: int, before: Hunk | None, after: Hunk | None) -> Gap:
        first = _first(before) + before.new_count if before else 1
        reach = self._stretch(at, first - 1) if before else None
        back = self._stretch(at, _first(after)) if after else None
        stop = _first(after) if after else reach.last + 1 if reach else first
        lines = max(0, stop - first)
        return Gap(
            first,
            lines,
            above=min(lines, reach.last + 1 - first) if reach else 0,
            below=min(lines, stop - back.first) if back else 0,
        )

    def _stretch(self, at: int, number: int) -> _Stretch | None:
        stretches = self._files[at]
        place = bisect(stretches, number, key=lambda stretch: stretch.first) - 1
        return stretches[place] if place >= 0 and number <= stretches[place].last else None


def _first(hunk: Hunk) -> int:
    # A side without lines names the line before it, not its first.
    return hunk.new_start + (hunk.new_count == 0)


def _stretches(wide: str) -> list[list[_Stretch]]:
    files: list[list[_Stretch]] = []
    marks = list(_LANDMARK.finditer(wide))
    stops = [*(mark.start() for mark in marks[1:]), len(wide)]
    for mark, stop in zip(marks, stops, strict=False):
        if mark[1] is None:
            files.append([])
        elif files:
            first, count = int(mark[2]), int(mark[3] or 1)
            files[-1].append(_Stretch(first, first + count - 1, int(mark[1]), mark.end(), stop))
    return files


def _unchanged(stretch: _Stretch, text: str) -> Iterator[tuple[int, DiffLine]]:
    old, new = stretch.old_first, stretch.first
    for line in text.split("\n")[:-1]:
        sign = line[:1]
        if sign in {" ", ""}:
            yield new, DiffLine(kind="context", text=line[1:], old_no=old, new_no=new)
        old += sign in {" ", "-", ""}
        new += sign in {" ", "+", ""}
