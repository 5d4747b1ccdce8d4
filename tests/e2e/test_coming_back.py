"""Walking away in every rude way there is, and coming back: nothing is lost, nothing runs twice, all of it is told."""

import hashlib
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import psutil
import pytest

from mlrcopilot_tui.session.lock import current_holder
from mlrcopilot_tui.session.seen import SEEN_NAME, Seen, read_seen
from mlrcopilot_tui.session.session import begun_sessions, read_state
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.layout import Layout
from tests.e2e.conftest import Run
from tests.e2e.test_terminal import Terminal

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
    pytest.mark.timeout(300),
]
PROGRAM = f"{sys.executable} -m mlrcopilot_tui.cli.main"


@pytest.fixture
def work(tmp_path: Path, mlrcopilot: Run) -> Iterator[Path]:
    """A workspace whose copilot, and whatever it runs, is gone in the end."""
    folder = tmp_path / "work"
    yield folder
    for what in (["--all"], []):
        mlrcopilot("stop", *what, "-C", folder, code=None)


def state_of(work: Path) -> SessionState:
    (session,) = begun_sessions(Layout(work).sessions)
    return read_state(Layout(work).session(session))


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.2)


def test_a_night_away(tmp_path: Path, work: Path, mlrcopilot: Run) -> None:
    window = Terminal(tmp_path, 80, 24)
    try:
        window.type(f"{PROGRAM} new work --template digits && {PROGRAM} run work --detach", "Enter")
        window.until(lambda screen: "runs in the background" in screen)
    finally:
        window.close()  # the shell, and all that hangs on it, gets SIGHUP
    folder = Layout(work).session(state_of(work).session)
    holder = current_holder(folder)
    assert holder is not None, "the copilot outlives the shell that started it"

    window = Terminal(tmp_path, 80, 24)
    try:
        window.type(f"{PROGRAM} -C work", "Enter")
        window.until(lambda screen: "needs you" in screen, 120)
        window.type("3")
        time.sleep(1.0)  # keys that decide are not taken in the first moment after a question appears
        window.type("a")
        until(lambda: any(run.idea and run.started_at for run in state_of(work).live_runs))
        until(lambda: (seen := read_seen(folder)) is not None and seen.seq > 5)
        (screen,) = psutil.Process(window.shell()).children()
        screen.send_signal(signal.SIGKILL)
    finally:
        window.close()
    left = read_seen(folder)
    assert left is not None
    assert current_holder(folder) == holder, "nobody had to be started again"

    until(lambda: state_of(work).experiments)
    state = state_of(work)
    ended = [run for run in state.runs.values() if not run.live]
    assert {run.outcome for run in ended} == {"ok"}
    for run in ended:
        log = Layout(work).run(state.session, run.run) / "output.log"
        assert hashlib.sha256(log.read_bytes()).hexdigest() == run.log_sha256, "no line of the log is missing"
    assert max(Counter((run.key, run.purpose) for run in ended).values()) <= 2, "the starter alone is run twice"

    hours_ago = (datetime.fromisoformat(left.time) - timedelta(hours=8)).isoformat(timespec="milliseconds")
    earlier = Seen(seq=left.seq, time=hours_ago.replace("+00:00", "Z"))
    (folder / SEEN_NAME).write_bytes(msgspec.json.encode(earlier))
    window = Terminal(tmp_path, 80, 24)
    try:
        window.type(f"cd work && {PROGRAM}", "Enter")
        window.until(lambda screen: "While you were away (8 h" in screen and "idea 1" in screen)
        time.sleep(1.0)
        window.type("x")
        window.until(lambda screen: "While you were away" not in screen)
        window.type("q")
        window.until(lambda screen: "What runs goes on" in screen)
    finally:
        window.close()
    again = read_seen(folder)
    assert again is not None
    assert again.time > left.time, "leaving notes how far one has seen"
    assert current_holder(folder) == holder
