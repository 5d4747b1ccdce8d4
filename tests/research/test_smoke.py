"""Smoke runs: what is tried before it is approved, what that saves, and what becomes of what fails or does not fit."""

import asyncio
import contextlib
import dataclasses
import threading
from collections.abc import Collection
from functools import partial
from pathlib import Path

import pytest

from mlrcopilot_tui.hardware.samples import MachineSample
from mlrcopilot_tui.research import begin, room, smoke
from mlrcopilot_tui.research.views import show_view
from mlrcopilot_tui.runs.sandbox import BubblewrapSandbox, PlainSandbox
from mlrcopilot_tui.runs.spec import RunSpec
from mlrcopilot_tui.session.journal import JournalReader
from mlrcopilot_tui.session.run_events import ForecastMade
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.opening import Workspace
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import ASK, AUTO, Running, Use, run_session, running
from tests.research.test_replay import Stage

ASKING = CONTRACT.replace('patches = "auto"', 'patches = "ask"')
NO_SMOKE = ASKING.replace("timeout_minutes = 1", "timeout_minutes = 1\nsmoke_seconds = 0")
BETTER = ("better", [("LEVEL = 1.0", "LEVEL = 0.5")])
CRASHING = ("crashing", [("LEVEL = 1.0", "LEVEL = 1 / 0"), ("LEVEL = 1 / 0", "LEVEL = 0.7")])
SLOW = ("slow", [("LEVEL = 1.0", "LEVEL = 0.9"), ("LEVEL = 0.9", "LEVEL = 0.8"), ("LEVEL = 0.8", "LEVEL = 0.7")])


@pytest.fixture
def fenced(monkeypatch: pytest.MonkeyPatch, scripted: Use) -> Use:
    """Makes every bench use the given engine, and say that it has a sandbox; the fake executor starts nothing."""

    def use(engine: FakeEngine) -> FakeEngine:
        scripted(engine)
        monkeypatch.setattr(begin, "best_sandbox", BubblewrapSandbox)
        return engine

    return use


def purposes(state: SessionState, commit: str) -> list[tuple[str, int, str]]:
    return [(run.purpose, run.seed, run.outcome) for run in state.runs.values() if run.commit == commit]


def forecasts(workspace: Workspace, session: str) -> list[ForecastMade]:
    """All that were made, also those that later ones replace."""
    events = [record.event for record in JournalReader(workspace.layout.journal(session)).poll()]
    return [event for event in events if isinstance(event, ForecastMade)]


async def test_behind_a_fence_a_patch_is_tried_before_anybody_is_asked(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor
) -> None:
    fenced(FakeEngine([BETTER]))
    async with running(make_workspace(contract=ASKING)) as copilot:
        gate = await copilot.gate()
        assert purposes(copilot.state, gate.commit) == [("smoke", 0, "ok")]
        assert gate.forecast.startswith("2 to 5 runs of about 1 s each")
        assert copilot.state.forecasts[gate.commit].run
        await copilot.decide("approve", idea=1)
        await copilot.until(copilot.task.done)
        assert purposes(copilot.state, gate.commit) == [("smoke", 0, "ok"), ("idea", 1, "ok")]
        assert copilot.idea(1).status == "kept"
        assert copilot.idea(1).verdicts[0].wall_s == pytest.approx(0.2)


async def test_without_a_fence_nothing_runs_before_the_yes(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([BETTER]))
    async with running(make_workspace(contract=ASKING)) as copilot:
        gate = await copilot.gate()
        assert purposes(copilot.state, gate.commit) == []
        assert "as its parent's" in gate.forecast
        await copilot.decide("approve", idea=1)
        await copilot.until(copilot.task.done)
        assert purposes(copilot.state, gate.commit) == [("smoke", 0, "ok"), ("idea", 1, "ok")]


