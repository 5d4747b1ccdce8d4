"""Sessions on a machine with GPUs: each run has its own, whatever other sessions and dead copilots there are."""

import asyncio
import shutil
from pathlib import Path

import pytest

from mlrcopilot_tui.hardware.leases import Leases
from mlrcopilot_tui.research import begin, places
from mlrcopilot_tui.research.places import MachinePlaces
from mlrcopilot_tui.research.run_key import RunKeys
from mlrcopilot_tui.workspace.config import RunConfig
from mlrcopilot_tui.workspace.opening import open_workspace
from tests.fakes.gpus import FakeGpus, gpu
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import MakeWorkspace
from tests.research.running import AUTO, Running, Use, running

WORSE = ("worse", [("LEVEL = 1.0", "LEVEL = 2.0")])
WORST = ("worst", [("LEVEL = 1.0", "LEVEL = 3.0")])


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeGpus:
    """Three GPUs, for all sessions of the test."""
    reader = FakeGpus([gpu(0), gpu(1), gpu(2)])

    def machine_places(run: RunConfig) -> MachinePlaces:
        return MachinePlaces(run, Leases(reader, tmp_path / "leases"), environ={})

    monkeypatch.setattr(begin, "machine_places", machine_places)
    monkeypatch.setattr(places, "LEASE_CHECK_S", 0.01)
    return reader


def devices(copilot: Running) -> list[str]:
    return [device for run in copilot.state.live_runs for device in run.devices]


async def test_two_sessions_in_two_workspaces_never_share_a_gpu(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, machine: FakeGpus, tmp_path: Path
) -> None:
    scripted(FakeEngine([WORSE]))
    one = make_workspace()
    other = open_workspace(shutil.copytree(one.layout.root, tmp_path / "other"))
    instant.holds = lambda _: True
    async with running(one, options=AUTO) as first, running(other, options=AUTO) as second:
        await first.until(lambda: len(devices(first) + devices(second)) == 3)
        await asyncio.sleep(0.1)
        assert sorted(devices(first) + devices(second)) == ["GPU-0", "GPU-1", "GPU-2"]
        for spec in instant.started:
            assert spec.env["CUDA_VISIBLE_DEVICES"] == ",".join(spec.devices)
            assert spec.env["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
        seen = {tuple(spec.devices) for spec in instant.started}
        assert len(seen) == len(instant.started) == 3
        instant.release_all()
        await first.until(first.task.done)
        await second.until(second.task.done)
        assert all(len(run.devices) == 1 for run in [*first.state.runs.values(), *second.state.runs.values()])


async def test_a_new_copilot_counts_what_live_runs_hold(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, machine: FakeGpus
) -> None:
    machine.gpus = [gpu(0), gpu(1)]
    scripted(FakeEngine([WORSE, WORST]))
    workspace = make_workspace()
    instant.holds = lambda spec: "LEVEL = 1.0" not in Path(spec.tree, "train.py").read_text()
    async with running(workspace, options=AUTO) as copilot:
        # The starter's runs have both for a moment too, and are not held.
        await copilot.until(
            lambda: sorted(devices(copilot)) == ["GPU-0", "GPU-1"] and all(run.idea for run in copilot.state.live_runs)
        )
    session, began = copilot.state.session, len(instant.started)
    async with running(workspace, session, AUTO) as copilot:
        await asyncio.sleep(0.2)
        assert len(instant.started) == began, "there is no room for a third"
        instant.release_all()
        await copilot.until(copilot.task.done)
    assert [idea.status for idea in copilot.state.ideas.values()] == ["discarded", "discarded"]


async def test_another_model_of_gpu_makes_another_run(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, machine: FakeGpus
) -> None:
    scripted(FakeEngine([]))
    workspace = make_workspace()
    keys = []
    for model in ("NVIDIA H200", "NVIDIA H200", "NVIDIA T4"):
        machine.gpus = [gpu(0, model=model)]
        session = begin.begin_session(workspace, AUTO)
        with begin.open_bench(workspace, session) as bench:
            keys.append(await RunKeys(bench).key(bench.line.base, 0))
    assert keys[0] == keys[1] != keys[2]
