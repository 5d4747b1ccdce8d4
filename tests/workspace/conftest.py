"""Repositories and workspaces for the tests of this folder."""

from pathlib import Path

import pytest

from mlrcopilot_tui.workspace.adopt import adopt
from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.opening import Workspace, open_workspace
from tests.workspace.researcher import SESSION, begin


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A researcher's repository with one commit."""
    return begin(tmp_path / "repo")


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """The repository adopted: train.py is editable, evaluate.py protected, data/ shared."""
    adopt(
        repo,
        command="python train.py",
        metric="val_error",
        direction="min",
        protected=["evaluate.py"],
        shared=["data/**"],
    )
    return open_workspace(repo)


@pytest.fixture
def line(workspace: Workspace) -> SessionLine:
    """The line of a session that begins at the researcher's commit."""
    line = SessionLine(workspace.repository, SESSION)
    line.start(workspace.repository.resolve("HEAD"))
    return line
