"""How far a run is: what it is, a bar that takes the room that is left, and the time."""

from textual.content import Content
from textual.widgets import Static

from mlrcopilot_tui.tui.glyphs import UNICODE, Glyphs
from mlrcopilot_tui.tui.projector.run import RunView
from mlrcopilot_tui.tui.widgets.header import fitted, fitting, sides
from mlrcopilot_tui.tui.widgets.roles import style_of

_BAR = 8
"""Cells that the bar gets at least; names give way to it."""


class Progress(Static):
    """One line; drawn anew only when what it says changes."""

    DEFAULT_CSS = "Progress { height: 1; }"

    def __init__(self, *, glyphs: Glyphs = UNICODE) -> None:
        super().__init__("", markup=False)
        self._glyphs = glyphs
        self._view = RunView()

    def show(self, view: RunView) -> None:
        """Shows another state of things."""
        if view != self._view:
            self._view = view
            self.update(self._drawn(), layout=False)

    def on_resize(self) -> None:
        """Fits the bar to the new width."""
        self.update(self._drawn(), layout=False)

    def _drawn(self) -> Content:
        view, width = self._view, self.size.width
        if view.share is None:
            return fitted(view.line, width)
        left, right = sides(fitting(view.line, width - _BAR - 2))
        room = width - left.cell_length - right.cell_length - 4
        if room < _BAR:
            return fitted(view.line, width)
        return left + "  " + self._bar(view.share, room) + "  " + right

    def _bar(self, share: float, cells: int) -> Content:
        glyphs = self._glyphs
        parts = len(glyphs.bar_parts)
        eighths = round(max(0.0, min(1.0, share)) * cells * parts)
        whole, part = divmod(eighths, parts)
        done = glyphs.bar * whole + (glyphs.bar_parts[part] if part and whole < cells else "")
        rest = glyphs.bar_rest * (cells - len(done))
        return Content.assemble((done, style_of("running")), (rest, style_of("muted")))
