"""Pulling the plug: a demo whose every process but the supervisors is killed, again and again, loses nothing."""

import contextlib
import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.session.session import begun_sessions
from tests.crash.invariants import Outcome, check
from tests.crash.scene import Copilot, Scene

_quiet: list[tuple[Outcome, float]] = []


@dataclass
class Figures:
    """What was done to how much, and what came of it."""

    kills: int = 0
    sessions: int = 0
    runs: int = 0
    lost: int = 0


def demo(root: Path) -> Scene:
    """A new workspace of the template."""
    assert main(["new", str(root), "--template", "digits"]) == 0
    return Scene(root)


@pytest.fixture
def quiet(tmp_path: Path) -> tuple[Outcome, float]:
    """What the demo comes to when nobody disturbs it, and how many seconds it takes."""
    if not _quiet:
        scene, began = demo(tmp_path / "quiet"), time.monotonic()
        scene.start(module="tests.crash.demo").end(timeout=300)
        lasted = time.monotonic() - began
        _quiet.append((check(scene), lasted))
    return _quiet[0]


def pull_the_plug(scene: Scene, dice: random.Random, span_s: float, kills: int) -> Figures:
    """Carries the demo on to its end, with so many kills at times that are drawn evenly from `span_s` seconds."""
    done = Figures(sessions=1)
    while not (begun_sessions(scene.layout.sessions) and scene.state.finished):
        copilot = scene.start(module="tests.crash.demo")
        if done.kills == kills:
            copilot.end(timeout=300)
            break
        deadline = time.monotonic() + dice.uniform(0, span_s)
        while time.monotonic() < deadline and copilot.process.poll() is None:
            time.sleep(0.01)
        done.kills += kill_all_but_supervisors(copilot)
    runs = scene.state.runs.values()
    done.runs, done.lost = len(runs), sum(run.outcome == "lost" and bool(run.started_at) for run in runs)
    return done


def kill_all_but_supervisors(copilot: Copilot) -> bool:
    """Kills a copilot with all that it started, but for supervisors and their runs; False where it had ended."""
    if copilot.process.poll() is not None:
        copilot.end(code=None)
        return False
    with contextlib.suppress(ProcessLookupError):
        os.killpg(copilot.process.pid, signal.SIGKILL)
    copilot.end(code=None)
    return True


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("seed", "kills"), [(0, 8), pytest.param(1, 50, marks=pytest.mark.slow)])
def test_pulling_the_plug(tmp_path: Path, quiet: tuple[Outcome, float], seed: int, kills: int) -> None:
    """Each time is drawn evenly from a quarter of what the demo takes, so that one demo is hit several times."""
    expected, lasted = quiet
    dice, all_done = random.Random(seed), Figures()
    while all_done.kills < kills:
        scene = demo(tmp_path / f"demo-{all_done.sessions}")
        done = pull_the_plug(scene, dice, lasted / 4, min(kills - all_done.kills, 8))
        print(done)
        assert check(scene) == expected
        for name in ("kills", "sessions", "runs", "lost"):
            setattr(all_done, name, getattr(all_done, name) + getattr(done, name))
    print(f"of {all_done}; the demo undisturbed took {lasted:.1f} s")
    assert all_done.lost == 0, "the supervisors lived, and so did their runs"
