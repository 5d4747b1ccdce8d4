"""From a state to what is shown: pure functions, tried without a screen."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.journal import JournalReader
from mlrcopilot_tui.session.model import Verdict
from mlrcopilot_tui.session.run_events import RunFinished
from mlrcopilot_tui.session.state import SessionState, fold
from mlrcopilot_tui.tui.glyphs import ASCII, UNICODE, Glyphs
from mlrcopilot_tui.tui.live_turn import Turn
from mlrcopilot_tui.tui.projector import agent, focus, ideas, paper, patch, run, words
from mlrcopilot_tui.tui.projector.header import header
from mlrcopilot_tui.tui.projector.run import Live
from mlrcopilot_tui.tui.projector.situation import Situation
from mlrcopilot_tui.tui.views import Document, Row, Segment, Selection, Span
from tests.tui.story import BEGIN, Story, idea, up_to_gate, up_to_run
from tests.tui.story_paper import PAPER


def state_of(story: Story) -> SessionState:
    """The state that the story's journal folds to."""
    return fold(JournalReader(story.layout.journal(story.session)).poll())


def plain(spans: tuple[Span, ...]) -> str:
    """The text alone."""
    return "".join(span.text for span in spans)


def lines(document: Document) -> list[str]:
    """The paragraphs' texts."""
    return [plain(part.lead) + plain(part.body) for part in document]


def tree_lines(rows: tuple[Row, ...]) -> list[str]:
    """The rows as they read."""
    return [f"{plain(row.left)} | {plain(row.right)}" for row in rows]


def test_the_tree_stands_under_its_champion(tmp_path: Path) -> None:
    rows = tree_lines(ideas.tree(state_of(up_to_gate(tmp_path)), UNICODE))
    assert rows == [
        "● champion  0.0773 ±0.0016 | \u221218 %",
        "├ ● 1 standardise inputs | \u221218 % kept",
        "│ └ ○ 3 cosine learning rate | proposed",
        "├ ✗ 2 wider bins | +1 %",
        "├ ! 4 gradient features | needs you",
        "├ ○ 5 label spreading | proposed",
        "└ ○ 6 shift augmentation | proposed",
    ]


@pytest.mark.parametrize(("glyphs", "said"), [(UNICODE, "test set seen 2\u00d7"), (ASCII, "test set seen 2x")])
def test_looks_at_the_test_set_stand_in_the_header(tmp_path: Path, glyphs: Glyphs, said: str) -> None:
    story = up_to_gate(tmp_path)

    def shown() -> list[str]:
        found = header(state_of(story), glyphs, workspace="w", copilot_alive=True, now=BEGIN)
        return [segment.text for segment in found]

    assert not any("test set" in text for text in shown())
    for looked in (True, False, True):
        name = story.start_run(0, commit=story.commits[4, 1], number=4)
        story.tell(RunFinished(run=name, outcome="ok", reason="", value=0.1, wall_s=1.0, log_sha256="", looked=looked))
    assert said in shown()


def test_a_tree_without_ideas_is_its_starter(tmp_path: Path) -> None:
    story = Story(tmp_path)
    assert ideas.tree(state_of(story), UNICODE) == ()
    story.begin()
    story.measure_baseline()
    assert tree_lines(ideas.tree(state_of(story), ASCII)) == ["* starter  0.0945 +/-0.0019 | "]


