"""Decisions: what each does, that the first wins, and that a session goes on from wherever it was left."""

import asyncio
from pathlib import Path

import pytest

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.research.begin import open_bench
from mlrcopilot_tui.research.deliver import deliver, new_decision
from mlrcopilot_tui.research.gains import standing
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.research.results import promote_session
from mlrcopilot_tui.research.verify import verify_commit, verify_records
from mlrcopilot_tui.session.session import read_state
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.researcher_words import texts
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import Use, running

ASKING = CONTRACT.replace('patches = "auto"', 'patches = "ask"')
TWO_PLACES = """
import os, random

LEVEL = 1.0
seed = int(os.environ["MLRCOPILOT_SEED"])
noise = 0.01 * random.Random(seed).random()
a = 1
b = 2
c = 3
d = 4
e = 5
f = 6
SCALE = 1.0
print(f"val_error: {(LEVEL + noise) * SCALE}")
"""
BETTER = ("better", [("LEVEL = 1.0", "LEVEL = 0.5")])


async def test_an_approved_patch_runs_and_a_late_answer_is_told(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([BETTER]))
    async with running(make_workspace(contract=ASKING)) as copilot:
        gate = await copilot.gate()
        assert (gate.kind, gate.idea) == ("patch", 1)
        assert "runs of about" in gate.forecast
        await copilot.decide("approve", gate=gate.id, commit=gate.commit)
        with pytest.raises(RefusedError, match=r"researcher answered that first: approve\."):
            await copilot.decide("reject", gate=gate.id, text="too late")
        await copilot.until(copilot.task.done)
        assert copilot.state.ideas[1].status == "kept"
        session = copilot.state.session
    with pytest.raises(RefusedError, match="No question waits"):
        await asyncio.to_thread(deliver, copilot.layout, session, new_decision("approve"))


async def test_a_rejection_ends_the_idea_with_its_reason(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([BETTER]))
    async with running(make_workspace(contract=ASKING)) as copilot:
        await copilot.gate()
        await copilot.decide("reject", idea=1, text="beside the point")
        await copilot.until(copilot.task.done)
        idea = copilot.state.ideas[1]
        assert (idea.status, idea.reason) == ("rejected", "beside the point")
        assert not [run for run in copilot.state.runs.values() if run.purpose == "idea"]


