"""A run's GPUs are its own for as long as its supervisor lives, whoever else dies."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from mlrcopilot_tui.hardware.leases import Leases
from mlrcopilot_tui.runs.spec import RunSpec, RunStatus
from tests.fakes.gpus import FakeGpus, gpu
from tests.runs.lab import Lab, await_true

STARTER = """
import os, signal, sys
import msgspec
from pathlib import Path
from mlrcopilot_tui.hardware.leases import Leases
from mlrcopilot_tui.runs.executor import LocalExecutor
from mlrcopilot_tui.runs.spec import RunSpec
from tests.fakes.gpus import FakeGpus, gpu
lease = Leases(FakeGpus([gpu(0)]), Path(sys.argv[2])).lend(1, "a run")
spec = msgspec.json.decode(sys.stdin.buffer.read(), type=RunSpec)
LocalExecutor().start(spec, Path(sys.argv[1]), lease.files)
os.killpg(0, signal.SIGKILL)
"""
WAITS = "import pathlib, time\nwhile not pathlib.Path({go!r}).exists(): time.sleep(0.01)\nprint('val_error: 0.5')"


@pytest.fixture
def leases(tmp_path: Path) -> Leases:
    return Leases(FakeGpus([gpu(0)]), tmp_path / "leases")


def start_and_die(lab: Lab, spec: RunSpec) -> Path:
    """Lets a process lease the GPU and start the run, and kills it at once."""
    folder = lab.folder / "runs" / "1"
    starting = subprocess.run(
        [sys.executable, "-c", STARTER, str(folder), str(lab.folder / "leases")],
        input=msgspec.json.encode(spec),
        start_new_session=True,
        check=False,
        capture_output=True,
        cwd=Path(__file__).parents[2],
    )
    assert starting.returncode == -signal.SIGKILL, starting.stderr
    return folder


def is_leased(leases: Leases) -> bool:
    lease = leases.lend(1, "the test")
    if lease is not None:
        lease.let_go()
    return lease is None


async def test_a_lease_outlives_who_took_it_and_ends_with_the_run(lab: Lab, leases: Leases) -> None:
    go = lab.mark("go")
    folder = start_and_die(lab, lab.spec(WAITS.format(go=str(go))))
    assert is_leased(leases)
    go.touch()
    status = await lab.executor.wait(folder)
    assert status.outcome == "ok"
    await_true(lambda: not is_leased(leases))


def test_a_killed_supervisor_frees_its_gpus(lab: Lab, leases: Leases) -> None:
    """Also while what it started is still there: the command has no share in the lease."""
    folder = start_and_die(lab, lab.spec("import time; time.sleep(60)"))

    def running() -> RunStatus | None:
        status = lab.executor.status(folder)
        return status if status is not None and status.state == "running" else None

    await_true(running)
    status = running()
    assert status is not None
    assert status.child_pid is not None
    held = [link for link in Path(f"/proc/{status.child_pid}/fd").glob("*") if "lease" in str(link.readlink())]
    assert not held
    assert is_leased(leases)
    os.kill(status.supervisor_pid, signal.SIGKILL)
    await_true(lambda: not is_leased(leases))
