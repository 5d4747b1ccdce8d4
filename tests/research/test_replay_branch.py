"""Replaying what somebody on the session's branch was in the way of: nobody stands there in the replay."""

import asyncio
from pathlib import Path

import pytest

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.research.deliver import deliver, new_decision
from mlrcopilot_tui.session.session import begun_sessions, read_state
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import MakeWorkspace
from tests.research.running import AUTO, Use, running
from tests.research.test_replay import BETTER, Edits, Stage
from tests.workspace.researcher import git


def test_a_session_with_somebody_on_its_branch_replays(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    edits: Edits = [BETTER]
    scripted(FakeEngine(edits))
    workspace = make_workspace()
    elsewhere = tmp_path / "look"

    async def sit(session: str | None = None) -> None:
        async with running(workspace, session, AUTO) as copilot:
            if session is None:
                git(workspace.layout.root, "worktree", "add", str(elsewhere), copilot.bench.line.branch)
            before = len(copilot.state.warnings)
            await copilot.until(lambda: len(copilot.state.warnings) > before)
            assert copilot.state.warnings[-1].about == "branch"
            if session is not None:
                git(workspace.layout.root, "worktree", "remove", "--force", str(elsewhere))
                await copilot.until(copilot.task.done)

    asyncio.run(sit())
    session = begun_sessions(workspace.layout.sessions)[0]
    deliver(workspace.layout, session, new_decision("feedback", idea=0, text="smaller models"))
    asyncio.run(sit(session))
    state = read_state(workspace.layout.session(session))
    kept = state.ideas[1].attempts[-1].commit
    git(workspace.layout.root, "worktree", "add", str(elsewhere), f"mlrcopilot/{session}/main")
    with pytest.raises(RefusedError, match="is checked out in"):
        deliver(workspace.layout, session, new_decision("revert", commit=kept))
    git(workspace.layout.root, "worktree", "remove", "--force", str(elsewhere))
    deliver(workspace.layout, session, new_decision("revert", commit=kept))
    state = Stage(workspace, tmp_path).assert_same(edits)
    assert [moved.reason for moved in state.line] == ["kept", "reverted"]
