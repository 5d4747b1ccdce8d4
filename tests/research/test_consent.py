"""Consent: nothing is sent that nobody agreed to, whatever a cloned repository says of itself."""

import asyncio
import json
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlrcopilot_tui.errors import EnvironmentLackError, RefusedError
from mlrcopilot_tui.research import agreements, consent
from mlrcopilot_tui.research.begin import begin_session, open_bench
from mlrcopilot_tui.research.deliver import deliver, new_decision
from mlrcopilot_tui.session.session import read_state
from mlrcopilot_tui.workspace.layout import Layout
from mlrcopilot_tui.workspace.opening import Workspace
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.model_port import FakePort, turn_of
from tests.fakes.paid_engine import FakePaidEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import AUTO, Use, run_session, running

HERE = "https://api.example.org"
EVIL = "https://api.evil.example"
EDITS = [("better", [("LEVEL = 1.0", "LEVEL = 0.5")])]


def engine(endpoint: str = HERE) -> FakePaidEngine:
    return FakePaidEngine(EDITS, port=FakePort(turn_of(), turn_of()), endpoint=endpoint)


def layout_in(folder: Path) -> Layout:
    folder.mkdir()
    return Layout(folder)


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "http://localhost:8000",
        "http://127.0.0.1:11434/v1",
        "http://[::1]:8000",
        "http://127.8.9.1",
        "http://LocalHost",
    ],
)
def test_what_stays_on_this_machine_needs_no_consent(endpoint: str) -> None:
    assert not consent.needs_consent(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://api.anthropic.com", "http://gpubox:8000", "http://10.0.0.3", "http://127.0.0.1.evil.example",
        "http://localhost.evil.example", "http://127.0.0.1@evil.example", "http://[2001:db8::1]", "http://0.0.0.0:1",
        "http://127.1",
    ],
)  # fmt: skip
def test_what_leaves_this_machine_needs_consent(endpoint: str) -> None:
    assert consent.needs_consent(endpoint)


def test_an_agreement_holds_for_one_workspace_and_one_endpoint(tmp_path: Path) -> None:
    layout, other = layout_in(tmp_path / "a"), layout_in(tmp_path / "b")
    assert not consent.is_agreed(layout, HERE)
    consent.agree(layout, f"{HERE}/v1")
    assert consent.is_agreed(layout, HERE.upper())
    for endpoint in (EVIL, HERE.replace("https", "http"), f"{HERE}:8443", "https://api.example.org.evil.example"):
        assert not consent.is_agreed(layout, endpoint), endpoint
    assert not consent.is_agreed(other, HERE)
    consent.agree(layout, EVIL)
    assert agreements.withdraw(layout) == (HERE, EVIL)
    assert not consent.is_agreed(layout, HERE)


def test_it_is_kept_for_its_owner_alone(tmp_path: Path, home: Path) -> None:
    layout = layout_in(tmp_path / "a")
    consent.agree(layout, HERE)
    kept = [layout.home / "consent.json", home / ".mlrcopilot-home" / "consent.key"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in kept] == [0o600, 0o600]
    assert list(layout.home.iterdir()) == kept[:1], "nothing half-written is left"


def test_a_repository_cannot_bring_its_own_consent(tmp_path: Path, home: Path) -> None:
    layout, clone = layout_in(tmp_path / "a"), layout_in(tmp_path / "clone")
    consent.agree(layout, EVIL)
    shutil.copytree(layout.home, clone.home)
    assert not consent.is_agreed(clone, EVIL), "sealed for another folder"
    (home / ".mlrcopilot-home" / "consent.key").unlink()
    assert not consent.is_agreed(layout, EVIL), "sealed by another user"


def test_more_that_leaves_is_asked_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = layout_in(tmp_path / "a")
    consent.agree(layout, HERE)
    monkeypatch.setattr(consent, "LEAVES", "everything")
    assert not consent.is_agreed(layout, HERE)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"agreed": {"https://api.example.org": {"what": 1}}}'])
def test_a_damaged_file_is_no_consent(tmp_path: Path, text: str) -> None:
    layout = layout_in(tmp_path / "a")
    layout.make(layout.home)
    (layout.home / "consent.json").write_text(text)
    assert not consent.is_agreed(layout, HERE)
    consent.agree(layout, HERE)
    assert consent.is_agreed(layout, HERE)


