"""Notes on hunks, words on runs and verdicts, and the list of standing instructions, by keys."""

from pathlib import Path

from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.subjects import HunkNote, LeftOut, Subject
from mlrcopilot_tui.session.words_events import WordsHeard
from mlrcopilot_tui.tui.reviewing import notes_along
from tests.tui.doubles import staged
from tests.tui.story import up_to_gate, up_to_run
from tests.tui.text_frames import frame


async def test_a_note_stands_below_its_hunk_and_goes_along_with_the_decision(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3", "semicolon")
        await stage.write("too clever")
        assert "too clever" in frame(stage.app)
        await stage.press("O", "y")
        decision = stage.decision()
        assert decision.network
        assert decision.notes == (HunkNote(hunk=1, text="too clever"),)
        await stage.take_back(decision)
        await stage.press("space", "a")
        decision = stage.decision()
        assert decision.hunks == (2,)
        assert decision.notes == (HunkNote(hunk=1, text="too clever"),)


async def test_a_note_is_rewritten_and_taken_away(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3", "semicolon")
        await stage.write("no")
        await stage.press("semicolon")
        await stage.write("t this")
        assert "not this" in frame(stage.app)
        await stage.press("semicolon", *["backspace"] * 8, "enter")
        assert "not this" not in frame(stage.app)
        await stage.press("a")
        assert stage.decision().notes == ()


async def test_marked_lines_are_what_a_note_is_about(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3", "slash")
        await stage.write("return x")
        await stage.press("v", "j", "semicolon")
        await stage.write("keep this")
        await stage.press("r", *"no", "enter")
        decision = stage.decision()
        (note,) = decision.notes
        assert (note.text, note.last - note.first) == ("keep this", 1)
        assert (decision.kind, decision.text) == ("reject", "no")


async def test_feedback_turns_into_a_note_by_tab_and_notes_alone_send_a_patch_back(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3", "f", *"why?", "tab")
        assert "A note on hunk 1 of train.py" in frame(stage.app)
        await stage.press("enter")
        assert stage.story.decisions() == []
        await stage.press("f", "enter")
        decision = stage.decision()
        assert (decision.kind, decision.text) == ("feedback", "")
        assert decision.notes == (HunkNote(hunk=1, text="why?"),)


async def test_words_in_the_run_pane_are_about_the_run_and_then_its_verdict(tmp_path: Path) -> None:
    story = up_to_run(tmp_path / "digits")
    async with staged(story) as stage:
        await stage.go("run")
        await stage.press("f")
        await stage.write("look at epoch 3")
        decision = stage.decision()
        assert decision.about == Subject(kind="run", idea=4, run="r11")
        await stage.take_back(decision)
    judged = up_to_gate(tmp_path / "judged")
    async with staged(judged) as stage:
        await stage.go("ideas")
        await stage.press("g", "j", "enter")
        await stage.go("run")
        await stage.press("f")
        assert "the verdict on 1.1" in frame(stage.app)


async def test_what_was_said_and_left_out_stands_at_its_hunk_with_who_took_it_in(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    async with staged(story) as stage:
        attempt = stage.screen.client.state.ideas[4].attempts[-1]
        about = Subject(kind="hunk", idea=4, attempt=1, commit=attempt.commit, hunk=2, path="train.py")
        left = LeftOut(path="train.py", hunk=2)
        story.tell(
            ev.FeedbackTaken(text="one thing at a time", understood="", idea=4, about=about),
            ev.GateAnswered(gate="g1", answer="approve", by="researcher", patch="x", left_out=(left,)),
        )
        await stage.press("3")
        await stage.catch_up()
        said = stage.screen.client.state.ideas[4].feedback[-1]
        shown = frame(stage.app)
        for part in ("left out", "you: one thing at a time", "no turn has taken it in yet"):
            assert part in shown
        story.tell(WordsHeard(agent="IdeaAgent", task="reflect", idea=4, words=(said.seq,)))
        await stage.catch_up()
        assert "taken in by the IdeaAgent, reflecting on idea 4" in frame(stage.app)


async def test_standing_instructions_are_listed_given_rewritten_and_dropped(tmp_path: Path) -> None:
    story = up_to_run(tmp_path / "digits")
    async with staged(story) as stage:
        await stage.press("I")
        assert "No instruction stands." in frame(stage.app)
        await stage.press("a")
        await stage.write("leave the optimizer alone")
        decision = stage.decision()
        assert (decision.kind, decision.idea, decision.text) == ("feedback", 0, "leave the optimizer alone")
        await stage.take_back(decision)
        story.tell(ev.FeedbackTaken(text="leave the optimizer alone", understood="It is left alone."))
        await stage.catch_up()
        (said,) = stage.screen.client.state.instructions
        story.tell(WordsHeard(agent="ExperimentAgent", task="implement", words=(said.seq,), idea=4, attempt=2))
        await stage.catch_up()
        await stage.pilot.pause(0.3)
        shown = frame(stage.app)
        for part in ("1 leave the optimizer alone", "It is left alone.", "the ExperimentAgent, attempt 4.2"):
            assert part in shown
        await stage.press("e")
        await stage.write(", please")
        rewritten = stage.decision()
        assert (rewritten.kind, rewritten.number) == ("instruction.rewrite", 1)
        assert rewritten.text == "leave the optimizer alone, please"
        await stage.take_back(rewritten)
        await stage.press("d")
        assert (stage.decision().kind, stage.decision().number) == ("instruction.drop", 1)
        await stage.press("escape")
        assert "Standing instructions" not in frame(stage.app)


def test_notes_are_counted_in_words() -> None:
    assert notes_along(0, "enter alone sends {them}.") == ""
    assert notes_along(1, "enter alone sends {them}.") == "Your note on a hunk goes along; enter alone sends it."
    assert notes_along(2, "enter alone sends {them}.") == "Your 2 notes on hunks go along; enter alone sends them."


async def test_the_footer_offers_to_edit_only_what_can_be_edited(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3")
        assert "e edit" in frame(stage.app)
        await stage.press("2", "g", "j", "enter", "3")
        assert "1.1 Standardise inputs" in frame(stage.app)
        assert "e edit" not in frame(stage.app)
        await stage.press("e")
        assert "Idea 1 is decided: its files are edited no more." in stage.sentences
