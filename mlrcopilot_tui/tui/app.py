"""The application: wiring only. It has the themes, the key map and the signals; screens do the rest."""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual import events
from textual.app import App
from textual.command import Provider
from textual.filter import LineFilter, Monochrome, NoColor
from textual.screen import Screen
from textual.widget import AwaitMount

from mlrcopilot_tui.text import printable
from mlrcopilot_tui.tui import preferences as prefs
from mlrcopilot_tui.tui import terminal, themes
from mlrcopilot_tui.tui.driver import PromptDriver
from mlrcopilot_tui.tui.views import Row, Span
from mlrcopilot_tui.tui.widgets.roles import CSS

_LAST_WORD_S = 2.0
"""A terminal that was taken away gets so long to take the last bytes; then the program ends without it."""


_COLOURLESS = NoColor()


def _action_commands() -> type[Provider]:
    from mlrcopilot_tui.tui.palette import ActionCommands  # noqa: PLC0415 -- most of the program, on use

    return ActionCommands


class CopilotApp(App[int]):
    """The program on the screen.

    Args:
        first: makes the first screen.
        preferences: what was chosen before; changed and saved here.
        theme: a theme for this time; empty for the remembered one, or the one that suits the terminal.
        keymap: keys by action id, as the researcher set them.
        ascii_only: for terminals that cannot draw boxes, and for screen readers.
    """

    TITLE = "mlrcopilot"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_action_commands}
    DEFAULT_CSS = CSS
    CSS_PATH = "app.tcss"

    def __init__(
        self,
        first: Callable[[], Screen[None]],
        preferences: prefs.Preferences,
        *,
        theme: str = "",
        keymap: dict[str, str] | None = None,
        ascii_only: bool = False,
    ) -> None:
        super().__init__(driver_class=PromptDriver, css_path=["app.tcss", "ascii.tcss"] if ascii_only else None)
        self.animation_level = "none"
        self.preferences = preferences
        self._first = first
        self._keys = keymap or {}
        self._opening: AwaitMount | None = None
        self._problems = themes.register_themes(self)
        self._wanted_theme = theme or preferences.theme
        self.touched: Callable[[], None] | None = None
        """Called when somebody uses the terminal."""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """A colour for every meaning, in themes that name none."""
        return themes.variable_defaults(self.current_theme)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """As Textual has it, but it settles how to keep NO_COLOR before it knows the theme: its shades of grey make
        black on black of the terminal's own colours."""
        filters = super().get_line_filters()
        if not (self.no_color and self.native_ansi_color):
            return filters
        return [_COLOURLESS if isinstance(each, Monochrome) else each for each in filters]

    def on_mount(self) -> None:
        """Sets theme, keys and signals, and shows the first screen."""
        suited = themes.preferred_theme(os.environ)
        self.theme = self._wanted_theme if self._wanted_theme in self.available_themes else suited
        self.set_keymap(self._keys)
        self._mind_signals()
        self.push_screen(self._first())
        for problem in self._problems:
            self.notify(printable(str(problem)), severity="warning", markup=False)

    def push_screen(self, screen: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401 -- Textual's, with overloads
        """As Textual has it; keys that are typed ahead wait until the screen can take them."""
        opening = super().push_screen(screen, *args, **options)
        self._opening = opening if isinstance(opening, AwaitMount) else None
        return opening

    async def on_event(self, event: events.Event) -> None:
        """Performs a key on the panes before the next one is looked at: what it opens gets all that was typed after.

        Textual sends a key to the widget in focus and looks for its action when it comes back, by which time others
        are on their way there.
        """
        if self.touched is not None and isinstance(event, events.InputEvent | events.Paste | events.AppFocus):
            self.touched()
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
            return
        if (opening := self._opening) is not None:
            self._opening = None
            await opening
        focused = self.focused
        if focused is None or focused.check_consume_key("a", "a"):  # what takes letters takes all keys by itself first
            await super().on_event(event)
        elif not await self._check_bindings(event.key, priority=True):
            await self._check_bindings(event.key)

    def _mind_signals(self) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ValueError, RuntimeError):
            loop.add_signal_handler(signal.SIGTERM, self._end, 128 + signal.SIGTERM)
            loop.add_signal_handler(signal.SIGHUP, self._end, 128 + signal.SIGHUP)
        if not self.is_headless:
            self.set_interval(1.0, self._end_without_terminal)

    def _end(self, code: int) -> None:
        """Leaves in order; where the terminal takes nothing more, without it."""
        watchdog = threading.Timer(_LAST_WORD_S, os._exit, (code,))
        watchdog.daemon = True
        watchdog.start()
        self.exit(code)

    def _end_without_terminal(self) -> None:
        if terminal.is_gone():
            self._end(128 + signal.SIGHUP)

    def action_help_quit(self) -> None:
        """What ctrl+c says: it ends nothing."""
        self.notify("q leaves; the copilot and its runs go on.", markup=False)

    def action_pick_theme(self) -> None:
        """Lets the researcher choose a theme, seen at once, and remembers it."""
        before = self.theme

        def show(name: str) -> None:
            self.theme = name

        def chosen(name: str | None) -> None:
            self.theme = name or before
            if name:
                self.preferences.theme = name
                prefs.save(self.preferences)

        from mlrcopilot_tui.tui.screens.picker import Picker  # noqa: PLC0415 -- on use

        rows = [Row(name, (Span(name),)) for name in sorted(self.available_themes)]
        self.push_screen(Picker("Theme", rows, before, show), chosen)
