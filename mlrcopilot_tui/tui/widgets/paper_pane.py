"""Pane 1: the paper's summary, the idea in view, and the paper's own text."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType

from mlrcopilot_tui.tui.actions import bindings
from mlrcopilot_tui.tui.views import Document, PaneName
from mlrcopilot_tui.tui.widgets.document import DocumentView
from mlrcopilot_tui.tui.widgets.pane import Pane


class PaperPane(Pane):
    """What the research is about."""

    PANE: ClassVar[PaneName] = "paper"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("paper")]

    def views(self) -> Iterable[DocumentView]:
        """A document a tab."""
        self.paper = DocumentView(
            empty="The paper's task, metric and research gaps will stand here, each with its sentence and page. "
            "Give the session a paper: mlrcopilot run --paper FILE."
        )
        self.idea = DocumentView(empty="The idea in view will stand here. Go to the ideas (2) and press enter on one.")
        self.text = DocumentView(empty="The paper's own text will stand here, section by section.")
        return (self.paper, self.idea, self.text)

    def show_paper(self, document: Document) -> None:
        """Shows the summary."""
        self.paper.show(document)

    def show_idea(self, document: Document) -> None:
        """Shows the idea in view."""
        self.idea.show(document)

    def show_text(self, document: Document) -> None:
        """Shows the paper's own text."""
        self.text.show(document)
