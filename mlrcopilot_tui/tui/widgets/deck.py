"""The four panes: which are in view, where they stand, and which has the focus."""

from typing import cast

from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import Region, Size
from textual.layout import Layout
from textual.message import Message

from mlrcopilot_tui.tui.arrangement import Mode, Placed, panes
from mlrcopilot_tui.tui.desk import Readable
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.views import PaneName
from mlrcopilot_tui.tui.widgets.document import DocumentView
from mlrcopilot_tui.tui.widgets.ideas_pane import IdeasPane
from mlrcopilot_tui.tui.widgets.lines import RowList
from mlrcopilot_tui.tui.widgets.pane import Pane
from mlrcopilot_tui.tui.widgets.paper_pane import PaperPane
from mlrcopilot_tui.tui.widgets.patch_pane import PatchPane
from mlrcopilot_tui.tui.widgets.run_pane import RunPane


class Deck(Container):
    """The panes, arranged for the mode that the screen is in."""

    class Turned(Message):
        """Another pane has the focus, or another arrangement is shown."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="deck")
        self.paper = PaperPane(glyphs)
        self.ideas = IdeasPane(glyphs)
        self.patch = PatchPane(glyphs)
        self.run = RunPane(glyphs)
        self.mode: Mode = "wide"
        self.zoomed = False
        self._focused: PaneName = "ideas"
        self._partner: PaneName = "patch"
        self._layout = Placed(self._where)

    def compose(self) -> ComposeResult:
        """The panes in the order of their numbers."""
        yield from (self.paper, self.ideas, self.patch, self.run)

    @property
    def layout(self) -> Layout:
        """The arrangement of this moment."""
        return self._layout

    @property
    def focused(self) -> PaneName:
        """The pane that keys go to."""
        return self._focused

    @property
    def view(self) -> Readable:
        """What the pane in focus shows."""
        return cast("Readable", self.pane(self._focused).target)

    @property
    def several(self) -> bool:
        """Whether more than one pane is in view, or would be if none were zoomed."""
        return self.mode in {"wide", "pair"}

    def pane(self, name: PaneName) -> Pane:
        """One of the panes."""
        by_name: dict[PaneName, Pane] = {
            "paper": self.paper,
            "ideas": self.ideas,
            "patch": self.patch,
            "run": self.run,
        }
        return by_name[name]

    def focus_pane(self, name: PaneName) -> None:
        """Gives a pane the focus, and brings it into view where it is not."""
        self._turn_to(name)
        self.pane(name).target.focus(scroll_visible=False)

    def zoom(self) -> None:
        """Gives the pane in focus all the room, or takes it back."""
        self.zoomed = not self.zoomed
        self._rearrange()

    def arrange_for(self, mode: Mode, *, bare: bool) -> None:
        """Arranges the panes for another mode; `bare` draws no borders."""
        if mode != self.mode:
            self.mode = mode
            self._rearrange()
        for pane in self.query(Pane):
            pane.set_class(bare, "-bare")

    def cursor_key(self) -> str | None:
        """The key of what is marked in the list or the document in focus."""
        view = self.pane(self._focused).target
        return view.key if isinstance(view, RowList | DocumentView) else None

    def point(self, pane: PaneName, tab: str, key: str) -> None:
        """Goes to what stands under `key` in a tab of a pane."""
        self.pane(pane).show_tab(tab)
        self.focus_pane(pane)
        view = self.pane(pane).target
        if isinstance(view, RowList | DocumentView):
            view.to_key(key)

    def step(self, by: int) -> None:
        """Goes to the next thing in the document in focus that leads on, or to the one before where negative."""
        view = self.pane(self._focused).target
        if isinstance(view, DocumentView):
            view.step(by)

    def on_descendant_focus(self) -> None:
        """Takes the focus back where Textual gave it to another pane because the one in focus was out of view."""
        self.call_after_refresh(self.keep_focus)

    def keep_focus(self) -> None:
        """Sees to it that keys go to the pane in focus; after every change of what is in view."""
        target = self.pane(self._focused).target
        if self.screen.focused is not target and self.screen.is_current:
            target.focus(scroll_visible=False)

    def on_pane_pointed(self, event: Pane.Pointed) -> None:
        """Goes to the pane that the mouse pointed at."""
        self.focus_pane(event.pane.PANE)

    def on_pane_tab_shown(self, event: Pane.TabShown) -> None:
        """Gives the new view the focus that the hidden one had."""
        if self._focused == event.pane.PANE:
            event.pane.target.focus(scroll_visible=False)

    def _turn_to(self, name: PaneName) -> None:
        if name == self._focused:
            return
        before = self._where(self.size)
        if name != "ideas":
            self._partner = name
        self._focused = name
        if self._where(self.size) != before:
            self._rearrange()
        else:
            self.post_message(self.Turned())

    def _rearrange(self) -> None:
        # A widget that asks for layout makes its parent arrange anew, not itself.
        self.paper.refresh(layout=True)
        self.post_message(self.Turned())

    def _where(self, size: Size) -> dict[str, Region]:
        mode: Mode = "single" if self.zoomed else self.mode
        return panes(size, mode, self._focused, self._partner)
