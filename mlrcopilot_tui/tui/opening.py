"""Puts the main screen together with the real session, copilot and hardware; imported after the first frame."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.hardware.monitor import Monitor
from mlrcopilot_tui.tui import terminal
from mlrcopilot_tui.tui.client import SessionClient, latest_session
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.screens.curtain import Rise
from mlrcopilot_tui.tui.screens.main import MainScreen
from mlrcopilot_tui.tui.screens.setup import Setup
from mlrcopilot_tui.workspace.layout import Layout

NEW = "--new"
_TICK_S = 0.1
_REMOTE_TICK_S = 0.25


@dataclass(frozen=True, slots=True)
class Look:
    """How the screen is to look; one that is only for watching starts no copilot."""

    glyphs: Glyphs
    plain: bool
    strip: bool
    remember_strip: Callable[[bool], None]
    keymap: Mapping[str, str]
    watching: bool = False


def prepare(root: Path, session: str | None, options: Sequence[str], look: Look) -> Rise:
    """Reads the session, so that the main screen is full when it appears.

    Args:
        session: None for the latest, or for a new one where `options` say so.
    """
    layout = Layout(root)
    if session is None and NEW not in options:
        session = latest_session(layout)
    client = SessionClient(layout, session)
    try:
        client.poll()
    except CopilotError:
        # The main screen tells of it, for it looks again.
        client = SessionClient(layout, session)

    found = latest_session(layout)

    def ensure(more: Sequence[str]) -> str:
        from mlrcopilot_tui.research.launch import ensure_copilot  # noqa: PLC0415 -- psutil, once all is shown

        begun = latest_session(layout)
        held = client.folder.name if client.folder is not None else begun if begun != found else session
        given = options if held is None else [option for option in options if option != NEW]
        return ensure_copilot(root, held, [*given, *more])

    def settle() -> None:
        from mlrcopilot_tui.research.launch import settle_session  # noqa: PLC0415 -- psutil, on use

        if client.folder is not None:
            settle_session(root, client.folder.name)

    setup = Setup(
        client=client,
        ensure=None if look.watching else ensure,
        settle=None if look.watching else settle,
        monitor=partial(Monitor, root),
        glyphs=look.glyphs,
        plain=look.plain,
        strip=look.strip,
        remember_strip=look.remember_strip,
        keymap=look.keymap,
        tick_s=_REMOTE_TICK_S if terminal.is_remote(os.environ) else _TICK_S,
    )
    return partial(MainScreen, setup)
