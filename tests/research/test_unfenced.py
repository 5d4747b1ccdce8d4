"""Where nothing fences runs in: the researcher says once that they may start all the same, or nothing starts."""

import asyncio
import shutil
from pathlib import Path

import pytest

from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.errors import EnvironmentLackError
from mlrcopilot_tui.research import agreements, begin, unfenced
from mlrcopilot_tui.research.begin import begin_session, refuse_unfenced, take_options
from mlrcopilot_tui.research.gates import Gatekeeper
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.runs.landlock_sandbox import LandlockSandbox
from mlrcopilot_tui.runs.sandbox import PlainSandbox
from mlrcopilot_tui.session.events import GateAnswered
from mlrcopilot_tui.session.session import begun_sessions, read_state
from mlrcopilot_tui.workspace.layout import Layout
from mlrcopilot_tui.workspace.opening import open_workspace
from mlrcopilot_tui.workspace.templates import create_workspace, find_template
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import ASK, Use, running
from tests.research.test_replay import BETTER, Stage

NOTHING_SAID = Options()
DOOR = "/run/docker.sock"
ASKS = CONTRACT.replace('patches = "auto"', 'patches = "ask"')


async def test_no_run_starts_before_the_researcher_agreed_to_it_and_they_are_asked_once(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([BETTER]))
    workspace = make_workspace(contract=ASKS)
    async with running(workspace, options=NOTHING_SAID) as copilot:
        gate = await copilot.gate()
        assert gate.kind == "sandbox"
        assert "your own rights" in gate.question
        await asyncio.sleep(0.1)
        assert not copilot.state.runs
        assert "once for this workspace" in await copilot.decide("approve")
        await copilot.until(lambda: copilot.state.open_gates)
        assert (await copilot.gate()).kind == "patch", "the patch is asked for all the same"
        assert {run.sandbox for run in copilot.state.runs.values()} == {"plain"}
    async with running(workspace, begin_session(workspace, NOTHING_SAID), NOTHING_SAID) as copilot:
        assert (await copilot.gate()).kind == "patch"
        assert not [gate for gate in copilot.state.gates.values() if gate.kind == "sandbox"]


async def test_a_no_runs_nothing_and_it_is_asked_again(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([BETTER]))
    workspace = make_workspace(contract=ASKS)
    session = begin_session(workspace, NOTHING_SAID)
    for place in ("g1", "g2"):
        async with running(workspace, session, NOTHING_SAID) as copilot:
            assert (await copilot.gate()).id == place
            await copilot.decide("reject", text="not here")
            await copilot.until(copilot.task.done)
            assert copilot.task.result() == unfenced.HOW_ELSE
            assert not copilot.state.runs


async def test_who_says_so_on_the_command_line_is_not_asked(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([BETTER]))
    async with running(make_workspace(), options=ASK) as copilot:
        await copilot.until(lambda: copilot.state.finished)
        assert not [gate for gate in copilot.state.gates.values() if gate.kind == "sandbox"]


async def test_our_own_code_on_a_template_of_ours_needs_no_word(tmp_path: Path) -> None:
    root = create_workspace(find_template("digits"), tmp_path / "digits")
    workspace = open_workspace(root)
    session = begin_session(workspace, NOTHING_SAID)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(begin, "best_sandbox", PlainSandbox)
        with begin.open_bench(workspace, session) as bench:
            take_options(bench, workspace, NOTHING_SAID)
            assert await unfenced.agreed(bench)
            assert not bench.state.open_gates


@pytest.mark.parametrize("patches", ["ask", "auto"])
def test_landlock_with_an_open_door_is_no_fence(monkeypatch: pytest.MonkeyPatch, patches: str) -> None:
    monkeypatch.setattr(begin, "best_sandbox", LandlockSandbox)
    monkeypatch.setattr(unfenced, "open_doors", lambda: [DOOR])
    settings = Settings(patches="auto" if patches == "auto" else "ask")
    if patches == "ask":
        refuse_unfenced(settings, NOTHING_SAID, shipped=False)
        assert DOOR in unfenced.question(LandlockSandbox()), "who is there is asked"
        return
    with pytest.raises(EnvironmentLackError, match=DOOR) as refused:
        refuse_unfenced(settings, NOTHING_SAID, shipped=False)
    assert refused.value.exit_code == 3
    refuse_unfenced(settings, Options(allow_unsandboxed=True), shipped=False)
    monkeypatch.setattr(unfenced, "open_doors", list)
    refuse_unfenced(settings, NOTHING_SAID, shipped=False)


def test_an_agreement_counts_only_where_it_was_given(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    layout = make_workspace().layout
    agreements.keep(layout, unfenced.SUBJECT, unfenced.RIGHTS)
    assert unfenced.is_agreed(layout)
    shutil.copytree(layout.root, tmp_path / "clone")
    assert not unfenced.is_agreed(Layout(tmp_path / "clone"))


def test_a_shell_is_told_the_commands_that_answer(
    make_workspace: MakeWorkspace,
    scripted: Use,
    instant: FakeExecutor,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scripted(FakeEngine([BETTER]))
    root = make_workspace(contract=ASKS).layout.root

    async def refuse(keeper: Gatekeeper, gate: object) -> object:
        (waiting,) = keeper._session.state.open_gates.values()
        keeper._session.record(GateAnswered(gate=waiting.id, answer="reject", by="researcher"))
        return keeper._session.state.answers[waiting.id]

    monkeypatch.setattr(Gatekeeper, "answer", refuse)
    main(["run", str(root), "--headless"])
    said = capsys.readouterr().out
    assert "May runs start without a sandbox" in said
    assert f"mlrcopilot approve -C {root}" in said
    assert main(["status", str(root)]) == 0


def test_a_session_with_the_question_replays(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    scripted(FakeEngine([BETTER]))
    workspace = make_workspace(contract=ASKS)

    async def record() -> None:
        async with running(workspace, options=NOTHING_SAID) as copilot:
            for kind in ("sandbox", "patch"):
                gate = await copilot.gate()
                assert gate.kind == kind
                await copilot.decide("approve", gate=gate.id)
            await copilot.until(lambda: copilot.state.finished)
            await copilot.until(copilot.task.done)

    asyncio.run(record())
    Stage(workspace, tmp_path).assert_same([BETTER])
    (session,) = begun_sessions(workspace.layout.sessions)
    assert any(gate.kind == "sandbox" for gate in read_state(workspace.layout.session(session)).gates.values())
