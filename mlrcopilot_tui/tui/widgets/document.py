"""Documents: paragraphs that wrap and scroll, some of which lead on to an idea, a commit or a sentence of the paper."""

from collections.abc import Sequence

from textual import events
from textual.content import Content

from mlrcopilot_tui.tui.views import Document
from mlrcopilot_tui.tui.widgets.lines import LinesView
from mlrcopilot_tui.tui.widgets.roles import wrapped


class DocumentView(LinesView):
    """Paragraphs, wrapped to the width. One of those that have a key is marked while the document has the focus."""

    def __init__(self, *, id: str | None = None, empty: str = "") -> None:  # noqa: A002 -- Textual's own parameter
        super().__init__(id=id, empty=empty)
        self._document: Document = ()
        self._keys: list[str] = []
        self._key = ""
        self._sought = False

    @property
    def key(self) -> str | None:
        """What the marked paragraph stands for: at first the first one; None where no paragraph has a key."""
        keys = self._ordered_keys()
        return self._key if self._key in keys else next(iter(keys), None)

    def show(self, document: Document) -> None:
        """Shows another document."""
        if document != self._document:
            self._document = document
            self.redraw()

    def lay_out(self, width: int) -> Sequence[Content]:
        """Every paragraph in its lines."""
        laid_out = [(paragraph.key, line) for paragraph in self._document for line in wrapped(paragraph, width)]
        self._keys = [key for key, _ in laid_out]
        self.call_after_refresh(self._reveal)
        return [line for _, line in laid_out]

    def is_current(self, at: int) -> bool:
        """Whether a line belongs to the marked paragraph; only where keys go to is anything marked."""
        return self.has_focus and at < len(self._keys) and bool(self._keys[at]) and self._keys[at] == self.key

    def on_show(self, _: events.Show) -> None:
        """Goes to what was sought while it was hidden."""
        self.call_after_refresh(self._reveal)

    def to_key(self, key: str) -> None:
        """Marks what goes by `key` and brings it into view, as soon as the document holds it and can be seen."""
        self._key, self._sought = key, True
        self._reveal()
        self.refresh()

    def step(self, by: int) -> None:
        """Marks the next paragraph that has a key, or the one before where negative."""
        keys = self._ordered_keys()
        if self.key in keys:
            self.to_key(keys[max(0, min(keys.index(self.key) + by, len(keys) - 1))])

    def _ordered_keys(self) -> list[str]:
        return list(dict.fromkeys(paragraph.key for paragraph in self._document if paragraph.key))

    def _reveal(self) -> None:
        """Brings what is sought into view, once there is a view and it is there; what is in view already stays."""
        if not self._sought or self._key not in self._keys or not self.display or not self.size.height:
            return
        self._sought = False
        first = self._keys.index(self._key)
        last = len(self._keys) - 1 - self._keys[::-1].index(self._key)
        top, height = self.scroll_offset.y, self.size.height
        if first <= top or last >= top + height - 1:
            self.go_to(max(0, min(first - 1, max(last + 2 - height, first - height // 3))))
