"""Where everything stands on a screen of any size: pure geometry, and the Textual layout that applies it."""

from collections.abc import Callable
from typing import Final, Literal

from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from mlrcopilot_tui.tui.views import PANES, PaneName

Mode = Literal["wide", "pair", "single", "tiny", "none"]

_LEFT: Final[tuple[PaneName, ...]] = ("paper", "ideas")


def mode_for(size: Size, *, plain: bool = False) -> Mode:
    """How many panes fit: all four, two side by side, one, one without its surroundings, or none."""
    width, height = size
    if width < 40 or height < 10:
        return "none"
    if width <= 60 or height <= 15:
        return "tiny"
    if plain or width <= 80:
        return "single"
    return "wide" if width >= 120 and height >= 24 else "pair"


def frame(size: Size, mode: Mode, strip: int) -> dict[str, Region]:
    """Where header, tab row, panes, hardware strip and footer stand, by widget id; what is absent is not shown.

    Args:
        strip: rows that the hardware strip wants; 0 hides it.
    """
    width, height = size
    if mode == "none":
        return {"too-small": size.region}
    if mode == "tiny":
        return {"deck": Region(0, 0, width, height - 1), "header": Region(0, height - 1, width, 1)}
    shared = height < 24
    regions = {"footer": Region(0, height - 1, width, 1)}
    top, bottom = 1, height - 1
    header_width = width
    if strip and shared:
        header_width = width * 3 // 5
        regions["strip"] = Region(header_width, 0, width - header_width, 1)
    elif strip:
        bottom -= strip
        regions["strip"] = Region(0, bottom, width, strip)
    regions["header"] = Region(0, 0, header_width, 1)
    if mode == "single":
        regions["tabs"] = Region(0, top, width, 1)
        top += 1
    regions["deck"] = Region(0, top, width, bottom - top)
    return regions


def panes(size: Size, mode: Mode, focus: PaneName, partner: PaneName) -> dict[str, Region]:
    """Where each visible pane stands among the panes.

    Args:
        focus: the pane in focus: alone where only one fits (or it is zoomed, as mode `single`).
        partner: the pane beside the ideas, where two fit and the ideas are in focus.
    """
    width, height = size
    if mode == "pair":
        left = width * 42 // 100
        beside = partner if focus == "ideas" else focus
        return {"ideas": Region(0, 0, left, height), beside: Region(left, 0, width - left, height)}
    if mode != "wide":
        return {focus: size.region}
    left = max(46, min(84, width * 38 // 100))
    regions: dict[str, Region] = {}
    for names, x, breadth, share in ((_LEFT, 0, left, 48), (PANES[2:], left, width - left, 60)):
        upper = height * share // 100
        regions[names[0]] = Region(x, 0, breadth, upper)
        regions[names[1]] = Region(x, upper, breadth, height - upper)
    return regions


class Placed(Layout):
    """A layout that puts each child where a function of the size says, by the child's id."""

    name = "placed"

    def __init__(self, where: Callable[[Size], dict[str, Region]]) -> None:
        self._where = where

    def arrange(
        self,
        parent: Widget,
        children: list[Widget],
        size: Size,
        greedy: bool = True,  # noqa: ARG002 -- Textual's signature
    ) -> ArrangeResult:
        """Textual's hook: a child that has no place gets none."""
        parent.pre_layout(self)
        regions = self._where(size)
        return [
            WidgetPlacement(regions[child.id], NULL_OFFSET, NULL_SPACING, child)
            for child in children
            if child.id in regions
        ]
