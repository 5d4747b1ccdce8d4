"""Searching a pane: the pane asks for a pattern, the app answers with `search`, the pane tells how it ended."""

from typing import Protocol, runtime_checkable

from textual.message import Message
from textual.widget import Widget


@runtime_checkable
class Searchable(Protocol):
    """What the app calls on the pane that asked."""

    def search(self, pattern: str, *, backwards: bool = False) -> None:
        """Go to the next place that holds the pattern, in both cases if it is lower case, and mark every place."""


class SearchRequested(Message):
    """Somebody wants to search this pane."""

    def __init__(self, pane: Widget) -> None:
        super().__init__()
        self.pane = pane

    @property
    def control(self) -> Widget:
        """The pane to search."""
        return self.pane


class SearchFinished(Message):
    """A search came to its end."""

    def __init__(self, pane: Widget, pattern: str, *, found: bool) -> None:
        super().__init__()
        self.pane = pane
        self.pattern = pattern
        self.found = found

    @property
    def control(self) -> Widget:
        """The pane that was searched."""
        return self.pane
