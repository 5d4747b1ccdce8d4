"""The screen as a program of its own, for tests in a real terminal; no copilot is started."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlrcopilot_tui.research import launch
from mlrcopilot_tui.tui.launch import run_tui


def no_copilot(workspace: Path, session: str | None, options: Sequence[str] = ()) -> str:
    """Starts nothing."""
    del workspace, options
    return session or ""


launch.ensure_copilot = no_copilot
sys.exit(run_tui(Path(sys.argv[1])))
