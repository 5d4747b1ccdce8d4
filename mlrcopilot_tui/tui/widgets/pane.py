"""A pane: a border with its number and its inner tabs, and one view at a time."""

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from mlrcopilot_tui.text import printable
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.views import TABS, PaneName, Span
from mlrcopilot_tui.tui.widgets.line import Line
from mlrcopilot_tui.tui.widgets.outline import title


class Pane(Container):
    """One of the four panes. Subclasses make a view for each of its tabs."""

    PANE: ClassVar[PaneName]

    DEFAULT_CSS = """
    Pane {
        border: round $border-blurred;
        border-title-color: $muted;
        border-subtitle-color: $muted;
        border-title-background: $background;
        padding: 0 1;
        &.-needed { border: round $needs-you; }
        &:focus-within { border: round $border; }
        &.-bare { border: none; padding: 0; }
        & > .question { dock: bottom; height: auto; max-height: 4; text-wrap: wrap; }
        &.-bare RunCurve { height: 1; }
    }
    """

    class TabShown(Message):
        """Another inner tab came into view."""

        def __init__(self, pane: "Pane") -> None:
            super().__init__()
            self.pane = pane

    class Pointed(TabShown):
        """The mouse was pressed somewhere in the pane."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id=self.PANE)
        self.tabs = TABS[self.PANE]
        self.tab = self.tabs[0]
        self.glyphs = glyphs
        self._flag = ""
        self._note = ""

    def views(self) -> Iterable[Widget]:
        """What each tab shows, in the tabs' order."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Mounts every view, of which only the tab's own is displayed, and the question below them."""
        for tab, view in zip(self.tabs, self.views(), strict=True):
            view.display = tab == self.tab
            yield view
        self._question = Line(classes="question")
        self._question.display = False
        yield self._question

    def on_mount(self) -> None:
        """Draws the first title."""
        self._draw_title()

    @property
    def view(self) -> Widget:
        """What the current tab shows."""
        return self.children[self.tabs.index(self.tab)]

    @property
    def target(self) -> Widget:
        """What takes the focus: the view, or the part of it that can."""
        return self.view

    def show_tab(self, tab: str) -> None:
        """Brings one of the inner tabs into view."""
        if tab == self.tab or tab not in self.tabs:
            return
        self.tab = tab
        for name, view in zip(self.tabs, self.children, strict=False):
            view.display = name == tab
        self._draw_title()
        self.post_message(self.TabShown(self))

    def next_tab(self) -> None:
        """Brings the next inner tab into view."""
        self.show_tab(self.tabs[(self.tabs.index(self.tab) + 1) % len(self.tabs)])

    def flag(self, flag: str, question: tuple[Span, ...], note: str = "") -> None:
        """Says in the title what the pane needs, below its view the question, and at the edge what it shows."""
        self._question.show(question)
        self._question.display = bool(question)
        if (flag, note) != (self._flag, self._note):
            self._flag, self._note = flag, note
            self.set_class(bool(flag), "-needed")
            self._draw_title()

    def _draw_title(self) -> None:
        self.border_title = title(self.PANE, self.tab, self.glyphs.dash, printable(self._flag))
        self.border_subtitle = Content(printable(self._note))

    def on_mouse_down(self) -> None:
        """Takes the focus."""
        self.post_message(self.Pointed(self))

    def on_click(self, event: events.Click) -> None:
        """A click on a tab's name shows it."""
        if event.screen_y == self.region.y:
            x = event.screen_x - self.region.x - len("+- 1 ")
            for tab in self.tabs:
                if 0 <= x < len(tab):
                    self.show_tab(tab)
                x -= len(tab) + 3
