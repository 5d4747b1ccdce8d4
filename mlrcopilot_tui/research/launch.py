"""Starting the copilot in the background, and finding the one that runs; light, because screens call it."""

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from mlrcopilot_tui.errors import CopilotError, EnvironmentLackError
from mlrcopilot_tui.session.lock import current_holder
from mlrcopilot_tui.session.session import begun_sessions
from mlrcopilot_tui.workspace.layout import Layout

SETTLING_S = 5.0
"""What is wrong from the start shows by then."""
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
    log = layout.make(layout.session(session) if session else layout.home) / "copilot.log"
    chosen = ["--session", session] if session else []
    child = _start(["run", str(workspace), "--headless", *chosen, *options], log)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        code = child.poll()
        if (found := _held_by(layout, child.pid)) is not None:
            return found
        if code is not None:
            return _ended(layout, code, log)
        time.sleep(0.05)
    raise EnvironmentLackError("The copilot does not start.", f"Its output is in {log}.")


def settle_session(workspace: Path, session: str) -> None:
    """Starts a copilot that takes what waits in the inbox and does what that asks for, and goes no further.

    Raises:
        CopilotError: it ended at once, because something is wrong; its own sentence is passed on.
    """
    layout = Layout(workspace)
    log = layout.make(layout.session(session)) / "copilot.log"
    child = _start(["ablate", "-C", str(workspace), "--session", session, "--asked"], log)
    deadline = time.monotonic() + SETTLING_S
    while time.monotonic() < deadline:
        if (code := child.poll()) is not None:
            _ended(layout, code, log)
            return
        time.sleep(0.05)


def _start(arguments: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """A command of ours in the background, with its output in `log`."""
    command = [sys.executable, "-m", "mlrcopilot_tui.cli.main", *arguments]
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    # Waiting for it leaves no zombie; a daemon thread does not keep this process from ending.
    threading.Thread(target=child.wait, name="reap copilot", daemon=True).start()
    return child


def _held_by(layout: Layout, pid: int) -> str | None:
    """The session that process `pid` holds."""
    for session in begun_sessions(layout.sessions):
        holder = current_holder(layout.session(session))
        if holder is not None and holder.here and holder.pid == pid:
            return session
    return None


def _ended(layout: Layout, code: int, log: Path) -> str:
    """A copilot that ended before it was seen: it had nothing to do, or it says in its last line what is wrong."""
    sessions = begun_sessions(layout.sessions)
    if code in {0, 1} and sessions:
        return sessions[0]
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    said = lines[-1].removeprefix("mlrcopilot: ") if lines else "The copilot ended without a word."
    raise EnvironmentLackError(said) if code == EnvironmentLackError.exit_code else CopilotError(said)
