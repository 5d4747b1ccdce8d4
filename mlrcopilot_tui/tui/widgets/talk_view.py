"""The agents' words: a document whose end changes several times a second while a model writes."""

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from mlrcopilot_tui.tui.views import Document, Paragraph
from mlrcopilot_tui.tui.widgets.lines import LinesView
from mlrcopilot_tui.tui.widgets.roles import wrapped


class TalkView(LinesView):
    """Paragraphs that stay, and below them some that are rewritten; follows the end unless scrolled up from there."""

    def __init__(self, *, empty: str = "") -> None:
        super().__init__(empty=empty)
        self._talk: Document = ()
        self._now: Document = ()
        self._said = _Wrapped()
        self._going_on = _Wrapped()
        self._following = True
        self._placing = False

    def show(self, talk: Document, now: Document) -> None:
        """Shows what was said and what goes on; nothing is drawn where both are the same."""
        if (talk, now) != (self._talk, self._now):
            self._talk, self._now = talk, now
            self.redraw()

    def lay_out(self, width: int) -> Sequence[Content]:
        """What was said, then what goes on."""
        return [*self._said.lines(self._talk, width), *self._going_on.lines(self._now, width)]

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Stops following when the researcher scrolls up, and goes on at the end."""
        super().watch_scroll_y(old_value, new_value)
        if not self._placing:
            self._following = new_value >= self.max_scroll_y

    def on_resize(self, event: events.Resize) -> None:
        """Wraps to the new width, and stays at the end where the view follows."""
        super().on_resize(event)
        self._fit(self.virtual_size)

    def _fit(self, size: Size) -> None:
        self._placing = True
        if size != self.virtual_size:
            # As a reactive it would arrange the whole screen anew with every line that a model writes.
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)
        if self._following and not self.is_vertical_scrollbar_grabbed:
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True)
        self._placing = False


class _Wrapped:
    """A document's lines; of another document only the paragraphs that are new are wrapped."""

    def __init__(self) -> None:
        self._document: Document = ()
        self._width = -1
        self._known: dict[Paragraph, list[Content]] = {}
        self._lines: list[Content] = []

    def lines(self, document: Document, width: int) -> list[Content]:
        """All lines at this width."""
        if document is not self._document or width != self._width:
            known = self._known if width == self._width else {}
            self._document, self._width = document, width
            self._known = {part: known.get(part) or wrapped(part, width) for part in document}
            self._lines = [line for part in document for line in self._known[part]]
        return self._lines
