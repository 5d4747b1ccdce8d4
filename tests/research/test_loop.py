"""The loop from end to end: real git, real runs, a scripted engine."""

import asyncio
import dataclasses

import pytest

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.research.deliver import deliver, new_decision
from mlrcopilot_tui.research.loop import BaselineFailedError
from mlrcopilot_tui.workspace.evidence import read_note
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import MakeWorkspace
from tests.research.running import AUTO, Use, run_session, running

BETTER = ("better", [("LEVEL = 1.0", "LEVEL = 0.5")])
WORSE = ("worse", [("LEVEL = 1.0", "LEVEL = 2.0")])
CRASHING = ("crashing", [("LEVEL = 1.0", "LEVEL = 1 / 0"), ("LEVEL = 1 / 0", "LEVEL = 0.7")])
HOPELESS = ("hopeless", [("LEVEL = 1.0", "LEVEL = 1 / 0"), ("1 / 0", "2 / 0"), ("2 / 0", "3 / 0"), ("3 / 0", "4 / 0")])


async def test_a_better_patch_is_kept_and_a_worse_one_is_not(make_workspace: MakeWorkspace, scripted: Use) -> None:
    scripted(FakeEngine([BETTER, ("worse", [("LEVEL = 0.5", "LEVEL = 2.0")])]))
    workspace = make_workspace()
    head = workspace.repository.head()
    state = await run_session(workspace)

    assert [idea.status for idea in state.ideas.values()] == ["kept", "discarded"]
    assert state.finished == "No idea is left to try."
    verdict = state.ideas[1].verdict
    assert verdict is not None
    assert verdict.values.keys() == verdict.parent_values.keys()
    assert state.champion is not None
    assert state.champion.commit == state.ideas[1].attempts[0].commit
    gain = state.improvement()
    assert gain is not None
    assert 0.45 < gain < 0.55
    note = read_note(workspace.repository, state.champion.commit)
    assert note is not None
    assert note.verdict == verdict
    assert workspace.repository.head() == head
    assert not workspace.repository.dirt()


async def test_ideas_of_another_engine_wait_for_it(make_workspace: MakeWorkspace, scripted: Use) -> None:
    scripted(FakeEngine([("beyond me", []), BETTER], beyond=("beyond me",)))
    workspace = make_workspace()
    state = await run_session(workspace)
    assert [idea.status for idea in state.ideas.values()] == ["proposed", "kept"]
    with pytest.raises(RefusedError, match="another engine wrote"):
        await asyncio.to_thread(deliver, workspace.layout, state.session, new_decision("approve", idea=1))


async def test_a_crash_goes_back_to_its_author_with_the_traceback(make_workspace: MakeWorkspace, scripted: Use) -> None:
    engine = scripted(FakeEngine([CRASHING]))
    state = await run_session(make_workspace())
    assert state.ideas[1].status == "kept"
    assert [attempt.number for attempt in state.ideas[1].attempts] == [1, 2]
    failure = engine.assignments[1].failure
    assert failure is not None
    assert "ZeroDivisionError" in failure.log_tail


async def test_repairs_are_bounded(make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor) -> None:
    scripted(FakeEngine([HOPELESS]))
    state = await run_session(make_workspace())
    assert state.ideas[1].status == "crashed"
    assert len(state.ideas[1].attempts) == 3
    assert state.champion is not None
    assert state.champion.idea == 0


async def test_where_nothing_varies_one_run_decides(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([BETTER]))
    workspace = make_workspace(train='LEVEL = 1.0\nprint(f"val_error={LEVEL}")\n')
    state = await run_session(workspace)
    assert state.baseline is not None
    assert state.baseline.deterministic
    verdict = state.ideas[1].verdict
    assert verdict is not None
    assert "deterministic" in verdict.rule
    assert verdict.values == {0: 0.5, 1: 0.5}


async def test_a_starter_that_does_not_run_is_an_error_with_its_log(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([BETTER]))
    workspace = make_workspace(train="raise SystemExit('no data')\n")
    with pytest.raises(BaselineFailedError, match=r"output\.log"):
        await run_session(workspace)


async def test_a_run_that_touches_protected_files_is_void(make_workspace: MakeWorkspace, scripted: Use) -> None:
    cheat = "open('evaluate.py', 'w').write('ANSWER = 0'); LEVEL = 0.1"
    scripted(FakeEngine([("cheat", [("LEVEL = 1.0", cheat)])]))
    async with running(make_workspace()) as copilot:
        await copilot.gate()
        await copilot.decide("approve")
        await copilot.until(copilot.task.done)
        assert copilot.idea(1).status == "crashed"
        assert any(run.outcome == "voided" for run in copilot.state.runs.values())


async def test_max_experiments_ends_the_session(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([WORSE, BETTER]))
    state = await run_session(make_workspace(), dataclasses.replace(AUTO, max_experiments=1))
    assert len(state.experiments) == 1
    assert "1 experiment" in state.finished
