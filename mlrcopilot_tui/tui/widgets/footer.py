"""The keys that work now: the most important that fit, with help and palette always at the right."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.widgets import Static

from mlrcopilot_tui.tui.views import Span
from mlrcopilot_tui.tui.widgets.roles import between, content

_GAP = "  "
MOST = 7
"""Hints at up to 80 columns, besides help and palette."""


@dataclass(frozen=True, slots=True)
class Hint:
    """A key and what it does; `action` is performed by a click."""

    key: str
    label: str
    action: str


class Footer(Static):
    """One line of hints."""

    DEFAULT_CSS = "Footer { height: 1; padding: 0 1; background: $footer-background; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 -- Textual's own name
        super().__init__("", markup=False, id=id)
        self._hints: tuple[Hint, ...] = ()
        self._docked: tuple[Hint, ...] = ()
        self._places: list[tuple[int, int, str]] = []

    def show(self, hints: tuple[Hint, ...], docked: tuple[Hint, ...]) -> None:
        """Shows other hints, the most important first; `docked` ones are always there."""
        if (hints, docked) != (self._hints, self._docked):
            self._hints, self._docked = hints, docked
            self._draw()

    def on_resize(self) -> None:
        """Chooses anew what fits."""
        self._draw()

    async def on_click(self, event: events.Click) -> None:
        """Performs the hint that was clicked."""
        x = event.x - self.styles.padding.left
        for start, end, action in self._places:
            if start <= x < end:
                await self.run_action(action)

    def _draw(self) -> None:
        width = self.content_size.width
        if width:
            shown = fitting(self._hints, self._docked, width)
            self._places = [*_places(shown, 0), *_places(self._docked, width - _width(self._docked))]
            self.update(between(content(_spans(shown)), content(_spans(self._docked)), width), layout=False)


def fitting(hints: Sequence[Hint], docked: Sequence[Hint], width: int) -> tuple[Hint, ...]:
    """As many of the first hints as fit beside the docked ones."""
    shown = list(hints[:MOST] if width <= 80 else hints)
    while shown and _width(shown) + len(_GAP) + _width(docked) > width:
        shown.pop()
    return tuple(shown)


def _width(hints: Sequence[Hint]) -> int:
    return content(_spans(hints)).cell_length


def _spans(hints: Sequence[Hint]) -> list[Span]:
    spans: list[Span] = []
    for hint in hints:
        spans += [Span(_GAP if spans else ""), Span(hint.key, "key"), Span(f" {hint.label}", "muted")]
    return spans


def _places(hints: Sequence[Hint], x: int) -> list[tuple[int, int, str]]:
    places = []
    for hint in hints:
        end = x + _width([hint])
        places.append((x, end, hint.action))
        x = end + len(_GAP)
    return places
