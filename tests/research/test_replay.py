"""Replaying: a recorded session goes through the loop again and comes out the same, whatever happened in it."""

import asyncio
import re
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from mlrcopilot_tui.agents.base import Assignment, Brief, Engine, IdeaDraft, Proposal, Withdrawal
from mlrcopilot_tui.agents.claude.books.asking import MeteredModel, Models, RetryPolicy
from mlrcopilot_tui.agents.claude.books.exchanges import EXCHANGES_NAME, ExchangeLog
from mlrcopilot_tui.agents.claude.turns import ModelFaultError, ModelPort, Request, Turn
from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.research import player, worktree_watch
from mlrcopilot_tui.research.begin import open_bench
from mlrcopilot_tui.research.conductor import ReplayDepartedError
from mlrcopilot_tui.research.copilot import Copilot
from mlrcopilot_tui.research.deliver import deliver, new_decision
from mlrcopilot_tui.research.edits import Edits as EditsOf
from mlrcopilot_tui.research.export import export_session
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.research.recorded import ReplayPort
from mlrcopilot_tui.research.replay import recorded_engine, replay
from mlrcopilot_tui.session.session import begun_sessions, read_state
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.config import EngineConfig
from mlrcopilot_tui.workspace.evidence import read_note
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.opening import Workspace
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.model_port import FakePort, turn_of
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import AUTO, Running, Use, run_session, running

ASKING = CONTRACT.replace('patches = "auto"', 'patches = "ask"')
BETTER = ("better", [("LEVEL = 1.0", "LEVEL = 0.5")])
WORSE = ("worse", [("LEVEL = 0.5", "LEVEL = 2.0")])
CRASHING = ("crashing", [("LEVEL = 0.5", "LEVEL = 1 / 0"), ("LEVEL = 1 / 0", "LEVEL = 0.4")])
TUNED = ("tune", [("LEVEL = 1.0", "LEVEL = 0.9"), ("LEVEL = 0.9", "LEVEL = 0.4")])

TUNABLE = """
import os, random

LEARNING_RATE = 0.1
EPOCHS = 5
HIDDEN = 16
seed = int(os.environ["MLRCOPILOT_SEED"])
error = abs(LEARNING_RATE - 0.01) + 1 / EPOCHS + 1 / HIDDEN + 0.01 * random.Random(seed).random()
print(f"val_error: {error}")
"""

Edits = list[tuple[str, list[tuple[str, str]]]]


class AskingEngine(FakeEngine):
    """Asks a model once for each attempt, with what the researcher said, and then edits as scripted."""

    def __init__(self, edits: Edits, port: ModelPort, wait: RetryPolicy, *, system: str = "") -> None:
        super().__init__(edits)
        self._model = MeteredModel(port, Models("m", "fast"), wait, open_log=ExchangeLog)
        self._system = system

    async def implement(self, brief: Brief, assignment: Assignment) -> Proposal | Withdrawal:
        def build() -> Request:
            words = "\n".join([assignment.idea.title, *(said.text for said in brief.host.words())])
            said = [{"role": "user", "content": words}]
            return Request("step", self._system, said, 4000, idea=assignment.idea.number, step=1)

        turn = await self._model.ask(build, brief.host)
        brief.say("thought", turn.text)
        return await super().implement(brief, assignment)


