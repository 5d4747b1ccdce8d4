"""Sees a run's metric become NaN or infinite while it runs, so that nobody waits for the end of what is lost."""

import math
from collections.abc import Iterable
from typing import Final

from mlrcopilot_tui.runs.metrics import SOURCES, Reading
from mlrcopilot_tui.runs.watch import Cut

PATIENCE: Final = 3
"""So many in a row before any number: the correlation of a constant prediction, as in a first epoch, is NaN."""

LAPSES: Final = 2
"""So many in a row after a number: one alone may be another's, as in `class 3 accuracy: nan` for an absent class."""


class Divergence:
    """Follows a run's own readings; `cut` says why it must end, once it must.

    Those of the most trusted source that has spoken count.

    Args:
        evaluated: the result is another command's, so that a run which never has a number may still have a result.
    """

    def __init__(self, *, evaluated: bool) -> None:
        self._patience = math.inf if evaluated else PATIENCE
        self._rank = len(SOURCES)
        self._finite = False
        self._row = 0
        self.cut: Cut | None = None

    def note(self, readings: Iterable[Reading]) -> None:
        """Take the next readings."""
        for reading in readings:
            rank = SOURCES.index(reading.source)
            if rank < self._rank:
                self._rank, self._finite, self._row = rank, False, 0
            if rank == self._rank and self.cut is None:
                self._judge(reading)

    def _judge(self, reading: Reading) -> None:
        if math.isfinite(reading.value):
            self._finite, self._row = True, 0
            return
        self._row += 1
        at = "" if reading.step is None else f" at step {reading.step}"
        if self._finite and self._row >= LAPSES:
            self.cut = Cut("diverged", f"Its {reading.name} became {reading.value}{at}.")
        elif not self._finite and self._row >= self._patience:
            self.cut = Cut("diverged", f"Its {reading.name} was never a number, and {reading.value}{at} again.")
