"""`trace` from every end: a gap, an idea, a commit and a run."""

import json

import pytest

from mlrcopilot_tui.cli.main import main
from tests.tui.story import Story, up_to_gate


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return up_to_gate(tmp_path_factory.mktemp("traced") / "digits")


def traced(story: Story, capsys: pytest.CaptureFixture[str], *what: str) -> str:
    assert main(["-C", str(story.root), "trace", *what]) == 0
    return capsys.readouterr().out


def test_a_gap_leads_to_ideas_commits_and_numbers(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    told = traced(story, capsys)
    assert "g1  Unlabelled images are not used.  (p.3)" in told
    assert "no idea came of it" in told
    gap, idea, commit, run = (told.index(part) for part in ("g2  Raw pixels", "idea 1 ", "        1.1 ", "seed 0"))
    assert gap < idea < commit < run
    (lonely, gave) = json.loads(traced(story, capsys, "--json"))
    assert (lonely["gap"]["id"], lonely["ideas"]) == ("g1", [])
    kept = gave["ideas"][0]
    assert (kept["idea"], kept["status"]) == (1, "kept")
    assert {run["seed"] for run in kept["commits"][0]["runs"]} == {0, 1, 2}
    assert gave["ideas"][2]["from"] == [1]


def test_every_end_leads_to_the_same_idea(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    whole = json.loads(traced(story, capsys, "g2", "--json"))[0]["ideas"]
    commit = whole[0]["commits"][0]
    for end in ("1", commit["commit"][:10], commit["runs"][0]["run"]):
        (group,) = json.loads(traced(story, capsys, end, "--json"))  # and no other gap
        assert group["gap"]["id"] == "g2"
        assert group["ideas"] == [whole[0]]
    assert json.loads(traced(story, capsys, "g1", "--json"))[0]["ideas"] == []


@pytest.mark.parametrize("name", ["g9", "r1", "77", "zzzzzz"])
def test_what_nothing_hangs_on_is_said(story: Story, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["-C", str(story.root), "trace", name]) == 2
    assert capsys.readouterr().err.startswith("mlrcopilot: No idea")
