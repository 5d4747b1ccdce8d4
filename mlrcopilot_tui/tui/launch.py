"""Opens the screen on the terminal with as little as the first frame needs, and says how to come back."""

import os
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from textual.screen import Screen

from mlrcopilot_tui.resources import config_folder
from mlrcopilot_tui.text import one_line
from mlrcopilot_tui.tui import preferences as prefs
from mlrcopilot_tui.tui import terminal
from mlrcopilot_tui.tui.app import CopilotApp
from mlrcopilot_tui.tui.driver import hurry_escape
from mlrcopilot_tui.tui.glyphs import Glyphs, terminal_glyphs
from mlrcopilot_tui.tui.screens.curtain import Curtain, Rise

ENDED_BY_HANGUP = 128 + signal.SIGHUP


def run_tui(
    workspace: Path | None,
    *,
    session: str | None = None,
    options: Sequence[str] = (),
    theme: str | None = None,
    plain: bool = False,
    keymap: Mapping[str, str] | None = None,
    watching: bool = False,
) -> int:
    """Shows a workspace's session, or the start screen without one, until the researcher leaves.

    Args:
        session: None for the latest, or for a new one where `options` say so.
        options: further options of `mlrcopilot run` for the copilot.
        keymap: keys by action id.
        watching: start no copilot.

    Returns:
        The exit code: 0, or 128 and the signal's number.

    Raises:
        EnvironmentLackError: the terminal cannot show a screen.
    """
    terminal.refuse_dumb_terminal(os.environ)
    hurry_escape(os.environ)
    glyphs = terminal_glyphs(plain=plain)
    opening = _Opening(prefs.load(), glyphs, session, options, plain=plain, keymap=keymap or {}, watching=watching)
    app = CopilotApp(
        lambda: opening.first(app, workspace),
        opening.preferences,
        theme=theme or "",
        keymap=dict(opening.keymap),
        ascii_only=not glyphs.unicode,
    )
    log = config_folder() / "screen.log"
    with terminal.stray_writes_to(log):
        app.run()
    if terminal.is_gone():
        return ENDED_BY_HANGUP
    if app.return_code == 1:
        sys.stderr.write(
            f"mlrcopilot: The screen ended by a fault of its own. {log} tells more; the copilot goes on.\n"
        )
    elif opening.opened is not None and not app.return_code:
        sys.stdout.write(_farewell(opening.opened))
    return app.return_value or app.return_code or 0


@dataclass
class _Opening:
    """What is known before anything is shown, and the screens that it makes."""

    preferences: prefs.Preferences
    glyphs: Glyphs
    session: str | None
    options: Sequence[str]
    plain: bool = field(kw_only=True)
    keymap: Mapping[str, str] = field(kw_only=True)
    watching: bool = field(kw_only=True, default=False)
    opened: Path | None = None

    def first(self, app: CopilotApp, workspace: Path | None) -> Screen[None]:
        """The workspace's screen, or without one the start screen."""
        if workspace is not None:
            return self.curtain(workspace.absolute())
        from mlrcopilot_tui.tui.screens.start import StartScreen  # noqa: PLC0415 -- only without a workspace
        from mlrcopilot_tui.tui.start import RealBeginnings  # noqa: PLC0415 -- only without a workspace

        def open_workspace(root: Path) -> None:
            app.switch_screen(self.curtain(root))

        return StartScreen(RealBeginnings(), self.preferences, Path.cwd(), open_workspace)

    def curtain(self, root: Path) -> Screen[None]:
        """The workspace's outlines, behind which its screen is made ready."""
        self.opened = root
        strip = int(self.preferences.strip and not self.plain)
        return Curtain(one_line(root.name, 40), lambda: self._prepare(root), self.glyphs, plain=self.plain, strip=strip)

    def _prepare(self, root: Path) -> Rise:
        from mlrcopilot_tui.tui import opening  # noqa: PLC0415 -- most of the program, after the first frame

        prefs.note_opened(self.preferences, root)
        look = opening.Look(
            glyphs=self.glyphs,
            plain=self.plain,
            strip=self.preferences.strip,
            remember_strip=self._remember_strip,
            keymap=self.keymap,
            watching=self.watching,
        )
        return opening.prepare(root, self.session, self.options, look)

    def _remember_strip(self, shown: bool) -> None:
        self.preferences.strip = shown
        prefs.save(self.preferences)


def _farewell(root: Path) -> str:
    back = "mlrcopilot" if Path.cwd() == root else f"mlrcopilot -C {shlex.quote(str(root))}"
    return f"What runs goes on. Come back with: {back}\n"
