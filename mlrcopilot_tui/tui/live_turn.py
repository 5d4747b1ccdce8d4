"""The words of the turn that a model is at, read from the file that the copilot rewrites several times a second."""

from dataclasses import dataclass
from pathlib import Path

from mlrcopilot_tui.session.journal import LIVE_NAME

SHOWN_BYTES = 16_384
"""The end of a turn that is shown: some four screens."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The end of what was said so far in this turn; `above` are the bytes before it."""

    text: str = ""
    above: int = 0


class LiveTurn:
    """Follows the turn in flight of one session; an unchanged file is not read."""

    def __init__(self) -> None:
        self.turn = Turn()
        self._stamp: tuple[int, int] | None = None
        self._was_empty = False

    def poll(self, folder: Path | None) -> bool:
        """Looks again, and says whether there is anything else to show.

        A file that holds nothing is believed at the second look: it may be about to be rewritten, and the words of a
        turn that is over should not vanish before the journal tells them.

        Args:
            folder: the session's; None where no copilot is there, so that what lies in the file is nobody's turn.
        """
        turn = self._read(folder / LIVE_NAME) if folder is not None else Turn()
        if folder is not None and not turn.text and self.turn.text and not self._was_empty:
            self._was_empty, self._stamp = True, None
            return False
        self._was_empty = False
        changed = turn != self.turn
        self.turn = turn
        return changed

    def _read(self, path: Path) -> Turn:
        try:
            found = path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp == self._stamp:
                return self.turn
            with path.open("rb") as file:
                above = max(0, found.st_size - SHOWN_BYTES)
                file.seek(above)
                text = file.read(SHOWN_BYTES).decode("utf-8", "ignore")
        except OSError:
            return Turn()
        self._stamp = stamp
        return Turn(text, above)
