"""Leave-one-out: the champion without each kept patch, whoever does it, and however often it breaks off."""

import asyncio
import json
import shutil
import threading
from collections import Counter
from pathlib import Path

import pytest

from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.research import copilot
from mlrcopilot_tui.research.ablation_view import Table, newest_table, remarks
from mlrcopilot_tui.research.begin import open_bench
from mlrcopilot_tui.research.copilot import Copilot
from mlrcopilot_tui.research.deliver import deliver, new_decision
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.research.views import show_view
from mlrcopilot_tui.session.inbox import Inbox
from mlrcopilot_tui.session.lock import SessionLock
from mlrcopilot_tui.session.session import begun_sessions, read_state
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.opening import Workspace
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import MakeWorkspace
from tests.research.running import AUTO, Running, Use, run_session, running

TWO_KNOBS = """
import os, random

RATE = 0.4
# one
# two
# three
# four
# five
DEPTH = 0.3
# six
# seven
# eight
# nine
WIDTH = 0.0
seed = int(os.environ["MLRCOPILOT_SEED"])
print(f"val_error: {RATE + DEPTH + 1 / (1 + WIDTH) + 0.01 * random.Random(seed).random()}")
"""
RATE = ("rate", [("RATE = 0.4", "RATE = 0.2")])
DEPTH = ("depth", [("DEPTH = 0.3", "DEPTH = 0.25")])
LOWER = ("lower", [("RATE = 0.2", "RATE = 0.1")])


def state_of(workspace: Workspace) -> SessionState:
    return read_state(workspace.layout.session(begun_sessions(workspace.layout.sessions)[0]))


def table_of(workspace: Workspace) -> Table:
    table = newest_table(state_of(workspace))
    assert table is not None
    return table


def planned(state: SessionState) -> Counter[tuple[str, int]]:
    """How often each commit was run at each seed for an ablation."""
    return Counter((run.commit, run.seed) for run in state.runs.values() if run.purpose == "ablation")


@pytest.fixture
def workspace(make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor) -> Workspace:
    """One whose session kept three ideas, the third on top of the first."""
    scripted(FakeEngine([RATE, DEPTH, LOWER]))
    made = make_workspace(train=TWO_KNOBS)
    assert len(asyncio.run(run_session(made, AUTO)).kept) == 3
    return made


