"""The whole program in a real terminal: a demo that is approved by key, walked away from, and found again."""

import itertools
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from tests.e2e.conftest import Run

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
    pytest.mark.timeout(240),
]


_WINDOWS = itertools.count()


class Terminal:
    """A tmux window of a given size with a shell in it, on a server of its own."""

    def __init__(self, folder: Path, width: int, height: int) -> None:
        # Each window has its own: a server that was just told to end would take a new one along.
        self._tmux = ["tmux", "-S", str(folder / f"socket-{next(_WINDOWS)}"), "-f", "/dev/null"]
        size = ["-x", str(width), "-y", str(height)]
        environment = [
            f"{name}={os.environ[name]}" for name in ("HOME", "PATH", "MLRCOPILOT_HOME") if name in os.environ
        ]
        shell = ["env", *environment, "PS1=ready> ", "sh"]
        subprocess.run([*self._tmux, "new-session", "-d", *size, "-c", str(folder), shlex.join(shell)], check=True)

    def type(self, *keys: str) -> None:
        subprocess.run([*self._tmux, "send-keys", *keys], check=True)

    def screen(self) -> str:
        return subprocess.run([*self._tmux, "capture-pane", "-p"], capture_output=True, text=True, check=True).stdout

    def until(self, seen: Callable[[str], object], seconds: float = 60) -> str:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if seen(screen := self.screen()):
                return screen
            time.sleep(0.2)
        raise AssertionError(f"not within {seconds} s:\n{self.screen()}")

    def shell(self) -> int:
        """The process that everything typed here descends from."""
        told = [*self._tmux, "list-panes", "-F", "#{pane_pid}"]
        return int(subprocess.run(told, capture_output=True, text=True, check=True).stdout)

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False)


@pytest.fixture(params=[pytest.param((120, 40), marks=pytest.mark.slow), (80, 24)], ids=["120x40", "80x24"])
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    window = Terminal(tmp_path, *request.param)
    yield window
    window.close()


def test_a_demo_by_hand(tmp_path: Path, terminal: Terminal, mlrcopilot: Run) -> None:
    terminal.type(f"{sys.executable} -m mlrcopilot_tui.cli.main demo work", "Enter")
    terminal.until(lambda screen: "Digits" in screen or "digits" in screen)
    terminal.until(lambda screen: "needs you" in screen, 90)
    terminal.type("3")
    time.sleep(1.0)  # keys that decide are not taken in the first moment after a question appears
    screen = terminal.until(lambda screen: "+" in screen and "train.py" in screen)
    assert "approve" in screen
    terminal.type("a")
    work = tmp_path / "work"
    terminal.until(lambda _: _judged(mlrcopilot, work) >= 1, 120)
    terminal.type("q")
    screen = terminal.until(lambda screen: "Come back with" in screen)
    assert "ready>" in screen
    status = msgspec.json.decode(mlrcopilot("status", work, "--json").stdout)
    assert status["state"] in {"running", "waiting"}, "the copilot goes on without its screen"

    terminal.type("clear", "Enter")
    terminal.type(f"{sys.executable} -m mlrcopilot_tui.cli.main -C work", "Enter")
    terminal.until(lambda screen: status["session"][:4] in screen)
    terminal.type("q")
    terminal.until(lambda screen: "Come back with" in screen)
    terminal.type("stty -a | head -1; printf 'x%.0s' 1 2 3", "Enter")
    assert "xxx" in terminal.until(lambda screen: "xxx" in screen), "the terminal is as it was"
    mlrcopilot("stop", "--all", "-C", work)


def _judged(mlrcopilot: Run, work: Path) -> int:
    experiments: int = msgspec.json.decode(mlrcopilot("status", work, "--json").stdout)["experiments"]
    return experiments
