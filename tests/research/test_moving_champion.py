"""The champion moves while ideas are tried: what joins its line was measured against it, and what leaves it is gone."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.research.deliver import deliver, new_decision
from mlrcopilot_tui.research.gains import standing
from mlrcopilot_tui.research.results import promote_session
from mlrcopilot_tui.session.model import Attempt
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.opening import Workspace
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import AUTO, Running, Use, running

SPACED = "\n" + "\n".join(f"pad{n} = {n}" for n in range(6)) + "\n"
TWO = f"""
import os, random

LEVEL = 1.0
{SPACED}
SCALE = 1.0
{SPACED}
SHIFT = 1.0
seed = int(os.environ["MLRCOPILOT_SEED"])
print(f"val_error: {{(LEVEL + 0.01 * random.Random(seed).random()) * SCALE + SHIFT}}")
"""
LEVEL = ("level", [("LEVEL = 1.0", "LEVEL = 0.5")])
SCALE = ("scale", [("SCALE = 1.0", "SCALE = 0.5")])
BAD = ("bad", [("SHIFT = 1.0", "SHIFT = 9.0")])
LATER = ("later", [("SHIFT = 1.0", "SHIFT = 1.1")])
"""Never approved: the question which idea may be tried keeps the session open."""

ASKING = CONTRACT.replace('ideas = "auto"', 'ideas = "ask"')


def source(workspace: Workspace, commit: str) -> str:
    return (workspace.repository.read_file(commit, "train.py") or b"").decode()


def kept_at(state: SessionState) -> list[int]:
    return [idea.idea.number for idea, _ in standing(state)]


def newest(state: SessionState, idea: int) -> Attempt:
    return state.ideas[idea].attempts[-1]


def git(workspace: Workspace, *words: str) -> None:
    subprocess.run(["git", "-C", workspace.layout.root, *words], check=True, capture_output=True)


async def test_an_idea_on_an_old_base_is_written_anew_on_the_champion_and_measured_there(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    engine = scripted(FakeEngine([LEVEL, LATER]))
    workspace = make_workspace(train=TWO, contract=ASKING)
    async with running(workspace) as copilot:
        engine.edits.append(SCALE)
        await copilot.gate()
        await copilot.decide("approve", idea=1)
        await copilot.until(lambda: copilot.idea(1).status == "kept" and copilot.state.waiting)
        await copilot.decide("idea.add", text="scale", commit=copilot.bench.line.base)
        number = max(copilot.state.ideas)
        await copilot.decide("approve", idea=number)
        await copilot.until(lambda: copilot.state.champion and copilot.state.champion.idea == number)
        idea, state = copilot.idea(number), copilot.state
        assert idea.status == "kept"
        assert [attempt.moved_from for attempt in idea.attempts] == ["", idea.attempts[0].commit]
        assert [judged.parent for judged in idea.verdicts] == [copilot.bench.line.base, newest(state, 1).commit]
        assert state.champion is not None
        assert state.champion.commit == idea.attempts[1].commit == copilot.bench.line.tip
        text = source(workspace, state.champion.commit)
        assert "LEVEL = 0.5" in text
        assert "SCALE = 0.5" in text
        assert state.champion.values == idea.verdicts[1].verdict.values


async def test_what_was_discarded_comes_along_only_if_the_whole_beats_the_champion(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    """A good patch on a bad one beats its parent; the line must not take both for that."""
    engine = scripted(FakeEngine([BAD, LATER]))
    workspace = make_workspace(train=TWO, contract=ASKING)
    async with running(workspace) as copilot:
        await copilot.gate()
        await copilot.decide("approve", idea=1)
        await copilot.until(lambda: copilot.idea(1).status == "discarded")
        engine.edits.append(LEVEL)
        await copilot.decide("idea.add", text="level", idea=1, commit=newest(copilot.state, 1).commit)
        number = max(copilot.state.ideas)
        await copilot.decide("approve", idea=number)
        await copilot.until(lambda: len(copilot.idea(number).verdicts) == 2)
        idea = copilot.idea(number)
        assert [judged.verdict.kind for judged in idea.verdicts] == ["keep", "discard"]
        assert idea.attempts[0].tree == idea.attempts[1].tree, "measured once, judged against two parents"
        assert idea.attempts[1].parent == copilot.bench.line.base == copilot.bench.line.tip
        measured = [run for run in copilot.state.runs.values() if run.idea == number and run.purpose == "idea"]
        assert {run.attempt for run in measured} == {1}


async def test_a_revert_under_an_idea_in_flight(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([LEVEL, SCALE]))
    workspace = make_workspace(train=TWO)
    instant.holds = lambda spec: not spec.smoke and "SCALE = 0.5" in Path(spec.tree, "train.py").read_text()
    async with running(workspace) as copilot:
        await copilot.until(lambda: instant.held and copilot.idea(2).status == "running")
        before = newest(copilot.state, 1).commit
        await copilot.decide("revert", commit=before)
        instant.release_all()
        await copilot.until(copilot.task.done)
        state = copilot.state
        assert (state.ideas[1].status, state.ideas[2].status) == ("reverted", "kept")
        assert state.champion is not None
        text = source(workspace, state.champion.commit)
        assert "LEVEL = 1.0" in text
        assert "SCALE = 0.5" in text
        assert state.ideas[2].verdicts[0].parent == before
        assert kept_at(state) == [2]
        tip = promote_session(workspace.repository, state, "results")
        assert workspace.repository.tree_id(tip) == workspace.repository.tree_id(state.champion.commit)


async def test_an_idea_that_clashes_with_the_new_champion_is_withdrawn(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    other = ("other", [("LEVEL = 1.0", "LEVEL = 0.2")])
    engine = scripted(FakeEngine([LEVEL, LATER]))
    workspace = make_workspace(train=TWO, contract=ASKING)
    async with running(workspace) as copilot:
        await copilot.gate()
        await copilot.decide("approve", idea=1)
        await copilot.until(lambda: copilot.idea(1).status == "kept" and copilot.state.waiting)
        engine.edits.append(other)
        await copilot.decide("idea.add", text="other", commit=copilot.bench.line.base)
        number = max(copilot.state.ideas)
        await copilot.decide("approve", idea=number)
        await copilot.until(lambda: copilot.idea(number).status == "withdrawn")
        assert "does not join the champion" in copilot.idea(number).reason
        assert copilot.bench.line.tip == newest(copilot.state, 1).commit


async def test_reverts_and_redos_are_measured_and_promoted_as_they_stand(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([LEVEL, SCALE, LATER]))
    workspace = make_workspace(train=TWO, contract=ASKING)
    async with running(workspace) as copilot:
        await copilot.gate()
        await copilot.decide("approve", idea=1)
        await copilot.decide("approve", idea=2)
        await copilot.until(lambda: len(copilot.state.kept) == 2 and copilot.state.waiting)
        first, second = (newest(copilot.state, number).commit for number in (1, 2))
        with pytest.raises(RefusedError, match="not a patch that was reverted"):
            await copilot.decide("redo", commit=first)
        await copilot.decide("revert", commit=first)
        with pytest.raises(RefusedError, match="is itself what takes idea 1"):
            await copilot.decide("revert", commit=copilot.bench.line.tip)
        await check(copilot, workspace, [2], {"LEVEL = 1.0", "SCALE = 0.5"})
        await copilot.decide("redo", commit=first)
        await check(copilot, workspace, [2, 1], {"LEVEL = 0.5", "SCALE = 0.5"})
        await copilot.decide("revert", commit=second)
        await check(copilot, workspace, [1], {"LEVEL = 0.5", "SCALE = 1.0"})


async def check(copilot: Running, workspace: Workspace, standing_ideas: list[int], lines: set[str]) -> None:
    """The line is what stands on it, gets measured, and is promoted as it is."""
    state = copilot.state
    assert kept_at(state) == standing_ideas
    text = source(workspace, copilot.bench.line.tip)
    assert all(line in text for line in lines)
    branch = f"results-{len(state.line)}"
    tip = promote_session(workspace.repository, state, branch)
    assert workspace.repository.tree_id(tip) == workspace.repository.tree_id(copilot.bench.line.tip)
    steps = workspace.repository.run("rev-list", "--count", f"{copilot.bench.line.base}..{tip}").text
    assert int(steps) == len(standing_ideas)


async def test_the_tip_that_a_revert_made_is_measured(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([LEVEL, LATER]))
    async with running(make_workspace(train=TWO, contract=ASKING)) as copilot:
        await copilot.gate()
        await copilot.decide("approve", idea=1)
        await copilot.until(lambda: copilot.state.kept and copilot.state.waiting)
        await copilot.decide("revert", commit=newest(copilot.state, 1).commit)
        champion, baseline = copilot.state.champion, copilot.state.baseline
        assert champion is not None
        assert baseline is not None
        await copilot.until(lambda: not champion.unmeasured)
        assert champion.values == baseline.values
        assert copilot.state.improvement() == 0


async def test_a_champion_that_someone_looks_at_is_moved_when_they_leave(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path_factory: pytest.TempPathFactory
) -> None:
    scripted(FakeEngine([LEVEL]))
    workspace = make_workspace(train=TWO)
    elsewhere = tmp_path_factory.mktemp("look") / "tree"

    async with running(workspace, options=AUTO) as copilot:
        git(workspace, "worktree", "add", str(elsewhere), copilot.bench.line.branch)
        await copilot.until(lambda: any("is checked out" in warning.text for warning in copilot.state.warnings))
        assert copilot.state.champion is not None
        assert copilot.state.champion.commit == copilot.bench.line.base
        git(workspace, "worktree", "remove", "--force", str(elsewhere))
        await copilot.until(copilot.task.done)
        assert copilot.state.champion.commit == copilot.bench.line.tip == newest(copilot.state, 1).commit
        assert sum("is checked out" in warning.text for warning in copilot.state.warnings) == 1


async def test_a_copilot_that_finds_someone_on_its_branch_is_all_ears(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path_factory: pytest.TempPathFactory
) -> None:
    scripted(FakeEngine([LEVEL]))
    workspace = make_workspace(train=TWO)
    elsewhere = tmp_path_factory.mktemp("look") / "tree"

    async with running(workspace, options=AUTO) as copilot:
        session = copilot.state.session
        git(workspace, "worktree", "add", str(elsewhere), copilot.bench.line.branch)
        await copilot.until(lambda: any("is checked out" in warning.text for warning in copilot.state.warnings))
    decision = new_decision("idea.order", order=(1,))  # a command's, without a copilot
    alone = asyncio.to_thread(deliver, workspace.layout, session, decision)
    assert await asyncio.wait_for(alone, 10) == "The order stands."
    async with running(workspace, session, AUTO) as copilot:
        assert await asyncio.wait_for(copilot.decide("idea.order", order=(1,)), 10) == "The order stands."
        git(workspace, "worktree", "remove", "--force", str(elsewhere))
        await copilot.until(copilot.task.done)
        assert copilot.state.champion is not None
        assert copilot.state.champion.commit == copilot.bench.line.tip == newest(copilot.state, 1).commit
