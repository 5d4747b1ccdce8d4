"""What `doctor --ask` says of an endpoint after one tiny call, and that it never says the key."""

import json
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from mlrcopilot_tui.agents.claude.wire.endpoint import FAST_MODEL, MAIN_MODEL
from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.doctor import Check, check_endpoint, check_key
from mlrcopilot_tui.user_settings import EngineSettings, settings_path
from tests.fakes.messages_faults import JsonBody, NoUsage
from tests.fakes.messages_rules import Body
from tests.fakes.messages_script import Answer, Reply, Status, text, tool_use
from tests.fakes.messages_server import CAPABILITIES, FakeMessagesServer, Script

KEY = "sk-ant-api03-never-to-be-seen"
READY = Reply([tool_use("ready", {})])


def ask(
    script: Script,
    *,
    key: str | None = KEY,
    given: str = KEY,
    plain: bool = False,
    models: Mapping[str, Body | None] | None = None,
) -> dict[str, Check]:
    """What is found at a server, by name."""
    with FakeMessagesServer(script, key=key, plain=plain, models=models) as server:
        checks = check_endpoint(None, {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": given})
        assert len(server.turns) <= 1, "one call, whatever comes of it"
    assert KEY not in repr(checks)
    assert all(check.mend for check in checks if check.status == "fail")
    return {check.name: check for check in checks}


def use_plain_profile() -> None:
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text('[engine]\nprofile = "plain"\n')


def test_a_cloned_workspace_gets_no_key_before_its_endpoint_is_agreed_to(tmp_path: Path) -> None:
    """Its address is a name that no server has: whatever asked it would fail in another way."""
    address = "http://nowhere.invalid"
    (tmp_path / "mlrcopilot.toml").write_text(
        '[run]\ncommand = "python train.py"\n[metric]\nname = "e"\ndirection = "min"\n'
        f'[files]\neditable = ["train.py"]\n[engine]\nbase_url = "{address}"\n'
    )
    given = {"ANTHROPIC_API_KEY": "sk-ant-0123456789abcdef"}
    (check,) = check_endpoint(tmp_path, given)
    assert (check.status, check.mend) == ("warn", "Agree: mlrcopilot consent --engine claude")
    assert "nobody agreed" in check.found


def test_an_endpoint_that_can_do_everything() -> None:
    found = ask([READY])
    assert {check.status for check in found.values()} == {"ok"}
    assert found["endpoint"].found.endswith(f"profile full, model {MAIN_MODEL}, key: ANTHROPIC_API_KEY")
    assert f"{MAIN_MODEL} answers as a stream" in found["model"].found
    assert found["fast model"].found == FAST_MODEL
    assert found["tools"].found == "called"
    assert found["usage"].found.startswith("reported: ")
    assert found["prompt cache"].found == "reported"
    assert found["token count"].found.startswith("counted: ")


def test_a_server_that_knows_only_the_core() -> None:
    use_plain_profile()
    found = ask([NoUsage(Reply([text("I am ready.")]))], plain=True)
    assert found["tools"].status == "warn"
    assert "tool parser" in found["tools"].mend
    assert found["usage"].found == "not reported"
    assert found["token count"].found == "not offered"
    assert "fast model" not in found


def test_a_wrong_key() -> None:
    found = ask([READY], key="another")
    assert found["model"].status == "fail"
    assert found["model"].found.endswith("does not accept the key.")
    assert "ANTHROPIC_API_KEY" in found["model"].mend


def test_a_model_that_does_not_exist() -> None:
    found = ask([READY], models={"qwen": None})
    assert found["model"].found.endswith(f"does not know the model {MAIN_MODEL}.")


def test_a_fast_model_that_does_not_exist() -> None:
    found = ask([READY], models={MAIN_MODEL: CAPABILITIES})
    assert (found["model"].status, found["fast model"].status) == ("ok", "fail")


@pytest.mark.parametrize(
    ("answer", "words"),
    [(JsonBody(), "not with the events of the Messages API"), (Status(529, "overloaded_error"), "is overloaded")],
)
def test_a_server_that_does_not_answer_well(answer: Answer, words: str) -> None:
    found = ask([answer])
    assert found["model"].status == "fail"
    assert words in found["model"].found


def test_a_closed_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        checks = check_endpoint(None, {"ANTHROPIC_BASE_URL": url})
    assert checks[-1].status == "fail"
    assert "cannot be reached" in checks[-1].found
    assert "Start the server" in checks[-1].mend


def test_no_key_is_said_before_anything_is_asked() -> None:
    (check,) = check_endpoint(None, {})
    assert (check.status, check.found) == ("fail", "There is no key for api.anthropic.com.")


def test_the_command_asks_only_on_demand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeMessagesServer([READY], key=KEY) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", KEY)
        main(["doctor", str(tmp_path), "--json"])
        assert server.requests == []
        assert "endpoint" not in {check["name"] for check in json.loads(capsys.readouterr().out)}
        main(["doctor", str(tmp_path), "--ask", "--json"])
        assert len(server.turns) == 1
    said = capsys.readouterr().out
    found = {check["name"]: check["status"] for check in json.loads(said)}
    assert (found["endpoint"], found["model"]) == ("ok", "ok")
    assert KEY not in said


def test_a_failed_call_ends_with_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeMessagesServer([READY], key=KEY) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-of-long-ago")
        assert main(["doctor", str(tmp_path), "--ask"]) == 3
    said = capsys.readouterr().out
    assert "does not accept the key" in said
    assert "sk-ant-of-long-ago" not in said


@pytest.mark.parametrize(
    ("environ", "mine", "words"),
    [
        ({"ANTHROPIC_AUTH_TOKEN": KEY}, EngineSettings(), "ANTHROPIC_AUTH_TOKEN is set; it is used"),
        ({"ANTHROPIC_AUTH_TOKEN": KEY, "ANTHROPIC_API_KEY": KEY}, EngineSettings(), "ANTHROPIC_AUTH_TOKEN too"),
        ({"ANTHROPIC_BASE_URL": "http://me:pw@h"}, EngineSettings(), "ANTHROPIC_BASE_URL is set"),
        ({}, EngineSettings(api_key_command=("pass", "llm")), "api_key_command of your config.toml"),
        ({}, EngineSettings(api_key_file="~/key"), "api_key_file of your config.toml"),
    ],
)
def test_where_a_key_would_come_from(environ: dict[str, str], mine: EngineSettings, words: str) -> None:
    check = check_key(environ, mine)
    assert check.status == "ok"
    assert words in check.found
    assert KEY not in repr(check)
    assert "pw" not in repr(check)
