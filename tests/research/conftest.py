"""A tiny real workspace: git, a training script that takes milliseconds, a contract."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from mlrcopilot_tui.workspace.new_repository import init_repository
from mlrcopilot_tui.workspace.opening import Workspace, open_workspace
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine

TRAIN = """
import os, random

LEVEL = 1.0
SPREAD = 0.01
seed = int(os.environ["MLRCOPILOT_SEED"])
error = LEVEL + SPREAD * random.Random(seed).random()
for epoch in range(1, 4):
    print(f"epoch {epoch}/3 val_error: {error * (1 + 1 / epoch)}")
print(f"val_error: {error}")
"""

CONTRACT = """
[task]
name = "tiny"
[run]
command = "python train.py"
timeout_minutes = 1
[metric]
name = "val_error"
direction = "min"
[files]
editable = ["train.py"]
protected = ["evaluate.py"]
[approval]
ideas = "auto"
patches = "auto"
"""

MakeWorkspace = Callable[..., Workspace]


@pytest.fixture
def make_workspace(tmp_path: Path) -> MakeWorkspace:
    def make(train: str = TRAIN, contract: str = CONTRACT) -> Workspace:
        root = tmp_path / "work"
        root.mkdir()
        (root / "train.py").write_text(textwrap.dedent(train).lstrip())
        (root / "evaluate.py").write_text("ANSWER = 42\n")
        (root / "mlrcopilot.toml").write_text(contract)
        init_repository(root, "Start")
        return open_workspace(root)

    return make


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> FakeExecutor:
    """Makes every bench execute runs without processes, on a machine that is always the same."""
    from mlrcopilot_tui.research import begin, run_key
    from mlrcopilot_tui.runs.environment import Fingerprint

    executor = FakeExecutor()
    machine = Fingerprint(python="/python", version="3", packages="", package_count=0, device="box", cpus=2, threads={})
    monkeypatch.setattr(begin, "LocalExecutor", lambda: executor)
    monkeypatch.setattr(run_key, "fingerprint", lambda _: machine)
    return executor


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeEngine], FakeEngine]:
    """Makes every bench use the given engine, and no sandbox, so that results do not hang on the machine."""
    from mlrcopilot_tui.research import begin
    from mlrcopilot_tui.runs.sandbox import PlainSandbox

    def use(engine: FakeEngine) -> FakeEngine:
        monkeypatch.setattr(begin, "make_engine", lambda *_: engine)
        monkeypatch.setattr(begin, "best_sandbox", PlainSandbox)
        return engine

    return use
