"""An engine that asks a model, on the screen: its words as they come, and every way to talk with it."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from textual.widgets import Input

from mlrcopilot_tui.errors import EnvironmentLackError
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.model import Decision, PlanDesign
from mlrcopilot_tui.session.model_events import Usage
from mlrcopilot_tui.session.session import read_state
from mlrcopilot_tui.session.state import Spending
from mlrcopilot_tui.tui.client import SessionClient
from mlrcopilot_tui.tui.glyphs import ASCII, PLAIN, UNICODE, Glyphs
from mlrcopilot_tui.tui.live_turn import SHOWN_BYTES, LiveTurn, Turn
from mlrcopilot_tui.tui.projector import agent, ideas, spending
from mlrcopilot_tui.tui.projector.header import header
from mlrcopilot_tui.tui.screens.asking import Consent, Question
from mlrcopilot_tui.tui.screens.main import MainScreen
from mlrcopilot_tui.tui.screens.restart import Restart
from mlrcopilot_tui.tui.views import Document
from tests.tui.doubles import Stage, staged
from tests.tui.story import Story, idea, up_to_gate
from tests.tui.story_claude import CONSENT, begin, call, fault, up_to_turn, write_live
from tests.tui.test_hostile import HOSTILE, check_clean
from tests.tui.text_frames import check_frame, frame, settle


def told(document: Document) -> list[str]:
    """The paragraphs' texts."""
    return ["".join(span.text for span in (*part.lead, *part.body)) for part in document]


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The frames hold times of the day."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(autouse=True)
def _alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody holds a told session's lock; here it counts as held."""
    monkeypatch.setattr(SessionClient, "copilot_alive", lambda _: True)


async def pass_grace(stage: Stage) -> None:
    """Lets half a second pass."""
    stage.clock.seconds += 0.6
    await settle(stage.pilot)


# The words as they come


