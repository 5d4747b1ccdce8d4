"""Starting the copilot in the background, and finding the one that runs; light, because screens call it."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mlrcopilot_tui.errors import CopilotError, EnvironmentLackError
from mlrcopilot_tui.session.journal import JOURNAL_NAME
from mlrcopilot_tui.session.lock import current_holder
from mlrcopilot_tui.workspace.layout import Layout

PATIENCE_S = 60.0
"""A paper may take 20 seconds to read before the session exists."""


def ensure_copilot(workspace: Path, session: str | None, options: Sequence[str] = ()) -> str:
    """Starts a copilot for `session` unless one is alive, and waits until it holds the session; returns its id.

    Args:
        session: None for whatever `mlrcopilot run` with `options` picks or begins.
        options: further options of `mlrcopilot run`.

    Raises:
        CopilotError: the copilot ended at once; its own sentence is passed on.
    """
    layout = Layout(workspace)
    if session is not None and current_holder(layout.session(session)) is not None:
        return session
    layout.make(layout.home)
    log = layout.home / "copilot.log"
    chosen = ["--session", session] if session else []
    command = [sys.executable, "-m", "mlrcopilot_tui.cli.main", "run", str(workspace), "--headless", *chosen, *options]
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        code = child.poll()
        if (found := _held_by(layout, child.pid)) is not None:
            return found
        if code is not None:
            return _ended(layout, code, log)
        time.sleep(0.05)
    raise EnvironmentLackError("The copilot does not start.", f"Its output is in {log}.")


def _held_by(layout: Layout, pid: int) -> str | None:
    """The session that process `pid` holds."""
    for journal in layout.sessions.glob(f"*/{JOURNAL_NAME}"):
        holder = current_holder(journal.parent)
        if holder is not None and holder.here and holder.pid == pid:
            return journal.parent.name
    return None


def _ended(layout: Layout, code: int, log: Path) -> str:
    """A copilot that ended before it was seen: it had nothing to do, or it says in its last line what is wrong."""
    journals = sorted(layout.sessions.glob(f"*/{JOURNAL_NAME}"), key=lambda path: path.stat().st_mtime_ns)
    if code in {0, 1} and journals:
        return journals[-1].parent.name
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    error = CopilotError(lines[-1].removeprefix("mlrcopilot: ") if lines else "The copilot ended without a word.")
    raise error
