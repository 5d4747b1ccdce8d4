"""What the main screen is given, so that tests can give it doubles."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlrcopilot_tui.tui.client import SessionClient
from mlrcopilot_tui.tui.glyphs import UNICODE, Glyphs

if TYPE_CHECKING:
    from mlrcopilot_tui.hardware.monitor import Monitor

Editor = Callable[[Sequence[Path], int], str]
"""Opens files, the first at a line; returns what is to be said of it."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What the screen is given.

    Attributes:
        ensure: makes sure that a copilot runs, given further options, and returns the session it holds; called in a
            thread.
        settle: has a copilot do what waits in the inbox, and no more; called in a thread.
        editor: opens files and returns when they are closed; None for the researcher's own.
        monitor: makes what samples the hardware, after the first frame; None for no strip.
        tick_s: seconds between looks at the journal.
    """

    client: SessionClient
    ensure: Callable[[Sequence[str]], str] | None = None
    settle: Callable[[], None] | None = None
    monitor: "Callable[[], Monitor] | None" = None
    editor: Editor | None = None
    glyphs: Glyphs = UNICODE
    plain: bool = False
    strip: bool = True
    keymap: Mapping[str, str] = field(default_factory=dict)
    tick_s: float = 0.1
    remember_strip: Callable[[bool], None] = lambda _: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