async def test_a_cut_smoke_run_is_forecast_and_run_again_in_full(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor
) -> None:
    fenced(FakeEngine([BETTER]))
    instant.cuts = lambda _: 20
    async with running(make_workspace(contract=ASKING)) as copilot:
        gate = await copilot.gate()
        shown = show_view(copilot.state, copilot.idea(1))["attempts"][0]["forecast"]
        assert shown["words"] == gate.forecast
        assert (shown["wall_s"], shown["runs"], shown["whole"]) == (50.0, (2, 5), False)
        assert gate.forecast.startswith("2 to 5 runs of about 50 s each; 2 to 4 min in all; ")
        assert "at least 1.0 GiB of" in gate.forecast
        await copilot.decide("approve", idea=1)
        await copilot.until(copilot.task.done)
        assert purposes(copilot.state, gate.commit) == [("smoke", 0, "smoked"), ("idea", 0, "ok"), ("idea", 1, "ok")]
        assert copilot.idea(1).status == "kept"
    assert [spec.timeout_s for spec in instant.started if spec.smoke] == [20.0]


async def test_a_smoke_run_without_the_metric_is_no_failure(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor
) -> None:
    fenced(FakeEngine([BETTER]))
    instant.cuts = lambda _: 0
    async with running(make_workspace(contract=ASKING)) as copilot:
        gate = await copilot.gate()
        assert "no val_error within 20 s" in gate.forecast


async def test_no_smoke_run_where_the_contract_wants_none(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor
) -> None:
    fenced(FakeEngine([BETTER]))
    async with running(make_workspace(contract=NO_SMOKE)) as copilot:
        gate = await copilot.gate()
        assert "as its parent's" in gate.forecast
        await copilot.decide("approve", idea=1)
        await copilot.until(copilot.task.done)
        assert purposes(copilot.state, gate.commit) == [("idea", 0, "ok"), ("idea", 1, "ok")]


async def test_what_crashes_at_once_never_reaches_the_researcher(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor
) -> None:
    engine = fenced(FakeEngine([CRASHING]))
    async with running(make_workspace(contract=ASKING)) as copilot:
        gate = await copilot.gate()
        first, second = copilot.idea(1).attempts
        assert gate.commit == second.commit
        assert purposes(copilot.state, first.commit) == [("smoke", 0, "crashed")]
        assert first.commit not in copilot.state.forecasts
    failure = engine.assignments[1].failure
    assert failure is not None
    assert "ZeroDivisionError" in failure.log_tail


@pytest.mark.parametrize("ends", ["mended", "given up"])
async def test_what_takes_too_long_goes_back_to_the_agent_and_is_never_run_in_full(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor, ends: str
) -> None:
    engine = fenced(FakeEngine([SLOW]))
    slow = ("0.9",) if ends == "mended" else ("0.9", "0.8", "0.7")

    def cuts(spec: RunSpec) -> int | None:
        source = Path(spec.tree, "train.py").read_text()
        return 20 if any(f"LEVEL = {level}" in source for level in slow) else None

    instant.cuts, instant.steps = cuts, 600
    state = await run_session(make_workspace(), AUTO)
    idea = state.ideas[1]
    failure = engine.assignments[1].failure
    assert failure is not None
    assert (failure.outcome, failure.reason) == ("timeout", "One run would take about 10 min; the limit is 60 s.")
    full = [spec for spec in instant.started if not spec.smoke and "LEVEL = 0.9" in _source(state, spec)]
    assert not full
    if ends == "mended":
        assert (idea.status, len(idea.attempts)) == ("kept", 2)
    else:
        assert (idea.status, len(idea.attempts)) == ("inconclusive", 3)
        assert idea.verdicts[0].verdict.rule.startswith("it was not run: One run would take about 10 min")
        assert purposes(state, idea.attempts[2].commit) == [("smoke", 0, "smoked")]


def _source(state: SessionState, spec: RunSpec) -> str:
    """The subject of the attempt that a run was of, which names its edit."""
    run = state.runs[spec.run.rpartition("-")[2]]
    attempt = state.attempt_of(run.commit)
    return attempt.subject if attempt else ""


async def test_a_selection_is_tried_as_it_is_and_not_asked_about_again(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor
) -> None:
    fenced(FakeEngine([("two", [("LEVEL = 1.0\nSPREAD = 0.01", "LEVEL = 0.5\nSPREAD = 0.01\n\n\n\n\n\n")])]))
    async with running(make_workspace(contract=ASKING)) as copilot:
        gate = await copilot.gate()
        patch = (copilot.bench.patch_file(gate.commit)).read_text().replace("LEVEL = 0.5", "LEVEL = 0.6")
        await copilot.decide("approve", gate=gate.id, patch=patch)
        await copilot.until(copilot.task.done)
        chosen = copilot.idea(1).attempts[-1]
        assert chosen.commit != gate.commit
        assert purposes(copilot.state, chosen.commit) == [("smoke", 0, "ok"), ("idea", 1, "ok")]
        assert len([gate for gate in copilot.state.gates.values() if gate.kind == "patch"]) == 1


