"""Early stops with real processes: hopeless runs are told of or ended, once, and what is saved is counted."""

import asyncio
import json
from pathlib import Path

import pytest

from mlrcopilot_tui.cli.headless import EventPrinter
from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.research import curve_watch
from mlrcopilot_tui.research.begin import begin_session, open_bench
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.research.views import status_view
from mlrcopilot_tui.runs.spec import RunSpec
from mlrcopilot_tui.session.journal import JournalReader
from mlrcopilot_tui.session.records import Record
from mlrcopilot_tui.session.run_events import RunStopped, StopSuggested
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.opening import Workspace
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import AUTO, Running, Use, run_session, running
from tests.research.test_replay import Edits, Stage, record

TRAIN = """
import os, random, time

LEVEL, PAUSE = 0.2, 0.0
STEPS = 40
noise = random.Random(int(os.environ["MLRCOPILOT_SEED"]))
for step in range(1, STEPS + 1):
    print(f"step {step}/{STEPS} val_error: {LEVEL + 0.8 * 0.8 ** step + 0.002 * noise.random()}", flush=True)
    time.sleep(PAUSE)
"""
HOPELESS: Edits = [("hopeless", [("LEVEL, PAUSE = 0.2, 0.0", "LEVEL, PAUSE = 0.9, 0.05")])]
LASTING: Edits = [("hopeless", [("LEVEL, PAUSE = 0.2, 0.0", "LEVEL, PAUSE = 0.9, 0.2")])]
BETTER: Edits = [("better", [("LEVEL, PAUSE = 0.2, 0.0", "LEVEL, PAUSE = 0.1, 0.02")])]


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve_watch, "LOOK_S", 0.1)


def contract(early_stop: str) -> str:
    """Without smoke runs, which are over before a curve says anything, so that all runs of an idea are watched."""
    runs = CONTRACT.replace("timeout_minutes = 1", "timeout_minutes = 1\nsmoke_seconds = 0")
    return f'{runs}[verdict]\nearly_stop = "{early_stop}"\n'


def told(workspace: Workspace, state: SessionState) -> list[StopSuggested | RunStopped]:
    events = [line.event for line in JournalReader(workspace.layout.journal(state.session)).poll()]
    return [event for event in events if isinstance(event, StopSuggested | RunStopped)]


