"""One line of text with styles laid over each other, as the Line-API widgets need it."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.segment import Segment
from rich.style import Style
from textual.widget import Widget

Names = tuple[str, ...]
"""Component classes that a piece of text is styled by, the later ones over the earlier."""
Span = tuple[int, int, str]
"""A piece of text from one position to another, and the component class laid over it."""


def component_style(widget: Widget, names: Names) -> Style:
    """Lay component classes over each other and over the widget's own style; Textual remembers the result."""
    return widget.get_visual_style(*names).rich_style if names else widget.rich_style


def paint(widget: Widget, text: str, base: Names = (), spans: Iterable[Span] = ()) -> list[Segment]:
    """Cut a text into segments of one style each, by the widget's component classes."""
    names = [base] * len(text)
    for start, stop, name in spans:
        for at in range(max(0, start), min(stop, len(text))):
            names[at] += (name,)
    segments: list[Segment] = []
    at = 0
    for group, members in groupby(names):
        length = sum(1 for _ in members)
        segments.append(Segment(text[at : at + length], component_style(widget, group)))
        at += length
    return segments


def occurrences(text: str, needle: str, name: str) -> Sequence[Span]:
    """Find a needle in a text, in both cases if it is lower case, as spans to be painted."""
    if not needle:
        return ()
    if needle.islower():
        folded = text.lower()
        # A few capitals grow when lowered (U+0130); then positions would be wrong, and only the exact case is found.
        text = folded if len(folded) == len(text) else text
    spans: list[Span] = []
    at = text.find(needle)
    while at >= 0:
        spans.append((at, at + len(needle), name))
        at = text.find(needle, at + len(needle))
    return spans
