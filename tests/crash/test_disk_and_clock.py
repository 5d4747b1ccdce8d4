"""A full disk, a disk that cannot be written any more, a clock that is set back: a sentence, and then it goes on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from mlrcopilot_tui.session.journal import JournalReader
from mlrcopilot_tui.session.state import SessionState
from tests.crash.driver import BALLAST, Plan, fill
from tests.crash.invariants import Outcome, check
from tests.crash.scene import Scene, small_scene

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], check=False)
    if sys.platform != "linux" or mounted.returncode:
        pytest.skip("only root can mount a small disk here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def make_room(scene: Scene) -> None:
    (scene.layout.home / BALLAST).unlink()


@pytest.mark.parametrize(
    "event",
    [
        "copilot.started",
        "agent.said",
        "run.started",
        *(pytest.param(event, marks=pytest.mark.slow) for event in ("idea.started", "run.planned", "verdict.reached")),
    ],
)
def test_a_full_disk_ends_the_copilot_with_a_sentence(disk: Path, undisturbed: Outcome, event: str) -> None:
    """It is full from that event on: the next one finds no room, nor does git, nor does a run's log."""
    scene = small_scene(disk / "work")
    copilot = scene.start(Plan(event, instead="fill the disk"))
    said = copilot.end(code=None)
    if event == "run.started":  # it was the starter's run, and that did not come to its end
        assert "The starter does not run: The disk is full, so the run was stopped." in said
    else:
        assert copilot.process.returncode == 3, said
        assert "Free some" in said
    make_room(scene)
    scene.run()
    assert check(scene) == undisturbed


def test_a_run_that_finds_the_disk_full_is_stopped_and_run_again(disk: Path, undisturbed: Outcome) -> None:
    scene = small_scene(disk / "work", held=True)
    copilot = scene.start()
    state = scene.until(lambda state: [run for run in state.live_runs if run.started_at])
    os.kill(copilot.process.pid, signal.SIGKILL)
    copilot.end(code=None)
    fill(scene.layout.home)
    scene.go()
    run = state.live_runs[0].run
    ended = scene.layout.run(state.session, run) / "status.json"
    while b"finished" not in ended.read_bytes():
        pass
    make_room(scene)
    scene.run()
    assert check(scene) == undisturbed


def test_a_folder_that_cannot_be_written_is_told(disk: Path, undisturbed: Outcome) -> None:
    scene = small_scene(disk / "work")
    scene.start(Plan("idea.started", side="after")).end(code=-signal.SIGKILL)
    deadline = time.monotonic() + 20
    while subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=False, capture_output=True).returncode:
        assert time.monotonic() < deadline, "a file is still open for writing"
        time.sleep(0.1)
    try:
        copilot = scene.start()
        said = copilot.end(code=None)
        assert copilot.process.returncode in {2, 3}
        assert "cannot be written" in said or "Read-only" in said
        assert "Traceback" not in said
        told = subprocess.run(
            [sys.executable, "-m", "mlrcopilot_tui.cli.main", "status", str(scene.root)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert told.returncode == 0, "reading needs no writing"
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    scene.run()
    assert check(scene) == undisturbed


@pytest.mark.parametrize(
    ("event", "nth"),
    [("run.started", 2), ("verdict.reached", 2), pytest.param("gate.opened", 1, marks=pytest.mark.slow)],
)
def test_a_clock_that_is_set_back_meanwhile(scene: Scene, undisturbed: Outcome, event: str, nth: int) -> None:
    scene.run(Plan(event, nth, instead="set the clock back"))
    assert check(scene) == undisturbed
    worked = _worked(scene)
    assert all(before <= after for before, after in pairwise(worked)), "work is never taken back"
    assert worked[-1] < 600


def test_a_clock_that_is_set_back_while_nothing_runs(scene: Scene, undisturbed: Outcome) -> None:
    """All that came before is in the future."""
    scene.start(Plan("verdict.reached", side="after", clock_ahead_s=3600)).end(code=-signal.SIGKILL)
    scene.run()
    assert check(scene) == undisturbed
    judged = [verdict for idea in scene.state.ideas.values() for verdict in idea.verdicts]
    assert judged[0].time > judged[1].time
    assert judged[0].seq < judged[1].seq


def _worked(scene: Scene) -> list[float]:
    """The seconds of work after each event."""
    state, worked = SessionState(), []
    for record in JournalReader(scene.layout.journal(scene.session)).poll():
        state.apply(record)
        worked.append(state.active_s)
    return worked
