"""How each meaning looks, and the one way from plain values to what a widget draws."""

from collections.abc import Iterable
from typing import get_args

from textual.content import Content

from mlrcopilot_tui.text import printable
from mlrcopilot_tui.tui.views import Paragraph, Role, Span

ROLES: tuple[Role, ...] = get_args(Role)

CLASSES: frozenset[str] = frozenset(f"role--{role}" for role in ROLES)
"""The component classes of a screen whose widgets show meanings; a widget finds them in its ancestors.

Eleven of them on each of a dozen widgets would be a quarter of the time that Textual takes to style the screen.
"""

CSS = """
.role--muted { color: $muted; text-style: $muted-style; }
.role--strong { text-style: bold; }
.role--heading { color: $primary; text-style: bold; }
.role--accent { color: $champion; }
.role--key { color: $footer-key-foreground; text-style: bold; }
.role--kept { color: $kept; }
.role--discarded { color: $discarded; }
.role--running { color: $running; }
.role--waiting { color: $needs-you; text-style: bold; }
.role--inconclusive { color: $inconclusive; }
.role--error { color: $crashed; }
"""
"""For the app's stylesheet."""


def style_of(role: Role) -> str:
    """The style of a meaning, for `Content`; nothing for plain text."""
    return f".role--{role}" if role != "plain" else ""


def content(spans: Iterable[Span]) -> Content:
    """Spans as one line of safe text: sanitised here, and never read as markup."""
    return Content.assemble(*((printable(span.text), style_of(span.role)) for span in spans))


def wrapped(paragraph: Paragraph, width: int) -> list[Content]:
    """A paragraph in lines of `width` cells, those after the first standing under its body."""
    lead = content(paragraph.lead)
    hang = min(lead.cell_length, max(0, width // 2))
    body = content(paragraph.body)
    if not body:
        return [lead.truncate(width)]
    first, *rest = body.wrap(max(1, width - hang))
    return [lead.truncate(hang) + first, *(line.pad_left(hang) for line in rest)]


def between(left: Content, right: Content, width: int) -> Content:
    """One line of `width` cells: `left` is cut where it meets `right`, which keeps the edge."""
    room = width - right.cell_length
    if room < width // 3:
        return (left + " " + right).truncate(width, ellipsis=True)
    return left.truncate(max(0, room - 1), ellipsis=True, pad=True) + " " + right
