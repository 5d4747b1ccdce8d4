"""The claude engine end to end: paper, ideas, code, a crash, its repair, the researcher's word, a better champion."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e.conftest import Run
from tests.fakes.messages_server import FakeMessagesServer
from tests.fakes.scripted_claude import Part, ScriptedClaude, Step

FEEDBACK = "Keep what the model has and add to it; train no longer than before."


def edit(search: str, replace: str) -> Step:
    return "edit_file", {"path": "train.py", "replacements": [{"search": search, "replace": replace}]}


def hand_in(subject: str, *lines: str) -> Step:
    claims = [{"step": at, "done": True, "where": where, "by_run": not where} for at, where in enumerate(lines, 1)]
    return "final_answer", {"subject": subject, "body": "The paper names this as untried.", "plan": claims}


DIGITS = {
    "gap": "No use is made of the unlabelled images, and no setting of the training was tuned.",
    "first": Part(
        title="Raise the learning rate",
        plan=("Raise LEARNING_RATE tenfold in train.py.", "Train over seeds and compare."),
        steps=(
            ("list_files", {}),
            ("read_file", {"path": "train.py"}),
            edit("LEARNING_RATE = 1e-3", "LEARNING_RATE = RATE"),
            hand_in("Raise the learning rate", "train.py:10", ""),
        ),
        repair=(
            ("inspect_script_lines", {"path": "train.py", "start_line": 8, "end_line": 14}),
            edit("LEARNING_RATE = RATE", "LEARNING_RATE = 1e-2"),
            ("execute_script", {"script": "train.py", "limit_s": 60}),
            ("append_to_research_log", {"entry": "A name was used before it was defined."}),
            hand_in("Raise the learning rate", "train.py:10", ""),
        ),
    ),
    "second": (
        "Add gradient features",
        edit(
            "    return x.reshape(len(x), -1) / 16.0",
            "    across = np.diff(x, axis=2).reshape(len(x), -1)\n"
            "    return np.hstack([x.reshape(len(x), -1), across]) / 16.0",
        ),
        edit(
            "    across = np.diff(x, axis=2).reshape(len(x), -1)\n",
            "    across = np.abs(np.diff(x, axis=2)).reshape(len(x), -1)\n",
        ),
    ),
}  # fmt: skip

CHARLM = {
    "gap": "The context is two characters long.",
    "first": Part(
        title="Add a smaller constant and look further back",
        plan=("Set ORDER to 4 in train.py.", "Set ADD_K to 0.02.", "Train and compare."),
        steps=(
            ("search_files", {"text": "ORDER"}),
            edit("ORDER = 3\nADD_K = 1.0", "ORDER = FOUR\nADD_K = 0.02"),
            hand_in("Look further back and smooth less", "train.py:8", "train.py:9", ""),
        ),
        repair=(
            edit("ORDER = FOUR", "ORDER = 4"),
            ("run_python", {"code": "import train; print(train.ORDER)", "limit_s": 30}),
            hand_in("Look further back and smooth less", "train.py:8", "train.py:9", ""),
        ),
    ),
    "second": (
        "Look one character further back",
        edit("ORDER = 4", "ORDER = 6"),
        edit("ORDER = 6", "ORDER = 5"),
    ),
}  # fmt: skip


def later(told: Any, interject: Any) -> Part:  # noqa: ANN401 - a story's third part
    title, first, after = told
    return Part(
        title=title,
        plan=("Change train.py.", "Train and compare."),
        steps=(first, after, hand_in(title, "train.py:1-60", "")),
        before={1: interject},
    )


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("template", "story"),
    [
        pytest.param("digits", DIGITS, id="digits"),
        pytest.param("charlm", CHARLM, id="charlm", marks=pytest.mark.slow),
    ],
)
def test_from_paper_to_better_code_by_way_of_a_crash(
    tmp_path: Path, mlrcopilot: Run, monkeypatch: pytest.MonkeyPatch, template: str, story: Mapping[str, Any]
) -> None:
    workspace = tmp_path / "work"
    mlrcopilot("new", workspace, "--template", template)

    def interject() -> None:
        command = [sys.executable, "-m", "mlrcopilot_tui.cli.main", "feedback", "2", FEEDBACK, "-C", str(workspace)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    claude = ScriptedClaude(story["gap"], (story["first"], later(story["second"], interject)))
    with FakeMessagesServer(claude, key="sk-test-0123456789") as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test-0123456789")
        options = ["--engine", "claude", "--headless", "--auto", "--max-experiments", "2"]
        done = mlrcopilot("run", workspace, *options, timeout=390)

    status: dict[str, Any] = msgspec.json.decode(mlrcopilot("status", workspace, "--json").stdout)
    assert status["engine"] == "claude"
    assert status["champion"]["improvement"] >= 0.10, done.stdout
    first: dict[str, Any] = msgspec.json.decode(mlrcopilot("show", "1", "-C", workspace, "--json").stdout)
    assert [attempt["number"] for attempt in first["attempts"]] == [1, 2], "the crash went back to the agent"
    failed = [request.body for request in server.requests if "Traceback" in str(request.body.get("messages", ""))]
    assert failed, "the traceback reached the model"
    told = [request.body for request in server.requests if FEEDBACK in str(request.body.get("messages", ""))]
    assert told, "the researcher's word reached the model"
    assert not _holds_key(workspace, "sk-test-0123456789")
    mlrcopilot("verify", "-C", workspace)

    monkeypatch.delenv("ANTHROPIC_BASE_URL")
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    played, journal = tmp_path / "played", Path(".mlrcopilot", "sessions", status["session"], "journal.jsonl")
    mlrcopilot("export", "-C", workspace, "-o", tmp_path / "cassette")
    mlrcopilot("run", "--replay", tmp_path / "cassette", played, "--headless")
    assert (played / journal).read_bytes() == (workspace / journal).read_bytes()
    assert not _holds_key(tmp_path, "sk-test-0123456789")


def _holds_key(workspace: Path, key: str) -> list[Path]:
    files = [path for path in workspace.rglob("*") if path.is_file()]
    return [path for path in files if key.encode() in path.read_bytes()]
