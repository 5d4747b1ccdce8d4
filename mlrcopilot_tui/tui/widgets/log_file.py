"""Lines of a growing file by number, without holding the file: a count of newlines a page, and reads of what is seen.

One 8-byte number indexes 64 KiB, so a gigabyte of log costs 128 KiB of memory. The index starts at the file's tail,
which can be shown at once, and grows both ways in bounded steps: towards new output and back to the beginning.
"""

import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Final

from textual.cache import LRUCache

from mlrcopilot_tui.text import last_carriage_segment, printable

PAGE: Final = 1 << 16
SHOWN: Final = 1000
"""Characters of a line that are shown."""
_NOTHING: Final = (-1, -1)
_PEEK: Final = 8192
"""Bytes read from each end of a longer line; a progress bar's last state is found in them."""


class LogFile:
    """A text file that grows, is cut, is replaced or is not there yet.

    Line numbers count from the page where the index began: they are negative before it and stay the same while the
    index and the file grow. `generation` changes when they lose their meaning because the file was cut or replaced.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.generation = 0
        self._descriptor = -1
        self._forget()

    @property
    def first(self) -> int:
        """Number of the first line whose beginning is known."""
        return -self._newlines_behind + (not self.complete)

    @property
    def last(self) -> int:
        """One more than the number of the last line."""
        return max(self.first, self._newlines_ahead + (not self._ends_with_newline))

    @property
    def complete(self) -> bool:
        """Whether the index reaches back to the file's beginning."""
        return len(self._behind) == self._anchor

    def refresh(self, budget: int) -> bool:
        """Take note of what the file has become, reading about `budget` bytes; say whether lines came or went."""
        known = (self.generation, self.first, self._end)
        try:
            status = self.path.stat()
            if (status.st_dev, status.st_ino) != self._identity or status.st_size < self._end:
                self._open()
            budget -= self._count_ahead(status.st_size, budget)
            self._count_behind(budget)
        except OSError:
            self.close()
        return known != (self.generation, self.first, self._end)

    def close(self) -> None:
        """Let go of the file and its index."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self.generation += 1
        self._forget()

    def line(self, number: int) -> str:
        """Give one known line as it can be shown: sanitised, a redrawn line in its last state, cut at `SHOWN`."""
        start, stop = self._bounds(number)
        raw, cut = self._read(start, min(stop, start + _PEEK)), stop - start > _PEEK
        if cut:
            tail = self._read(stop - _PEEK, stop).rstrip(b"\r")
            raw, cut = (tail, False) if b"\r" in tail else (raw, True)
        text = printable(last_carriage_segment(raw.decode(errors="replace")))
        return text[:SHOWN] + "…" if cut or len(text) > SHOWN else text

    def candidates(self, needle: bytes, start: int, *, backwards: bool) -> Iterator[int | None]:
        """Look for lines whose bytes hold `needle`, from line `start` on, ASCII letters equal in both cases if `needle`
        is lower case.

        Yields:
            The number of each such line, and None after each page read, so that the caller can pause.
        """
        if not self.first <= start < self.last:
            return
        low, high = self._bounds(self.first)[0], self._end
        at = self._bounds(start)[1 if backwards else 0]
        while low < at if backwards else at < high:
            # Pages overlap by the needle's length, so that one across their border is found.
            begin, end = (max(low, at - PAGE), at) if backwards else (at, min(high, at + PAGE))
            page = self._read(begin, min(high, end + len(needle) - 1))
            page = page.lower() if needle.islower() else page
            found = page.rfind(needle) if backwards else page.find(needle)
            if found < 0:
                at = begin if backwards else end
                yield None
                continue
            number = self._line_at(begin + found)
            line_start, line_stop = self._bounds(number)
            at = line_start if backwards else line_stop + 1
            yield number

    def _forget(self) -> None:
        self._descriptor = -1
        self._identity = _NOTHING
        self._anchor = 0
        self._end = 0
        self._ends_with_newline = True
        # Newlines from the anchor page up to and including each page after it, and likewise before it.
        self._ahead = array("Q")
        self._behind = array("Q")
        self._newlines: LRUCache[tuple[int, int], array[int]] = LRUCache(16)

    def _open(self) -> None:
        self.close()
        self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        status = os.fstat(self._descriptor)
        self._identity = (status.st_dev, status.st_ino)
        self._anchor = max(0, status.st_size // PAGE - 4)
        self._end = self._anchor * PAGE

    @property
    def _newlines_ahead(self) -> int:
        return self._ahead[-1] if self._ahead else 0

    @property
    def _newlines_behind(self) -> int:
        return self._behind[-1] if self._behind else 0

    def _count_ahead(self, size: int, budget: int) -> int:
        read = 0
        while self._end < size and read < budget:
            page = self._end // PAGE
            data = self._read(self._end, min(size, (page + 1) * PAGE))
            if not data:
                break
            total = self._newlines_ahead + data.count(b"\n")
            if page - self._anchor == len(self._ahead):
                self._ahead.append(total)
            else:
                self._ahead[-1] = total
            self._end += len(data)
            self._ends_with_newline = data.endswith(b"\n")
            read += len(data)
        return read

    def _count_behind(self, budget: int) -> None:
        while not self.complete and budget > 0:
            page = self._anchor - 1 - len(self._behind)
            data = self._read(page * PAGE, (page + 1) * PAGE)
            self._behind.append(self._newlines_behind + data.count(b"\n"))
            budget -= PAGE

    def _bounds(self, number: int) -> tuple[int, int]:
        """Offsets of a line's first byte and of its newline (or the file's end)."""
        start = self._newline(number - 1) + 1 if number > -self._newlines_behind else 0
        return start, self._newline(number) if number < self._newlines_ahead else self._end

    def _newline(self, ordinal: int) -> int:
        """Offset of a newline; number 0 is the first one from the anchor page on, -1 the last before it."""
        if ordinal >= 0:
            after = bisect_right(self._ahead, ordinal)
            page = self._anchor + after
            within = ordinal - (self._ahead[after - 1] if after else 0)
        else:
            before = bisect_left(self._behind, -ordinal)
            page = self._anchor - 1 - before
            within = ordinal + (self._behind[before - 1] if before else 0)
        offsets = self._newlines_of(page)
        if not -len(offsets) <= within < len(offsets):
            # Rewritten in place since it was counted: begin again with the next refresh.
            self._identity = _NOTHING
            return min(self._end, (page + 1) * PAGE)
        return page * PAGE + offsets[within]

    def _line_at(self, offset: int) -> int:
        page, within = divmod(offset, PAGE)
        earlier = bisect_left(self._newlines_of(page), within)
        if page >= self._anchor:
            before = self._ahead[page - self._anchor - 1] if page > self._anchor else 0
            return before + earlier
        return earlier - self._behind[self._anchor - 1 - page]

    def _newlines_of(self, page: int) -> "array[int]":
        end = min(self._end, (page + 1) * PAGE)
        offsets = self._newlines.get((page, end))
        if offsets is None:
            lengths = map(len, self._read(page * PAGE, end).split(b"\n"))
            offsets = array("I", accumulate(lengths, lambda offset, length: offset + length + 1))
            offsets.pop()
            self._newlines[page, end] = offsets
        return offsets

    def _read(self, start: int, stop: int) -> bytes:
        try:
            return os.pread(self._descriptor, max(0, stop - start), start)
        except OSError:
            return b""
