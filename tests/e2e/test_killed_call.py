"""A copilot that is killed while a model answers: what the call may have cost is in the books of the next one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlrcopilot_tui.session.session import begun_sessions, read_state
from mlrcopilot_tui.workspace.layout import Layout
from mlrcopilot_tui.workspace.new_repository import init_repository
from tests.e2e.conftest import Run
from tests.fakes.messages_faults import Stall
from tests.fakes.messages_script import Status
from tests.fakes.messages_server import FakeMessagesServer

CONTRACT = """
[run]
command = "python train.py"
[metric]
name = "val_error"
direction = "min"
[files]
editable = ["train.py"]
"""
HEADLESS = ("--engine", "claude", "--headless", "--auto", "--allow-unsandboxed")


def test_a_killed_copilot_s_call_is_booked_by_the_next_one(
    tmp_path: Path, mlrcopilot: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = tmp_path / "w"
    workspace.mkdir()
    (workspace / "train.py").write_text("LEVEL = 1.0\nprint(f'val_error: {LEVEL}')\n")
    (workspace / "mlrcopilot.toml").write_text(CONTRACT)
    init_repository(workspace, "Start")
    with FakeMessagesServer([Stall(60), *[Status(401, "authentication_error")] * 3]) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        command = [sys.executable, "-m", "mlrcopilot_tui.cli.main", "run", str(workspace), *HEADLESS]
        copilot = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True, env=os.environ)
        deadline = time.monotonic() + 60
        while not [seen for seen in server.requests if seen.method == "POST"]:
            assert time.monotonic() < deadline
            assert copilot.poll() is None
            time.sleep(0.05)
        copilot.send_signal(signal.SIGKILL)
        copilot.wait()
        layout = Layout(workspace)
        (session,) = begun_sessions(layout.sessions)
        assert read_state(layout.session(session)).spending.calls == 0, "it died before it could book"
        mlrcopilot("run", workspace, *HEADLESS, code=3)
    spending = read_state(layout.session(session)).spending
    assert (spending.calls, spending.bounded) == (1, 1)
    assert spending.usd > 0
    assert spending.input_tokens > 2000
