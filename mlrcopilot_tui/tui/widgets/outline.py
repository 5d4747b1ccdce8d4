"""The outline of a pane: its border with its number and its tabs, which stands before anything is in it."""

from textual.content import Content
from textual.widgets import Static

from mlrcopilot_tui.tui.views import PANES, TABS, PaneName


def title(pane: PaneName, tab: str, dash: str, flag: str = "") -> Content:
    """A pane's number and tabs for its border, the shown tab bright, and what the pane needs."""
    parts: list[str | tuple[str, str]] = [(f"{PANES.index(pane) + 1} ", "bold $footer-key-foreground")]
    for at, name in enumerate(TABS[pane]):
        if at:
            parts.append(f" {dash} ")
        parts.append((name, "bold $foreground" if name == tab else ""))
    if flag:
        parts += [f" {dash} ", (flag, "bold $needs-you")]
    return Content.assemble(*parts)


class Outline(Static):
    """A pane in which nothing is yet."""

    DEFAULT_CSS = """
    Outline { border: round $border-blurred; border-title-color: $muted; border-title-background: $background; }
    """

    def __init__(self, pane: PaneName, dash: str) -> None:
        super().__init__("", markup=False, id=pane)
        self.border_title = title(pane, TABS[pane][0], dash)
