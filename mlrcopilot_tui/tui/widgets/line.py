"""One line, or a few that wrap, of text with meaning."""

from textual.widgets import Static

from mlrcopilot_tui.tui.views import Span
from mlrcopilot_tui.tui.widgets.roles import content


class Line(Static):
    """Spans as text; drawn anew only when they change."""

    DEFAULT_CSS = """
    Line { height: 1; text-overflow: ellipsis; text-wrap: nowrap; }
    Line.-wrapped { height: auto; padding: 1; text-wrap: wrap; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 -- Textual's own name
        super().__init__("", markup=False, id=id, classes=classes)
        self._spans: tuple[Span, ...] = ()

    def show(self, spans: tuple[Span, ...], *, wrapped: bool = False) -> None:
        """Shows other text; `wrapped` on as many lines as it takes."""
        if spans != self._spans:
            self._spans = spans
            self.set_class(wrapped, "-wrapped")
            self.update(content(spans), layout=wrapped)