def test_each_patch_is_told_with_what_it_gave_and_gives(
    workspace: Workspace, instant: FakeExecutor, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state_of(workspace)
    assert main(["ablate", "-C", str(workspace.layout.root), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(part["idea"], part["with"], part["finding"]) for part in told["parts"]] == [
        (1, [3], "holds"),
        (2, [], "holds"),
        (3, [], "holds"),
    ]
    assert [part["contribution"]["effect"] for part in told["parts"]] == pytest.approx([0.3, 0.05, 0.1])
    assert [part["kept"]["effect"] for part in told["parts"]] == pytest.approx([0.2, 0.05, 0.1])
    assert told["whole"]["contribution"]["effect"] == pytest.approx(0.35)
    assert told["whole"]["reused"] == told["whole"]["runs"]
    assert told["sum"] is None
    assert told["complete"]
    state = state_of(workspace)
    assert state.champion == before.champion
    assert state.finished == before.finished
    assert set(planned(state).values()) == {1}
    runs = len(instant.started)
    assert main(["ablate", "-C", str(workspace.layout.root)]) == 0
    assert len(instant.started) == runs
    out = capsys.readouterr().out
    assert "1 with 3" in out
    assert "left out together" in out
    assert main(["ablate", "-C", str(workspace.layout.root), "--last"]) == 0
    assert out.endswith(capsys.readouterr().out)
    patches = workspace.layout.root.parent / "patches"
    assert main(["promote", "-C", str(workspace.layout.root), "--patches", str(patches), "--dry-run"]) == 0
    assert not patches.exists()
    assert main(["promote", "-C", str(workspace.layout.root), "--patches", str(patches)]) == 0
    assert len(list(patches.glob("000[1-3]-*.patch"))) == 3
    letter = (patches / "0000-cover-letter.txt").read_text()
    assert "kept: +0.05 [+0.05, +0.05] over 3 seeds; now: +0.05 [+0.05, +0.05] holds" in letter
    assert main(["promote", "-C", str(workspace.layout.root), "--onto", "results", "--dry-run"]) == 0
    assert "results would be at" in capsys.readouterr().out
    assert workspace.repository.resolve_or_none("results") is None


def test_more_seeds_than_the_champion_has(workspace: Workspace) -> None:
    assert main(["ablate", "-C", str(workspace.layout.root), "--seeds", "5"]) == 0
    table = table_of(workspace)
    assert table.seeds == (0, 1, 2, 3, 4)
    shown = show_view(state_of(workspace), state_of(workspace).ideas[2])["ablation"]
    assert (shown["finding"], shown["contribution"]["effect"]) == ("holds", pytest.approx(0.05))
    assert all(row.now is not None and len(row.now.values) == 5 for row in table.rows)


def test_a_copilot_at_work_does_it_between_experiments(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([RATE, DEPTH, LOWER]))
    workspace = make_workspace(train=TWO_KNOBS)
    instant.holds = lambda spec: spec.run.endswith("-r8")

    async def scenario() -> None:
        async with running(workspace, options=AUTO) as at_work:
            await at_work.until(lambda: "r8" in at_work.state.runs and at_work.state.runs["r8"].started_at)
            assert at_work.state.runs["r8"].idea == 2
            said = await at_work.decide("ablate")
            assert "after the experiment that is at work" in said
            with pytest.raises(RefusedError, match="under way already"):
                await at_work.decide("ablate")
            instant.release_all()
            await at_work.until(lambda: at_work.state.finished)

    asyncio.run(scenario())
    state, table = state_of(workspace), table_of(workspace)
    assert [row.part.idea for row in table.rows] == [1, 2]
    assert table.alone == pytest.approx(0.25)
    assert table.interaction == pytest.approx(0.0)
    assert len(state.kept) == 3
    assert any("by now" in remark for remark in remarks(state, table))


async def errand(workspace: Workspace) -> None:
    """What `ablate` does where no copilot is at work."""
    session = begun_sessions(workspace.layout.sessions)[0]
    with open_bench(workspace, session, Options()) as bench:
        await asyncio.wait_for(Copilot(bench, errand="ablation").run(), 30)


def test_killed_it_goes_on_where_it_was(workspace: Workspace, instant: FakeExecutor, tmp_path: Path) -> None:
    session = begun_sessions(workspace.layout.sessions)[0]
    deliver(workspace.layout, session, new_decision("ablate"))
    known = len(state_of(workspace).runs)
    instant.holds = lambda spec: spec.run.endswith(f"-r{known + 2}")
    journal = workspace.layout.journal(session)

    async def killed() -> None:
        with open_bench(workspace, session, Options()) as bench:
            task = asyncio.create_task(Copilot(bench, errand="ablation").run())
            at_work = Running(workspace, bench, task)
            await at_work.until(lambda: f"r{known + 2}" in bench.state.live and bench.state.live_runs[0].started_at)
            shutil.copy(journal, tmp_path / "as it was")
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(killed())
    shutil.copy(tmp_path / "as it was", journal)
    instant.release_all()
    asyncio.run(errand(workspace))
    assert table_of(workspace).complete
    assert set(planned(state_of(workspace)).values()) == {1}
    started = Counter(spec.run for spec in instant.started)
    assert set(started.values()) == {1}


def test_a_spent_budget_ends_it_with_what_there_is(
    workspace: Workspace,
    instant: FakeExecutor,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = begun_sessions(workspace.layout.sessions)[0]
    instant.holds = lambda _: True
    deliver(workspace.layout, session, new_decision("settings", draft={"minutes": 0.0001}))
    assert main(["ablate", "-C", str(workspace.layout.root)]) == 1
    assert "The budget of 0.0001 minutes is spent." in capsys.readouterr().err
    finished = state_of(workspace).finished
    spent = "The budget of 1 minutes is spent."
    monkeypatch.setattr(copilot, "minutes_spent", lambda state, *_: spent if state.live else "")
    assert main(["ablate", "-C", str(workspace.layout.root)]) == 0
    assert "of 4 rows are measured. The budget of " in capsys.readouterr().out
    state = state_of(workspace)
    assert state.finished == finished
    assert not state.live
    assert not state.ablating


def test_another_command_that_holds_the_session_for_a_moment_is_waited_for(workspace: Workspace) -> None:
    session = state_of(workspace).session
    deliver(workspace.layout, session, new_decision("ablate"))
    lock = SessionLock(workspace.layout.session(session))
    lock.acquire()
    threading.Timer(0.2, lock.release).start()
    assert main(["ablate", "-C", str(workspace.layout.root)]) == 0
    assert table_of(workspace).complete


def test_one_that_was_killed_as_it_was_asked_for_is_carried_out(workspace: Workspace) -> None:
    folder = workspace.layout.session(state_of(workspace).session)
    Inbox(folder / "inbox").drop(new_decision("ablate"))
    assert main(["ablate", "-C", str(workspace.layout.root)]) == 0
    assert table_of(workspace).complete


def test_it_can_be_ended_and_what_it_measured_stays(workspace: Workspace, instant: FakeExecutor) -> None:
    session = begun_sessions(workspace.layout.sessions)[0]
    deliver(workspace.layout, session, new_decision("ablate"))
    known = len(state_of(workspace).runs)
    instant.holds = lambda spec: int(spec.run.rpartition("r")[2]) > known + 3

    async def ended() -> None:
        with open_bench(workspace, session, Options()) as bench:
            task = asyncio.create_task(Copilot(bench, errand="ablation").run())
            at_work = Running(workspace, bench, task)
            await at_work.until(lambda: bench.state.ablation and bench.state.ablation.measured and bench.state.live)
            assert await at_work.decide("ablate.stop") == "The ablation has ended; what it measured stays."
            assert await asyncio.wait_for(task, 10) == "You ended it."

    asyncio.run(ended())
    table = table_of(workspace)
    assert not table.complete
    assert "holds" in {row.finding for row in table.rows}
    assert "waits" in {row.finding for row in table.rows}
    assert not state_of(workspace).live


def test_a_patch_without_which_nothing_runs_is_needed(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    defining = ("defining", [("RATE = 0.4", "RATE = 0.2\nOFFSET = 0.1")])
    using = ("using", [("WIDTH = 0.0", "WIDTH = 5.0\nprint(OFFSET)")])
    scripted(FakeEngine([defining, using]))
    workspace = make_workspace(train=TWO_KNOBS)
    asyncio.run(run_session(workspace, AUTO))
    assert main(["ablate", "-C", str(workspace.layout.root)]) == 0
    table = table_of(workspace)
    assert [row.finding for row in table.rows] == ["needed", "holds"]
    assert "NameError" in table.rows[0].why
    assert table.complete


def test_nothing_kept_is_nothing_to_leave_out(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted(FakeEngine([("worse", [("RATE = 0.4", "RATE = 0.9")])]))
    workspace = make_workspace(train=TWO_KNOBS)
    asyncio.run(run_session(workspace, AUTO))
    assert main(["ablate", "-C", str(workspace.layout.root)]) == 1
    assert "nothing to leave out" in capsys.readouterr().err
    assert main(["ablate", "-C", str(workspace.layout.root), "--last"]) == 2