async def test_a_stopped_smoke_run_leads_to_the_question(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor
) -> None:
    fenced(FakeEngine([BETTER]))
    instant.holds = lambda spec: spec.smoke
    async with running(make_workspace(contract=ASKING)) as copilot:
        await copilot.until(lambda: any(spec.smoke for spec in instant.held.values()))
        await copilot.decide("stop")
        gate = await copilot.gate()
        assert purposes(copilot.state, gate.commit) == [("smoke", 0, "stopped")]
        await copilot.decide("approve", idea=1)
        await copilot.until(copilot.task.done)
        assert copilot.idea(1).status == "kept"
        assert len(copilot.idea(1).attempts) == 1


async def test_a_smoke_run_that_is_stopped_where_nobody_will_ask_ends_the_idea(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor
) -> None:
    fenced(FakeEngine([BETTER]))
    instant.holds = lambda spec: spec.smoke
    async with running(make_workspace(), options=AUTO) as copilot:
        await copilot.until(lambda: any(spec.smoke for spec in instant.held.values()))
        await copilot.decide("stop")
        await copilot.until(copilot.task.done)
        assert copilot.idea(1).status == "inconclusive"


async def test_an_idea_may_be_dropped_while_it_is_tried(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor
) -> None:
    fenced(FakeEngine([BETTER]))
    instant.holds = lambda spec: spec.smoke
    async with running(make_workspace(contract=ASKING)) as copilot:
        await copilot.until(lambda: any(spec.smoke for spec in instant.held.values()))
        await copilot.decide("reject", idea=1, text="too dear")
        await copilot.until(copilot.task.done)
        idea = copilot.idea(1)
        assert (idea.status, idea.reason) == ("pruned", "too dear")
        assert purposes(copilot.state, idea.attempts[0].commit) == [("smoke", 0, "stopped")]
        assert not copilot.state.gates


