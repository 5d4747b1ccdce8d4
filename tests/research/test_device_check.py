"""A session that begins where GPUs are says so when its runs cannot use them; its replay says it again unasked."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from mlrcopilot_tui.hardware.samples import GpuSample
from mlrcopilot_tui.research import begin
from mlrcopilot_tui.research.begin import begin_session, open_bench
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.copilot import Copilot
from mlrcopilot_tui.research.device_check import check_devices
from mlrcopilot_tui.research.export import export_session
from mlrcopilot_tui.research.replay import replay
from mlrcopilot_tui.runs.devices import Looker
from mlrcopilot_tui.runs.sandbox import BubblewrapSandbox, why_not
from mlrcopilot_tui.session.session import read_state
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.opening import Workspace
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import ASK, Running, Use
from tests.runs.graphics import Graphics

ASKING = CONTRACT.replace('patches = "auto"', 'patches = "ask"')


class FakeReader:
    """Shows one GPU, or none."""

    problem, driver = "", "Fake 1"

    def __init__(self, count: int = 1) -> None:
        self.samples = tuple(GpuSample(index=index) for index in range(count))

    def read(self) -> tuple[GpuSample, ...]:
        return self.samples


async def sit(workspace: Workspace, session: str, looker: Looker, reader: FakeReader) -> SessionState:
    """A copilot that is told to stop once its check is done and its first patch waits."""
    with open_bench(workspace, session, ASK) as bench:
        checked = asyncio.Event()

        async def check(bench: Bench) -> None:
            await check_devices(bench, reader, looker)
            checked.set()

        copilot = Copilot(bench, meanwhile=check)
        work = asyncio.create_task(copilot.run())
        await asyncio.wait_for(checked.wait(), 30)
        await Running(workspace, bench, work).gate()
        copilot.let_go()
        await asyncio.wait_for(work, 30)
    return read_state(workspace.layout.session(session))


@pytest.fixture
def fenced(scripted: Use, instant: FakeExecutor, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """Sessions behind bubblewrap, whose runs take no time."""
    if reason := why_not("bwrap"):
        pytest.skip(reason)
    engine = scripted(FakeEngine([("better", [("LEVEL = 1.0", "LEVEL = 0.5")])]))
    monkeypatch.setattr(begin, "best_sandbox", BubblewrapSandbox)
    return engine


def test_gpus_that_the_fence_hides_are_warned_of_once_and_replay(
    make_workspace: MakeWorkspace, fenced: FakeEngine, tmp_path: Path
) -> None:
    workspace, looker = make_workspace(contract=ASKING), Graphics(tmp_path).looker()
    session = begin_session(workspace, ASK)
    states = [asyncio.run(sit(workspace, session, looker, FakeReader())) for _ in range(2)]
    for state in states:
        (warning,) = state.warnings
        assert warning.text.startswith("Runs cannot use the GPUs as they should (bwrap). CUDA sees none of 2 GPUs: cu")
        assert "mlrcopilot doctor --gpu" in warning.mend
    cassette = tmp_path / "session.cassette"
    export_session(workspace, session, cassette, force=True)
    played = replay(cassette, tmp_path / "played", engine=lambda *_: fenced)
    assert played.warnings == states[-1].warnings


@pytest.mark.parametrize(("reachable", "count"), [(True, 1), (False, 0)])
def test_nothing_is_said_where_all_is_well_or_no_driver_shows_a_gpu(
    make_workspace: MakeWorkspace, fenced: FakeEngine, tmp_path: Path, reachable: bool, count: int
) -> None:
    workspace, graphics = make_workspace(contract=ASKING), Graphics(tmp_path)
    if reachable:
        graphics.become_reachable()
    looker = graphics.looker(shown=(graphics.nodes,))
    state = asyncio.run(sit(workspace, begin_session(workspace, ASK), looker, FakeReader(count)))
    assert state.warnings == []


def test_a_copilot_that_ends_before_the_driver_answers_waits_for_nothing(
    make_workspace: MakeWorkspace, fenced: FakeEngine, tmp_path: Path
) -> None:
    workspace = make_workspace(contract=ASKING)
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 1000\n")
    slow.chmod(0o755)

    async def sit() -> None:
        with open_bench(workspace, begin_session(workspace, ASK), ASK) as bench:
            copilot = Copilot(
                bench, meanwhile=partial(check_devices, reader=FakeReader(), looker=Looker(python=str(slow)))
            )
            work = asyncio.create_task(copilot.run())
            await Running(workspace, bench, work).gate()
            copilot.let_go()
            await asyncio.wait_for(work, 20)

    asyncio.run(sit())
