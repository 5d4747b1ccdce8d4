"""The names of the four panes, where only one of them is in view."""

from textual import events
from textual.widgets import Static

from mlrcopilot_tui.tui.views import PANES, PaneName, Role, Span
from mlrcopilot_tui.tui.widgets.roles import content


class TabRow(Static):
    """One line: the pane in view stands out, one that needs a decision carries a mark."""

    DEFAULT_CSS = "TabRow { height: 1; padding: 0 1; }"

    def __init__(self, *, id: str | None = None, mark: str = "!") -> None:  # noqa: A002 -- Textual's own name
        super().__init__("", markup=False, id=id)
        self._mark = mark
        self._shown: tuple[PaneName, frozenset[PaneName]] | None = None

    def show(self, focused: PaneName, needed: frozenset[PaneName]) -> None:
        """Shows which pane is in view and which need a decision."""
        if (focused, needed) == self._shown:
            return
        self._shown = focused, needed
        spans: list[Span] = []
        for number, name in enumerate(PANES, 1):
            role: Role = "strong" if name == focused else "muted"
            mark = f" {self._mark}" if name in needed else ""
            bracket = ("[", "]") if name == focused else (" ", " ")
            spans += [
                Span(bracket[0], "muted"),
                Span(f"{number} ", "key"),
                Span(name.capitalize(), role),
                Span(mark, "waiting"),
                Span(bracket[1] + " ", "muted"),
            ]
        self.update(content(spans), layout=False)

    async def on_click(self, event: events.Click) -> None:
        """Goes to the pane whose name was clicked."""
        if self._shown is None:
            return
        end = self.styles.padding.left
        for name in PANES:
            end += len(name) + 5 + (2 if name in self._shown[1] else 0)
            if event.x < end:
                await self.run_action(f"screen.perform('pane.{name}')")
                return