async def test_feedback_sends_the_patch_back(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    engine = scripted(FakeEngine([("tune", [("LEVEL = 1.0", "LEVEL = 0.9"), ("LEVEL = 0.9", "LEVEL = 0.4")])]))
    async with running(make_workspace(contract=ASKING)) as copilot:
        first = await copilot.gate()
        said = await copilot.decide("feedback", idea=1, text="go further")
        assert said == "heard: go further"
        await copilot.until(lambda: (gate := copilot.state.waiting) and gate.commit != first.commit)
        assert texts(engine.assignments[-1].feedback) == ("go further",)
        await copilot.decide("approve")
        await copilot.until(copilot.task.done)
        idea = copilot.state.ideas[1]
        assert idea.status == "kept"
        refs = copilot.bench.repository.refs("refs/mlrcopilot/")
        assert {attempt.commit for attempt in idea.attempts} <= set(refs.values())


async def test_one_hunk_of_two_is_taken(make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor) -> None:
    both = TWO_PLACES.replace("LEVEL = 1.0", "LEVEL = 0.5").replace("SCALE = 1.0", "SCALE = 9.0").lstrip()
    scripted(FakeEngine([("two", [(TWO_PLACES.lstrip(), both)])]))
    workspace = make_workspace(train=TWO_PLACES, contract=ASKING)
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        with pytest.raises(RefusedError, match="no hunk 3"):
            await copilot.decide("approve", idea=1, hunks=(3,))
        await copilot.decide("approve", gate=gate.id, commit=gate.commit, hunks=(1,))
        await copilot.until(copilot.task.done)
        idea = copilot.state.ideas[1]
        assert [attempt.by for attempt in idea.attempts] == ["agent", "researcher"]
        source = workspace.repository.read_file(idea.attempts[1].commit, "train.py") or b""
        assert b"LEVEL = 0.5" in source
        assert b"SCALE = 1.0" in source
        assert idea.status == "kept"


async def test_an_edit_in_the_worktree_becomes_the_next_attempt(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([("tune", [("LEVEL = 1.0", "LEVEL = 0.9")])]))
    workspace = make_workspace(contract=ASKING)
    async with running(workspace) as copilot:
        first = await copilot.gate()
        file = workspace.layout.idea_tree(copilot.state.session, 1) / "train.py"
        file.write_text(file.read_text().replace("LEVEL = 0.9", "LEVEL = 0.2"))
        await copilot.decide("edit", gate=first.id, commit=first.commit)
        await copilot.until(lambda: (gate := copilot.state.waiting) and gate.commit != first.commit)
        await copilot.decide("approve")
        await copilot.until(copilot.task.done)
        idea = copilot.state.ideas[1]
        assert idea.attempts[-1].by == "researcher"
        verdict = idea.verdict
        assert verdict is not None
        assert 0.2 <= verdict.values[0] < 0.21


async def test_a_session_goes_on_after_the_copilot_was_cut_off_at_a_gate(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    engine = scripted(FakeEngine([BETTER]))
    workspace = make_workspace(contract=ASKING)
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        session = copilot.state.session
    # Nobody runs the session: the decision is applied by the one who makes it.
    await asyncio.to_thread(deliver, workspace.layout, session, new_decision("approve", gate=gate.id))
    async with running(workspace, session) as copilot:
        await copilot.until(copilot.task.done)
        assert copilot.state.ideas[1].status == "kept"
    assert len(engine.assignments) == 1, "the patch was not written twice"
    commits = [run.commit for run in copilot.state.runs.values() if run.seed == 1]
    assert len(set(commits)) == len(commits), "nothing ran twice"


async def test_revert_takes_a_patch_back_and_redo_brings_it_again(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([BETTER]))
    workspace = make_workspace()
    async with running(workspace) as copilot:
        await copilot.until(copilot.task.done)
        session = copilot.state.session
        kept = copilot.state.ideas[1].attempts[0].commit
    folder = workspace.layout.session(session)
    await asyncio.to_thread(deliver, workspace.layout, session, new_decision("revert", commit=kept))
    state = read_state(folder)
    assert state.ideas[1].status == "reverted"
    assert state.champion is not None
    assert state.champion.unmeasured
    assert standing(state) == []
    with pytest.raises(RefusedError):
        await asyncio.to_thread(deliver, workspace.layout, session, new_decision("revert", commit=kept))
    await asyncio.to_thread(deliver, workspace.layout, session, new_decision("redo", commit=kept))
    assert read_state(folder).ideas[1].status == "kept"
    async with running(workspace, session) as copilot:
        await copilot.until(copilot.task.done)
        assert copilot.state.champion is not None
        assert copilot.state.champion.values[0] < 0.6
        assert not copilot.state.champion.unmeasured


async def test_pause_holds_the_loop_and_resume_lets_it_go_on(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([BETTER]))
    async with running(make_workspace(contract=ASKING)) as copilot:
        await copilot.gate()
        await copilot.decide("pause")
        await copilot.decide("approve")
        await asyncio.sleep(0.5)
        assert not [run for run in copilot.state.runs.values() if run.purpose == "idea"]
        with pytest.raises(RefusedError):
            await copilot.decide("pause")
        await copilot.decide("resume")
        await copilot.until(copilot.task.done)
        assert copilot.state.ideas[1].status == "kept"


async def test_a_stopped_run_leaves_the_idea_undecided(make_workspace: MakeWorkspace, scripted: Use) -> None:
    scripted(FakeEngine([("slow", [("LEVEL = 1.0", "import time; time.sleep(60); LEVEL = 0.1")])]))
    brief = CONTRACT.replace("timeout_minutes = 1", "timeout_minutes = 1\nsmoke_seconds = 0.5")
    async with running(make_workspace(contract=brief)) as copilot:
        await copilot.gate()
        await copilot.decide("approve")
        await copilot.until(lambda: any(run.purpose == "idea" and run.started_at for run in copilot.state.live_runs))
        await copilot.decide("stop")
        await copilot.until(copilot.task.done)
        assert copilot.state.ideas[1].status == "inconclusive"


async def test_words_become_an_idea_or_are_refused(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([BETTER]))
    async with running(make_workspace(contract=ASKING)) as copilot:
        await copilot.gate()
        assert "stands in the tree" in await copilot.decide("idea.add", text="something better please")
        assert copilot.state.ideas[2].idea.by == "researcher"
        with pytest.raises(RefusedError, match="cannot turn these words"):
            await copilot.decide("idea.add", text="make it so")
        await copilot.decide("idea.prune", idea=2, text="no")
        assert copilot.state.ideas[2].status == "pruned"


async def test_verify_and_promote_tell_the_same_story(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    scripted(FakeEngine([BETTER]))
    workspace = make_workspace()
    async with running(workspace) as copilot:
        await copilot.until(copilot.task.done)
        session = copilot.state.session
    state = read_state(workspace.layout.session(session))
    assert state.champion is not None
    assert all(check.holds for check in verify_records(workspace.layout, state))
    with open_bench(workspace, session, Options()) as bench:
        checks = await verify_commit(bench, state.champion.commit)
    assert checks
    assert all(check.holds for check in checks)

    tip = promote_session(workspace.repository, state, "results")
    assert workspace.repository.tree_id(tip) == workspace.repository.tree_id(state.champion.commit)

    log = workspace.layout.run(session, "r1") / "output.log"
    log.write_text(log.read_text() + "val_error: 0.0001\n")
    broken = [check for check in verify_records(workspace.layout, state) if not check.holds]
    assert [check.run for check in broken] == ["r1"]
