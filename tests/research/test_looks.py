"""Looks at the test set: counted where an evaluation saw hidden files, told with each verdict, warned of once."""

import json

import pytest

from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.research import keeping
from mlrcopilot_tui.research.views import log_view, show_view, status_view
from mlrcopilot_tui.workspace.evidence import read_note
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import Use, run_session

SEALED = CONTRACT.replace("[metric]", '[evaluate]\ncommand = "python evaluate.py"\n[metric]')
WORSE = [(f"worse {level}", [("LEVEL = 1.0", f"LEVEL = {level}.0")]) for level in (2, 3, 4)]


@pytest.mark.usefixtures("instant")
async def test_each_verdict_tells_of_the_looks_up_to_it_and_many_are_warned_of_once(
    make_workspace: MakeWorkspace, scripted: Use, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(keeping, "MANY_LOOKS", 6)
    scripted(FakeEngine(WORSE))
    workspace = make_workspace(contract=SEALED)
    state = await run_session(workspace)
    verdicts = [idea.verdicts[-1] for idea in state.ideas.values()]
    looks = [verdict.looks for verdict in verdicts]
    assert looks == sorted(set(looks))
    assert looks[-1] == state.looks == len(state.runs)
    assert looks[0] < 6 <= looks[-2]
    assert [warning.text[:47] for warning in state.warnings] == ["Evaluations have looked at the hidden files 7 t"]

    assert status_view(state, None)["looks"] == state.looks
    assert [entry["looks"] for entry in log_view(state)] == looks
    assert show_view(state, state.ideas[3])["experiments"][0]["looks"] == looks[-1]
    note = read_note(workspace.repository, verdicts[0].commit)
    assert note is not None
    assert note.environment["looks at hidden files"] == str(looks[0])

    root = str(workspace.layout.root)
    assert main(["status", root]) == 0
    assert f"{state.looks} looks at the test set" in capsys.readouterr().out
    assert main(["show", "1", "-C", root]) == 0
    assert f"{looks[0]} looks at the test set by then" in capsys.readouterr().out
    assert main(["status", "--json", root]) == 0
    assert json.loads(capsys.readouterr().out)["looks"] == state.looks


async def test_without_an_evaluation_there_are_no_looks(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted(FakeEngine(WORSE[:1]))
    workspace = make_workspace()
    state = await run_session(workspace)
    assert instant.started
    assert state.looks == state.ideas[1].verdicts[0].looks == 0
    assert main(["status", str(workspace.layout.root)]) == 0
    assert "looks" not in capsys.readouterr().out
