"""Limits that change on the way: what holds for the next run, and the budget of GPU minutes."""

import asyncio
from pathlib import Path

import pytest

from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.hardware.leases import Leases
from mlrcopilot_tui.research import begin
from mlrcopilot_tui.research import copilot as copilot_module
from mlrcopilot_tui.research.limits import gpu_minutes_spent, gpu_seconds
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.research.places import MachinePlaces
from mlrcopilot_tui.research.run_key import RunKeys
from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.research.views import status_view
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.records import Record
from mlrcopilot_tui.session.run_events import RunFinished, RunPlanned, RunStarted
from mlrcopilot_tui.session.session import begun_sessions, read_state
from mlrcopilot_tui.session.state import SessionState, fold
from mlrcopilot_tui.workspace.config import RunConfig
from tests.fakes.gpus import FakeGpus, gpu
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import ASK, AUTO, Use, run_session, running
from tests.research.test_replay import Stage

IDEAS = [("better", [("LEVEL = 1.0", "LEVEL = 0.5")])]
ASKS = CONTRACT.replace('patches = "auto"', 'patches = "ask"')


async def test_limits_of_runs_hold_from_the_next_run_on_and_are_in_its_key(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine(IDEAS))
    async with running(make_workspace(contract=ASKS)) as copilot:
        gate = await copilot.gate()
        count = len(instant.started)
        before = [spec for spec in instant.started if not spec.smoke]
        assert {(spec.timeout_s, spec.silence_s, spec.memory_bytes) for spec in before} == {(60, 300, 0)}
        draft = {"timeout_minutes": 3, "silence_minutes": 0.5, "memory_gb": 2}
        said = await copilot.decide("settings", draft=draft)
        assert said == "From now on: timeout_minutes 3.0, silence_minutes 0.5, memory_gb 2.0."
        await copilot.decide("approve", gate=gate.id)
        await copilot.until(lambda: copilot.state.finished)
        after = [spec for spec in instant.started[count:] if not spec.smoke]
        assert {(spec.timeout_s, spec.silence_s, spec.memory_bytes) for spec in after} == {(180, 30, 2 << 30)}
        parents = [run for run in copilot.state.runs.values() if run.purpose == "parent"]
        assert parents, "what the parent measured under other limits stands for nothing"


