"""`log`, `show` and `diff` of any attempt from a shell, and an idea from any of them."""

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlrcopilot_tui.cli.completion import script
from mlrcopilot_tui.cli.main import build_parser, main
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.session import read_state
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import MakeWorkspace, make_workspace, scripted
from tests.research.running import Use, run_session
from tests.tui.story import Story, up_to_gate

__all__ = ["make_workspace", "scripted"]  # fixtures

Said = Callable[..., str]


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """One of each: kept, discarded, sent back, rejected with a hostile reason."""
    story = up_to_gate(tmp_path / "digits")
    story.tell(ev.GateAnswered(gate="g1", answer="feedback", by="researcher", text="fewer bins"))
    commit = story.implement(4, parent=story.commits[1, 1], subject="Use four bins")
    story.ask_about(4, commit)
    story.tell(ev.GateAnswered(gate="g2", answer="reject", by="researcher", text="no\x1b]52;c;aGk=\x07 use"))
    return story


@pytest.fixture
def said(story: Story, capsys: pytest.CaptureFixture[str]) -> Said:
    def run(*words: str, code: int = 0) -> str:
        assert main([*words, "-C", str(story.root)]) == code
        out, err = capsys.readouterr()
        return out if code == 0 else err

    return run


def names(view: list[dict[str, Any]]) -> list[str]:
    return [f"{one['idea']}.{one['attempt']}" for one in view]


def test_log_shows_the_best_so_far_as_a_staircase(said: Said) -> None:
    lines = said("log").splitlines()
    assert lines[1].split()[3:6] in (["0.07733", "0.07733", "█"], ["0.07733", "0.07733", "#"])
    view = msgspec.json.decode(said("log", "--json"))
    assert names(view) == ["1.1", "2.1"]
    assert [one["fate"] for one in view] == ["kept", "discarded"]
    assert [round(one["best"], 4) for one in view] == [0.0773, 0.0773]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--all"], ["1.1", "2.1", "4.1", "4.2"]),
        (["--idea", "4"], ["4.1", "4.2"]),
        (["--kept", "--rejected"], ["1.1", "4.2"]),
        (["--sent-back"], ["4.1"]),
        (["--crashed"], []),
        (["--grep", "FEWER b.ns"], ["4.1"]),
        (["--grep", r"def features\(x\)"], ["1.1", "2.1", "4.1", "4.2"]),
        (["--grep", "bins", "--discarded"], ["2.1"]),
    ],
)
def test_log_finds_attempts_by_fate_idea_and_words(said: Said, words: list[str], found: list[str]) -> None:
    assert names(msgspec.json.decode(said("log", *words, "--json"))) == found
    lines = [line.split()[0] for line in said("log", *words).splitlines()[1:] if not line.startswith(" ")]
    assert lines == found


def test_log_says_why_and_passes_no_escape_sequence_on(said: Said) -> None:
    told = said("log", "--all")
    assert "sent back by the researcher: “fewer bins”" in told
    assert "rejected by the researcher: “no use”" in told
    assert "\x1b" not in told + said("show", "4.2")


def test_show_tells_one_attempt(said: Said, story: Story) -> None:
    told = said("show", "4.1")
    assert told.startswith("4.1 Add gradient features [sent back]\n  sent back by the researcher: “fewer bins”\n")
    assert f"on {story.commits[1, 1][:10]}, attempt 1.1" in told
    assert "+def gradients(x):" in told or "+++ b/train.py" in told
    assert "Attempt 4.1, sent back: sent back by the researcher: “fewer bins”" in said("show", "4")
    view = msgspec.json.decode(said("show", "4.1", "--json"))
    assert view["fate"] == "sent back"
    assert view["patch"].startswith("diff --git")
    assert [one["fate"] for one in msgspec.json.decode(said("show", "4", "--json"))["attempts"]] == [
        "sent back", "rejected",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["show", "4.7"], "There is no attempt 4.7. `mlrcopilot log --idea 4` lists them."),
        (["show", "x.1"], "No attempt goes by 'x.1'."),
        (["log", "--idea", "99"], "There is no idea 99."),
    ],
)
def test_what_is_not_there_is_said_so(said: Said, words: list[str], sentence: str) -> None:
    assert sentence in said(*words, code=2)


def test_a_pattern_that_is_none_is_bad_usage(said: Said) -> None:
    with pytest.raises(SystemExit) as ended:
        said("log", "--grep", "(")
    assert ended.value.code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_know_it(shell: str) -> None:
    parser = build_parser()
    assert isinstance(parser, argparse.ArgumentParser)
    for option in ("rejected", "stat", "from"):
        assert option in script(shell, parser)


async def test_any_two_are_compared_and_an_idea_starts_from_any(
    make_workspace: MakeWorkspace, scripted: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted(FakeEngine([("half", [("LEVEL = 1.0", "LEVEL = 0.5")]), ("worse", [("LEVEL = 0.5", "LEVEL = 0.9")])]))
    workspace = make_workspace()
    root = str(workspace.layout.root)
    state = await run_session(workspace)
    first = state.ideas[1].attempts[0].commit
    capsys.readouterr()

    def said(*words: str, code: int = 0) -> str:
        assert main([*words, "-C", root]) == code
        out, err = capsys.readouterr()
        return out if code == 0 else err

    against_parent = said("diff", "1.1")
    assert "-LEVEL = 1.0\n+LEVEL = 0.5\n" in against_parent
    for pair in (("starter", "champion"), ("base", first[:8]), ("main", f"mlrcopilot/{state.session}/main")):
        assert said("diff", *pair) == against_parent
    assert "-LEVEL = 0.5\n+LEVEL = 0.9\n" in said("diff", "1", "2.1")
    assert said("diff", "2", "--stat") == "train.py  +1  -1\n"
    view = msgspec.json.decode(said("diff", "1.1", "--json"))
    assert view["b"] == first
    assert view["files"] == [{"path": "train.py", "hunks": 1, "kind": "modified", "added": 1, "removed": 1}]
    assert "is the first commit of all" in said("diff", "starter", code=2)
    assert "No commit is named nowhere" in said("diff", "nowhere", "1", code=2)

    for node, base, parent in (("2.1", state.ideas[2].attempts[0].commit, 2), ("starter", state.started, None)):
        await asyncio.to_thread(said, "idea", "half", "again", "--from", node)
        new = list(read_state(workspace.layout.session(state.session)).ideas.values())[-1].idea
        expected = base if isinstance(base, str) else base.base if base else ""
        assert (new.base, new.parent, new.by) == (expected, parent, "researcher")
