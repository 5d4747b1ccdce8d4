"""The log of a run, moved through by the same keys as every other view."""

from pathlib import Path

from mlrcopilot_tui.tui.widgets.log_pane import LogPane


class RunLog(LogPane, inherit_bindings=False):
    """A log whose keys come from the table of actions, so that one key map serves all panes."""

    _path: Path | None = None

    def show(self, path: Path | None) -> None:
        """Shows another file; the one that is shown stays where it was scrolled to."""
        if path != self._path:
            self._path = path
            super().show(path)

    def move(self, lines: int) -> None:
        """Down by so many lines, up where negative."""
        self.action_line(lines)

    def page(self, halves: int) -> None:
        """Down by so many half pages, up where negative."""
        self.action_half_page(halves)

    def to_start(self) -> None:
        """To the first line."""
        self.action_top()

    def to_end(self) -> None:
        """To the last line, and on with new ones."""
        self.action_bottom()

    def copied(self) -> str:
        """What the mouse marked, else what is on the screen."""
        return self.selected_text() or self.visible_text()
