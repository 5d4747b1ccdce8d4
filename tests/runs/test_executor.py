"""Starting runs and asking after them."""

import subprocess
import sys

import msgspec
import psutil
import pytest

from mlrcopilot_tui.runs.executor import LocalExecutor
from mlrcopilot_tui.runs.recorder import write_status
from mlrcopilot_tui.runs.spec import LOG_FILE, STATUS_FILE, SUPERVISOR_LOG_FILE, RunStatus, read_spec, read_status
from tests.runs.lab import Lab, await_true

WAITING = "import pathlib, time; pathlib.Path('ready').touch(); print('val_error: 0.5', flush=True); time.sleep(60)"


async def test_a_folder_takes_one_run(lab: Lab) -> None:
    spec = lab.spec("print('val_error: 0.5')")
    _, folder = await lab.finish(spec)
    assert read_spec(folder) == spec
    with pytest.raises(FileExistsError):
        lab.executor.start(spec, folder)


async def test_each_status_is_told(lab: Lab) -> None:
    folder = lab.start(lab.spec("import time; print('val_error: 0.5', flush=True); time.sleep(1.3)"))
    told: list[RunStatus] = []
    status = await lab.executor.wait(folder, told.append)
    states = [status.state for status in told]
    assert states == sorted(states, key=["starting", "running", "finished"].index)
    assert states[-1] == "finished"
    assert "running" in states
    assert told[-1] == status
    assert any(status.state == "running" and status.value == 0.5 for status in told)


async def test_another_executor_finds_the_run(lab: Lab) -> None:
    folder = lab.start(lab.spec(WAITING))
    await_true(lab.mark("ready").exists)
    other = LocalExecutor()
    await_true(lambda: (status := other.status(folder)) and status.state == "running")
    other.stop(folder)
    assert (await other.wait(folder)).outcome == "stopped"


async def test_a_stop_before_the_start_is_heard(lab: Lab) -> None:
    folder = lab.start(lab.spec(WAITING))
    lab.executor.stop(folder)
    status = await lab.executor.wait(folder)
    assert status.outcome == "stopped"


async def test_a_finished_run_cannot_be_stopped(lab: Lab) -> None:
    status, folder = await lab.finish(lab.spec("print('val_error: 0.5')"))
    lab.executor.stop(folder)
    assert lab.executor.status(folder) == status


def test_no_run_no_status(lab: Lab) -> None:
    assert lab.executor.status(lab.folder / "nothing") is None
    lab.executor.stop(lab.folder / "nothing")


def status_of(process: psutil.Process, state: str, created: float | None = None) -> RunStatus:
    return msgspec.convert(
        {
            "run": "test-1",
            "state": state,
            "supervisor_pid": process.pid,
            "supervisor_created": process.create_time() if created is None else created,
            "started_at": "2026-01-01T00:00:00Z",
        },
        type=RunStatus,
    )


@pytest.mark.parametrize("state", ["starting", "running"])
def test_a_process_id_that_came_round_again_is_not_the_supervisor(lab: Lab, state: str) -> None:
    write_status(lab.folder, status_of(psutil.Process(), state, created=1.0))
    status = lab.executor.status(lab.folder)
    assert status
    assert (status.state, status.outcome) == ("finished", "lost")


def test_a_supervisor_that_died_is_lost_with_its_last_words(lab: Lab) -> None:
    broken = lab.folder / "broken"
    broken.mkdir()
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    write_status(broken, status_of(psutil.Process(dead.pid), "running"))
    (broken / SUPERVISOR_LOG_FILE).write_text("Traceback\nMemoryError: no room\n")
    dead.wait()
    status = lab.executor.status(broken)
    assert status
    assert status.outcome == "lost"
    assert "MemoryError: no room" in status.reason


async def test_a_supervisor_that_cannot_begin_is_lost(lab: Lab) -> None:
    folder = lab.start(msgspec.structs.replace(lab.spec(""), metric=""))
    (folder / LOG_FILE).mkdir()
    status = await lab.executor.wait(folder)
    assert status.outcome == "lost"
    assert "IsADirectoryError" in status.reason


def test_a_torn_status_is_none(lab: Lab) -> None:
    (lab.folder / STATUS_FILE).write_text('{"run": "te')
    assert read_status(lab.folder) is None
