"""`instruct`, `instructions`, and what words are about, from a shell."""

from pathlib import Path

import msgspec
import pytest

from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.words_events import InstructionDropped, WordsHeard
from tests.tui.story import Story, up_to_gate


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return up_to_gate(tmp_path / "digits")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What would be sent, in place of sending it."""
    found: list[dict[str, object]] = []

    def deliver(_layout: object, _session: str, decision: object) -> str:
        found.append(msgspec.json.decode(msgspec.json.encode(decision)))
        return "Done."

    monkeypatch.setattr("mlrcopilot_tui.research.deliver.deliver", deliver)
    return found


def test_instructions_are_listed_with_who_took_them_in(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["instructions", "-C", str(story.root)]) == 0
    assert "No instruction stands." in capsys.readouterr().out
    story.tell(
        ev.FeedbackTaken(text="no dropout", understood="It is left alone."),
        ev.FeedbackTaken(text="be quick", understood="Nothing is understood."),
        InstructionDropped(number=2, by="researcher"),
        WordsHeard(agent="IdeaAgent", task="propose", words=(story.seq + 1,)),
    )
    assert main(["instructions", "-C", str(story.root)]) == 0
    said = capsys.readouterr().out
    assert said == " 1  no dropout\n    It is left alone.\n    taken in by the IdeaAgent, proposing ideas\n"
    assert main(["instructions", "--json", "-C", str(story.root)]) == 0
    stands, dropped = msgspec.json.decode(capsys.readouterr().out)
    assert (stands["number"], stands["stands"], stands["first_turn"]["task"]) == (1, True, "propose")
    assert (dropped["number"], dropped["stands"], dropped["first_turn"]) == (2, False, None)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["instruct", "no", "dropout"], {"kind": "feedback", "text": "no dropout"}),
        (["instruct", "--edit", "2", "no", "noise"], {"kind": "instruction.rewrite", "number": 2, "text": "no noise"}),
        (["instruct", "--drop", "2"], {"kind": "instruction.drop", "number": 2}),
        (["feedback", "4", "why?", "--hunk", "2"], {"about": {"kind": "hunk", "idea": 4, "hunk": 2}, "text": "why?"}),
        (["feedback", "4", "odd", "--run", "r1"], {"about": {"kind": "run", "idea": 4, "run": "r1"}}),
        (["feedback", "4", "few", "--verdict"], {"about": {"kind": "verdict", "idea": 4}}),
        (
            ["approve", "4", "--hunks", "1", "--because", "one at a time", "--note", "2", "too much"],
            {"hunks": [1], "text": "one at a time", "notes": [{"text": "too much", "hunk": 2}]},
        ),
        (["reject", "4", "no", "--note", "1", "odd"], {"text": "no", "notes": [{"text": "odd", "hunk": 1}]}),
    ],
)
def test_what_is_said_is_sent_with_what_it_is_about(
    story: Story, sent: list[dict[str, object]], words: list[str], expected: dict[str, object]
) -> None:
    assert main([*words, "-C", str(story.root)]) == 0
    (decision,) = sent
    assert {name: decision.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    "words", [["instruct"], ["instruct", "--drop", "1", "no"], ["feedback", "4", "x", "--note", "0", "y"],
              ["approve", "4", "--because", "x"]],
)  # fmt: skip
def test_what_makes_no_sense_is_not_sent(story: Story, sent: list[dict[str, object]], words: list[str]) -> None:
    assert main([*words, "-C", str(story.root)]) == 2
    assert sent == []
