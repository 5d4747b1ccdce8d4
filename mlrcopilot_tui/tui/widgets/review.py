"""The diff under review."""

from textual.content import Content

from mlrcopilot_tui.text import printable
from mlrcopilot_tui.tui.desk import ChosenPatch
from mlrcopilot_tui.tui.widgets.lines import LinesView
from mlrcopilot_tui.workspace.patch import Patch, parse


class Review(LinesView):
    """A patch, with what is selected of it."""

    def __init__(self) -> None:
        super().__init__(id="review")
        self._text = ""
        self._patch: Patch | None = None

    def show(self, text: str) -> None:
        self._text = text
        self._patch = parse(text) if text else None
        self.redraw()

    def lay_out(self, width: int) -> list[Content]:
        return [
            Content.styled(printable(line), {"+": ".role--kept", "-": ".role--discarded"}.get(line[:1], ""))
            for line in self._text.splitlines()
        ]

    def chosen(self) -> ChosenPatch | None:
        return ChosenPatch()

    def perform(self, name: str) -> None:
        pass
