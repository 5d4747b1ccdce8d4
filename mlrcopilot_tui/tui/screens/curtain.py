"""The first frame: the outlines of the panes where they will stand, drawn while everything else is being imported.

Importing what the panes need takes as long as starting Textual does; here it happens in a thread, and keys that are
pressed meanwhile are not lost.
"""

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.geometry import Region, Size
from textual.layout import Layout
from textual.screen import Screen
from textual.widgets import Static

from mlrcopilot_tui.tui.arrangement import Placed, frame, mode_for, panes
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.views import PANES
from mlrcopilot_tui.tui.widgets.outline import Outline

Rise = Callable[[], Screen[None]]


class Curtain(Screen[None]):
    """Stands until the main screen is ready.

    Args:
        name: what is being opened.
        prepare: imports and reads what is needed, in a thread; makes what makes the main screen.
        strip: rows that the hardware strip will want.
    """

    AUTO_FOCUS = ""
    DEFAULT_CSS = "Curtain #header { background: $panel; padding: 0 1; color: $primary; text-style: bold; }"

    def __init__(self, name: str, prepare: Callable[[], Rise], glyphs: Glyphs, *, plain: bool, strip: int) -> None:
        super().__init__()
        self._opened = name
        self._prepare = prepare
        self._glyphs = glyphs
        self._plain = plain
        self._strip = strip
        self._typed: list[str] = []
        self._layout = Placed(self._where)

    @property
    def layout(self) -> Layout:
        """The arrangement of the screen to come."""
        return self._layout

    def compose(self) -> ComposeResult:
        """A header and four outlines."""
        yield Static(f"mlrcopilot  {self._opened}", markup=False, id="header")
        if not self._plain:
            yield from (Outline(pane, self._glyphs.dash) for pane in PANES)

    def on_mount(self) -> None:
        """Begins to import once this much is on the screen."""
        self.call_after_refresh(lambda: self.run_worker(self._import, thread=True))

    def on_key(self, event: events.Key) -> None:
        """Keeps a key for the screen to come."""
        self._typed.append(event.key)
        event.stop()

    def _import(self) -> None:
        rise = self._prepare()
        self.app.call_from_thread(self._rise, rise)

    def _rise(self, rise: Rise) -> None:
        app = self.app
        screen = rise()
        app.switch_screen(screen)
        for key in self._typed:
            screen.call_after_refresh(app.simulate_key, key)

    def _where(self, size: Size) -> dict[str, Region]:
        mode = mode_for(size, plain=self._plain)
        regions = frame(size, mode, self._strip)
        deck = regions.pop("deck", Region())
        placed = panes(deck.size, mode, "ideas", "patch")
        return regions | {name: region.translate(deck.offset) for name, region in placed.items()}