def test_a_run_that_waited_while_limits_changed_has_the_key_of_those_that_it_got(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    scripted(FakeEngine(IDEAS))
    instant.holds = lambda spec: spec.run.endswith("-r2")
    workspace = make_workspace()

    async def scenario() -> None:
        async with running(workspace, options=AUTO) as copilot:
            await copilot.until(lambda: instant.held)
            await copilot.decide("pause")
            instant.release(next(iter(instant.held)))
            await asyncio.sleep(0.2)
            await copilot.decide("settings", draft={"timeout_minutes": 3})
            await copilot.decide("resume")
            await copilot.until(copilot.task.done)
            run = copilot.state.runs["r3"]
            assert instant.started[2].timeout_s == 180
            assert run.key == await RunKeys(copilot.bench).key(run.commit, run.seed)

    asyncio.run(scenario())
    Stage(workspace, tmp_path).assert_same(IDEAS)


async def test_limits_that_were_set_stay_when_the_session_is_taken_up_again(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine(IDEAS))
    workspace = make_workspace(contract=ASKS)
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        await copilot.decide("settings", draft={"timeout_minutes": 3})
        session = copilot.state.session
    async with running(workspace, session) as copilot:
        await copilot.decide("approve", gate=gate.id)
        await copilot.until(lambda: copilot.state.finished)
    assert instant.started[-1].timeout_s == 180


@pytest.mark.parametrize(
    "draft", [{"timeout_minutes": 0}, {"memory_gb": -1}, {"gpu_minutes": "much"}, {"silence_minutes": None}]
)
async def test_limits_that_cannot_be_are_refused(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, draft: dict[str, object]
) -> None:
    scripted(FakeEngine(IDEAS))
    async with running(make_workspace(contract=ASKS)) as copilot:
        await copilot.gate()
        with pytest.raises(RefusedError, match="cannot be"):
            await copilot.decide("settings", draft=draft)


def gpu_runs() -> SessionState:
    """A run that took a minute on two GPUs, one that vanished after ten on one, one without any, and one that is on."""
    told: list[tuple[str, ev.Event]] = []

    def run(name: str, begun: str, devices: tuple[str, ...]) -> None:
        planned = RunPlanned(run=name, commit="c", seed=0, purpose="idea", key=name)
        told.extend([(begun, planned), (begun, RunStarted(run=name, sandbox="", network=False, devices=devices))])

    def end(name: str, at: str, outcome: str, wall_s: float) -> None:
        told.append((at, RunFinished(run=name, outcome=outcome, reason="", value=None, wall_s=wall_s, log_sha256="")))

    run("r1", "18:00", ("a", "b"))
    end("r1", "18:01", "ok", 60.0)
    run("r2", "18:10", ("a",))
    end("r2", "18:20", "lost", 0.0)
    run("r3", "18:10", ())
    end("r3", "18:40", "ok", 1800.0)
    run("r4", "18:50", ("a", "b", "c"))
    return fold(Record(seq, f"2026-03-09T{at}:00.000Z", event) for seq, (at, event) in enumerate(told, 1))


def test_gpu_minutes_count_each_gpu_for_as_long_as_a_run_had_it() -> None:
    state, now = gpu_runs(), "2026-03-09T18:52:00.000Z"
    assert gpu_seconds(state, now) == 2 * 60 + 600 + 3 * 120
    assert gpu_minutes_spent(state, Settings(gpu_minutes=18), now) == "The budget of 18 GPU minutes is spent."
    assert gpu_minutes_spent(state, Settings(gpu_minutes=18.1), now) == ""
    assert gpu_minutes_spent(state, Settings(), now) == "", "0 is no limit"
    assert status_view(state, None)["budget"]["gpu_minutes"]["limit"] is None


async def test_a_spent_budget_of_gpu_minutes_ends_the_live_run_and_the_session(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copilot_module, "LIMIT_CHECK_S", 0.02)
    gpus = FakeGpus([gpu(0), gpu(1)])

    def places(run: RunConfig) -> MachinePlaces:
        return MachinePlaces(run, Leases(gpus, tmp_path / "leases"), cpus=2, environ={})

    monkeypatch.setattr(begin, "machine_places", places)
    scripted(FakeEngine(IDEAS))
    workspace = make_workspace(
        contract=CONTRACT.replace("[metric]", "gpus = 2\n[budget]\ngpu_minutes = 0.02\n[metric]")
    )
    instant.holds = lambda _: True
    state = await run_session(workspace)
    assert state.finished == "The budget of 0.02 GPU minutes is spent."
    assert state.out_of_budget
    (run,) = state.runs.values()
    assert (run.stopped_by, run.outcome, run.devices) == ("budget", "stopped", ("GPU-0", "GPU-1"))
    assert (await run_session(workspace, Options(auto=True, allow_unsandboxed=True), state.session)).out_of_budget
    instant.holds = lambda _: False
    more = Options(auto=True, allow_unsandboxed=True, gpu_minutes=0)
    state = await run_session(workspace, more, state.session)
    assert state.ideas[1].status == "kept", "with more of it the session goes on where it stood"


def test_from_a_shell(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted(FakeEngine(IDEAS))
    workspace = make_workspace()
    root = str(workspace.layout.root)
    begin.begin_session(workspace, ASK)
    words = ["--timeout-minutes", "7", "--memory-gb", "1.5", "--budget-gpu-minutes", "90", "--silence-minutes", "0"]
    assert main(["set", "-C", root, *words]) == 0
    assert "timeout_minutes 7.0" in capsys.readouterr().out
    (session,) = begun_sessions(workspace.layout.sessions)
    settings = Settings.of(read_state(workspace.layout.session(session)))
    assert (settings.timeout_minutes, settings.memory_gb, settings.gpu_minutes) == (7.0, 1.5, 90.0)
    assert settings.silence_minutes == 0, "no limit, whatever the contract says"
    run = ["run", root, "--headless", "--auto", "--allow-unsandboxed", "--budget-gpu-minutes", "5"]
    assert main(run) == 0
    assert Settings.of(read_state(workspace.layout.session(session))).gpu_minutes == 5.0
