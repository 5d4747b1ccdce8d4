"""The status line: what is run, how well it does, and who is needed; the least important gives way first."""

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from mlrcopilot_tui.tui.views import Segment, Span
from mlrcopilot_tui.tui.widgets.roles import between, content

_GAP = "  "


class Header(Static):
    """One line of segments, left and right."""

    DEFAULT_CSS = "Header { height: 1; padding: 0 1; background: $panel; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 -- Textual's own name
        super().__init__("", markup=False, id=id)
        self._segments: tuple[Segment, ...] = ()

    def show(self, segments: tuple[Segment, ...]) -> None:
        """Shows other segments."""
        if segments != self._segments:
            self._segments = segments
            self._draw()

    def on_resize(self) -> None:
        """Chooses anew what fits."""
        self._draw()

    def _draw(self) -> None:
        width = self.content_size.width
        if width:
            self.update(fitted(self._segments, width), layout=False)


def fitted(segments: Sequence[Segment], width: int) -> Content:
    """The segments that fit in `width` cells, on one line."""
    left, right = sides(fitting(segments, width))
    return between(left, right, width)


def fitting(segments: Sequence[Segment], width: int) -> list[Segment]:
    """The segments that fit in `width` cells, the highest rank dropped first."""
    kept = list(segments)
    while True:
        left, right = sides(kept)
        droppable = [segment for segment in kept if segment.rank]
        if left.cell_length + right.cell_length + len(_GAP) <= width or not droppable:
            return kept
        kept.remove(max(droppable, key=lambda segment: segment.rank))


def sides(segments: Sequence[Segment]) -> tuple[Content, Content]:
    """What stands on the left and what on the right."""
    left = content(_spaced([segment for segment in segments if not segment.right]))
    return left, content(_spaced([segment for segment in segments if segment.right]))


def _spaced(segments: Sequence[Segment]) -> list[Span]:
    spans: list[Span] = []
    for segment in segments:
        spans += [Span(_GAP), Span(segment.text, segment.role)] if spans else [Span(segment.text, segment.role)]
    return spans
