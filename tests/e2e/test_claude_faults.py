"""What a model's server can do wrong, as a researcher meets it: one sentence, exit code 3, a session to resume."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e.conftest import Run
from tests.fakes.messages_faults import Cut, ErrorEvent, JsonBody
from tests.fakes.messages_script import Answer, Body
from tests.fakes.messages_server import CAPABILITIES, FakeMessagesServer
from tests.fakes.scripted_claude import Part, ScriptedClaude

KEY = "sk-test-0123456789"
RUN = ("--engine", "claude", "--headless", "--auto", "--max-experiments", "1")
PART = Part(
    title="Lower the level",
    plan=("Halve LEVEL in train.py.", "Run and compare."),
    steps=(
        ("edit_file", {"path": "train.py", "replacements": [{"search": "LEVEL = 1.0", "replace": "LEVEL = 0.5"}]}),
        ("final_answer", {"subject": "Lower the level", "body": "It is the error.", "plan": []}),
    ),
)


def point(monkeypatch: pytest.MonkeyPatch, url: str, key: str = KEY) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)


def closed_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def story() -> ScriptedClaude:
    return ScriptedClaude("", (PART,))


def goes_on(mlrcopilot: Run, monkeypatch: pytest.MonkeyPatch, workspace: Path) -> None:
    """The session that the fault stopped is resumed by the same command, and ends well."""
    before = msgspec.json.decode(mlrcopilot("status", workspace, "--json").stdout)
    with FakeMessagesServer(story()) as server:
        point(monkeypatch, server.url)
        mlrcopilot("run", workspace, *RUN)
    after: dict[str, Any] = msgspec.json.decode(mlrcopilot("status", workspace, "--json").stdout)
    assert after["session"] == before["session"]
    assert after["kept"] == 1


def ended(mlrcopilot: Run, workspace: Path, *more: str) -> str:
    """What the run said when it ended with exit code 3: one sentence with its mend, and no key in it."""
    done = mlrcopilot("run", workspace, *RUN, *more, code=3)
    said = done.stderr.strip().splitlines()
    assert len(said) == 1, done.stderr
    assert said[0].startswith("mlrcopilot: ")
    assert KEY not in done.stdout + done.stderr
    return said[0]


def test_a_wrong_key(workspace: Path, mlrcopilot: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeMessagesServer(story(), key="sk-another") as server:
        point(monkeypatch, server.url)
        assert "key" in ended(mlrcopilot, workspace)
    goes_on(mlrcopilot, monkeypatch, workspace)


def test_a_model_that_does_not_exist(workspace: Path, mlrcopilot: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    known: Mapping[str, Body | None] = {"claude-opus-5-5": CAPABILITIES}
    with FakeMessagesServer(story(), models=known) as server:
        point(monkeypatch, server.url)
        assert "claude-nonesuch" in ended(mlrcopilot, workspace, "--model", "claude-nonesuch")
        mlrcopilot("set", "--model", "claude-opus-5-5", "-C", workspace)
        mlrcopilot("run", workspace, *RUN)


def test_an_endpoint_that_answers_with_json(workspace: Path, mlrcopilot: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeMessagesServer(lambda _: JsonBody()) as server:
        point(monkeypatch, server.url)
        assert "not with the events of the Messages API" in ended(mlrcopilot, workspace)
    goes_on(mlrcopilot, monkeypatch, workspace)


@pytest.mark.timeout(240)
def test_an_endpoint_that_cannot_be_reached(workspace: Path, mlrcopilot: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    url = closed_port()
    point(monkeypatch, url)
    assert url.removeprefix("http://") in ended(mlrcopilot, workspace)
    goes_on(mlrcopilot, monkeypatch, workspace)


def test_no_key_at_all_and_nobody_to_agree(workspace: Path, mlrcopilot: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://models.example.org")
    assert "consent" in ended(mlrcopilot, workspace)
    mlrcopilot("consent", "--yes", "-C", workspace)
    assert "ANTHROPIC_API_KEY" in ended(mlrcopilot, workspace)


def test_faults_that_pass_are_waited_out(workspace: Path, mlrcopilot: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    told = story()
    faults: list[Answer] = [ErrorEvent(), Cut()]

    def script(body: Body) -> Answer:
        return faults.pop() if faults and len(told.asked) % 2 else told(body)

    with FakeMessagesServer(script) as server:
        point(monkeypatch, server.url)
        done = mlrcopilot("run", workspace, *RUN)
    assert not faults
    assert "ended the stream in the middle of the turn. Try 2 in 1 s." in done.stdout
    assert "overloaded or still loading. Try 3 in 2 s." in done.stdout
    assert msgspec.json.decode(mlrcopilot("status", workspace, "--json").stdout)["kept"] == 1