def test_an_idea_whose_parent_is_unknown_stands_at_the_top(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.begin()
    story.tell(ev.IdeaProposed(idea=idea(7, "orphan", parent=99)), ev.IdeaProposed(idea=idea(8, "self", parent=8)))
    rows = tree_lines(ideas.tree(state_of(story), UNICODE))
    assert "└ ○ 7 orphan | proposed" in rows


def test_a_thousand_ideas_in_one_line_need_no_recursion(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.begin()
    story.tell(*(ev.IdeaProposed(idea=idea(n, f"step {n}", parent=n - 1 or None)) for n in range(1, 1500)))
    assert len(ideas.tree(state_of(story), UNICODE)) == 1500


def test_the_queue_is_shown_in_the_order_of_the_researcher(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path)
    story.tell(ev.IdeasReordered(order=(6, 5), by="researcher"))
    rows = ideas.tree(state_of(story), UNICODE)
    assert [row.key for row in rows] == ["root", "1", "3", "2", "4", "6", "5"]


def test_an_idea_tells_its_verdict_with_rule_interval_and_seeds(tmp_path: Path) -> None:
    state = state_of(up_to_gate(tmp_path))
    told = lines(ideas.idea_document(state, state.ideas[1], UNICODE))
    assert any(line.startswith("Verdict 1   keep  \u221218 %  better by +0.0171 [+0.0131, +0.0211]") for line in told)
    assert any("Student interval" in line for line in told)
    assert any(line.split() == ["0", "0.0941", "0.0771"] for line in told)
    assert any(line.startswith("Evidence    g2") for line in told)


def test_a_metric_to_be_raised_reads_the_other_way(tmp_path: Path) -> None:
    state = state_of(up_to_gate(tmp_path))
    assert words.change(0.2, state, UNICODE) == "\u221220 %"
    assert state.started is not None
    state.started = msgspec.structs.replace(state.started, direction="max")
    assert words.change(0.2, state, UNICODE) == "+20 %"
    assert words.change(None, state, UNICODE) == ""


def test_a_verdict_of_one_run_has_no_interval() -> None:
    assert words.effect(Verdict(kind="keep", rule="", effect=0.5), UNICODE) == "+0.5"
    assert words.effect(Verdict(kind="crash", rule=""), UNICODE) == ""


def test_the_paper_shows_its_gaps_with_sentence_and_page(tmp_path: Path) -> None:
    story = Story(tmp_path)
    assert paper.paper_document(state_of(story), UNICODE) == ()
    story.begin()
    story.read_paper()
    told = lines(paper.paper_document(state_of(story), UNICODE))
    assert "Gaps      g1 Unlabelled images are not used." in told
    assert any("future work.” p.3" in line for line in told)
    assert told[-1] == "Summary: sentences of the paper, chosen by rule."
    assert any(line == "5 Limits  p.3" for line in lines(paper.paper_text(PAPER)))


def test_the_header_counts_what_waits(tmp_path: Path) -> None:
    segments = header(state_of(up_to_gate(tmp_path)), UNICODE, workspace="w", copilot_alive=True, now=BEGIN)
    shown = [segment.text for segment in segments]
    assert "! 1 needs you" in shown
    assert "best 0.0773 (\u221218 %)" in shown
    assert "2/12 exp" in shown


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (ev.SessionPaused(by="researcher"), "paused"),
        (ev.SessionFinished(reason="12 experiments"), "finished"),
        (ev.ChampionChanged(commit="9" * 40, reason="reverted", of="8" * 40, unmeasured=True), "tip unmeasured"),
    ],
)
def test_the_header_tells_the_session_s_state(tmp_path: Path, event: ev.Event, said: str) -> None:
    story = up_to_gate(tmp_path)
    story.tell(event)
    shown = [segment.text for segment in header(state_of(story), UNICODE, workspace="w", copilot_alive=True, now=BEGIN)]
    assert said in shown


def test_a_copilot_that_is_gone_is_told(tmp_path: Path) -> None:
    state = state_of(up_to_gate(tmp_path))
    gone = header(state, UNICODE, workspace="w", copilot_alive=False, now=BEGIN)
    assert "copilot stopped" in [segment.text for segment in gone]
    told = header(state, UNICODE, workspace="w", copilot_alive=False, now=BEGIN, restart="C")
    assert "C starts it" in [segment.text for segment in told]


def test_following_shows_the_newest_patch_and_a_choice_stays(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path)
    state = state_of(story)
    assert _commit(state, Selection()) == story.commits[4, 1]
    assert _commit(state, Selection(idea=1)) == story.commits[1, 1]
    assert focus.shown_attempt(state, Selection(idea=5)) is None
    assert focus.shown_attempt(state, Selection(idea=99)) is None
    again = story.implement(4)
    state = state_of(story)
    assert _commit(state, Selection(idea=4)) == again
    assert _commit(state, Selection(idea=4, attempt=1)) == story.commits[4, 1]


def _commit(state: SessionState, selection: Selection) -> str:
    attempt = focus.shown_attempt(state, selection)
    assert attempt is not None
    return attempt.commit


def test_only_the_asked_about_commit_can_be_decided(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path)
    state = state_of(story)
    assert patch.patch_view(state, Selection(), UNICODE).due
    assert not patch.patch_view(state, Selection(idea=1), UNICODE).due
    assert "no patch yet" in patch.patch_view(state, Selection(idea=5), UNICODE).empty


def test_a_live_run_knows_how_far_it_is(tmp_path: Path) -> None:
    story = up_to_run(tmp_path)
    state = state_of(story)
    live = state.runs["r11"]
    assert focus.shown_run(state, Selection()) is live
    curve = tuple((float(step), 0.1 - step / 1000) for step in range(1, 15))
    view = run.run_view(state, live, Live(curve=curve, last=0.086, total=40), story.now)
    assert view.share == pytest.approx(14 / 40)
    assert _texts(view.line) == ["idea 4.1", "seed 1", "step 14/40", "val_error", "0.086", "00:20", "/ ~00:58"]


