"""A session that asks a model, followed and steered from a shell alone."""

import json
from pathlib import Path

import pytest

from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.cli.output import spent
from mlrcopilot_tui.research import begin
from mlrcopilot_tui.runs.sandbox import PlainSandbox
from mlrcopilot_tui.session.entities import Spending
from mlrcopilot_tui.session.model_events import ModelCalled, Usage
from mlrcopilot_tui.session.session import begun_sessions, read_state
from mlrcopilot_tui.workspace.layout import Layout
from mlrcopilot_tui.workspace.new_repository import init_repository
from tests.fakes.messages_faults import NoUsage, malformed_tool_call
from tests.fakes.messages_script import Answer, Body, Reply, text
from tests.fakes.messages_server import FakeMessagesServer
from tests.fakes.scripted_claude import Part, ScriptedClaude

CONTRACT = """
[run]
command = "python train.py"
[metric]
name = "val_error"
direction = "min"
[files]
editable = ["train.py"]
[engine]
name = "claude"
"""
PLAIN = 'model = "served-here"\nprofile = "plain"\n'
HEADLESS = ("--headless", "--auto", "--allow-unsandboxed", "--max-experiments", "1")
PART = Part(
    title="Lower the level",
    plan=("Halve LEVEL in train.py.", "Run and compare."),
    steps=(
        ("edit_file", {"path": "train.py", "replacements": [{"search": "LEVEL = 1.0", "replace": "LEVEL = 0.5"}]}),
        ("final_answer", {"subject": "Lower the level", "body": "It is the error.", "plan": []}),
    ),
)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(begin, "best_sandbox", PlainSandbox)
    folder = tmp_path / "w"
    folder.mkdir()
    (folder / "train.py").write_text("LEVEL = 1.0\nprint(f'val_error: {LEVEL}')\n")
    (folder / "mlrcopilot.toml").write_text(CONTRACT)
    init_repository(folder, "Start")
    return folder


def point(monkeypatch: pytest.MonkeyPatch, server: FakeMessagesServer) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test-0123456789")


def chatty(told: ScriptedClaude, body: Body) -> Answer:
    """As small servers and models do: JSON within prose and a fence, actions without a word, no count of tokens."""
    assert set(body) <= {"model", "max_tokens", "messages", "system", "tools", "stream"}, "all that they know"
    assert "cache_control" not in json.dumps(body)
    reply = told(body)
    assert isinstance(reply, Reply)
    acted = [block for block in reply.blocks if block["type"] == "tool_use"]
    said = [text(f"Sure!\n```json\n{block['text']}\n```\nIs {{that}} it?") for block in reply.blocks if not acted]
    return NoUsage(Reply(acted or said))


def test_a_server_that_knows_only_the_core_of_the_protocol(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "mlrcopilot.toml").write_text(CONTRACT + PLAIN)
    told = ScriptedClaude("", (PART,))
    with FakeMessagesServer(lambda body: chatty(told, body), plain=True) as server:
        point(monkeypatch, server)
        assert main(["run", str(workspace), *HEADLESS]) == 0
    said = capsys.readouterr().out
    assert "  idea 1     edit_file path=train.py replacements=" in said
    assert "--- a/train.py" not in said
    assert "The model: 4 calls without a price, which no budget of dollars bounds, " in said
    assert "4 calls not reported in full, counted as the most possible." in said
    layout = Layout(workspace)
    state = read_state(layout.session(begun_sessions(layout.sessions)[0]))
    assert state.ideas[1].status == "kept"


def test_calls_with_and_without_a_price_are_told_apart() -> None:
    spending = Spending()
    for usd in (0.5, None, None):
        spending.add(ModelCalled(purpose="step", model="m", role="main", usage=Usage(output_tokens=10), usd=usd))
    assert spent(spending) == "$0.50 for 3 calls, 0 tokens read, 30 written; 2 calls without a price"


def test_a_model_that_cannot_write_an_action_is_told_of_truly(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mlrcopilot_tui.agents.claude.wire.retries._FIRST_S", 0.01)
    told = ScriptedClaude("", (PART,))

    def script(body: Body) -> Answer:
        return malformed_tool_call("edit_file", '{"path":') if body.get("tools") else told(body)

    with FakeMessagesServer(script) as server:
        point(monkeypatch, server)
        assert main(["run", str(workspace), *HEADLESS]) == 3
    said = capsys.readouterr().err
    assert "again" not in said, "it was asked again before, and is not any more"
    assert "--model" in said


def test_a_paused_session_that_is_run_again_says_so(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeMessagesServer(ScriptedClaude("", (PART,))) as server:
        point(monkeypatch, server)
        assert main(["run", str(workspace), *HEADLESS, "--budget-usd", "0.0001"]) == 0
        capsys.readouterr()
        assert main(["status", str(workspace)]) == 0
        ended = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("ended "))
        assert "The budget of $0.0001 is used up" in ended, "why, and how it goes on"
        assert main(["interrupt", "-C", str(workspace)]) == 1
        assert "No copilot runs this session." in capsys.readouterr().err
        assert main(["pause", "-C", str(workspace)]) == 0
        session = begun_sessions(Layout(workspace).sessions)[0]
        monkeypatch.setattr("mlrcopilot_tui.research.copilot.Copilot.run", _nothing)
        capsys.readouterr()
        main(["run", str(workspace), *HEADLESS, "--session", session])
    assert f"paused     It goes on with `mlrcopilot resume -C {workspace}`." in capsys.readouterr().out


async def _nothing(_: object) -> str:
    return ""
