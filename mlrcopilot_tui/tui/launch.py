"""Opens the screen: gathers what it needs, runs it on the terminal, and says how to come back."""

import os
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.screen import Screen

from mlrcopilot_tui.resources import config_folder
from mlrcopilot_tui.tui import preferences as prefs
from mlrcopilot_tui.tui import terminal
from mlrcopilot_tui.tui.app import CopilotApp
from mlrcopilot_tui.tui.client import SessionClient, latest_session
from mlrcopilot_tui.tui.glyphs import Glyphs, terminal_glyphs
from mlrcopilot_tui.tui.screens.main import MainScreen, Setup
from mlrcopilot_tui.workspace.layout import Layout

if TYPE_CHECKING:
    from mlrcopilot_tui.hardware.monitor import Monitor

NEW = "--new"
_TICK_S = 0.1
_REMOTE_TICK_S = 0.25


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
    opened: list[Path] = []

    def main_screen(root: Path) -> MainScreen:
        opened.append(root)
        preferences.opened(root)
        prefs.save(preferences)
        return MainScreen(
            _setup(root, session, options, glyphs=glyphs, plain=plain, strip=preferences.strip, keymap=keymap or {})
        )

    def start_screen() -> Screen[None]:
        from mlrcopilot_tui.tui.screens.start import StartScreen  # noqa: PLC0415 -- only without a workspace
        from mlrcopilot_tui.tui.start import RealBeginnings  # noqa: PLC0415 -- only without a workspace

        def open_workspace(root: Path) -> None:
            app.switch_screen(main_screen(root))

        return StartScreen(RealBeginnings(), preferences, Path.cwd(), open_workspace)

    first = partial(main_screen, workspace.absolute()) if workspace is not None else start_screen
    app = CopilotApp(first, preferences, theme=theme or "", keymap=dict(keymap or {}), ascii_only=not glyphs.unicode)
    with terminal.stray_writes_to(config_folder() / "screen.log"):
        app.run()
    if terminal.is_gone():
        return 128 + signal.SIGHUP
    if opened and not app.return_code:
        sys.stdout.write(_farewell(opened[-1]))
    return app.return_value or app.return_code or 0


def _setup(
    root: Path,
    session: str | None,
    options: Sequence[str],
    *,
    glyphs: Glyphs,
    plain: bool,
    strip: bool,
    keymap: Mapping[str, str],
) -> Setup:
    layout = Layout(root)
    if session is None and NEW not in options:
        session = latest_session(layout)

    def ensure() -> str:
        from mlrcopilot_tui.research.launch import ensure_copilot  # noqa: PLC0415 -- psutil, after the first frame

        return ensure_copilot(root, session, options)

    def monitor() -> "Monitor":
        from mlrcopilot_tui.hardware.monitor import Monitor  # noqa: PLC0415 -- after the first frame

        return Monitor(root)

    return Setup(
        client=SessionClient(layout, session),
        ensure=ensure,
        monitor=monitor,
        glyphs=glyphs,
        plain=plain,
        strip=strip,
        keymap=keymap,
        tick_s=_REMOTE_TICK_S if terminal.is_remote(os.environ) else _TICK_S,
    )


def _farewell(root: Path) -> str:
    back = "mlrcopilot" if Path.cwd() == root else f"mlrcopilot -C {shlex.quote(str(root))}"
    return f"The copilot goes on. Come back with: {back}\n"
