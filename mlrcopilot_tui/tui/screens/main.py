"""The main screen: header, four panes, hardware strip and footer, kept in step with the session by one tick."""

import os
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.layout import Layout as ScreenLayout
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget

from mlrcopilot_tui.errors import CopilotError, EnvironmentLackError
from mlrcopilot_tui.tui import terminal
from mlrcopilot_tui.tui.actions import ACTIONS, bindings, keymap_problems
from mlrcopilot_tui.tui.app import CopilotApp
from mlrcopilot_tui.tui.arrangement import Placed, frame, mode_for
from mlrcopilot_tui.tui.hardware_watch import HardwareWatch
from mlrcopilot_tui.tui.library import Library
from mlrcopilot_tui.tui.offers import offered, urgent
from mlrcopilot_tui.tui.presence import Presence
from mlrcopilot_tui.tui.presenter import Presenter
from mlrcopilot_tui.tui.projector.header import header
from mlrcopilot_tui.tui.screens.main_calls import Calls
from mlrcopilot_tui.tui.screens.main_desk import MainDesk
from mlrcopilot_tui.tui.screens.setup import Setup
from mlrcopilot_tui.tui.widgets.data_text import DataText
from mlrcopilot_tui.tui.widgets.deck import Deck
from mlrcopilot_tui.tui.widgets.footer import Footer, Hint
from mlrcopilot_tui.tui.widgets.hardware_strip import HardwareStrip
from mlrcopilot_tui.tui.widgets.header import Header
from mlrcopilot_tui.tui.widgets.lines import RowList
from mlrcopilot_tui.tui.widgets.pane import Pane
from mlrcopilot_tui.tui.widgets.roles import CLASSES
from mlrcopilot_tui.tui.widgets.searching import SearchFinished
from mlrcopilot_tui.tui.widgets.tab_row import TabRow

DOCKED = (Hint("?", "help", "screen.perform('help.show')"), Hint("^p", "palette", "app.command_palette"))


