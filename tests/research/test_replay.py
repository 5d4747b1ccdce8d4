"""Replaying: a recorded session goes through the loop again and comes out the same, whatever happened in it."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from mlrcopilot_tui.agents.base import Engine
from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.research.conductor import ReplayDepartedError
from mlrcopilot_tui.research.deliver import deliver, new_decision
from mlrcopilot_tui.research.export import export_session
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.research.recorded import ReplayPort
from mlrcopilot_tui.research.replay import replay
from mlrcopilot_tui.session.session import begun_sessions, read_state
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.config import EngineConfig
from mlrcopilot_tui.workspace.evidence import read_note
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.opening import Workspace
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import AUTO, Running, Use, run_session, running

ASKING = CONTRACT.replace('patches = "auto"', 'patches = "ask"')
BETTER = ("better", [("LEVEL = 1.0", "LEVEL = 0.5")])
WORSE = ("worse", [("LEVEL = 0.5", "LEVEL = 2.0")])
CRASHING = ("crashing", [("LEVEL = 0.5", "LEVEL = 1 / 0"), ("LEVEL = 1 / 0", "LEVEL = 0.4")])
TUNED = ("tune", [("LEVEL = 1.0", "LEVEL = 0.9"), ("LEVEL = 0.9", "LEVEL = 0.4")])

Edits = list[tuple[str, list[tuple[str, str]]]]


class Stage:
    """A recorded session and its replay."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self.workspace = workspace
        self.cassette = folder / "session.cassette"
        self.target = folder / "played"
        self.session = begun_sessions(workspace.layout.sessions)[0]

    def play(self, edits: Edits) -> SessionState:
        """Exports the session, takes the original away and plays it with an engine of the same script."""

        def engine(name: str, seed: int, config: EngineConfig, port: ReplayPort) -> Engine:
            return FakeEngine(edits)

        export_session(self.workspace, self.session, self.cassette, force=True)
        return replay(self.cassette, self.target, engine=engine)

    def assert_same(self, edits: Edits) -> SessionState:
        """Plays it, and compares all that a researcher could look at."""
        recorded = read_state(self.workspace.layout.session(self.session))
        refs = ("refs/mlrcopilot/", "refs/heads/mlrcopilot/")
        expected = self.workspace.repository.refs(*refs)
        journal = self.workspace.layout.journal(self.session).read_bytes()
        notes = {commit: read_note(self.workspace.repository, commit) for commit in expected.values()}
        state = self.play(edits)
        repository = Repository(self.target)
        played = self.target / ".mlrcopilot" / "sessions" / self.session
        assert (played / "journal.jsonl").read_bytes() == journal
        assert state == recorded
        assert repository.refs(*refs) == expected
        assert {commit: read_note(repository, commit) for commit in expected.values()} == notes
        assert not repository.dirt()
        for run in state.runs.values():
            original = self.workspace.layout.run(self.session, run.run)
            for name in ("output.log", "metrics.jsonl", "status.json"):
                if (original / name).exists() and not run.live:
                    assert (played / "runs" / run.run / name).read_bytes() == (original / name).read_bytes()
        return state


def record(workspace: Workspace, scenario: Callable[[Running], Awaitable[None]]) -> None:
    """Runs a session in which the researcher does what `scenario` says; the copilot is then cut off or has ended."""

    async def run() -> None:
        async with running(workspace) as copilot:
            await scenario(copilot)

    asyncio.run(run())