def test_a_hopeless_run_is_stopped_where_the_researcher_set_it_so(
    make_workspace: MakeWorkspace, scripted: Use, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = scripted(FakeEngine(HOPELESS))
    workspace = make_workspace(TRAIN, contract("auto"))
    state = asyncio.run(run_session(workspace, AUTO))
    suggested, stopped = told(workspace, state)
    assert isinstance(suggested, StopSuggested)
    assert isinstance(stopped, RunStopped)
    assert suggested.reason.startswith("val_error 0.9")
    assert f"at step {suggested.step} of 40 against the parent's 0.2" in suggested.reason
    assert (stopped.by, stopped.run) == ("curve", suggested.run)
    assert 0 < stopped.saves_s < 40 * 0.05
    run = state.runs[stopped.run]
    assert run.outcome == "stopped"
    assert state.saved_s == run.saved_s == stopped.saves_s
    idea = state.ideas[1]
    assert idea.status == "discarded"
    assert idea.verdict is not None
    assert idea.verdict.rule == f"stopped early at seed 0: {suggested.reason}"
    assert len(engine.assignments) == 1, "nothing is repaired"
    assert [other.run for other in state.runs.values() if other.purpose == "idea"] == [run.run], "nothing is repeated"
    assert main(["status", str(workspace.layout.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["saved_s"] == state.saved_s
    replayed = Stage(workspace, tmp_path).assert_same(HOPELESS)
    assert replayed.saved_s == state.saved_s


def test_a_hopeless_run_is_told_of_once_and_goes_on(
    make_workspace: MakeWorkspace, scripted: Use, tmp_path: Path
) -> None:
    scripted(FakeEngine(HOPELESS))
    workspace = make_workspace(TRAIN, contract("suggest"))
    state = asyncio.run(run_session(workspace, AUTO))
    suggestions = told(workspace, state)
    assert {type(event) for event in suggestions} == {StopSuggested}
    runs = [run for run in state.runs.values() if run.purpose == "idea"]
    assert [event.run for event in suggestions] == [run.run for run in runs]
    assert {run.outcome for run in runs} == {"ok"}
    assert state.saved_s == 0
    assert state.ideas[1].verdict is not None
    assert state.ideas[1].verdict.values
    Stage(workspace, tmp_path).assert_same(HOPELESS)


@pytest.mark.parametrize(("early_stop", "edits"), [("off", HOPELESS), ("auto", BETTER)])
def test_nothing_is_said_where_it_is_off_or_all_is_well(
    make_workspace: MakeWorkspace, scripted: Use, early_stop: str, edits: Edits
) -> None:
    scripted(FakeEngine(edits))
    workspace = make_workspace(TRAIN, contract(early_stop))
    state = asyncio.run(run_session(workspace, AUTO))
    assert told(workspace, state) == []
    assert state.ideas[1].verdict is not None


def test_a_suggestion_that_is_followed_saves_what_was_left(
    make_workspace: MakeWorkspace, scripted: Use, tmp_path: Path
) -> None:
    scripted(FakeEngine(LASTING))
    workspace = make_workspace(TRAIN, contract("suggest"))

    async def scenario(copilot: Running) -> None:
        await copilot.until(lambda: any(run.suggestion for run in copilot.state.live_runs))
        await copilot.decide("stop", run=copilot.state.live_runs[0].run)
        await copilot.until(lambda: copilot.state.ideas[1].verdict)
        await copilot.until(copilot.task.done)

    record(workspace, scenario)
    state = Stage(workspace, tmp_path).assert_same(LASTING)
    stopped = next(run for run in state.runs.values() if run.outcome == "stopped")
    assert stopped.suggestion is not None
    assert 0 < stopped.saved_s <= stopped.suggestion.saves_s
    assert status_view(state, None)["saved_s"] == stopped.saved_s
    assert state.ideas[1].status == "inconclusive"


def test_a_suggestion_outlives_its_copilot_and_a_change_of_mind_ends_the_run(
    make_workspace: MakeWorkspace, scripted: Use
) -> None:
    scripted(FakeEngine(LASTING))
    workspace = make_workspace(TRAIN, contract("suggest"))
    options = Options(auto=True, allow_unsandboxed=True)

    async def scenario() -> SessionState:
        async with running(workspace, options=options) as copilot:
            await copilot.until(lambda: any(run.suggestion for run in copilot.state.live_runs))
            session = copilot.state.session
        async with running(workspace, session, options=options) as copilot:
            await copilot.decide("settings", draft={"early_stop": "auto"})
            await copilot.until(lambda: copilot.state.ideas[1].verdict)
            return copilot.state

    state = asyncio.run(scenario())
    suggested, stopped = told(workspace, state)
    assert isinstance(suggested, StopSuggested)
    assert isinstance(stopped, RunStopped)
    assert stopped.by == "curve"
    assert state.ideas[1].status == "discarded"


@pytest.mark.parametrize(("early_stop", "ending"), [("suggest", "stop r4 -C {root}`"), ("auto", "stopping it")])
def test_a_suggestion_without_a_screen_names_the_command(
    make_workspace: MakeWorkspace, capsys: pytest.CaptureFixture[str], early_stop: str, ending: str
) -> None:
    workspace = make_workspace(TRAIN, contract(early_stop))
    with open_bench(workspace, begin_session(workspace, AUTO), AUTO) as bench:
        printer = EventPrinter(bench, json=False, unheard=lambda: None)
        event = StopSuggested(run="r4", step=14, reason="val_error 0.9 at step 14 of 40", saves_s=720.0)
        printer.event(Record(1, "2026-01-01T00:00:00.000Z", event))
    told = capsys.readouterr().out
    assert "val_error 0.9 at step 14 of 40; " in told
    assert ending.format(root=workspace.layout.root) in " ".join(told.split())
    assert "saves about 12 min" in " ".join(told.split())


class FakeKeys:
    """Keys that are all the same, and slow to be found once `wait` is cleared."""

    def __init__(self) -> None:
        self.wait = asyncio.Event()
        self.wait.set()

    async def key(self, commit: str, seed: int) -> str:
        await self.wait.wait()
        return "k"


def test_a_run_that_is_stopped_while_somebody_comes_to_wait_for_it_is_not_repeated(
    make_workspace: MakeWorkspace, instant: FakeExecutor
) -> None:
    workspace = make_workspace()

    async def scenario(bench: Bench) -> None:
        keys, began, loop = FakeKeys(), asyncio.Event(), asyncio.get_running_loop()

        def hold(_: RunSpec) -> bool:
            loop.call_soon_threadsafe(began.set)
            return True

        instant.holds = hold
        async with Laboratory(bench, keys=keys) as laboratory:
            base = bench.champion.commit
            first = asyncio.create_task(laboratory.measure(base, 0, "idea"))
            await began.wait()
            keys.wait.clear()
            second = asyncio.create_task(laboratory.measure(base, 0, "idea"))
            await asyncio.sleep(0)
            await laboratory.stop(bench.state.live_runs[0], "curve")
            stopped = await first
            keys.wait.set()
            assert (await asyncio.wait_for(second, 10)).run == stopped.run

    with open_bench(workspace, begin_session(workspace, AUTO), AUTO) as bench:
        asyncio.run(scenario(bench))
        assert list(bench.state.runs) == ["r1"]
