"""The scene that a benchmark plays on: a home of its own, a session that was told, a run that really runs."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mlrcopilot_tui.research import begin
from mlrcopilot_tui.runs.environment import run_environment
from mlrcopilot_tui.runs.executor import LocalExecutor
from mlrcopilot_tui.runs.spec import RunSpec, SandboxLevel, SandboxPolicy, read_spec
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.lock import SessionLock
from mlrcopilot_tui.workspace.layout import CONFIG_NAME
from mlrcopilot_tui.workspace.new_repository import init_repository
from mlrcopilot_tui.workspace.opening import Workspace, open_workspace
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, TRAIN
from tests.tui.story import Story, up_to_gate

CHECKOUT: Final = Path(__file__).resolve().parent.parent
PROGRAM: Final = (sys.executable, "-m", "mlrcopilot_tui.cli.main")
HELLO: Final = (sys.executable, "-m", "benchmarks.hello")

_PERSONAL: Final = ("GIT_", "XDG_", "ANTHROPIC_", "MLRCOPILOT_", "SSH_", "TMUX", "NO_COLOR")


def leave_home(home: Path) -> None:
    """Gives this process and its children an empty home, so that nobody's settings are read or changed."""
    for name in [name for name in os.environ if name.startswith(_PERSONAL)]:
        del os.environ[name]
    os.environ |= {"HOME": str(home), "MLRCOPILOT_HOME": str(home / "settings"), "GIT_CONFIG_NOSYSTEM": "1"}


@contextlib.contextmanager
def told_session(place: Path) -> Iterator[Story]:
    """A session of two experiments that waits at a patch, as a copilot left it on disk.

    This process holds its lock, so that the screen starts no copilot: what is measured is the screen.
    """
    story = up_to_gate(place / "digits")
    story.layout.config.write_text(CONTRACT, "utf-8")
    with SessionLock(story.folder):
        yield story


def screen_of(story: Story) -> tuple[str, ...]:
    """The command line that opens a session's workspace on the screen."""
    return (*PROGRAM, "-C", str(story.root))


def spec_of(run: str, code: str, place: Path, level: SandboxLevel = "plain") -> RunSpec:
    """A run of the Python `code` in a tree below `place`."""
    tree = place / run
    tree.mkdir(parents=True)
    (tree / "train.py").write_text(code, "utf-8")
    return RunSpec(
        run=f"benchmark-{os.getpid()}-{run}",
        argv=(sys.executable, "train.py"),
        tree=str(tree),
        env=run_environment(os.environ, extra={}, passed=(), seed=0, metrics_file=str(tree / "metrics.jsonl"), run=run),
        seed=0,
        metric="val_error",
        timeout_s=600.0,
        silence_s=0.0,
        grace_s=1.0,
        sandbox=SandboxPolicy(level=level, writable=(str(tree),)),
    )


@contextlib.contextmanager
def live_run(story: Story, code: str) -> Iterator[Path]:
    """A run of the waiting patch, approved: a real process under a real supervisor, told in the journal.

    Yields the run's folder; the run's tree is beside it, as `spec.json` says.
    """
    commit = story.commits[4, 1]
    story.tell(ev.GateAnswered(gate="g1", answer="approve", by="researcher"))
    run = story.start_run(0, commit=commit, number=4)
    folder = story.layout.run(story.session, run)
    folder.rmdir()  # the executor makes it, lest something run twice
    executor = LocalExecutor()
    executor.start(spec_of(run, code, story.root.parent), folder)
    try:
        yield folder
    finally:
        executor.stop(folder)
        asyncio.run(executor.wait(folder))


def tree_of(folder: Path) -> Path:
    """The working directory of the run in `folder`."""
    return Path(read_spec(folder).tree)


def real_workspace(root: Path, contract: str = CONTRACT, train: str = TRAIN) -> Workspace:
    """A git repository with a training script that takes milliseconds."""
    root.mkdir()
    (root / "train.py").write_text(train.lstrip(), "utf-8")
    (root / "evaluate.py").write_text("ANSWER = 42\n", "utf-8")
    (root / CONFIG_NAME).write_text(contract, "utf-8")
    init_repository(root, "Start")
    return open_workspace(root)


def script_the_engine(ideas: int = 1) -> None:
    """Makes every copilot in this process propose so many ideas, each of which edits one line of the script."""
    engine = FakeEngine(
        [(f"level {number}", [("LEVEL = 1.0", f"LEVEL = {number}.5")]) for number in range(1, ideas + 1)]
    )
    vars(begin)["make_engine"] = lambda *_: engine
