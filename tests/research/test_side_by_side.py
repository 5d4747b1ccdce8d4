"""Several ideas at once: what is found is what one after another would have found, and it can be played again."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from mlrcopilot_tui.agents.base import Assignment, Brief, IdeaDraft, Proposal, Withdrawal
from mlrcopilot_tui.agents.host import BudgetSpentError
from mlrcopilot_tui.research.begin import begin_session
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.journal import JournalReader
from mlrcopilot_tui.session.model import Verdict
from mlrcopilot_tui.session.run_events import RunFinished, RunPlanned
from mlrcopilot_tui.session.state import ACTIVE_STATUSES, SessionState
from mlrcopilot_tui.workspace.opening import Workspace, open_workspace
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import AUTO, Running, Use, run_session, running
from tests.research.test_moving_champion import LEVEL, SCALE, TWO
from tests.research.test_replay import Edits, Stage

TWO_PLACES = CONTRACT.replace("[metric]", "parallel = 2\n[metric]")
ASKING = TWO_PLACES.replace('patches = "auto"', 'patches = "ask"')
WORSE = ("worse", [("LEVEL = 1.0", "LEVEL = 2.0")])
WORST = ("worst", [("LEVEL = 1.0", "LEVEL = 3.0")])
SHIFT = ("shift", [("SHIFT = 1.0", "SHIFT = 9.0")])
CRASHING = ("crashing", [("SHIFT = 1.0", "SHIFT = 1 / 0"), ("SHIFT = 1 / 0", "SHIFT = 0.5")])


def journaled(workspace: Workspace, session: str) -> list[ev.Event]:
    return [record.event for record in JournalReader(workspace.layout.journal(session)).poll()]


def most_at_once(events: list[ev.Event]) -> int:
    """How many runs were live together at most."""
    live, most = set[str](), 0
    for event in events:
        if isinstance(event, RunPlanned):
            live.add(event.run)
        elif isinstance(event, RunFinished):
            live.discard(event.run)
        most = max(most, len(live))
    return most


def verdicts(state: SessionState) -> list[Verdict | None]:
    return [idea.verdict for idea in state.ideas.values()]


def ideas_of_live_runs(copilot: Running) -> set[int]:
    return {run.idea for run in copilot.state.live_runs if run.started_at}


@contextlib.asynccontextmanager
async def in_any_order(executor: FakeExecutor, seed: int) -> AsyncIterator[None]:
    """Holds every run, and lets one of those that wait come to its end now and then."""
    executor.holds = lambda _: True
    chance = random.Random(seed)

    async def release() -> None:
        while True:
            await asyncio.sleep(chance.choice([0.0, 0.005, 0.03]))
            if executor.held:
                folder = chance.choice(list(executor.held))
                if (folder / "status.json").exists():
                    executor.release(folder)

    task = asyncio.create_task(release())
    try:
        yield
    finally:
        task.cancel()


async def test_two_ideas_run_at_once(make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor) -> None:
    scripted(FakeEngine([WORSE, WORST]))
    workspace = make_workspace(contract=TWO_PLACES)
    instant.holds = lambda spec: "LEVEL = 1.0" not in Path(spec.tree, "train.py").read_text()
    async with running(workspace, options=AUTO) as copilot:
        await copilot.until(lambda: ideas_of_live_runs(copilot) == {1, 2})
        assert copilot.state.copilot is not None
        assert copilot.state.copilot.places == 2
        instant.release_all()
        await copilot.until(copilot.task.done)
        assert [idea.status for idea in copilot.state.ideas.values()] == ["discarded", "discarded"]
    assert most_at_once(journaled(workspace, copilot.state.session)) == 2


async def test_the_verdicts_are_those_of_one_after_another(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    edits = [WORSE, WORST, ("same", [("SPREAD = 0.01", "SPREAD = 0.011")])]
    scripted(FakeEngine(edits))
    workspace = make_workspace(contract=TWO_PLACES)
    async with in_any_order(instant, seed=1):
        together = await run_session(workspace)
    instant.holds = lambda _: False
    (workspace.layout.root / "mlrcopilot.toml").write_text(CONTRACT)
    scripted(FakeEngine(edits))
    apart = await run_session(open_workspace(workspace.layout.root))
    assert most_at_once(journaled(workspace, together.session)) == 2
    assert most_at_once(journaled(workspace, apart.session)) == 1
    assert verdicts(together) == verdicts(apart)


async def test_what_is_kept_second_is_written_anew_on_what_was_kept_first(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([LEVEL, SCALE]))
    workspace = make_workspace(train=TWO, contract=TWO_PLACES)
    instant.holds = lambda spec: (
        "SHIFT = 1.0" in (text := Path(spec.tree, "train.py").read_text())
        and (("LEVEL = 0.5" in text) != ("SCALE = 0.5" in text))
    )
    async with running(workspace, options=AUTO) as copilot:
        await copilot.until(lambda: ideas_of_live_runs(copilot) == {1, 2})
        instant.release_all()
        await copilot.until(copilot.task.done)
        state = copilot.state
        assert [idea.status for idea in state.ideas.values()] == ["kept", "kept"]
        moved = [attempt for idea in state.ideas.values() for attempt in idea.attempts if attempt.moved_from]
        assert len(moved) == 1
        assert state.champion is not None
        assert state.champion.commit == moved[0].commit
        text = (workspace.repository.read_file(state.champion.commit, "train.py") or b"").decode()
        assert "LEVEL = 0.5" in text
        assert "SCALE = 0.5" in text


async def test_no_more_is_begun_than_was_asked_for(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([WORSE, WORST, LEVEL]))
    workspace = make_workspace(contract=TWO_PLACES)
    async with in_any_order(instant, seed=2):
        state = await run_session(workspace, Options(auto=True, allow_unsandboxed=True, max_experiments=1))
    assert [idea.status for idea in state.ideas.values()] == ["discarded", "approved", "proposed"][:1] + [
        "proposed"
    ] * 2
    assert state.finished == "The 1 experiment asked for is done."


async def test_several_patches_wait_for_their_answers(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([WORSE, WORST]))
    workspace = make_workspace(contract=ASKING)
    async with running(workspace) as copilot:
        await copilot.until(lambda: len(copilot.state.open_gates) == 2)
        await copilot.decide("reject", idea=2, text="no")
        await copilot.decide("approve", idea=1)
        await copilot.until(lambda: copilot.idea(1).status == "discarded")
        assert copilot.idea(2).status == "rejected"


async def test_all_ideas_at_work_are_taken_up_again(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([WORSE, WORST]))
    workspace = make_workspace(contract=TWO_PLACES)
    instant.holds = lambda spec: "LEVEL = 1.0" not in Path(spec.tree, "train.py").read_text()
    async with running(workspace, options=AUTO) as copilot:
        await copilot.until(lambda: ideas_of_live_runs(copilot) == {1, 2})
    session, planned = copilot.state.session, len(copilot.state.runs)
    async with running(workspace, session, AUTO) as copilot:
        await asyncio.sleep(0.1)
        assert len(copilot.state.runs) == planned, "what lives is waited for"
        assert {n for n, idea in copilot.state.ideas.items() if idea.status in ACTIVE_STATUSES} == {1, 2}
        instant.release_all()
        await copilot.until(copilot.task.done)
        assert [idea.status for idea in copilot.state.ideas.values()] == ["discarded", "discarded"]


async def test_a_pause_lets_nobody_in(make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor) -> None:
    scripted(FakeEngine([WORSE, WORST]))
    workspace = make_workspace(contract=TWO_PLACES)
    instant.holds = lambda _: True
    async with running(workspace, options=AUTO) as copilot:
        await copilot.until(lambda: len(instant.held) == 2)
        await copilot.decide("pause")
        for folder in list(instant.held):
            instant.release(folder)
        await copilot.until(lambda: not copilot.state.live)
        await asyncio.sleep(0.1)
        assert not copilot.state.live
        await copilot.decide("resume")
        await copilot.until(lambda: copilot.state.live)


@pytest.mark.parametrize("seed", range(2))
def test_it_can_be_played_again(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path, seed: int
) -> None:
    """Byte for byte, in whatever order the runs came to their ends."""
    edits: Edits = [LEVEL, SHIFT, SCALE, CRASHING]
    scripted(FakeEngine(edits))
    workspace = make_workspace(train=TWO, contract=TWO_PLACES)

    async def record() -> str:
        async with in_any_order(instant, seed):
            return (await run_session(workspace)).session

    session = asyncio.run(record())
    assert most_at_once(journaled(workspace, session)) == 2
    state = Stage(workspace, tmp_path).assert_same(edits)
    assert [idea.status for idea in state.ideas.values()] == ["kept", "discarded", "kept", "kept"]


def test_ideas_that_a_cut_found_at_work_are_taken_up_in_a_replay_too(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    edits: Edits = [WORSE, WORST, ("same", [("SPREAD = 0.01", "SPREAD = 0.011")])]
    scripted(FakeEngine(edits))
    workspace = make_workspace(contract=TWO_PLACES)

    async def record() -> None:
        session = begin_session(workspace, AUTO)
        instant.holds = lambda spec: "LEVEL = 1.0" not in Path(spec.tree, "train.py").read_text()
        async with running(workspace, session, AUTO) as copilot:
            await copilot.until(lambda: ideas_of_live_runs(copilot) == {1, 2})
        instant.holds = lambda _: False
        async with running(workspace, session, AUTO) as copilot:
            instant.release_all()
            await copilot.until(copilot.task.done)

    asyncio.run(record())
    state = Stage(workspace, tmp_path).assert_same(edits)
    assert len(state.experiments) == 3


def test_a_session_with_a_cut_and_decisions_can_be_played_again(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    edits: Edits = [LEVEL, SCALE, SHIFT]
    scripted(FakeEngine(edits))
    workspace = make_workspace(train=TWO, contract=ASKING)

    async def record() -> None:
        session = begin_session(workspace, Options(allow_unsandboxed=True))
        instant.holds = lambda spec: "LEVEL = 0.5" in Path(spec.tree, "train.py").read_text()
        async with running(workspace, session) as copilot:
            await copilot.until(lambda: len(copilot.state.open_gates) == 2)
            await copilot.decide("approve", idea=2)
            await copilot.decide("approve", idea=1)
            await copilot.until(lambda: copilot.idea(2).status == "kept" and 1 in ideas_of_live_runs(copilot))
        instant.holds = lambda _: False
        async with running(workspace, session) as copilot:
            instant.release_all()
            await copilot.until(lambda: copilot.idea(1).status == "kept")
            await copilot.until(lambda: copilot.state.waiting)
            await copilot.decide("reject", idea=3, text="no")
            await copilot.until(copilot.task.done)

    asyncio.run(record())
    state = Stage(workspace, tmp_path).assert_same(edits)
    assert [idea.status for idea in state.ideas.values()] == ["kept", "kept", "rejected"]


class Costly(FakeEngine):
    """Its second idea, and every thought about how one ended, costs more than there is."""

    async def implement(self, brief: Brief, assignment: Assignment) -> Proposal | Withdrawal:
        if assignment.idea.number == 2:
            raise BudgetSpentError("Not even a short turn fits.")
        return await super().implement(brief, assignment)

    async def reflect(self, brief: Brief, idea: int) -> Sequence[IdeaDraft]:
        raise BudgetSpentError("Not even a short turn fits.")


async def test_the_end_of_the_money_waits_for_runs_which_cost_none(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(Costly([WORSE, WORST]))
    instant.holds = lambda spec: "LEVEL = 2.0" in Path(spec.tree, "train.py").read_text()
    async with running(make_workspace(contract=TWO_PLACES), options=AUTO) as copilot:
        await copilot.until(lambda: instant.held and copilot.idea(2).status == "implementing")
        await asyncio.sleep(0.1)
        instant.release_all()
        await copilot.until(copilot.task.done)
        assert copilot.idea(1).status == "discarded"
        assert copilot.state.out_of_budget