class MainScreen(Screen[None]):
    """A session on the screen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(CLASSES)
    AUTO_FOCUS = ""
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """As Textual has it, but going to another pane draws two borders anew rather than 30 KB of screen."""
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("everywhere")]
    DEFAULT_CSS = """
    MainScreen { overflow: hidden; }
    MainScreen #too-small { text-align: center; padding: 1; }
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        glyphs = setup.glyphs
        self._setup = setup
        self.client = setup.client
        self.deck = Deck(glyphs)
        self.header = Header(id="header")
        self.tab_row = TabRow(id="tabs", mark=glyphs.waiting)
        self.strip = HardwareStrip(ascii_only=not glyphs.unicode, id="strip")
        self.footer = Footer(id="footer")
        self.desk = MainDesk(self, setup)
        self.calls = Calls(self, self.restart)
        library = Library(setup.client, self)
        self.presenter = Presenter(
            setup.client, self.deck, library, glyphs, self.desk.explain, setup.now, self.desk.key
        )
        self.presence = Presence(setup.client, setup.now)
        self._hardware = HardwareWatch(setup.monitor, self.strip)
        self._strip_shown = setup.strip and self._hardware.possible and not setup.plain
        self.starting = False
        self.alive: bool | None = None
        self._ticks = 0
        self._readable = True
        self._layout = Placed(self._where)

    @property
    def layout(self) -> ScreenLayout:
        """The arrangement for the terminal's size."""
        return self._layout

    @property
    def keymap(self) -> Mapping[str, str]:
        """The researcher's own keys, by action id."""
        return self._setup.keymap

    def compose(self) -> ComposeResult:
        """Header, tab row, panes, strip, footer."""
        yield self.header
        yield self.tab_row
        yield self.deck
        yield self.strip
        yield self.footer
        yield DataText("This terminal is too small for the copilot: 40 columns and 10 rows at least.", id="too-small")

    def on_mount(self) -> None:
        """Draws the empty panes at once; everything that takes time begins after the first frame."""
        self.present()
        if isinstance(self.app, CopilotApp):
            self.app.touched = self.presence.use
        self.deck.focus_pane("ideas")
        for problem in keymap_problems(self.keymap):
            self.desk.fail(problem, "Mend the key map in your settings.")
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.run_worker(self._open, group="open", thread=True)
        self.run_worker(self._hardware.start, group="monitor", thread=True)

    def _open(self) -> None:
        """Reads what there is, then makes sure that a copilot runs; in a thread."""
        call = self.app.call_from_thread
        missed = None
        try:
            self.client.poll()
            missed = self.presence.missed()
        except CopilotError as error:
            self._readable = False
            call(self.desk.explain, error)
        call(self.present)
        call(self.presenter.news)
        call(self.calls.begin, missed)
        call(self.set_interval, self._setup.tick_s, self.tick)
        self._ensure(())

    def restart(self, options: Sequence[str]) -> None:
        """Starts the copilot again, with further options of `mlrcopilot run`."""
        self.run_worker(lambda: self._ensure(options), group="open", thread=True)

    def _ensure(self, options: Sequence[str]) -> None:
        call = self.app.call_from_thread
        if self._setup.ensure is None:
            return
        self.starting = True
        try:
            session = self._setup.ensure(options)
        except CopilotError as error:
            self.starting = False
            lacks = isinstance(error, EnvironmentLackError)
            call(self.calls.fail, str(error)) if lacks else call(self.desk.explain, error)
        else:
            self.starting, self.alive = False, None
            call(self.client.open, session)

    def on_unmount(self) -> None:
        """Ends sampling, and keeps how far the session was seen."""
        self._hardware.stop()
        self.presence.keep()

    def tick(self) -> None:
        """Looks for what is new, and draws nothing where nothing is."""
        self._ticks += 1
        second = self._ticks % max(1, round(1 / self._setup.tick_s)) == 0
        changed = self._read_on()
        for settled in self.client.settled():
            self.desk.hear(settled)
        self.presenter.follow_edits()
        turned = self.presenter.follow_turn(copilot_alive=self.alive)
        if changed:
            self.present()
            self._announce()
        elif turned:
            self._present_frame()
        self.calls.look()
        if self.presenter.feed.poll() or (second and self.presenter.live):
            self.presenter.present_run()
        self.deck.run.log_view.refresh_from_disk()
        if second:
            self._each_second()

    def _read_on(self) -> bool:
        try:
            return self._readable and self.client.poll()
        except CopilotError as error:
            self._readable = False
            self.desk.explain(error)
            return False

    def _each_second(self) -> None:
        if self._ticks % 30 == 0 or self.alive is None:
            alive = self.client.copilot_alive()
            if alive != self.alive:
                self.alive = alive
                self._present_frame()
        if self.presenter.counting:
            self.presenter.present_agent()
            self._present_frame()
        if self._strip_shown:
            self._hardware.show(self.presenter)
        if self.presence.second():
            self.run_worker(self.presence.keep, group="presence", thread=True)
        if self.presence.returned():
            self.run_worker(self.calls.welcome, group="presence", thread=True)

    def present(self) -> None:
        """Shows the state in every pane."""
        self.presenter.present()
        self._present_frame()

    def _present_frame(self) -> None:
        state = self.client.state
        setup, workspace = self._setup, self.client.layout.root.name
        shown = header(
            state,
            setup.glyphs,
            workspace=workspace,
            copilot_alive=self.alive,
            now=setup.now(),
            restart=self.desk.key("copilot.restart") if setup.ensure is not None else "",
        )
        bare = self.deck.mode == "tiny"
        self.header.show((*shown, *urgent(offered(self.desk.situation, self.keymap))) if bare else shown)
        self.tab_row.show(self.deck.focused, self.presenter.needed())
        self._hint()

    def _hint(self) -> None:
        self.footer.show(offered(self.desk.situation, self.keymap), DOCKED)

    def _announce(self) -> None:
        for news in self.presenter.news():
            if news.gate is not None:
                # The pane, the header and the tab row say it already.
                self.app.bell()
            else:
                self.desk.tell(news.sentence, news.mend)
                if news.urgent:
                    self.app.bell()
            if not self.app.app_focus:
                terminal.send(self.app, terminal.notification_sequence("mlrcopilot", news.sentence, os.environ))

    def on_resize(self, _: events.Resize) -> None:
        """Arranges the panes for the new size."""
        self.deck.arrange_for(mode_for(self.size, plain=self._setup.plain), bare=self._setup.plain)
        self.call_after_refresh(self.deck.keep_focus)
        self._present_frame()

    def on_deck_turned(self) -> None:
        """Offers the keys of the pane that has the focus now."""
        self._present_frame()

    def on_pane_tab_shown(self, _: Pane.TabShown) -> None:
        """Fills the tab and offers its keys."""
        self.present()

    def on_row_list_moved(self, _: RowList.Moved) -> None:
        """Offers the keys for the row under the cursor."""
        self._hint()

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """Opens the row that was clicked."""
        self.action_perform("idea.open" if event.rows is self.deck.ideas.rows else "diff.open")

    def on_search_finished(self, event: SearchFinished) -> None:
        """Says so when a search came to nothing."""
        if not event.found:
            self.desk.tell(f"Nothing here holds “{event.pattern}”.")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action of the table can be done now."""
        if action == "perform" and parameters and self.is_mounted:
            return ACTIONS[str(parameters[0])].when(self.desk.situation)
        return True

    def action_perform(self, name: str) -> None:
        """Does an action of the table."""
        try:
            ACTIONS[name].do(self.desk)
        except CopilotError as error:
            self.desk.explain(error)
        self._hint()

    def toggle_strip(self) -> None:
        """Hides or shows the hardware strip, and has it remembered."""
        self._strip_shown = not self._strip_shown and self._hardware.possible
        self._setup.remember_strip(self._strip_shown)
        # A widget that asks for layout makes its parent arrange anew, not itself.
        self.header.refresh(layout=True)

    def _where(self, size: Size) -> dict[str, Region]:
        self.deck.mode = mode = mode_for(size, plain=self._setup.plain)
        rows = self.strip.get_content_height(size, size, size.width) if self._strip_shown else 0
        return frame(size, mode, max(1, rows) if self._strip_shown else 0)
