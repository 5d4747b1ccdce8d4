"""Gives each test a lab, and sees to it that no run outlives its test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrcopilot_tui.runs.sandbox import why_not
from tests.runs.lab import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab in a folder of its own; what still runs in it at the end is asked to stop."""
    lab = Lab(tmp_path)
    yield lab
    for folder in (tmp_path / "runs").glob("*"):
        lab.executor.stop(folder)


@pytest.fixture
def bwrap() -> None:
    """Skips the test where bubblewrap does not work."""
    if reason := why_not("bwrap"):
        pytest.skip(reason)


@pytest.fixture
def landlock() -> None:
    """Skips the test where Landlock does not work."""
    if reason := why_not("landlock"):
        pytest.skip(reason)