def test_a_session_that_nobody_touched_replays(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    edits: Edits = [BETTER, WORSE, CRASHING]
    scripted(FakeEngine(edits))
    workspace = make_workspace()
    asyncio.run(run_session(workspace, AUTO))
    state = Stage(workspace, tmp_path).assert_same(edits)
    assert [idea.status for idea in state.ideas.values()] == ["kept", "discarded", "kept"]


def test_real_runs_replay_without_being_run(
    make_workspace: MakeWorkspace, scripted: Use, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(FakeEngine([BETTER]))
    workspace = make_workspace()
    asyncio.run(run_session(workspace, AUTO))

    def refuse(*_: object) -> None:
        raise AssertionError("a replay started a run")

    monkeypatch.setattr("mlrcopilot_tui.runs.executor.LocalExecutor.start", refuse)
    state = Stage(workspace, tmp_path).assert_same([BETTER])
    assert all(run.wall_s > 0 for run in state.runs.values())


def test_what_the_researcher_decided_is_decided_again(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    edits: Edits = [TUNED, ("other", [("LEVEL = 0.4", "LEVEL = 0.3")]), ("third", [("LEVEL = 0.3", "LEVEL = 9.0")])]
    scripted(FakeEngine(edits))
    workspace = make_workspace(contract=ASKING)

    async def scenario(copilot: Running) -> None:
        first = await copilot.gate()
        await copilot.decide("feedback", idea=1, text="go further")
        await copilot.until(lambda: (gate := copilot.state.waiting) and gate.commit != first.commit)
        await copilot.decide("pause")
        await copilot.decide("approve", idea=1)
        with pytest.raises(RefusedError, match="answered that first"):
            await copilot.decide("edit", gate=first.id)
        await copilot.decide("resume")
        await copilot.until(lambda: copilot.state.waiting and copilot.state.waiting.idea == 2)
        edited = copilot.bench.idea_tree(copilot.idea(2)).path / "train.py"
        edited.write_text(edited.read_text().replace("SPREAD = 0.01", "SPREAD = 0.02"))
        await copilot.decide("edit", idea=2)
        gate = copilot.state.waiting
        await copilot.until(lambda: copilot.state.waiting and copilot.state.waiting != gate)
        await copilot.decide("approve", idea=2)
        await copilot.until(lambda: copilot.state.waiting and copilot.state.waiting.idea == 3)
        await copilot.decide("reject", idea=3, text="beside the point")
        await copilot.until(copilot.task.done)

    record(workspace, scenario)
    state = Stage(workspace, tmp_path).assert_same(edits)
    assert state.ideas[3].status == "rejected"
    assert any(attempt.by == "researcher" for attempt in state.ideas[2].attempts)


def test_decisions_without_a_copilot_and_several_sittings_replay(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    edits: Edits = [BETTER, ("other", [("LEVEL = 0.5", "LEVEL = 0.3")])]
    scripted(FakeEngine(edits))
    workspace = make_workspace()
    asyncio.run(run_session(workspace, AUTO))
    session = begun_sessions(workspace.layout.sessions)[0]
    state = read_state(workspace.layout.session(session))
    kept = state.ideas[2].attempts[0].commit
    deliver(workspace.layout, session, new_decision("revert", commit=kept))
    deliver(workspace.layout, session, new_decision("feedback", idea=0, text="smaller models"))
    asyncio.run(run_session(workspace, AUTO, session))
    deliver(workspace.layout, session, new_decision("redo", commit=kept))
    state = Stage(workspace, tmp_path).assert_same(edits)
    assert [moved.reason for moved in state.line] == ["kept", "kept", "reverted", "redone"]


def test_a_copilot_that_was_killed_is_killed_again(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    edits: Edits = [BETTER]
    scripted(FakeEngine(edits))
    workspace = make_workspace()
    instant.holds = lambda spec: spec.run.endswith("-r4")

    async def killed() -> None:
        async with running(workspace, options=AUTO) as copilot:
            await copilot.until(lambda: "r4" in copilot.state.runs and copilot.state.runs["r4"].started_at)
            journal = copilot.layout.journal(copilot.state.session)
            shutil.copy(journal, tmp_path / "as it was")

    asyncio.run(killed())
    session = begun_sessions(workspace.layout.sessions)[0]
    shutil.copy(tmp_path / "as it was", workspace.layout.journal(session))
    instant.holds = lambda _: False
    for folder in list(instant.held):
        instant.release(folder)
    asyncio.run(run_session(workspace, AUTO, session))
    state = Stage(workspace, tmp_path).assert_same(edits)
    assert state.ideas[1].status == "kept"


def test_a_stopped_run_and_a_told_copilot_replay(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    edits: Edits = [BETTER, WORSE]
    scripted(FakeEngine(edits))
    workspace = make_workspace()
    instant.holds = lambda spec: spec.run.endswith("-r4")

    async def scenario(copilot: Running) -> None:
        await copilot.until(lambda: "r4" in copilot.state.runs and copilot.state.runs["r4"].started_at)
        await copilot.decide("stop", run="r4")
        await copilot.until(lambda: copilot.state.ideas[1].status == "inconclusive")
        await copilot.decide("quit")
        await copilot.until(copilot.task.done)

    record(workspace, scenario)
    state = Stage(workspace, tmp_path).assert_same(edits)
    assert state.runs["r4"].outcome == "stopped"


def test_the_beginning_of_a_live_session_replays_as_far_as_it_goes(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    edits: Edits = [BETTER]
    scripted(FakeEngine(edits))
    workspace = make_workspace()
    instant.holds = lambda spec: spec.run.endswith("-r5")

    async def scenario(copilot: Running) -> None:
        await copilot.until(lambda: "r5" in copilot.state.runs and copilot.state.runs["r5"].started_at)
        session = copilot.state.session
        manifest = export_session(workspace, session, tmp_path / "live.cassette")
        assert manifest.live
        shutil.copy(copilot.layout.journal(session), tmp_path / "as it was")

    record(workspace, scenario)
    state = replay(tmp_path / "live.cassette", tmp_path / "played", engine=lambda *_: FakeEngine(edits))
    assert state.runs["r5"].live
    played = tmp_path / "played" / ".mlrcopilot" / "sessions" / state.session / "journal.jsonl"
    assert played.read_bytes() == (tmp_path / "as it was").read_bytes()


def test_a_starter_that_does_not_run_fails_again(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    scripted(FakeEngine([BETTER]))
    workspace = make_workspace(train="raise SystemExit('no data')\n")
    with pytest.raises(Exception, match="starter does not run"):
        asyncio.run(run_session(workspace, AUTO))
    state = Stage(workspace, tmp_path).assert_same([BETTER])
    assert "starter does not run" in state.stopped


def test_a_replay_that_goes_another_way_says_where(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    scripted(FakeEngine([BETTER]))
    workspace = make_workspace()
    asyncio.run(run_session(workspace, AUTO))
    with pytest.raises(ReplayDepartedError, match=r"left the recording at event \d+: `patch.committed`"):
        Stage(workspace, tmp_path).play([("better", [("LEVEL = 1.0", "LEVEL = 0.6")])])


def test_a_budget_of_minutes_ends_the_replay_where_it_ended_the_session(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    scripted(FakeEngine([BETTER]))
    workspace = make_workspace()
    instant.holds = lambda spec: spec.run.endswith("-r4")
    asyncio.run(run_session(workspace, Options(auto=True, allow_unsandboxed=True, minutes=0.02)))
    state = Stage(workspace, tmp_path).assert_same([BETTER])
    assert state.finished.startswith("The budget of 0.02 minutes")