async def test_a_session_asks_before_anything_is_sent(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    used = engine()
    scripted(used)
    workspace = make_workspace()
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        assert (gate.kind, gate.idea) == ("consent", 0)
        assert gate.question == f"May this session send {consent.LEAVES} to {HERE}?"
        assert "Hidden files" in gate.forecast
        assert (used.port.asked, copilot.state.runs) == ([], {})
        assert await copilot.decide("approve") == f"Agreed: what agents work with may go to {HERE}."
        await copilot.until(copilot.task.done)
        assert [given.endpoint for given in copilot.state.consents] == [HERE]
        assert len(used.port.asked) == 1
    used.port.script = [turn_of()]
    state = await run_session(workspace)
    assert [(given.endpoint, given.by) for given in state.consents] == [(HERE, "researcher")]
    assert not [gate for gate in state.gates.values() if gate.kind == "consent"], "agreed once per workspace"


async def test_a_no_stops_the_copilot_and_nothing_was_sent(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    used = engine()
    scripted(used)
    workspace = make_workspace()
    async with running(workspace) as copilot:
        await copilot.gate()
        said = await copilot.decide("reject", text="not this code")
        assert said == f"Nothing is sent, and the copilot stops. {consent.OFFLINE}"
        await copilot.until(copilot.task.done)
        assert copilot.task.result() == f"Nothing was sent: you did not agree to it. {consent.OFFLINE}"
        session = copilot.state.session
    state = read_state(workspace.layout.session(session))
    assert (state.finished, state.consents, used.port.asked) == ("", [], [])
    async with running(workspace, session) as copilot:
        assert (await copilot.gate()).id == "g2", "it is asked again when the session is run again"


async def test_nobody_there_to_ask_is_an_error_that_names_the_command(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    used = engine()
    scripted(used)
    workspace = make_workspace()
    session = begin_session(workspace, AUTO)
    with pytest.raises(EnvironmentLackError, match="`mlrcopilot consent --engine offline`"):
        await run_session(workspace, AUTO, session)
    assert used.port.asked == []
    consent.agree(workspace.layout, HERE)
    assert (await run_session(workspace, AUTO, session)).ideas[1].status == "kept"


async def test_an_endpoint_on_this_machine_is_asked_without_ado(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(engine("http://127.0.0.1:8000"))
    state = await run_session(make_workspace())
    assert (state.gates, state.consents, state.ideas[1].status) == ({}, [], "kept")


async def test_another_endpoint_is_another_question(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    used = engine()
    scripted(used)
    workspace = make_workspace()
    async with running(workspace) as copilot:
        first = await copilot.gate()
        session = copilot.state.session
    used.endpoint = EVIL
    with pytest.raises(RefusedError, match="another endpoint"):
        await asyncio.to_thread(deliver, workspace.layout, session, new_decision("approve", gate=first.id))
    async with running(workspace, session) as copilot:
        await copilot.until(lambda: copilot.state.waiting and copilot.state.waiting.id != first.id)
        assert EVIL in (await copilot.gate()).question
        assert copilot.state.answers[first.id].answer == "reject"
        assert used.port.asked == []


async def test_words_wake_no_model_before_the_consent(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    """Decisions reach agents beside the loop; each call is held back where it is made."""
    scripted(engine())
    workspace = make_workspace()
    with open_bench(workspace, begin_session(workspace, AUTO)) as bench:
        host = bench.brief(bench.code(), "IdeaAgent").host
        with pytest.raises(EnvironmentLackError, match=r"sent to https://api\.example\.org"):
            host.allowance()
        consent.agree(workspace.layout, HERE)
        assert host.allowance().usd == 5.0
        agreements.withdraw(workspace.layout)
        with pytest.raises(EnvironmentLackError):
            host.allowance()


TELLTALE = """
import os

for name, value in sorted(os.environ.items()):
    print(f"{name} is {value}")
print("val_error: 1.0")
"""


async def test_no_run_sees_the_key(
    make_workspace: MakeWorkspace, scripted: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real processes: what a run could read of its environment stands in its output."""
    scripted(FakePaidEngine([]))
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "HF_TOKEN", "WANDB_API_KEY"):
        monkeypatch.setenv(name, f"value-of-{name}")
    contract = CONTRACT.replace("[metric]", 'pass_env = ["WANDB_API_KEY"]\n[metric]')
    workspace = make_workspace(train=TELLTALE, contract=contract)
    state = await run_session(workspace)
    logs = [workspace.layout.run(state.session, run) / "output.log" for run in state.runs]
    told = "".join(log.read_text() for log in logs)
    assert "MLRCOPILOT_SEED is 0" in told
    assert "WANDB_API_KEY is value-of-WANDB_API_KEY" in told, "the workspace asks for this one"
    assert "ANTHROPIC" not in told
    assert "HF_TOKEN" not in told


def test_an_endpoint_that_others_can_listen_to_is_told_of() -> None:
    assert "plain http" in consent.what_stays("http://gpubox:8000")
    assert "plain http" not in consent.what_stays(HERE)


def test_the_file_says_what_was_agreed_and_when(tmp_path: Path) -> None:
    layout = layout_in(tmp_path / "a")
    consent.agree(layout, HERE)
    kept = json.loads((layout.home / "consent.json").read_text())["agreed"][HERE]
    assert kept["what"] == consent.LEAVES
    assert kept["time"].endswith("Z")


def test_workspaces_are_told_apart_by_where_they_are(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    workspace: Workspace = make_workspace()
    consent.agree(workspace.layout, HERE)
    link = tmp_path / "link"
    link.symlink_to(workspace.layout.root)
    assert consent.is_agreed(Layout(link), HERE)


def test_those_who_make_the_key_at_once_make_one(tmp_path: Path, home: Path) -> None:
    layouts = [layout_in(tmp_path / str(at)) for at in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda layout: agreements.keep(layout, "sending", HERE), layouts))
    assert all(agreements.is_kept(layout, "sending", HERE) for layout in layouts)
    assert [path.name for path in home.rglob("*consent.key*")] == [agreements.KEY_NAME]


def test_a_link_in_the_place_of_the_file_is_no_consent(tmp_path: Path) -> None:
    layout = layout_in(tmp_path / "linked")
    agreements.keep(layout, "sending", HERE)
    kept = layout.home / agreements.FILE_NAME
    kept.rename(tmp_path / "elsewhere.json")
    kept.symlink_to(tmp_path / "elsewhere.json")
    assert not agreements.is_kept(layout, "sending", HERE)