class Stage:
    """A recorded session and its replay."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self.workspace = workspace
        self.cassette = folder / "session.cassette"
        self.target = folder / "played"
        self.session = begun_sessions(workspace.layout.sessions)[0]

    def play(self, edits: Edits, *, asking: bool = False, offline: bool = False, system: str = "") -> SessionState:
        """Exports the session, and plays it with an engine of the same script."""

        def engine(name: str, seed: int, config: EngineConfig, port: ReplayPort) -> Engine:
            if offline:
                return recorded_engine(name, seed, config, port)
            return AskingEngine(edits, port, port.wait_before_retry, system=system) if asking else FakeEngine(edits)

        export_session(self.workspace, self.session, self.cassette, force=True)
        return replay(self.cassette, self.target, engine=engine)

    def assert_same(self, edits: Edits, *, asking: bool = False, offline: bool = False) -> SessionState:
        """Plays it, and compares all that a researcher could look at."""
        recorded = read_state(self.workspace.layout.session(self.session))
        refs = ("refs/mlrcopilot/", "refs/heads/mlrcopilot/")
        expected = self.workspace.repository.refs(*refs)
        journal = self.workspace.layout.journal(self.session).read_bytes()
        notes = {commit: read_note(self.workspace.repository, commit) for commit in expected.values()}
        state = self.play(edits, asking=asking, offline=offline)
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


def test_the_offline_engine_thinks_the_same_again(
    make_workspace: MakeWorkspace, instant: FakeExecutor, tmp_path: Path
) -> None:
    workspace = make_workspace(train=TUNABLE)
    asyncio.run(run_session(workspace, Options(auto=True, allow_unsandboxed=True, max_experiments=3)))
    state = Stage(workspace, tmp_path).assert_same([], offline=True)
    assert len(state.experiments) == 3


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
    make_workspace: MakeWorkspace,
    scripted: Use,
    instant: FakeExecutor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(EditsOf, "_edited", lambda *_: asyncio.sleep(3600))  # an edit is said before it is noticed
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
        gate = copilot.state.waiting
        await copilot.decide("edit", idea=2)
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


@pytest.mark.parametrize("contract", [CONTRACT, CONTRACT.replace("[metric]", "parallel = 2\n[metric]")])
def test_ablations_replay_whoever_did_them(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path, contract: str
) -> None:
    edits: Edits = [BETTER, ("other", [("SPREAD = 0.01", "SPREAD = 0.001")])]
    scripted(FakeEngine(edits))
    workspace = make_workspace(contract=contract)
    instant.holds = lambda spec: spec.run.endswith("-r7")

    async def asked() -> None:
        async with running(workspace, options=AUTO) as copilot:
            await copilot.until(lambda: "r7" in copilot.state.runs and copilot.state.runs["r7"].started_at)
            await copilot.decide("ablate", draft={"seeds": 4})
            instant.release_all()
            await copilot.until(copilot.task.done)

    asyncio.run(asked())
    session = begun_sessions(workspace.layout.sessions)[0]
    deliver(workspace.layout, session, new_decision("ablate"))
    deliver(workspace.layout, session, new_decision("promote", text="results"))
    workspace.repository.delete_refs([f"refs/mlrcopilot/{session}/promoted"])  # a replay makes no branch of anybody's

    async def errand() -> None:
        with open_bench(workspace, session) as bench:
            await asyncio.wait_for(Copilot(bench, errand="ablation").run(), 30)

    asyncio.run(errand())
    state = Stage(workspace, tmp_path).assert_same(edits)
    assert state.ablation is not None
    assert state.ablation.over
    assert any(run.purpose == "ablation" for run in state.runs.values())


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
    instant.release_all()
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


async def never(*_: object) -> Turn:
    await asyncio.Event().wait()
    raise AssertionError


def asked_session(workspace: Workspace, scripted: Use, instant: FakeExecutor) -> Edits:
    """A session whose model is overloaded once, interrupted once, and told something."""
    edits: Edits = [BETTER, ("other", [("LEVEL = 0.5", "LEVEL = 0.3")])]
    overloaded = ModelFaultError("overloaded", "The server has too much to do.", transient=True)
    port = FakePort(overloaded, turn_of("At last."), never, turn_of("With your words."))
    scripted(AskingEngine(edits, port, lambda *_: 0.01))

    async def scenario(copilot: Running) -> None:
        await copilot.until(lambda: len(port.asked) == 3)
        await copilot.decide("feedback", idea=2, text="smaller steps")
        await copilot.decide("interrupt")
        await copilot.decide("resume")
        await copilot.until(copilot.task.done)

    record(workspace, scenario)
    assert port.asked[-1][0].messages[0]["content"] == "other\nsmaller steps"
    return edits


def test_a_model_answers_as_it_did_in_good_times_and_bad(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    workspace = make_workspace()
    edits = asked_session(workspace, scripted, instant)
    stage = Stage(workspace, tmp_path)
    state = stage.assert_same(edits, asking=True)
    assert state.spending.calls == 3
    assert state.spending.bounded == 1
    where = Path(".mlrcopilot") / "sessions" / stage.session / "exchanges" / EXCHANGES_NAME
    assert (stage.target / where).read_bytes() == (workspace.layout.root / where).read_bytes()


class Trying(FakeEngine):
    """Tries the code once before each patch, and says how that ended."""

    async def implement(self, brief: Brief, assignment: Assignment) -> Proposal | Withdrawal:
        done = await brief.host.execute(("python", "train.py"), limit_s=20)
        brief.say("observation", f"{done.outcome}: {done.reason} {done.wall_s}")
        return await super().implement(brief, assignment)


def test_a_trial_that_was_interrupted_ends_as_it_did(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    scripted(Trying([BETTER]))
    workspace = make_workspace()
    instant.holds = lambda spec: "trial" in spec.run

    async def scenario(copilot: Running) -> None:
        await copilot.until(lambda: any("trial" in spec.run for spec in instant.held.values()))
        await copilot.decide("interrupt")
        await copilot.decide("resume")
        await copilot.until(copilot.task.done)

    record(workspace, scenario)
    stage = Stage(workspace, tmp_path)
    export_session(workspace, stage.session, stage.cassette)
    state = replay(stage.cassette, stage.target, engine=lambda *_: Trying([BETTER]))
    assert [said.text for _, said in state.talk if said.kind == "observation"] == [
        "stopped: The researcher interrupted it. 0.1"
    ]


def test_a_request_that_was_never_made_is_told_with_its_place(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    workspace = make_workspace()
    edits = asked_session(workspace, scripted, instant)
    with pytest.raises(ReplayDepartedError, match=r"at exchange x1: .* \(step, step 1 of idea 1\)"):
        Stage(workspace, tmp_path).play(edits, asking=True, system="Another prompt.")


def test_a_replay_in_which_less_happens_says_what_is_missing(
    make_workspace: MakeWorkspace,
    scripted: Use,
    instant: FakeExecutor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(player, "STALLED_S", 1.0)

    class Chatty(FakeEngine):
        async def reflect(self, brief: Brief, idea: int) -> Sequence[IdeaDraft]:
            brief.say("thought", "That was that.")
            return []

    scripted(Chatty([BETTER]))
    workspace = make_workspace()
    asyncio.run(run_session(workspace, AUTO))
    with pytest.raises(ReplayDepartedError, match=r"`agent\.said` does not happen"):
        Stage(workspace, tmp_path).play([BETTER])


def test_a_budget_of_minutes_ends_the_replay_where_it_ended_the_session(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    scripted(FakeEngine([BETTER]))
    workspace = make_workspace()
    instant.holds = lambda spec: spec.run.endswith("-r4")
    asyncio.run(run_session(workspace, Options(auto=True, allow_unsandboxed=True, minutes=0.02)))
    state = Stage(workspace, tmp_path).assert_same([BETTER])
    assert state.finished.startswith("The budget of 0.02 minutes")


def test_edits_that_nobody_announced_replay(
    make_workspace: MakeWorkspace,
    scripted: Use,
    instant: FakeExecutor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At a gate, said once more after that, beside a rejection and feedback, too late, and without a copilot."""
    monkeypatch.setattr(worktree_watch, "QUIET_S", 0.05)
    monkeypatch.setattr(worktree_watch, "POLL_S", 0.1)
    edits: Edits = [TUNED, ("other", [("LEVEL = 0.9", "LEVEL = 0.3")]), ("third", [("LEVEL = 0.9", "LEVEL = 0.2")] * 3)]
    scripted(FakeEngine(edits))
    workspace = make_workspace(contract=ASKING)

    def save(copilot: Running, idea: int, value: str) -> None:
        file = copilot.bench.idea_tree(copilot.idea(idea)).path / "train.py"
        file.write_text(re.sub("SPREAD = .*", f"SPREAD = {value}", file.read_text()))

    async def at(copilot: Running, idea: int, after: str = "") -> str:
        def waiting() -> bool:
            gate = copilot.state.waiting
            return gate is not None and gate.idea == idea and gate.commit != after

        await copilot.until(waiting)
        gate = copilot.state.waiting
        assert gate is not None
        return gate.commit

    async def scenario(copilot: Running) -> None:
        first = await at(copilot, 1)
        save(copilot, 1, "0.02")
        second = await at(copilot, 1, first)
        assert "already" in await copilot.decide("edit", idea=1)
        with pytest.raises(RefusedError, match="You edited"):
            await copilot.decide("approve", gate="g1")
        monkeypatch.setattr(EditsOf, "_edited", lambda *_: asyncio.sleep(3600))
        await copilot.decide("pause")
        await copilot.decide("approve", idea=1, commit=second)
        save(copilot, 1, "0.03")
        await copilot.decide("resume")
        third = await at(copilot, 2)
        save(copilot, 2, "(half")
        with pytest.raises(RefusedError, match="no valid Python"):
            await copilot.decide("approve", idea=2, commit=third)
        await copilot.decide("reject", idea=2, text="beside the point")
        await at(copilot, 3)
        save(copilot, 3, "0.04")

    record(workspace, scenario)
    session = begun_sessions(workspace.layout.sessions)[0]
    with pytest.raises(RefusedError, match="You edited"):
        deliver(workspace.layout, session, new_decision("approve", idea=3))

    async def go_on() -> None:
        async with running(workspace, session) as copilot:
            edited = await at(copilot, 3)
            save(copilot, 3, "0.05\nLEVEL = 0.9")
            await copilot.decide("feedback", idea=3, text="further")
            await at(copilot, 3, edited)
            await copilot.decide("approve", idea=3)
            await copilot.until(copilot.task.done)

    asyncio.run(go_on())
    state = Stage(workspace, tmp_path).assert_same(edits)
    kinds = {
        number: "".join(attempt.by[0] + "-" * attempt.aside for attempt in idea.attempts)
        for number, idea in state.ideas.items()
    }
    assert kinds == {1: "arr-", 2: "ar-", 3: "arr-a"}


def test_an_edit_that_overtook_the_agent_replays(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    class Overtaken(FakeEngine):
        async def implement(self, brief: Brief, assignment: Assignment) -> Proposal | Withdrawal:
            if not self.assignments:
                file = next(workspace.layout.worktrees.glob("*/idea-1/train.py"))
                file.write_text(file.read_text().replace("SPREAD = 0.01", "SPREAD = 0.02"))
            return await super().implement(brief, assignment)

    workspace = make_workspace()
    scripted(Overtaken([BETTER]))
    asyncio.run(run_session(workspace))
    state = Stage(workspace, tmp_path).assert_same([BETTER])
    assert [(attempt.by, attempt.aside) for attempt in state.ideas[1].attempts] == [
        ("researcher", True),
        ("agent", False),
    ]
