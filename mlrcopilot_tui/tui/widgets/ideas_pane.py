"""Pane 2: the tree of ideas."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType

from mlrcopilot_tui.tui.actions import bindings
from mlrcopilot_tui.tui.views import PaneName, Row
from mlrcopilot_tui.tui.widgets.lines import RowList
from mlrcopilot_tui.tui.widgets.pane import Pane


class IdeasPane(Pane):
    """Every idea with its status and what it brought."""

    PANE: ClassVar[PaneName] = "ideas"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("ideas")]

    def views(self) -> Iterable[RowList]:
        """The tree."""
        self.rows = RowList(
            empty="Ideas will grow here from the paper's gaps and from the code. n adds one of your own."
        )
        return (self.rows,)

    def show(self, rows: tuple[Row, ...]) -> None:
        """Shows the tree."""
        self.rows.show(rows)
