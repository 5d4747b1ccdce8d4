"""Gives tests a session on a small script that nobody wrote to fit."""

from pathlib import Path

import pytest

from tests.agents.simulation import SCRIPTS, Simulation


@pytest.fixture
def session(tmp_path: Path) -> Simulation:
    """A session on linear regression by gradient descent, with module constants."""
    script = (SCRIPTS / "numpy_constants.txt").read_text(encoding="utf-8")
    return Simulation({"train.py": script}, tmp_path, metric="rmse")