@pytest.mark.parametrize(
    ("name", "size"), [("agent-120x40", (120, 40)), ("agent-80x24", (80, 24)), ("agent-60x15", (60, 15))]
)
async def test_frame(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    async with staged(up_to_turn(tmp_path / "digits"), size) as stage:
        await stage.press("4", "4", "4")
        await stage.catch_up()
        check_frame(stage.app, name)


@pytest.mark.parametrize(("name", "glyphs", "plain"), [("agent-ascii", ASCII, False), ("agent-plain", PLAIN, True)])
async def test_frame_without_drawings(tmp_path: Path, name: str, glyphs: Glyphs, plain: bool) -> None:
    async with staged(up_to_turn(tmp_path / "digits"), (80, 24), glyphs=glyphs, plain=plain) as stage:
        await stage.press("4", "4", "4")
        await stage.catch_up()
        check_frame(stage.app, name)
        assert frame(stage.app).isascii()


async def test_dialogs_without_drawings(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path / "digits")
    story.ask("question", "May I?", idea=4)
    story.ask("consent", "May it leave?")
    async with staged(story, (80, 24), glyphs=ASCII) as stage:
        for dialog in (Question, Consent):
            await stage.catch_up()
            assert isinstance(stage.app.screen, dialog)
            assert frame(stage.app).isascii()
            await pass_grace(stage)
            await stage.press("escape")
        story.tell(ev.CopilotStopped(reason="It ended."))
        await stage.catch_up()
        assert isinstance(stage.app.screen, Restart)
        assert frame(stage.app).isascii()


async def test_a_turn_grows_on_the_screen_and_becomes_what_was_said(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path / "digits")
    async with staged(story) as stage:
        await stage.press("4", "4", "4")
        await stage.catch_up()
        assert "np.gradi" in frame(stage.app)
        write_live(story, "Now I write the features.\n\ndef gradients(x):\n    return np.gradient(x, axis=1)")
        await stage.catch_up()
        assert "np.gradient(x, axis=1)" in frame(stage.app)
        write_live(story, "")
        await stage.catch_up()
        assert "np.gradient(x, axis=1)" in frame(stage.app), "what the journal does not tell yet stays for a moment"
        story.tell(ev.AgentSaid(agent="ExperimentAgent", kind="thought", idea=4, text="I wrote the features."))
        await stage.catch_up()
        shown = frame(stage.app)
        assert "I wrote the features." in shown
        assert "now" not in shown.partition("I wrote the features.")[2].partition("needs")[0].split()


async def test_the_view_follows_the_end_until_scrolled_up(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path / "digits")
    async with staged(story, (80, 24)) as stage:
        await stage.press("4", "4", "4")
        view = stage.screen.deck.run.agent
        for count in range(10, 60, 10):
            write_live(story, "\n".join(f"word {number}" for number in range(count)))
            await stage.catch_up()
            assert f"word {count - 1}" in frame(stage.app)
        await stage.press("ctrl+u")
        top = view.scroll_offset.y
        write_live(story, "\n".join(f"word {number}" for number in range(90)))
        await stage.catch_up()
        assert view.scroll_offset.y == top
        assert "word 89" not in frame(stage.app)
        await stage.press("G")
        write_live(story, "\n".join(f"word {number}" for number in range(95)))
        await stage.catch_up()
        assert "word 94" in frame(stage.app)


async def test_an_unchanged_turn_draws_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(up_to_turn(tmp_path / "digits")) as stage:
        await stage.press("4", "4", "4")
        for _ in range(35):
            stage.screen.tick()
        await settle(stage.pilot)
        drawn: list[object] = []
        monkeypatch.setattr(stage.screen.deck.run.agent, "refresh", lambda *args, **_: drawn.append(args))
        for _ in range(35):
            stage.screen.tick()
        await settle(stage.pilot)
        assert drawn == []


def test_a_file_that_was_just_cut_is_looked_at_twice(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path)
    live = LiveTurn()
    assert live.poll(story.folder)
    words = live.turn
    assert not live.poll(story.folder)
    write_live(story, "")
    assert not live.poll(story.folder)
    assert live.turn == words
    assert live.poll(story.folder)
    assert live.turn == Turn()


def test_of_a_long_turn_the_end_is_read(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path)
    write_live(story, "é" * SHOWN_BYTES + "the end")
    live = LiveTurn()
    live.poll(story.folder)
    assert live.turn.text.endswith("é" * 100 + "the end")
    assert len(live.turn.text.encode()) <= SHOWN_BYTES
    assert live.turn.above == SHOWN_BYTES + len("the end")
    state = read_state(story.folder)
    assert "characters above" in told(agent.now_document(state, live.turn, story.now, UNICODE, str))[0]


def test_nobody_s_turn_is_shown_without_a_copilot(tmp_path: Path) -> None:
    live = LiveTurn()
    live.poll(up_to_turn(tmp_path).folder)
    live.poll(None)
    assert live.turn == Turn()


def test_old_words_and_long_ones_are_counted_not_laid_out(tmp_path: Path) -> None:
    story = begin(tmp_path)
    said = [ev.AgentSaid(agent="IdeaAgent", kind="note", text=f"note {number}") for number in range(1_100)]
    story.tell(*said, ev.AgentSaid(agent="ExperimentAgent", kind="observation", text="row\n" * 500, idea=4))
    lines = told(agent.talk_document(read_state(story.folder), UNICODE))
    assert lines[0].endswith("older entries are in the journal.")
    assert sum("row" in line for line in lines) == 12
    assert lines[-1].strip() == "… 488 more lines in the journal"


# Interrupting and interjecting


async def test_escape_interrupts_the_agent_at_work(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path / "digits")
    async with staged(story) as stage:
        await stage.press("4", "escape")
        decision = stage.decision()
        assert decision.kind == "interrupt"
        story.tell(ev.SessionPaused(by="researcher"), ev.DecisionApplied(decision=decision, said="Interrupted."))
        write_live(story, "")
        await stage.catch_up()
        await stage.press("4", "4")
        await stage.catch_up()
        shown = frame(stage.app)
        assert "Interrupted. i says something, p resumes." in stage.sentences
        said = stage.screen.deck.run.agent.copied()
        assert said.endswith("! interrupted  i says something, p resumes")
        assert "interrupted" in shown.splitlines()[0]
        assert "esc" not in shown.splitlines()[-1]
        await stage.press("2", "j", "j")
        assert frame(stage.app).splitlines()[-1].split()[:4] == ["i", "interject", "p", "resume"]


async def test_escape_interrupts_nobody_who_is_not_at_work(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        for pane in ("1", "2", "3", "4"):
            await stage.press(pane, "escape")
        assert stage.story.decisions() == []


async def test_a_copilot_that_died_has_nobody_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SessionClient, "copilot_alive", lambda _: False)
    async with staged(up_to_turn(tmp_path / "digits")) as stage:
        await stage.press("4", "4", "4")
        await stage.catch_up()
        await stage.catch_up()
        assert "np.gradi" not in frame(stage.app)
        await stage.press("escape")
        assert stage.story.decisions() == []
        await stage.press("C")
        assert isinstance(stage.app.screen, Restart)


async def test_a_wait_for_the_next_try_can_be_interrupted(tmp_path: Path) -> None:
    story = begin(tmp_path / "digits")
    fault(story, retry_in_s=60.0)
    async with staged(story) as stage:
        await stage.press("escape")
        assert stage.decision().kind == "interrupt"


async def test_escape_closes_what_is_open_before_it_interrupts(tmp_path: Path) -> None:
    async with staged(up_to_turn(tmp_path / "digits")) as stage:
        for opening in ("question_mark", "slash", "ctrl+p", "i"):
            await stage.press(opening)
            await stage.press("escape")
            assert isinstance(stage.app.screen, MainScreen)
            assert stage.story.decisions() == []
        await stage.press("escape")
        assert stage.decision().kind == "interrupt"


async def test_escape_forgets_marked_lines_before_it_interrupts(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    story.tell(ev.IdeaStarted(idea=5, parent=story.commits[1, 1]))
    async with staged(story) as stage:
        await stage.press("3", "v", "j", "escape")
        assert stage.story.decisions() == []
        await stage.press("escape")
        assert stage.decision().kind == "interrupt"


async def test_a_word_reaches_the_idea_at_work_and_answers_no_gate(tmp_path: Path) -> None:
    async with staged(up_to_turn(tmp_path / "digits")) as stage:
        await stage.press("1", "i")
        await stage.write("keep the epochs")
        decision = stage.decision()
        assert (decision.kind, decision.idea, decision.gate, decision.text) == ("feedback", 4, "", "keep the epochs")


# Questions and consent


async def test_a_question_comes_as_a_dialog_and_takes_an_answer(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path / "digits")
    async with staged(story, (80, 24)) as stage:
        rung: list[None] = []
        stage.app.bell = lambda: rung.append(None)  # type: ignore[method-assign]
        gate = story.ask("question", "May I change the number of epochs?\nThe plan says 40.", idea=4)
        await stage.catch_up()
        assert isinstance(stage.app.screen, Question)
        assert len(rung) == 1
        await stage.press("n", "o", "enter", "escape")
        line = stage.app.screen.query_one(Input)
        assert line.value == "", "keys that were pressed before the question could be read"
        assert isinstance(stage.app.screen, Question)
        await pass_grace(stage)
        check_frame(stage.app, "question-80x24")
        await stage.write("yes, to 60")
        decision = stage.decision()
        assert (decision.kind, decision.gate, decision.text) == ("answer", gate, "yes, to 60")


@pytest.mark.parametrize("size", [(40, 10), (60, 15)])
async def test_a_long_question_leaves_room_for_the_answer(tmp_path: Path, size: tuple[int, int]) -> None:
    story = up_to_turn(tmp_path / "digits")
    story.ask("question", "\n".join(f"line {number}" for number in range(50)), idea=4)
    async with staged(story, size) as stage:
        await stage.catch_up()
        await pass_grace(stage)
        await stage.pilot.press(*"so be it")
        await stage.press("pagedown")
        shown = frame(stage.app)
        assert "so be it" in shown
        assert "line 8" in shown
        assert "line 0" not in shown


async def test_a_question_that_is_put_aside_comes_back_by_its_key(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path / "digits")
    story.ask("question", "May I?", idea=4)
    async with staged(story) as stage:
        await stage.catch_up()
        await pass_grace(stage)
        await stage.press("escape")
        await stage.catch_up()
        assert isinstance(stage.app.screen, MainScreen)
        assert "1 needs you" in frame(stage.app)
        assert stage.story.decisions() == []
        for key in ("A", "a"):
            await stage.press("4", key)
            assert isinstance(stage.app.screen, Question)
            await pass_grace(stage)
            await stage.press("escape")
        await stage.press("A")
        await pass_grace(stage)
        await stage.write("you may")
        await stage.press("A")
        assert isinstance(stage.app.screen, MainScreen)
        assert "Your answer is on its way." in stage.sentences


async def test_a_question_waits_for_what_is_being_typed(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path / "digits")
    async with staged(story) as stage:
        await stage.press("i", *"keep the")
        story.ask("question", "May I?", idea=4)
        await stage.catch_up()
        assert "The agent asks: May I?" in stage.sentences
        await stage.press(*" epochs", "enter")
        assert stage.decision().text == "keep the epochs"
        await stage.catch_up()
        assert isinstance(stage.app.screen, Question)


async def test_a_question_that_was_answered_elsewhere_closes(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path / "digits")
    gate = story.ask("question", "May I?", idea=4)
    async with staged(story) as stage:
        await stage.catch_up()
        story.tell(ev.GateAnswered(gate=gate, answer="answer", by="researcher", text="no"))
        await stage.catch_up()
        assert isinstance(stage.app.screen, MainScreen)


@pytest.mark.parametrize(("key", "kind"), [("y", "approve"), ("n", "reject")])
async def test_consent_is_given_or_declined_by_a_key(tmp_path: Path, key: str, kind: str) -> None:
    story = begin(tmp_path / "digits")
    gate = story.ask("consent", CONSENT, forecast="About $0.50 for ten experiments.")
    async with staged(story, (80, 24)) as stage:
        await stage.catch_up()
        assert isinstance(stage.app.screen, Consent)
        await stage.press(key)
        assert stage.story.decisions() == []
        await pass_grace(stage)
        check_frame(stage.app, "consent-80x24")
        await stage.press(key)
        assert (stage.decision().kind, stage.decision().gate) == (kind, gate)


# Faults


async def test_a_retry_counts_down_where_everybody_looks(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path / "digits")
    write_live(story, "")
    fault(story, retry_in_s=20.0, tries=2)
    async with staged(story) as stage:
        await stage.press("4", "4", "4")
        await stage.catch_up()
        check_frame(stage.app, "fault-120x40")
        assert "again in 00:19" in frame(stage.app).splitlines()[0]
        story.wait(5)
        stage.screen._each_second()
        await settle(stage.pilot)
        assert "again in 00:14" in frame(stage.app).splitlines()[0]
        assert "Again in 00:14 (try 3)." in frame(stage.app)
        call(story, "step", read=1, cached=1, written=1, usd=0.01, idea=4)
        await stage.catch_up()
        assert "overloaded" not in frame(stage.app)


async def _stop(stage: Stage) -> None:
    fault(stage.story, retry_in_s=None)
    stage.story.tell(ev.CopilotStopped(reason="The endpoint is overloaded. Wait, or choose another model."))
    await stage.catch_up()


async def test_a_copilot_that_ended_offers_ways_on(tmp_path: Path) -> None:
    asked: list[tuple[str, ...]] = []
    story = up_to_turn(tmp_path / "digits")

    def ensure(options: Sequence[str]) -> str:
        asked.append(tuple(options))
        return story.session

    async with staged(story, (80, 24), ensure=ensure) as stage:
        await _stop(stage)
        assert isinstance(stage.app.screen, Restart)
        await stage.press("r")
        assert asked == [()], "pressed before it could be read"
        await pass_grace(stage)
        check_frame(stage.app, "ended-80x24")
        await stage.press("r")
        assert asked == [(), ()]
        await stage.catch_up()
        assert isinstance(stage.app.screen, MainScreen), "the same end is told once"
        for keys, options in ((("o",), ("--engine", "offline")), (("m", *"haiku", "enter"), ("--model", "haiku"))):
            await stage.press("C")
            await pass_grace(stage)
            await stage.press(*keys)
            assert asked[-1] == options
        story.tell(ev.CopilotStarted(pid=1, host="h"))
        await stage.catch_up()
        await _stop(stage)
        assert isinstance(stage.app.screen, Restart)


async def test_a_spent_budget_can_be_raised_where_it_is_told(tmp_path: Path) -> None:
    asked: list[tuple[str, ...]] = []
    story = up_to_turn(tmp_path / "digits")

    def ensure(options: Sequence[str]) -> str:
        asked.append(tuple(options))
        return story.session

    async with staged(story, (80, 24), ensure=ensure) as stage:
        why = "The budget of $5.00 is spent."
        story.tell(ev.SessionFinished(reason=why), ev.CopilotStopped(reason=why))
        await stage.catch_up()
        assert isinstance(stage.app.screen, Restart)
        await pass_grace(stage)
        assert "allow more and go on" in frame(stage.app)
        await stage.press("b", *"7.5", "enter")
        assert asked[-1] == ("--budget-usd", "7.5")


async def test_an_end_before_the_screen_came_calls_nobody(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path / "digits")
    story.tell(ev.CopilotStopped(reason="The endpoint is overloaded."))
    async with staged(story) as stage:
        await stage.catch_up()
        assert isinstance(stage.app.screen, MainScreen)


async def test_a_copilot_that_lacks_something_offers_ways_on(tmp_path: Path) -> None:
    def ensure(_: Sequence[str]) -> str:
        raise EnvironmentLackError("No key was found.", "Set ANTHROPIC_API_KEY.")

    async with staged(up_to_turn(tmp_path / "digits"), ensure=ensure) as stage:
        assert isinstance(stage.app.screen, Restart)
        assert "No key was found. Set ANTHROPIC_API_KEY." in frame(stage.app)
        await pass_grace(stage)
        await stage.press("escape")
        assert isinstance(stage.app.screen, MainScreen)


async def test_a_copilot_that_was_stopped_here_calls_nobody(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path / "digits")
    async with staged(story) as stage:
        stage.screen.action_perform("session.quit")
        await settle(stage.pilot)
        await stage.press("y")
        story.tell(ev.DecisionApplied(decision=stage.decision(), said="The copilot lets go."))
        await stage.catch_up()
        story.tell(ev.CopilotStopped(reason="It was told to stop; live runs go on."))
        await stage.catch_up()
        assert isinstance(stage.app.screen, MainScreen)
        story.tell(ev.CopilotStarted(pid=1, host="h"))
        await stage.catch_up()
        await _stop(stage)
        assert isinstance(stage.app.screen, Restart)


async def test_questions_of_another_session_are_others(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path / "digits")
    story.ask("question", "May I?", idea=4)
    async with staged(story) as stage:
        await stage.catch_up()
        await pass_grace(stage)
        await stage.press("escape")
        other = Story(tmp_path / "digits", session="0badcafe")
        other.begin()
        other.ask("question", "And I?")
        stage.screen.client.open(other.session)
        await stage.catch_up()
        assert isinstance(stage.app.screen, Question)
        assert "And I?" in frame(stage.app)


async def test_offline_there_is_no_other_model_to_choose(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        stage.story.tell(ev.CopilotStopped(reason="The machine gave out: No space left on device."))
        await stage.catch_up()
        shown = frame(stage.app)
        assert "try again" in shown
        assert "model" not in shown.partition("No space left")[2].partition("leave;")[0]


# Money and tokens


def test_money_is_told_as_far_as_it_is_known() -> None:
    spent = Spending()
    assert spending.cost(spent) == "$0.00"
    spent.usd, spent.calls, spent.input_tokens = 0.0032, 1, 152_400
    assert spending.cost(spent) == "$0.0032"
    spent.unpriced = 1
    assert spending.cost(spent) == "152k tok"
    spent.calls = 2
    assert spending.cost(spent) == "$0.0032+"


@pytest.mark.parametrize(("count", "shown"), [(0, "0"), (999, "999"), (152_400, "152k"), (1_234_000, "1.23M")])
def test_tokens_read_as_people_say_them(count: int, shown: str) -> None:
    assert spending.tokens(count) == shown


def test_the_header_tells_what_was_spent_of_the_budget(tmp_path: Path) -> None:
    story = up_to_turn(tmp_path)
    state = read_state(story.folder)
    shown = header(state, UNICODE, workspace="w", copilot_alive=True, now=story.now)
    assert "$0.42/5.00" in [segment.text for segment in shown]
    assert "cached 83 %" in [segment.text for segment in spending.status(state)]
    assert spending.status(read_state(up_to_gate(tmp_path / "offline").folder)) == ()


def test_an_idea_tells_what_it_cost_and_what_became_of_its_plan(tmp_path: Path) -> None:
    state = read_state(up_to_turn(tmp_path).folder)
    lines = told(ideas.idea_document(state, state.ideas[1], UNICODE))
    assert "Spent       $0.21 · 33k in, 2k out, 94 % cached · 1 call" in lines
    assert "Plan        ✓ 1. Add the features in train.py.  done: train.py:41-52, run r4" in lines
    unfinished = "2. Train with the same number of epochs.  not done: the epochs were changed to 60"
    assert f"            \u2013 {unfinished}" in lines
    unchecked = told(ideas.idea_document(state, state.ideas[5], UNICODE))
    assert "Plan        1. Add the features in train.py." in unchecked


def test_an_idea_tells_the_design_of_its_plan_and_its_rubric(tmp_path: Path) -> None:
    story = begin(tmp_path)
    design = PlanDesign(dataset="digits", metric="val_error on 797 images", baseline="raw pixels", runs=3, minutes=1)
    scores = {"novelty": 6.0, "plan.validity": 8.0}
    story.tell(ev.IdeaProposed(idea=idea(7, "shear", design=design, scores=scores)))
    state = read_state(story.folder)
    lines = told(ideas.idea_document(state, state.ideas[7], UNICODE))
    assert "Dataset     digits" in lines
    assert "Budget      3 runs of 1 minute" in lines
    assert "Scores      novelty 6" in lines
    assert "Rubric      plan.validity 8" in lines


def test_cut_calls_are_marked(tmp_path: Path) -> None:
    state = read_state(up_to_turn(tmp_path).folder)
    state.spending.bounded = 2
    assert "2 cut, at their bound" in [segment.text for segment in spending.status(state)]
    assert Usage(exact=False).exact is False


async def test_model_and_budget_are_changed_from_the_palette(tmp_path: Path) -> None:
    async with staged(up_to_turn(tmp_path / "digits")) as stage:
        stage.screen.action_perform("session.model")
        await settle(stage.pilot)
        await stage.press("ctrl+u")
        await stage.write("claude-haiku")
        decision = stage.decision()
        assert (decision.kind, decision.draft) == ("settings", {"model": "claude-haiku"})
        await stage.take_back(decision)
        for words, usd in (("7.5", 7.5), ("0", 0.0)):
            stage.screen.action_perform("session.budget")
            await settle(stage.pilot)
            await stage.press("ctrl+u")
            await stage.write(words)
            assert stage.decision().draft == {"usd": usd}
            await stage.take_back(stage.decision())
        for words in ("much", "-1", "nan"):
            stage.screen.action_perform("session.budget")
            await settle(stage.pilot)
            await stage.press("ctrl+u")
            await stage.write(words)
            assert stage.story.decisions() == []
            assert f"“{words}” is no amount of dollars." in stage.sentences


async def test_a_model_can_be_changed_only_where_one_is_asked(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        assert not stage.screen.check_action("perform", ("session.model",))
        assert not stage.screen.check_action("perform", ("session.budget",))


# Ideas


async def test_marks_are_seen_and_go_with_their_ideas(tmp_path: Path) -> None:
    story = begin(tmp_path / "digits")
    async with staged(story) as stage:
        await stage.press("2", "G", "space", "k", "space")
        assert [line for line in frame(stage.app).splitlines() if "◆" in line]
        assert stage.screen.presenter.marked == {5, 6}
        await stage.press("space")
        assert stage.screen.presenter.marked == {6}
        await stage.press("M")
        assert isinstance(stage.app.screen, MainScreen)
        story.tell(ev.IdeaPruned(idea=6, reason="", by="researcher"))
        await stage.catch_up()
        assert stage.screen.presenter.marked == frozenset()
        assert "◆" not in frame(stage.app)


async def test_an_idea_is_revised_without_a_word_too(tmp_path: Path) -> None:
    async with staged(begin(tmp_path / "digits")) as stage:
        await stage.press("2", "G", "r", "enter")
        assert stage.decision() == Decision(id=stage.decision().id, kind="idea.revise", idea=6)


# Hostile words


async def test_what_a_model_says_reaches_no_terminal(tmp_path: Path) -> None:
    poison = "".join(HOSTILE).replace("\udcff", "")
    story = up_to_turn(tmp_path / "digits")
    (story.folder / "agent.live").write_bytes(f"{poison}\n".encode() * 30 + b"\xff\xfe\x9b")
    async with staged(story, (100, 30)) as stage:
        await stage.press("4", "4", "4")
        await stage.catch_up()
        check_clean(stage)
        story.ask("question", f"{poison}\n" * 40, idea=4)
        await stage.catch_up()
        check_clean(stage)
        await pass_grace(stage)
        stage.app.screen.query_one(Input).value = poison
        await settle(stage.pilot)
        check_clean(stage)
        await stage.press("pagedown", "escape")
        story.ask("consent", poison, forecast=poison)
        await stage.catch_up()
        check_clean(stage)
        await pass_grace(stage)
        await stage.press("escape")
        story.tell(ev.CopilotStopped(reason=poison))
        await stage.catch_up()
        check_clean(stage)


def test_the_claude_story_is_one_session(tmp_path: Path) -> None:
    story: Story = up_to_turn(tmp_path)
    state = read_state(story.folder)
    assert state.started is not None
    assert state.started.engine == "claude"
    assert agent.working_idea(state) is state.ideas[4]
