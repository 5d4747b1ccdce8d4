"""A scene a test, and what its session comes to when nobody disturbs it."""

from pathlib import Path

import pytest

from tests.crash.invariants import Outcome, check
from tests.crash.scene import Scene, small_scene

_known: list[Outcome] = []


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return small_scene(tmp_path / "work")


@pytest.fixture
def undisturbed(home: Path, tmp_path: Path) -> Outcome:
    """What the script's session comes to when nothing happens to it; played once for all tests."""
    if not _known:
        quiet = small_scene(tmp_path / "undisturbed")
        quiet.run()
        _known.append(check(quiet))
    return _known[0]
