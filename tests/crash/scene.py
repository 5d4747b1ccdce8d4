"""The scene of a crash: a small real workspace with a researcher's unfinished work in it, and a copilot's process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from mlrcopilot_tui.session.session import begun_sessions, read_state
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.layout import CONFIG_NAME, Layout
from mlrcopilot_tui.workspace.new_repository import init_repository
from mlrcopilot_tui.workspace.opening import open_workspace
from tests.crash.driver import Plan
from tests.research.conftest import CONTRACT, TRAIN
from tests.workspace.researcher import belongings, git

CHECKOUT: Final = Path(__file__).resolve().parents[2]
BEGAN: Final = "began as "
SCRIPT: Final = f"""
import pathlib, time, uuid
print(f"{BEGAN}{{uuid.uuid4()}}", flush=True)
while not pathlib.Path(__file__).resolve().parents[3].joinpath("go").exists():
    time.sleep(0.05)
{TRAIN.lstrip()}""".lstrip()
"""Says in its output that it was executed, once for each time that it was; and waits until runs may go on."""
ASKING: Final = CONTRACT.replace('patches = "auto"', 'patches = "ask"')


class Scene:
    """A workspace, and what in it is the researcher's.

    Attributes:
        before: everything of the researcher's as it was before the first copilot.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.layout = Layout(root)
        self.before = belongings(root)

    @property
    def session(self) -> str:
        """The id of the session that was written to last."""
        return begun_sessions(self.layout.sessions)[0]

    @property
    def folder(self) -> Path:
        """The session's."""
        return self.layout.session(self.session)

    @property
    def state(self) -> SessionState:
        """The session as its journal tells it."""
        return read_state(self.folder)

    def go(self) -> None:
        """Lets runs go on."""
        (self.layout.home / "go").touch()

    def start(self, plan: Plan | None = None, *, module: str = "tests.crash.driver") -> "Copilot":
        """Starts a copilot."""
        words = [msgspec.json.encode(plan).decode()] if plan else []
        return Copilot(subprocess.Popen(
            [sys.executable, "-m", module, str(self.root), *words],
            cwd=CHECKOUT, env=os.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, start_new_session=True,
        ))  # fmt: skip

    def until(self, condition: Callable[[SessionState], object], seconds: float = 60) -> SessionState:
        """Waits until the journal tells of it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if begun_sessions(self.layout.sessions) and condition(state := self.state):
                return state
            time.sleep(0.02)
        raise AssertionError(f"not within {seconds} s: {self.state}")

    def run(self, plan: Plan | None = None, *, code: int | None = 0) -> str:
        """Runs a copilot to its end and returns what it said."""
        return self.start(plan).end(code=code)


class Copilot:
    """A copilot's process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def signal(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        self.process.send_signal(number)

    def end(self, *, code: int | None = 0, timeout: float = 60) -> str:
        """What it said up to its end, which must come with `code`."""
        said, _ = self.process.communicate(timeout=timeout)
        assert code is None or self.process.returncode == code, said
        return said


def small_scene(root: Path, *, held: bool = False) -> Scene:
    """A workspace whose runs take milliseconds, with staged, changed and unknown files of the researcher's.

    Where they are `held`, they go on when the scene says so.
    """
    root.mkdir()
    (root / "train.py").write_text(SCRIPT)
    (root / "evaluate.py").write_text("ANSWER = 42\n")
    (root / CONFIG_NAME).write_text(ASKING)
    init_repository(root, "Start")
    (root / "train.py").write_text(f"{SCRIPT}# not committed\n")
    (root / "evaluate.py").write_text("ANSWER = 43\n")
    git(root, "add", "evaluate.py")
    (root / "notes.txt").write_text("not added\n")
    open_workspace(root)
    scene = Scene(root)
    if not held:
        scene.go()
    return scene
