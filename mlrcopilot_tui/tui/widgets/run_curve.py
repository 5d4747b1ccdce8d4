"""The curve of a run as a view of its pane: it takes the focus, so that the pane's keys work, and it can be copied."""

from mlrcopilot_tui.tui.widgets.curve import Curve


class RunCurve(Curve, can_focus=True):
    """A chart has no lines to move through; what moves elsewhere does nothing here."""

    def move(self, lines: int) -> None:
        """Nothing."""

    def page(self, halves: int) -> None:
        """Nothing."""

    def to_start(self) -> None:
        """Nothing."""

    def to_end(self) -> None:
        """Nothing."""

    def search(self, pattern: str, *, backwards: bool = False) -> None:
        """Nothing."""

    def copied(self) -> str:
        """The last value beside the parent's."""
        return self.headline