def test_a_run_that_tells_no_total_is_measured_by_its_siblings(tmp_path: Path) -> None:
    story = up_to_run(tmp_path)
    state = state_of(story)
    view = run.run_view(state, state.runs["r11"], Live(), story.now)
    assert view.share == pytest.approx(20 / 58)
    late = run.run_view(state, state.runs["r11"], Live(), story.now + timedelta(hours=1))
    assert late.share == 1.0


def test_a_run_without_anything_to_measure_by_has_no_bar(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.begin()
    name = story.start_run(0, commit="b" * 40, purpose="baseline")
    state = state_of(story)
    assert run.run_view(state, state.runs[name], Live(), story.now).share is None
    assert run.run_view(state, None, Live(), BEGIN) == run.RunView()


def test_a_smoke_run_is_called_one_and_promises_no_end(tmp_path: Path) -> None:
    story = up_to_run(tmp_path)
    commit = next(iter(state_of(story).ideas[4].attempts)).commit
    name = story.start_run(0, commit=commit, purpose="smoke", number=4)
    state = state_of(story)
    view = run.run_view(state, state.runs[name], Live(), story.now)
    assert _texts(view.line)[:-1] == ["smoke run of idea 4.1", "seed 0"]
    assert view.share is None
    said = "It ran well for 20 s."
    story.tell(RunFinished(run=name, outcome="smoked", reason=said, value=None, wall_s=20.0, log_sha256=""))
    state = state_of(story)
    ended = run.run_view(state, state.runs[name], Live(), story.now).line
    assert ["smoked", said] == [segment.text for segment in ended if segment.text in {"smoked", said}]
    assert all(segment.role != "error" for segment in ended)


def test_a_run_is_seen_against_its_parent(tmp_path: Path) -> None:
    state = state_of(up_to_run(tmp_path))
    parents = (((1.0, 0.10), (20.0, 0.07)), ((1.0, 0.12), (20.0, 0.07)))
    note = plain(run.beside_parent(state, Live(curve=((14.0, 0.09),), parents=parents), UNICODE))
    assert note == "parent at this step 0.11 ±0.01  ahead"
    assert run.beside_parent(state, Live(curve=((14.0, 0.09),)), UNICODE) == ()


def test_a_crash_tells_its_reason(tmp_path: Path) -> None:
    story = up_to_run(tmp_path)
    story.tell(RunFinished(run="r11", outcome="crashed", reason="CUDA error", value=None, wall_s=3.0, log_sha256=""))
    state = state_of(story)
    shown = _texts(run.run_view(state, state.runs["r11"], Live(), story.now).line)
    assert shown[2:] == ["crashed", "CUDA error", "00:03"]


def _texts(segments: tuple[Segment, ...]) -> list[str]:
    return [segment.text for segment in segments]


def test_a_step_that_was_told_twice_counts_as_told_last() -> None:
    assert run.as_curve([(2, 0.5), (1, 0.6), (2, 0.4)]) == ((1, 0.6), (2, 0.4))


def test_a_question_stands_below_what_the_agents_said(tmp_path: Path) -> None:
    story = up_to_run(tmp_path)
    story.ask("question", "More epochs?")
    told = lines(agent.now_document(state_of(story), Turn(), story.now, UNICODE, lambda _: "A"))
    assert told[-2:] == ["! asks  More epochs?", "        A answers it."]


def test_what_can_be_reverted_stands_on_the_line(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path)
    commit = story.commits[1, 1]
    steps: list[ev.Event] = [
        ev.ChampionChanged(commit="9" * 40, reason="reverted", of=commit, unmeasured=True),
        ev.ChampionChanged(commit="8" * 40, reason="redone", of=commit, unmeasured=True),
    ]
    seen = [_kept(state_of(story))]
    for step in steps:
        story.tell(step)
        seen.append(_kept(state_of(story)))
    assert seen == [(True, False), (False, True), (True, False)]


def _kept(state: SessionState) -> tuple[bool, bool]:
    situation = Situation(state, Selection(idea=1), "patch", "Patch")
    return situation.kept, situation.reverted


def test_times_read_as_people_say_them() -> None:
    assert [words.clock(s) for s in (0, 59.9, 61, 3723)] == ["00:00", "00:59", "01:01", "1:02:03"]
    assert [words.span_of_time(s) for s in (5, 125, 7380)] == ["5 s", "2 min", "2 h 03 min"]
    assert words.time_of_day("no time") == ""
    assert words.seconds_between("no time", BEGIN) == 0.0
