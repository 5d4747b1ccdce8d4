"""Runs that a copilot left alive when it died, as the next one takes them up."""

import dataclasses

from mlrcopilot_tui.research.upkeep import clean, remove_leftovers
from mlrcopilot_tui.session.run_events import RunStopped
from mlrcopilot_tui.session.session import read_state
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import MakeWorkspace
from tests.research.running import AUTO, Use, running

ONE = dataclasses.replace(AUTO, max_experiments=1)
BETTER = ("better", [("LEVEL = 1.0", "LEVEL = 0.5")])


async def test_what_a_run_left_stays_while_it_is_evaluated(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    """Its evaluation copies from there, and what it did to protected files shows there alone."""
    scripted(FakeEngine([BETTER]))
    instant.holds = lambda spec: spec.run.endswith("-r4")
    workspace = make_workspace()
    async with running(workspace, options=ONE) as copilot:
        await copilot.until(lambda: instant.held)
        session = copilot.state.session
        left, dead = (workspace.layout.left_tree(session, run) for run in ("r4", "r3"))
        workspace.layout.make(left)
        workspace.layout.make(dead)
    assert clean(workspace.layout, workspace.repository)[0] == [dead]
    remove_leftovers(workspace.layout, workspace.repository, read_state(workspace.layout.session(session)))
    assert left.is_dir()


async def test_a_stop_that_did_not_come_through_is_said_again(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([BETTER]))
    instant.holds = lambda spec: spec.run.endswith("-r4")
    workspace = make_workspace()
    async with running(workspace, options=ONE) as copilot:
        await copilot.until(lambda: instant.held)
        session = copilot.state.session
        copilot.bench.session.record(RunStopped(run="r4", by="researcher"))
    async with running(workspace, session, options=ONE) as copilot:
        await copilot.until(copilot.task.done)
        assert copilot.state.runs["r4"].outcome == "stopped"
        assert copilot.idea(1).status == "inconclusive"
