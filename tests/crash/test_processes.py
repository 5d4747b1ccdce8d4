"""Each process of a session may die, alone or with others: what lives on is found, what is gone is run again."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mlrcopilot_tui.research.retries import RETRIES
from mlrcopilot_tui.runs.spec import RunStatus, read_status
from mlrcopilot_tui.session.lock import current_holder
from mlrcopilot_tui.session.state import RunState
from tests.crash.invariants import Outcome, check, processes
from tests.crash.scene import CHECKOUT, Scene, small_scene

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def held(tmp_path: Path) -> Scene:
    """A workspace whose runs wait for a word."""
    return small_scene(tmp_path / "work", held=True)


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path: Path) -> Iterator[None]:
    """Ends what a failed test leaves behind."""
    yield
    for process in psutil.process_iter():
        if str(tmp_path) in " ".join(_words(process)):
            process.kill()


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def live_run(scene: Scene, *but: str) -> tuple[RunState, RunStatus]:
    """A run that is alive, and its processes."""
    state = scene.until(lambda state: [run for run in state.live_runs if run.started_at and run.run not in but])
    run = next(run for run in state.live_runs if run.run not in but)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        status = read_status(scene.layout.run(state.session, run.run))
        if status and status.child_pid:
            return run, status
        time.sleep(0.02)
    raise AssertionError(f"{run.run} does not run")


def kill(*pids: int | None) -> None:
    for pid in pids:
        assert pid is not None
        os.kill(pid, signal.SIGKILL)


def test_a_killed_copilot_s_run_is_found_again(held: Scene, undisturbed: Outcome) -> None:
    copilot = held.start()
    run, status = live_run(held)
    kill(copilot.process.pid)
    copilot.end(code=None)
    held.go()
    held.run()
    assert check(held) == undisturbed
    assert held.state.runs[run.run].outcome == "ok"
    assert read_status(held.layout.run(held.session, run.run)).supervisor_pid == status.supervisor_pid  # type: ignore[union-attr]


def test_a_killed_supervisor_s_run_is_lost_and_run_again(held: Scene, undisturbed: Outcome) -> None:
    copilot = held.start()
    run, status = live_run(held)
    kill(status.supervisor_pid)
    again, _ = live_run(held, run.run)
    state = held.state
    assert (state.runs[run.run].outcome, state.runs[run.run].value) == ("lost", None)
    assert again.key == run.key
    held.go()
    copilot.end()
    assert check(held) == undisturbed


def test_a_supervisor_that_dies_each_time_is_not_tried_for_ever(held: Scene) -> None:
    copilot = held.start()
    known: list[str] = []
    for _ in range(RETRIES + 1):
        run, status = live_run(held, *known)
        kill(status.supervisor_pid)
        known.append(run.run)
    said = copilot.end(code=2)
    assert "The starter was not measured" in said
    assert {held.state.runs[name].outcome for name in known} == {"lost"}
    assert processes(held.layout) == []


def test_a_killed_training_process_is_a_crash(held: Scene) -> None:
    copilot = held.start()
    run, status = live_run(held)
    kill(status.child_pid)
    said = copilot.end(code=2)
    assert "SIGKILL" in said
    assert held.state.runs[run.run].outcome == "crashed"
    assert processes(held.layout) == []


@pytest.mark.parametrize("everything", [False, True], ids=["copilot and supervisor", "everything"])
def test_after_a_reboot_the_run_is_lost_and_run_again(held: Scene, undisturbed: Outcome, everything: bool) -> None:
    copilot = held.start()
    run, status = live_run(held)
    kill(copilot.process.pid, status.supervisor_pid)
    if everything:
        for pid in _marked(held):
            kill(pid)
    copilot.end(code=None)
    held.go()
    held.run()
    assert check(held) == undisturbed
    lost = held.state.runs[run.run]
    assert (lost.outcome, lost.value) == ("lost", None)
    assert "supervisor vanished" in lost.reason


def _marked(scene: Scene) -> list[int]:
    return [int(line.partition(":")[0]) for line in processes(scene.layout)]


def test_a_hangup_ends_the_copilot_in_good_order_and_no_run(held: Scene, undisturbed: Outcome) -> None:
    copilot = held.start()
    run, status = live_run(held)
    copilot.signal(signal.SIGHUP)
    os.kill(status.supervisor_pid, signal.SIGHUP)
    copilot.end(code=128 + signal.SIGHUP)
    assert held.state.stopped == "It was told to stop; live runs go on."
    assert psutil.pid_exists(status.supervisor_pid)
    held.go()
    held.run()
    assert check(held) == undisturbed
    assert held.state.runs[run.run].outcome == "ok"


@pytest.mark.parametrize("kind", ["pipe", "terminal"])
def test_output_that_nobody_reads_any_more_loses_nothing(held: Scene, undisturbed: Outcome, kind: str) -> None:
    """EPIPE from a pipe, EIO from a terminal that is gone."""
    reader, writer = os.pipe() if kind == "pipe" else pty.openpty()
    command = [sys.executable, "-m", "tests.crash.driver", str(held.root)]
    copilot = subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=writer, stderr=writer, start_new_session=True
    )
    os.close(writer)
    run, _ = live_run(held)
    os.close(reader)
    held.go()
    assert copilot.wait(60) in {0, 1}
    held.run()
    assert check(held) == undisturbed
    assert held.state.runs[run.run].outcome == "ok"


def test_a_detached_copilot_outlives_its_shell(tmp_path: Path) -> None:
    scene = small_scene(tmp_path / "work", held=True)
    words = (
        f"{sys.executable} -m mlrcopilot_tui.cli.main run {scene.root} --auto --allow-unsandboxed --detach; read line"
    )
    shell = subprocess.Popen(
        ["sh", "-c", words], stdin=subprocess.PIPE, start_new_session=True, stdout=subprocess.DEVNULL
    )
    _, status = live_run(scene)
    holder = current_holder(scene.folder)
    assert holder is not None
    os.killpg(shell.pid, signal.SIGHUP)
    shell.communicate(timeout=30)
    time.sleep(0.2)
    assert psutil.pid_exists(holder.pid)
    assert psutil.pid_exists(status.supervisor_pid)
    os.kill(holder.pid, signal.SIGTERM)
    psutil.wait_procs([psutil.Process(holder.pid)], timeout=30)
    assert current_holder(scene.folder) is None
    assert psutil.pid_exists(status.supervisor_pid)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
@pytest.mark.parametrize("end", ["screen", "terminal"])
def test_copilot_and_run_outlive_the_screen(tmp_path: Path, end: str) -> None:
    scene = small_scene(tmp_path / "work", held=True)
    tmux = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null"]
    names = [f"{name}={os.environ[name]}" for name in ("HOME", "PATH", "MLRCOPILOT_HOME")]
    screen = [sys.executable, "-m", "mlrcopilot_tui.cli.main", "run", str(scene.root), "--auto", "--allow-unsandboxed"]
    subprocess.run([*tmux, "new-session", "-d", "-x", "100", "-y", "30", "env", *names, *screen], check=True)
    try:
        _, status = live_run(scene)
        shown = subprocess.run([*tmux, "list-panes", "-F", "#{pane_pid}"], capture_output=True, text=True, check=True)
        holder = current_holder(scene.folder)
        assert holder is not None
        assert holder.pid != int(shown.stdout)
        if end == "screen":
            kill(int(shown.stdout))
    finally:
        subprocess.run([*tmux, "kill-server"], check=False, capture_output=True)
    time.sleep(0.5)
    assert psutil.pid_exists(holder.pid)
    assert psutil.pid_exists(status.supervisor_pid)
    os.kill(holder.pid, signal.SIGTERM)
