"""A result for a fixed time that others had a part in says so, wherever its evidence is shown."""

import json

import pytest

from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.research.contended import contention_mark
from mlrcopilot_tui.research.views import log_view, show_view
from mlrcopilot_tui.runs.spec import RunSpec
from mlrcopilot_tui.session.state import RunState
from mlrcopilot_tui.workspace.evidence import read_note
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import Use, run_session

WHO = "python (pid 4711) of anna was on GPU 0 for 6 of 60 s."
SAID = f"run r{{}} (seed 1): {WHO[:-1]}"


def run(name: str, contended_s: float, contention: str = WHO) -> RunState:
    return RunState(
        run=name, commit="c", seed=1, purpose="idea", key="", idea=1, attempt=1, planned_at="",
        wall_s=60.0, contended_s=contended_s, contention=contention,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("runs", "mark"),
    [
        ([], ""),
        ([run("r1", 0.0, "")], ""),
        ([run("r1", 2.9)], ""),
        ([run("r1", 0.0, ""), run("r2", 6.0)], SAID.format(2)),
        (
            [run(f"r{n}", 6.0) for n in range(1, 7)],
            f"{SAID.format(1)}; {SAID.format(2)}; {SAID.format(3)}; 3 more runs",
        ),
    ],
)
def test_which_runs_are_marked(runs: list[RunState], mark: str) -> None:
    assert contention_mark(runs, time_boxed=True) == mark
    assert contention_mark(runs, time_boxed=False) == ""


@pytest.mark.parametrize("time_boxed", [True, False])
async def test_a_mark_is_seen_wherever_the_evidence_is(
    make_workspace: MakeWorkspace,
    scripted: Use,
    instant: FakeExecutor,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    time_boxed: bool,
) -> None:
    def rivals(spec: RunSpec) -> str:
        return WHO if spec.seed == 1 else ""

    instant.rivals = rivals
    scripted(FakeEngine([("better", [("LEVEL = 1.0", "LEVEL = 0.5")])]))
    boxed = CONTRACT.replace("[run]", f"[run]\ntime_boxed = {str(time_boxed).lower()}")
    workspace = make_workspace(contract=boxed)
    state = await run_session(workspace)
    (judged,) = state.ideas[1].verdicts
    note = read_note(workspace.repository, judged.commit)
    assert note
    (logged,) = log_view(state)
    (shown,) = show_view(state, state.ideas[1])["experiments"]
    monkeypatch.chdir(workspace.repository.root)
    main(["show", "1"])
    told = capsys.readouterr().out
    main(["log", "--json"])
    assert json.loads(capsys.readouterr().out)[0]["contention"] == logged["contention"] == shown["contention"]
    if not time_boxed:
        assert (judged.contention, note.contention, logged["contention"]) == ("", "", None)
        assert "under contention" not in told
        return
    assert judged.contention == note.contention == logged["contention"]
    assert "(seed 1): python (pid 4711) of anna was on GPU 0" in judged.contention
    assert "(seed 0)" not in judged.contention
    assert f"measured under contention: {judged.contention}" in told