async def test_an_idea_may_be_dropped_while_it_waits_to_be_tried(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fenced(FakeEngine([BETTER]))
    waiting: list[str] = []

    async def no_room(watch: room.RoomWatch, commit: str, devices: Collection[str]) -> None:
        if instant.started[2:]:
            waiting.append(commit)
            await asyncio.Event().wait()

    monkeypatch.setattr(room.RoomWatch, "__call__", no_room)
    async with running(make_workspace(contract=ASKING)) as copilot:
        await copilot.until(lambda: waiting)
        await copilot.decide("reject", idea=1, text="too dear")
        await copilot.until(copilot.task.done)
        assert copilot.idea(1).status == "pruned"
        assert not purposes(copilot.state, copilot.idea(1).attempts[0].commit)


@pytest.mark.parametrize("cut", [True, False])
async def test_a_copilot_that_dies_during_a_smoke_run_finds_it_again(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor, cut: bool
) -> None:
    fenced(FakeEngine([BETTER]))
    workspace = make_workspace(contract=ASKING)
    instant.holds = lambda spec: spec.smoke
    instant.cuts = lambda _: 20 if cut else None
    async with running(workspace) as copilot:
        await copilot.until(lambda: any(spec.smoke for spec in instant.held.values()))
        session = copilot.state.session
    instant.release(next(iter(instant.held)))
    async with running(workspace, session) as copilot:
        gate = await copilot.gate()
        assert len(purposes(copilot.state, gate.commit)) == 1
        assert copilot.state.forecasts[gate.commit].run
    async with running(workspace, session) as copilot:
        assert (await copilot.gate()).id == gate.id
        assert len(purposes(copilot.state, gate.commit)) == 1


async def test_minutes_that_suffice_for_no_experiment_end_the_session_which_goes_on_with_more(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor
) -> None:
    fenced(FakeEngine([BETTER]))
    workspace = make_workspace()
    instant.cuts, instant.wall_s = lambda _: 20, 50.0
    state = await run_session(workspace, dataclasses.replace(AUTO, minutes=1.5))
    assert state.finished.startswith("The budget of 1.5 minutes is too small for another experiment. A verdict would")
    assert state.out_of_budget
    attempt = state.ideas[1].attempts[0]
    assert purposes(state, attempt.commit) == [("smoke", 0, "smoked")]
    state = await run_session(workspace, dataclasses.replace(AUTO, minutes=60), session=state.session)
    assert state.ideas[1].status == "kept"
    assert purposes(state, attempt.commit) == [("smoke", 0, "smoked"), ("idea", 0, "ok"), ("idea", 1, "ok")]


async def test_minutes_that_do_not_suffice_for_one_idea_end_that_one(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor
) -> None:
    fenced(FakeEngine([SLOW, BETTER]))
    instant.cuts = lambda spec: 20 if "LEVEL = 0.9" in Path(spec.tree, "train.py").read_text() else None
    state = await run_session(make_workspace(), dataclasses.replace(AUTO, minutes=1.5))
    assert [idea.status for idea in state.ideas.values()] == ["inconclusive", "kept"]
    assert "of the budget are left" in state.ideas[1].verdicts[0].verdict.rule


async def test_the_researcher_decides_whether_few_minutes_suffice(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor
) -> None:
    fenced(FakeEngine([BETTER]))
    instant.cuts = lambda _: 20
    async with running(make_workspace(contract=ASKING), options=dataclasses.replace(ASK, minutes=1.5)) as copilot:
        gate = await copilot.gate()
        assert gate.forecast.startswith("A verdict would take at least 2 min; ")
        assert " of the budget are left. 2 to 5 runs of about 50 s each" in gate.forecast
        await copilot.decide("approve", idea=1)
        await copilot.until(copilot.task.done)
        assert copilot.idea(1).status == "kept"


async def test_what_the_researcher_let_run_with_few_minutes_left_goes_on_when_nobody_is_asked_any_more(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor
) -> None:
    fenced(FakeEngine([SLOW]))
    workspace = make_workspace(contract=ASKING)
    instant.cuts, instant.holds = lambda _: 20, lambda spec: spec.run.endswith("-r5")
    async with running(workspace, options=dataclasses.replace(ASK, minutes=1.5)) as copilot:
        session, gate = copilot.state.session, await copilot.gate()
        assert copilot.state.forecasts[gate.commit].lacks == "minutes"
        await copilot.decide("approve", idea=1)
        await copilot.until(lambda: instant.held)
    instant.holds = lambda _: False
    instant.release(next(iter(instant.held)))
    state = await run_session(workspace, dataclasses.replace(AUTO, minutes=60, max_experiments=1), session=session)
    assert state.ideas[1].status == "kept"


def test_sessions_with_smoke_runs_replay(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    edits = [BETTER, ("crashing", [("LEVEL = 0.5", "LEVEL = 1 / 0"), ("LEVEL = 1 / 0", "LEVEL = 0.4")]), SLOW]
    fenced(FakeEngine(edits))
    instant.cuts = lambda spec: 20 if "LEVEL = 0.5" in Path(spec.tree, "train.py").read_text() else None
    workspace = make_workspace()
    asyncio.run(run_session(workspace, AUTO))
    state = Stage(workspace, tmp_path).assert_same(edits)
    outcomes = [run.outcome for run in state.runs.values() if run.purpose == "smoke"]
    assert {"smoked", "ok", "crashed"} <= set(outcomes)


@pytest.mark.parametrize("minutes", [1.5, 60])
def test_minutes_that_are_left_are_those_of_the_recording(
    make_workspace: MakeWorkspace,
    fenced: Use,
    instant: FakeExecutor,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    minutes: float,
) -> None:
    """A replay years later finds as much of the budget left as there was then."""
    fenced(FakeEngine([BETTER]))
    workspace = make_workspace()
    instant.cuts, instant.wall_s = lambda _: 20, 50.0
    asyncio.run(run_session(workspace, dataclasses.replace(AUTO, minutes=minutes)))
    monkeypatch.setattr(smoke, "utc_now", lambda: "2099-01-01T00:00:00.000Z")
    state = Stage(workspace, tmp_path).assert_same([BETTER])
    assert state.out_of_budget == (minutes == 1.5)


async def test_a_run_waits_until_its_memory_is_free_and_says_so_once(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fenced(FakeEngine([BETTER]))
    used = [8 << 30]
    monkeypatch.setattr(
        room, "sample_machine", lambda **_: MachineSample(t=0.0, memory_used=used[0], memory_total=8 << 30)
    )
    monkeypatch.setattr(room, "CHECK_AGAIN_S", 0.05)
    instant.cuts = lambda _: 20
    async with running(make_workspace()) as copilot:
        await copilot.until(lambda: copilot.state.warnings)
        await asyncio.sleep(0.2)
        assert [run.purpose for run in copilot.state.runs.values() if run.idea] == ["smoke"]
        used[0] = 0
        await copilot.until(copilot.task.done)
        assert copilot.idea(1).status == "kept"
        warnings = [said.text for said in copilot.state.warnings]
        assert warnings == ["A run waits for memory: it takes at least 1.0 GiB, and 0 MiB are free."]


async def test_a_run_that_waits_for_memory_gives_its_place_up_for_a_pause(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fenced(FakeEngine([BETTER]))
    used = [8 << 30]
    monkeypatch.setattr(
        room, "sample_machine", lambda **_: MachineSample(t=0.0, memory_used=used[0], memory_total=8 << 30)
    )
    monkeypatch.setattr(room, "CHECK_AGAIN_S", 0.05)
    instant.cuts = lambda _: 20
    async with running(make_workspace()) as copilot:
        await copilot.until(lambda: copilot.state.warnings)
        await copilot.decide("pause")
        place = await asyncio.wait_for(copilot.bench.places.take("another session", set, print), 5)
        place.give_back()
        used[0] = 0
        await asyncio.sleep(0.1)
        assert not copilot.state.live
        await copilot.decide("resume")
        await copilot.until(copilot.task.done)
        assert copilot.idea(1).status == "kept"


async def test_two_runs_that_wait_for_the_same_memory_are_not_both_let_in(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ("other", [("SPREAD = 0.01", "SPREAD = 0.02")])
    fenced(FakeEngine([BETTER, other]))
    free, together = [0], threading.Barrier(2)

    def sample(**_: object) -> MachineSample:
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(1.0 if free[0] else 0.0)
        return MachineSample(t=0.0, memory_used=(8 << 30) - free[0], memory_total=8 << 30)

    monkeypatch.setattr(room, "sample_machine", sample)
    monkeypatch.setattr(room, "CHECK_AGAIN_S", 0.05)
    instant.cuts, instant.holds = lambda _: 20, lambda spec: not spec.smoke and len(instant.started) > 4
    contract = CONTRACT.replace("timeout_minutes = 1", "timeout_minutes = 1\nparallel = 2")
    async with running(make_workspace(contract=contract), options=AUTO) as copilot:
        await copilot.until(lambda: len(copilot.state.forecasts) == 2 and copilot.state.warnings)
        await asyncio.sleep(0.2)
        together.reset()
        free[0] = 3 << 29  # for one and a half
        await copilot.until(lambda: instant.held)
        await asyncio.sleep(0.2)
        assert len(copilot.state.live_runs) == 1


async def test_what_others_hold_for_good_does_not_hold_a_lone_run_for_good(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fenced(FakeEngine([BETTER]))
    monkeypatch.setattr(
        room, "sample_machine", lambda **_: MachineSample(t=0.0, memory_used=8 << 30, memory_total=8 << 30)
    )
    monkeypatch.setattr(room, "CHECK_AGAIN_S", 0.05)
    monkeypatch.setattr(room, "ALONE_S", 0.2)
    instant.cuts = lambda _: 20
    state = await run_session(make_workspace(), AUTO)
    assert state.ideas[1].status == "kept"
    assert state.warnings[1].text.endswith("and is tried.")


def _waits(copilot: Running, number: int) -> bool:
    return any(gate.idea == number for gate in copilot.state.open_gates.values())


def test_sittings_behind_different_fences_replay(
    make_workspace: MakeWorkspace,
    fenced: Use,
    instant: FakeExecutor,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    edits = [BETTER, ("more", [("LEVEL = 0.5", "LEVEL = 0.4")])]
    fenced(FakeEngine(edits))
    workspace = make_workspace(contract=ASKING)

    async def scenario() -> None:
        async with running(workspace) as copilot:
            await copilot.gate()
            session = copilot.state.session
        monkeypatch.setattr(begin, "best_sandbox", PlainSandbox)
        async with running(workspace, session) as copilot:
            for number in (1, 2):
                await copilot.until(partial(_waits, copilot, number))
                await copilot.decide("approve", idea=number)
            await copilot.until(copilot.task.done)

    asyncio.run(scenario())
    state = Stage(workspace, tmp_path).assert_same(edits)
    assert [run.sandbox for run in state.runs.values() if run.purpose == "smoke"] == ["bwrap", "plain"]


async def test_the_end_of_the_minutes_waits_for_what_still_runs(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor
) -> None:
    """Two ideas side by side: the second is short of minutes while the first runs, which comes to its verdict."""
    other = ("other", [("SPREAD = 0.01", "SPREAD = 0.02")])
    fenced(FakeEngine([BETTER, other]))
    instant.wall_s = 50.0
    instant.cuts = lambda spec: 20 if "SPREAD = 0.02" in Path(spec.tree, "train.py").read_text() else None
    instant.holds = lambda spec: not spec.smoke and "LEVEL = 0.5" in Path(spec.tree, "train.py").read_text()
    contract = CONTRACT.replace("timeout_minutes = 1", "timeout_minutes = 1\nparallel = 2")
    options = dataclasses.replace(AUTO, minutes=1.5)
    async with running(make_workspace(contract=contract), options=options) as copilot:
        await copilot.until(lambda: instant.held and any(f.lacks for f in copilot.state.forecasts.values()))
        await asyncio.sleep(0.1)
        assert not copilot.state.finished
        instant.release_all()
        await copilot.until(copilot.task.done)
        assert copilot.idea(1).status == "kept"
        assert copilot.idea(2).status == "implementing"
        assert copilot.state.finished.startswith("The budget of 1.5 minutes is too small")


async def test_what_the_researcher_let_run_beyond_the_minutes_is_at_work(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor
) -> None:
    """It comes to its verdict, also where nobody is asked any more and the next idea finds the minutes too few."""
    fenced(FakeEngine([BETTER, ("other", [("SPREAD = 0.01", "SPREAD = 0.02")])]))
    instant.wall_s, instant.cuts = 50.0, lambda _: 20
    instant.holds = lambda spec: not spec.smoke and "LEVEL = 0.5" in Path(spec.tree, "train.py").read_text()
    contract = ASKING.replace("timeout_minutes = 1", "timeout_minutes = 1\nparallel = 2")
    workspace = make_workspace(contract=contract)
    async with running(workspace, options=dataclasses.replace(ASK, minutes=1.5)) as copilot:
        session = copilot.state.session
        await copilot.until(partial(_waits, copilot, 2))
        assert {made.lacks for made in copilot.state.forecasts.values()} == {"budget"}
        await copilot.decide("approve", idea=1)
        await copilot.until(lambda: instant.held)
    count = len(forecasts(workspace, session))
    async with running(workspace, session, dataclasses.replace(AUTO, minutes=1.5)) as copilot:
        await copilot.until(lambda: forecasts(workspace, session)[count:])
        await asyncio.sleep(0.2)
        assert not copilot.state.finished
        instant.release_all()
        await copilot.until(copilot.task.done)
        assert copilot.idea(1).status == "kept"
        assert copilot.state.finished.startswith("The budget of 1.5 minutes is too small")


async def test_more_minutes_keep_a_session_from_its_end(
    make_workspace: MakeWorkspace, fenced: Use, instant: FakeExecutor
) -> None:
    """They come while an idea that is short of them waits for another one to end."""
    other = ("other", [("SPREAD = 0.01", "SPREAD = 0.02")])
    fenced(FakeEngine([BETTER, other]))
    instant.wall_s = 50.0
    instant.cuts = lambda spec: 20 if "SPREAD = 0.02" in Path(spec.tree, "train.py").read_text() else None
    instant.holds = lambda spec: not spec.smoke and "LEVEL = 0.5" in Path(spec.tree, "train.py").read_text()
    contract = CONTRACT.replace("timeout_minutes = 1", "timeout_minutes = 1\nparallel = 2")
    options = dataclasses.replace(AUTO, minutes=1.5)
    async with running(make_workspace(contract=contract), options=options) as copilot:
        await copilot.until(lambda: instant.held and any(f.lacks for f in copilot.state.forecasts.values()))
        await copilot.decide("settings", draft={"minutes": 600})
        instant.release_all()
        await copilot.until(copilot.task.done)
        assert copilot.idea(2).verdicts
        assert not copilot.state.out_of_budget
