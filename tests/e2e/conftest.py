"""The real program as a user runs it: `python -m mlrcopilot_tui.cli.main` in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def mlrcopilot() -> Run:
    """Runs a command line of ours and returns what it printed."""

    def run(*argv: str | Path, timeout: float = 300, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mlrcopilot_tui.cli.main", *map(str, argv)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, env=os.environ)
        if code is not None:
            assert done.returncode == code, f"{argv}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    return run


def as_json(text: str) -> object:
    return msgspec.json.decode(text)


@pytest.fixture
def workspace(tmp_path: Path, mlrcopilot: Run) -> Path:
    """A repository whose training takes no time, adopted."""
    root = tmp_path / "work"
    root.mkdir()
    (root / "train.py").write_text('LEVEL = 1.0\nprint(f"val_error: {LEVEL}")\n')
    for command in (["init", "-q"], ["add", "train.py"], ["commit", "-qm", "Start"]):
        identity = ["-c", "user.name=R", "-c", "user.email=r@example.org"]
        subprocess.run(["git", "-C", root, *identity, *command], check=True)
    mlrcopilot("init", root, "--command", "python train.py", "--metric", "val_error", "--direction", "min")
    return root
