"""From a shell: what a session spends, `set`, and `consent`."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlrcopilot_tui.agents.claude.turns import ModelFaultError
from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.research import begin, consent
from mlrcopilot_tui.research.deliver import deliver, new_decision
from mlrcopilot_tui.runs.sandbox import PlainSandbox
from mlrcopilot_tui.session.model_events import Usage
from mlrcopilot_tui.session.session import begun_sessions, read_state
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.layout import Layout
from mlrcopilot_tui.workspace.new_repository import init_repository
from tests.fakes.model_port import FakePort, turn_of
from tests.fakes.paid_engine import FakePaidEngine

CONTRACT = """
[run]
command = "python train.py"
[metric]
name = "val_error"
direction = "min"
[files]
editable = ["train.py"]
"""
HERE = "https://api.example.org"
TURN = turn_of(usage=Usage(input_tokens=100, cache_read_tokens=300, output_tokens=1000))
HEADLESS = ["--headless", "--auto", "--allow-unsandboxed", "--max-experiments", "1"]

Use = Callable[[FakePaidEngine], FakePaidEngine]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "w"
    folder.mkdir()
    (folder / "train.py").write_text("LEVEL = 1.0\nprint(f'val_error: {LEVEL}')\n")
    (folder / "mlrcopilot.toml").write_text(CONTRACT)
    init_repository(folder, "Start")
    return folder


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Use:
    def use(engine: FakePaidEngine) -> FakePaidEngine:
        monkeypatch.setattr(begin, "make_engine", lambda *_: engine)
        monkeypatch.setattr(begin, "best_sandbox", PlainSandbox)
        return engine

    return use


def engine(*, endpoint: str = "") -> FakePaidEngine:
    overloaded = ModelFaultError("overloaded", "The server is overloaded.", "Wait a little.", transient=True)
    edits = [("better", [("LEVEL = 1.0", "LEVEL = 0.5")])]
    return FakePaidEngine(edits, port=FakePort(overloaded, TURN), waits=(0.01,), endpoint=endpoint)


def state_of(workspace: Path) -> SessionState:
    layout = Layout(workspace)
    return read_state(layout.session(begun_sessions(layout.sessions)[0]))


def test_a_paid_session_tells_what_it_cost(workspace: Path, scripted: Use, capsys: pytest.CaptureFixture[str]) -> None:
    scripted(engine())
    assert main(["run", str(workspace), *HEADLESS]) == 0
    said = capsys.readouterr().out
    assert "model      The server is overloaded. Try 2 in 0 s." in said
    head, row = (line for line in said.splitlines() if line.startswith(("idea  verdict", "1     keep")))
    assert row[head.index("cost") :].startswith("$0.0205 ")
    assert "The model: $0.0205 for 1 call, 400 tokens read (75% from the cache), 1000 written." in said
    assert main(["status", str(workspace)]) == 0
    assert "$0.0205 for 1 call" in capsys.readouterr().out
    assert main(["status", "--json", str(workspace)]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["budget"]["tokens"]["output"], status["fault"]) == (1000, None)
    assert main(["log", str(workspace)]) == 0
    assert " $0.0205 " in capsys.readouterr().out
    assert main(["show", "1", "-C", str(workspace)]) == 0
    assert "The model: $0.0205 for 1 call" in capsys.readouterr().out


def test_a_budget_that_is_spent_ends_with_0_and_says_how_to_go_on(
    workspace: Path, scripted: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted(engine())
    assert main(["run", str(workspace), *HEADLESS, "--budget-usd", "0.001"]) == 0
    said = capsys.readouterr().out
    session = state_of(workspace).session
    assert "finished   The budget of $0.001 is used up: $0.00 went to the model." in said
    assert f"`mlrcopilot run --session {session} --budget-usd X` goes on." in " ".join(said.split()), "the whole of it"
    assert f"`mlrcopilot run --session {session} --budget-usd X` goes on." in state_of(workspace).finished
    assert main(["set", "-C", str(workspace), "--budget-usd", "1"]) == 0
    assert f"It is finished: `mlrcopilot run --session {session}` takes it up again." in capsys.readouterr().out
    assert main(["run", str(workspace), *HEADLESS, "--session", session]) == 0
    assert state_of(workspace).ideas[1].status == "kept"


def test_set_changes_limits_and_models(workspace: Path, scripted: Use, capsys: pytest.CaptureFixture[str]) -> None:
    scripted(engine())
    main(["run", str(workspace), *HEADLESS])
    capsys.readouterr()
    assert main(["set", "-C", str(workspace), "--model", "cheap", "--fast-model", "m", "--budget-usd", "0"]) == 0
    assert capsys.readouterr().out.startswith("From now on: usd none, model cheap, fast_model m.\n")
    settings = state_of(workspace).settings
    assert (settings["model"], settings["fast_model"], settings["usd"]) == ("cheap", "m", 0)
    assert main(["set", "-C", str(workspace)]) == 2
    assert "mlrcopilot set --budget-usd" in capsys.readouterr().err
    assert main(["set", "-C", str(workspace), "--model", "a b"]) == 1
    assert "model cannot be 'a b'" in capsys.readouterr().err
    for option, value in (("--budget-usd", "-1"), ("--seeds", "0"), ("--budget-minutes", "soon")):
        with pytest.raises(SystemExit) as stopped:
            main(["set", "-C", str(workspace), option, value])
        assert stopped.value.code == 2


def test_auto_without_consent_is_3_and_consent_mends_it(
    workspace: Path, scripted: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    used = scripted(engine(endpoint=HERE))
    assert main(["run", str(workspace), *HEADLESS]) == 3
    assert f"sent to {HERE}" in capsys.readouterr().err
    assert used.port.asked == []
    assert main(["consent", str(workspace)]) == 2, "nobody is there to be asked"
    told = capsys.readouterr()
    assert f"To {HERE} go {consent.LEAVES}." in told.out
    assert "`mlrcopilot consent --yes`" in told.err
    assert main(["consent", str(workspace), "--yes"]) == 0
    assert "Agreed, for this workspace and this endpoint." in capsys.readouterr().out
    assert main(["consent", str(workspace)]) == 0
    assert "You agreed to that" in capsys.readouterr().out
    assert main(["run", str(workspace), *HEADLESS]) == 0
    assert f"sends      {consent.LEAVES}, to {HERE}" in capsys.readouterr().out
    assert main(["consent", str(workspace), "--withdraw"]) == 0
    assert capsys.readouterr().out == f"Withdrawn: {HERE}.\n"
    used.port.script = [TURN]
    assert main(["run", str(workspace), "--new", *HEADLESS]) == 3


def test_all_that_is_agreed_to_is_said_before(
    workspace: Path, scripted: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted(engine(endpoint="http://gpubox:8000"))
    layout = Layout(workspace)

    def refuse() -> None:
        while not (begun := begun_sessions(layout.sessions)) or not state_of(workspace).open_gates:
            time.sleep(0.05)
        deliver(layout, begun[0], new_decision("reject", text="Not over plain http."))

    researcher = threading.Thread(target=refuse)
    researcher.start()
    assert main(["run", str(workspace), "--headless", "--allow-unsandboxed"]) == 0
    researcher.join()
    said = " ".join(capsys.readouterr().out.split())
    assert consent.what_stays("http://gpubox:8000") in said
    assert main(["status", str(workspace)]) == 0
    assert "ended        Nothing was sent: you did not agree to it." in capsys.readouterr().out


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("Yes", 0), ("n", 1), ("", 1)])
def test_consent_asks_on_a_terminal(
    workspace: Path, scripted: Use, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    scripted(engine(endpoint=HERE))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    assert main(["consent", str(workspace)]) == code
    assert consent.is_agreed(Layout(workspace), HERE) == (code == 0)


def test_nothing_leaves_with_the_offline_engine(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["consent", str(workspace)]) == 0
    assert capsys.readouterr().out == "Nothing leaves this machine: the offline engine asks no server.\n"
