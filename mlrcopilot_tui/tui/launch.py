"""Opens the screen on the terminal with as little as the first frame needs, and says how to come back."""

import os
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from textual.screen import Screen

from mlrcopilot_tui.resources import config_folder
from mlrcopilot_tui.text import one_line
from mlrcopilot_tui.tui import preferences as prefs
from mlrcopilot_tui.tui import terminal
from mlrcopilot_tui.tui.app import CopilotApp
from mlrcopilot_tui.tui.glyphs import terminal_glyphs
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
) -> int:
    """Shows a workspace's session, or the start screen without one, until the researcher leaves.

    Args:
        session: None for the latest, or for a new one where `options` say so.
        options: further options of `mlrcopilot run` for the copilot.
        keymap: keys by action id.

    Returns:
        The exit code: 0, or 128 and the signal's number.

    Raises:
        EnvironmentLackError: the terminal cannot show a screen.
    """
    terminal.refuse_dumb_terminal(os.environ)
    preferences = prefs.load()
    glyphs = terminal_glyphs(plain=plain)
    keys = dict(keymap or {})
    opened: list[Path] = []

    def remember_strip(shown: bool) -> None:
        preferences.strip = shown
        prefs.save(preferences)

    def main_screen(root: Path) -> Screen[None]:
        opened.append(root)

        def prepare() -> Rise:
            from mlrcopilot_tui.tui import opening  # noqa: PLC0415 -- most of the program, after the first frame

            prefs.note_opened(preferences, root)
            look = opening.Look(
                glyphs=glyphs, plain=plain, strip=preferences.strip, remember_strip=remember_strip, keymap=keys
            )
            return opening.prepare(root, session, options, look)

        strip = int(preferences.strip and not plain)
        return Curtain(one_line(root.name, 40), prepare, glyphs, plain=plain, strip=strip)

    def start_screen() -> Screen[None]:
        from mlrcopilot_tui.tui.screens.start import StartScreen  # noqa: PLC0415 -- only without a workspace
        from mlrcopilot_tui.tui.start import RealBeginnings  # noqa: PLC0415 -- only without a workspace

        def open_workspace(root: Path) -> None:
            app.switch_screen(main_screen(root))

        return StartScreen(RealBeginnings(), preferences, Path.cwd(), open_workspace)

    def first() -> Screen[None]:
        return main_screen(workspace.absolute()) if workspace is not None else start_screen()

    app = CopilotApp(first, preferences, theme=theme or "", keymap=keys, ascii_only=not glyphs.unicode)
    log = config_folder() / "screen.log"
    with terminal.stray_writes_to(log):
        app.run()
    if terminal.is_gone():
        return ENDED_BY_HANGUP
    if app.return_code == 1:
        sys.stderr.write(
            f"mlrcopilot: The screen ended by a fault of its own. {log} tells more; the copilot goes on.\n"
        )
    if opened and not app.return_code:
        sys.stdout.write(_farewell(opened[-1]))
    return app.return_value or app.return_code or 0


def _farewell(root: Path) -> str:
    back = "mlrcopilot" if Path.cwd() == root else f"mlrcopilot -C {shlex.quote(str(root))}"
    return f"The copilot goes on. Come back with: {back}\n"
