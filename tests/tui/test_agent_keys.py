"""Keys while an agent works: typed fast, chosen by the researcher, on small screens, and under an answer's way."""

from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from mlrcopilot_tui.session import events as ev
from tests.tui.doubles import staged
from tests.tui.story import up_to_gate
from tests.tui.story_claude import begin, fault, up_to_turn, write_live
from tests.tui.test_agent_work import _alive, _utc, pass_grace
from tests.tui.text_frames import frame, settle

__all__ = ["_alive", "_utc"]


# Keys that come fast


async def test_what_is_typed_after_a_key_that_opens_a_line_goes_there(tmp_path: Path) -> None:
    async with staged(up_to_turn(tmp_path / "digits")) as stage:
        for opening, pane in (("slash", "1"), ("i", "2"), ("f", "4")):
            await stage.press(pane)
            for key in (opening, *"zebra", "x", "q", "p"):
                stage.app.post_message(events.Key(key, None if len(key) > 1 else key))
            await settle(stage.pilot)
            await stage.pilot.pause(0.2)
            line = stage.app.screen.query_one(Input)
            assert line.value == "zebraxqp", opening
            await stage.press("escape")
        assert stage.story.decisions() == []


# Keys that the researcher chose


async def test_sentences_name_the_researcher_s_own_keys(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path / "digits")
    keys = {"agent.answer": "ctrl+a", "agent.interject": "t", "session.pause": "P", "copilot.restart": "B"}
    async with staged(story, keymap=keys) as stage:
        await stage.press("4", "4", "4")
        gate = story.ask("question", "May I?", idea=4)
        await stage.catch_up()
        assert "ctrl+a brings it back" in frame(stage.app)
        await pass_grace(stage)
        await stage.press("escape")
        assert "ctrl+a answers it." in frame(stage.app)
        story.tell(ev.GateAnswered(gate=gate, answer="answer", by="researcher", text="no"))
        await stage.catch_up()
        await stage.press("escape")
        applied = ev.DecisionApplied(decision=stage.decision(), said="Interrupted.")
        story.tell(ev.SessionPaused(by="researcher"), applied)
        await stage.catch_up()
        assert "Interrupted. t says something, P resumes." in stage.sentences
        assert stage.screen.deck.run.agent.copied().endswith("! interrupted  t says something, P resumes")
        story.tell(ev.CopilotStopped(reason="It ended."))
        await stage.catch_up()
        assert "B brings it back" in frame(stage.app)


@pytest.mark.parametrize(("keys", "told"), [({}, "esc interrupt"), ({"agent.interrupt": "Q"}, "Q interrupt")])
async def test_without_a_footer_the_header_names_the_key_that_counts(
    tmp_path: Path, keys: dict[str, str], told: str
) -> None:
    story = up_to_turn(tmp_path / "digits")
    async with staged(story, (60, 15), keymap=keys) as stage:
        assert told in frame(stage.app).splitlines()[-1]
        gate = story.ask("question", "May I?", idea=4)
        await stage.catch_up()
        await pass_grace(stage)
        await stage.press("escape")
        assert "decide" in frame(stage.app).splitlines()[-1]
        await stage.press("4")
        assert "a answer" in frame(stage.app).splitlines()[-1]
        story.tell(ev.GateAnswered(gate=gate, answer="answer", by="researcher", text="no"))
        story.tell(ev.SessionPaused(by="researcher"))
        write_live(story, "")
        await stage.catch_up()
        await stage.catch_up()
        assert "p resume" in frame(stage.app).splitlines()[-1]


async def test_in_the_run_pane_one_key_is_offered_for_an_answer(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path / "digits")
    story.ask("consent", "May it leave?")
    async with staged(story) as stage:
        await stage.catch_up()
        await pass_grace(stage)
        await stage.press("escape", "4")
        assert "a consent  esc interrupt" in frame(stage.app).splitlines()[-1]
        assert "A consent" not in frame(stage.app)
        await stage.press("1")
        assert "A consent" in frame(stage.app)


async def test_approving_in_the_wrong_pane_says_where_it_is_done(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("4", "a")
        assert stage.sentences[-1] == "What waits for you is decided in another pane."
        assert stage.story.decisions() == []


async def test_a_word_with_no_agent_at_work_is_not_promised_to_its_next_turn(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("i")
        assert "They stand for the session until you drop them (I)." in frame(stage.app)


async def test_an_answer_from_elsewhere_takes_no_words_from_under_the_fingers(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path / "digits")
    gate = story.ask("question", "May I?", idea=4)
    async with staged(story) as stage:
        await stage.catch_up()
        await pass_grace(stage)
        await stage.press(*"but on")
        story.tell(ev.GateAnswered(gate=gate, answer="answer", by="researcher", text="no"))
        await stage.catch_up()
        assert "That was answered elsewhere" in frame(stage.app)
        await stage.press(*"ly px", "enter")
        decision = stage.decision()
        assert (decision.kind, decision.idea, decision.gate, decision.text) == ("feedback", 4, "", "but only px")


async def test_an_interrupted_wait_counts_down_no_more(tmp_path: Path) -> None:
    story = begin(tmp_path / "digits")
    fault(story, retry_in_s=60.0)
    async with staged(story) as stage:
        await stage.press("4", "4", "4")
        assert "Again in" in stage.screen.deck.run.agent.copied().replace("\n", " ")
        await stage.press("escape")
        applied = ev.DecisionApplied(decision=stage.decision(), said="Interrupted.")
        story.tell(ev.SessionPaused(by="researcher"), applied)
        await stage.catch_up()
        told = " ".join(stage.screen.deck.run.agent.copied().split())
        assert "It is asked again when the session goes on." in told
        assert "Again in" not in told


async def test_a_session_that_ended_says_why_and_how_it_goes_on(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path / "digits")
    why = "The budget of $5.00 is used up. `mlrcopilot run --budget-usd X` goes on."
    story.tell(ev.SessionFinished(reason=why))
    write_live(story, "")
    async with staged(story) as stage:
        await stage.press("4", "4", "4")
        await stage.catch_up()
        told = " ".join(stage.screen.deck.run.agent.copied().split())
        assert told.endswith(f"finished {why}")
