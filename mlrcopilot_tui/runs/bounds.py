"""What a run may use, looked after while it runs: one protocol for memory and disk, and all bounds of a run as one."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

from mlrcopilot_tui.runs.watch import TICK_S, Cut

HURRIED_TICK_S: Final = 0.05
"""Seconds between looks where a bound is near: a program can fill some GiB of memory in one."""

LEEWAY: Final = 1.5
"""A run that passed a bound may come to use this multiple before its grace is over: a checkpoint takes room too."""

SETTLING_S: Final = 1.0
"""Seconds in which what was under way when a bound was passed comes to its end, such as one large allocation."""

_UNITS: Final = (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


class Bound(Protocol):
    """Something that a run must not use too much of."""

    near: bool
    """After a look: it may be passed soon, so that the next look should not take long."""

    pressing: bool
    """After a look: it is passed so far that a run must not be given any time to end by itself."""

    def look(self) -> Cut | None:
        """Measure, and say why the run must end, if so."""
        ...


class Bounds:
    """All bounds of one run; the first that is passed ends it."""

    def __init__(self, bounds: Sequence[Bound]) -> None:
        self._looked = dict.fromkeys(bounds, 0.0)
        self.excess: Cut | None = None

    def look(self) -> None:
        """Look at those that are due: a few times a second, and more often at one that is near."""
        now = time.monotonic()
        for bound, looked in self._looked.items():
            if bound.near or now - looked >= TICK_S - HURRIED_TICK_S / 2:
                self._looked[bound] = now
                passed = bound.look()
                self.excess = self.excess or passed

    @property
    def tick_s(self) -> float:
        """Seconds until the next look is due."""
        return HURRIED_TICK_S if any(bound.near for bound in self._looked) else TICK_S

    @property
    def pressing(self) -> bool:
        """Whether the run must not be given any more time."""
        return any(bound.pressing for bound in self._looked)


class Excess:
    """Tells a run that goes on using more of what it has too much of from one that makes ready to end."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._settled = 0

    def goes_on(self, used: int) -> bool:
        """Whether a run that has passed its bound, and uses so many bytes now, has gone on since."""
        now = time.monotonic()
        self._since = self._since or now
        if now - self._since <= SETTLING_S:
            self._settled = max(self._settled, used)
        return used > LEEWAY * self._settled


class Pace:
    """Does something costly as often as it may take a share of the time, and no more often than every `rest_s`."""

    def __init__(self, share: float, rest_s: float = 0.0) -> None:
        self._share = share
        self._rest_s = rest_s
        self._due = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time again."""
        return time.monotonic() >= self._due

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Around the thing that is done."""
        began = time.monotonic()
        yield
        ended = time.monotonic()
        self._due = ended + max(self._rest_s, (ended - began) / self._share)


def amount(count: float) -> str:
    """So many bytes in the largest binary unit of which there is one."""
    unit, size = next(((unit, size) for unit, size in _UNITS if count >= size), ("B", 1))
    return f"{count / size:.3g} {unit}" if count / size < 1000 else f"{count / size:.0f} {unit}"  # no 1.02e+03
