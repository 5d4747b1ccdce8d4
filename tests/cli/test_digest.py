"""`digest` from a shell."""

from pathlib import Path

import msgspec
import pytest

from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.session.run_events import RunStarted
from mlrcopilot_tui.session.seen import SEEN_NAME, read_seen
from tests.tui.story import Story
from tests.tui.test_away import overnight


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return overnight(tmp_path / "digits")


def told(story: Story, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["digest", str(story.root), *words]) == 0
    return capsys.readouterr().out


def test_it_tells_what_happened_and_how_what_waits_is_answered(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    said = told(story, capsys)
    assert "idea 1 standardise inputs: kept, 18.1% better than its parent" in said
    assert "`mlrcopilot approve 4`" in said
    assert "the copilot died" in said


def test_reading_it_in_a_shell_is_not_having_been_there(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    before = read_seen(story.folder)
    assert told(story, capsys).count("verdict") == 2
    assert read_seen(story.folder) == before


def test_since_an_event_a_time_and_a_while_ago(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    assert "verdict" not in told(story, capsys, "--since", str(story.seq))
    assert "verdict" not in told(story, capsys, "--since", "1m")
    assert "idea 2 wider bins: discarded" in told(story, capsys, "--since", "2026-03-09T14:00+00:00")


def test_as_json_it_is_for_scripts(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    (story.folder / SEEN_NAME).unlink()
    view = msgspec.json.decode(told(story, capsys, "--json"))
    assert [each["verdict"] for each in view["verdicts"]] == ["keep", "discard"]
    assert view["copilot"] == {"deaths": 1, "starts": 2, "gone": True}
    assert view["waiting"][0]["idea"] == 4
    assert view["runs"] == {"ok": 9}


@pytest.mark.parametrize(
    ("sandbox", "network", "told"), [("plain", True, "no sandbox"), ("bwrap", True, "network on"), ("bwrap", False, "")]
)
def test_a_run_that_is_less_fenced_in_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sandbox: str, network: bool, told: str
) -> None:
    story = overnight(tmp_path / "w")
    run = story.start_run(0, commit=story.commits[4, 1], number=4)
    story.tell(RunStarted(run=run, sandbox=sandbox, network=network))
    assert main(["status", str(story.root)]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("running")]
    assert line.split()[1:] == f"{run}, idea 4, seed 0{told and f', {told}'}".split()


def test_a_time_that_is_none(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["digest", str(story.root), "--since", "yesterday-ish"]) == 2
    assert "is no time" in capsys.readouterr().err
