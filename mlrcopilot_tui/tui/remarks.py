"""The researcher's notes on hunks of a patch under review, kept until the decision on it takes them along."""

from collections.abc import Mapping
from dataclasses import dataclass

from mlrcopilot_tui.session.subjects import HunkNote


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """A hunk by its number, or with `first` and `last` lines of it, counted from 1; hunk 0 is the whole patch."""

    hunk: int = 0
    first: int = 0
    last: int = 0


class Remarks:
    """Notes by patch and place, one a place; they are nowhere else until a decision is sent."""

    def __init__(self) -> None:
        self._notes: dict[str, dict[Spot, str]] = {}

    def on(self, commit: str) -> Mapping[Spot, str]:
        """The notes on a patch."""
        return self._notes.get(commit, {})

    def put(self, commit: str, spot: Spot, text: str) -> None:
        """Notes something; empty text takes the note away."""
        notes = {**self.on(commit), spot: text}
        self._notes[commit] = {spot: notes[spot] for spot in sorted(notes) if notes[spot]}

    def of(self, commit: str) -> tuple[HunkNote, ...]:
        """The notes on hunks of a patch, as a decision takes them along."""
        return tuple(
            HunkNote(text=text, hunk=spot.hunk, first=spot.first, last=spot.last)
            for spot, text in self.on(commit).items()
            if spot.hunk
        )

    def whole(self, commit: str) -> str:
        """The note on the whole of a patch; empty where there is none."""
        return self.on(commit).get(Spot(), "")
