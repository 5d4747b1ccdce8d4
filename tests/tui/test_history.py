"""The history of all that was tried: listed, filtered, compared and branched from; and its staircase."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from mlrcopilot_tui.research import comparing
from mlrcopilot_tui.research.fates import FATES, Fate, history
from mlrcopilot_tui.research.staircase import Stair
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.journal import JournalReader
from mlrcopilot_tui.session.state import SessionState, fold
from mlrcopilot_tui.tui import library
from mlrcopilot_tui.tui.glyphs import ASCII, PLAIN, UNICODE, Glyphs
from mlrcopilot_tui.tui.projector.history import HistoryView, history_view, sought
from mlrcopilot_tui.tui.themes import variable_defaults
from mlrcopilot_tui.tui.views import STARTER, HistoryChoice, Order, Selection, Span
from mlrcopilot_tui.tui.widgets import chart, staircase
from mlrcopilot_tui.tui.widgets.staircase import Staircase
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.kept_diff import KeptDiff
from mlrcopilot_tui.workspace.new_repository import init_repository
from tests.tui.doubles import staged
from tests.tui.story import BASE, Story, up_to_gate
from tests.tui.text_frames import check_frame, frame, settle


def tried(root: Path) -> Story:
    """Kept, discarded, crashed; a patch that was sent back, and its revision that waits."""
    story = up_to_gate(root)
    story.tell(ev.GateAnswered(gate="g1", answer="feedback", by="researcher", text="use fewer orientations"))
    story.implement(5, subject="Spread labels over the unlabelled images")
    commit = story.implement(4, parent=story.commits[1, 1], subject="Add gradient features, four of them", diff=SECOND)
    story.ask_about(4, commit)
    return story


SECOND = (
    "diff --git a/train.py b/train.py\nindex 1111111..2222222 100644\n--- a/train.py\n+++ b/train.py\n"
    "@@ -1 +1 @@\n-ORIENTATIONS = 8\n+ORIENTATIONS = 4\n"
)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times are the reader's local ones."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def state_of(story: Story) -> SessionState:
    return fold(JournalReader(story.layout.journal(story.session)).poll())


def plain(spans: tuple[Span, ...]) -> str:
    return "".join(span.text for span in spans)


def view_of(story: Story, typed: str = "", order: Order = "newest", marked: str = "") -> HistoryView:
    state = state_of(story)
    return history_view(state, history(state), HistoryChoice(typed, order, marked), {}, UNICODE)


def test_the_list_tells_what_became_of_each(tmp_path: Path) -> None:
    view = view_of(tried(tmp_path))
    assert [(row.key, " ".join(plain(row.right).split())) for row in view.rows] == [
        ("4.2", "needs you"),
        ("5.1", "writing"),
        ("4.1", "sent back"),
        ("2.1", "+1 % discarded"),
        ("1.1", "\u221218 % kept"),
        (STARTER, ""),
    ]
    assert plain(view.head) == "5 attempts · newest first · best 0.07733, 1.1 (experiment 1 of 2)"
    assert plain(view.details["4.1"]).endswith("sent back by the researcher: “use fewer orientations”")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("kept", ["1.1"]),
        ("kept discarded", ["2.1", "1.1"]),
        ("idea:4", ["4.2", "4.1"]),
        ("#4 sent-back", ["4.1"]),
        ("FEWER orient", ["4.1"]),
        ("undecided", []),
    ],
)
def test_a_filter_takes_fates_ideas_and_words(tmp_path: Path, typed: str, found: list[str]) -> None:
    assert [row.key for row in view_of(tried(tmp_path), typed).rows] == found


@pytest.mark.parametrize(
    ("order", "first"), [("newest", "4.2"), ("oldest", STARTER), ("best", "1.1"), ("idea", STARTER)]
)
def test_orders(tmp_path: Path, order: Order, first: str) -> None:
    view = view_of(tried(tmp_path), order=order)
    assert view.rows[0].key == first
    assert len(view.rows) == 6


def test_what_is_typed_is_read_word_by_word() -> None:
    assert sought("Crash  #12 idea:x Warm").fates == {"crashed"}
    assert sought("Crash  #12 idea:x Warm").ideas == {12}
    assert sought("Crash  #12 idea:x Warm").words == ("idea:x", "warm")


@pytest.mark.parametrize(
    ("name", "size", "keys"),
    [
        ("history-120x40", (120, 40), "33jj"),
        ("history-zoomed-120x40", (120, 40), "33jjZ"),
        ("history-80x24", (80, 24), "33jj"),
        ("history-60x15", (60, 15), "33jj"),
    ],
)
async def test_frames(tmp_path: Path, name: str, size: tuple[int, int], keys: str) -> None:
    async with staged(tried(tmp_path / "digits"), size) as stage:
        await stage.press(*keys)
        check_frame(stage.app, name)


@pytest.mark.parametrize(("name", "glyphs", "plain_mode"), [("ascii", ASCII, False), ("plain", PLAIN, True)])
async def test_frames_without_drawings(tmp_path: Path, name: str, glyphs: Glyphs, plain_mode: bool) -> None:
    async with staged(tried(tmp_path / "digits"), (80, 24), glyphs=glyphs, plain=plain_mode) as stage:
        await stage.press("3", "3")
        check_frame(stage.app, f"history-{name}")


async def test_the_list_is_filtered_and_escape_shows_all_again(tmp_path: Path) -> None:
    async with staged(tried(tmp_path / "digits")) as stage:
        await stage.press("3", "3", "F")
        await stage.write("orientations = 4")
        await stage.pilot.app.workers.wait_for_complete()
        await settle(stage.pilot)
        rows = stage.screen.deck.patch.history.rows
        assert "1 of 5 attempts: orientations = 4" in frame(stage.app)
        assert rows.key == "4.2"
        await stage.press("escape")
        assert "5 attempts" in frame(stage.app)
        await stage.press("F")
        await stage.write("rejected")
        assert "No attempt is like that." in frame(stage.app)


async def test_an_idea_starts_from_any_attempt_and_from_the_starter(tmp_path: Path) -> None:
    story = tried(tmp_path / "digits")
    async with staged(story) as stage:
        await stage.press("3", "3", "j", "j", "b")
        await stage.write("go on here")
        decision = stage.decision()
        assert (decision.kind, decision.idea, decision.commit) == ("idea.add", 4, story.commits[4, 1])
        await stage.take_back(decision)
        await stage.press("G", "enter")
        assert "The starter has no patch." in stage.sentences
        await stage.press("b")
        await stage.write("from scratch")
        decision = stage.decision()
        assert (decision.idea, decision.commit) == (0, BASE)
        await stage.take_back(decision)
        await stage.press("3", "b")
        await stage.write("on what is shown")
        assert stage.decision().commit == story.commits[4, 2]


def keep(story: Story, old: str, new: str) -> None:
    """A comparison as an earlier child left it."""
    folder = story.folder / "comparisons"
    folder.mkdir(exist_ok=True)
    (folder / f"{old}-{new}.diff").write_text(SECOND)


async def test_a_revision_is_held_against_what_was_sent_back(tmp_path: Path) -> None:
    story = tried(tmp_path / "digits")
    keep(story, story.commits[4, 1], story.commits[4, 2])
    async with staged(story) as stage:
        before = frame(stage.app)
        await stage.press("3", "c")
        assert "an earlier attempt" in frame(stage.app)
        await stage.press("enter")
        shown = frame(stage.app)
        assert "4.2 against 4.1 Add gradient features" in shown
        assert "ORIENTATIONS = 4" in shown
        await stage.press("a", "space", "r")
        assert story.decisions() == []
        assert not stage.screen.deck.patch.review.selection.hunks or "against" in frame(stage.app)
        await stage.press("escape", "2")
        assert stage.screen.presenter.selection == Selection()
        assert frame(stage.app) == before
        await stage.press("3", "c", "enter", "c")
        assert "against" not in frame(stage.app)


async def test_a_marked_one_is_compared_with_the_one_under_the_cursor(tmp_path: Path) -> None:
    story = tried(tmp_path / "digits")
    keep(story, story.commits[2, 1], story.commits[1, 1])
    keep(story, BASE, story.commits[2, 1])
    async with staged(story) as stage:
        await stage.press("3", "3", "j", "j", "j", "m")
        assert "◆ 2.1" in frame(stage.app)
        await stage.press("j")
        assert frame(stage.app).splitlines()[-1].startswith(" c compare  "), "what one marks an attempt for"
        await stage.press("c")
        assert "1.1 against 2.1 Widen the bins" in frame(stage.app)
        await stage.press("escape", "G", "c")
        assert "ORIENTATIONS" not in frame(stage.app), "the parent is the starter: that is the patch itself"
        assert "2.1 Widen the bins" in frame(stage.app)


async def test_beside_the_history_the_footer_leads_to_the_decision_that_waits(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3", "3")
        assert frame(stage.app).splitlines()[-1].startswith(" 0 decide  ")
        await stage.press("0", "a")
        assert stage.decision().kind == "approve"


async def test_its_parent_is_what_a_patch_is_shown_against_anyhow(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3", "c", "enter")
        assert stage.sentences == ["That is what is shown: the patch of 4.1, against its parent."]
        assert stage.screen.presenter.selection == Selection(), "what is live is followed as before"


async def test_what_git_cannot_tell_is_said(tmp_path: Path) -> None:
    async with staged(tried(tmp_path / "digits")) as stage:
        await stage.press("3", "c", "enter")
        await stage.pilot.app.workers.wait_for_complete()
        await settle(stage.pilot)
        assert any("is not in a git repository" in sentence for sentence in stage.sentences)
        assert "The two could not be compared." in frame(stage.app)
        assert "hstack" not in frame(stage.app)


async def test_no_diff_stands_under_the_name_of_another_while_git_compares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = Event()

    def compare(*_: object) -> KeptDiff:
        compared.wait(10)
        return KeptDiff()

    monkeypatch.setattr(library, "compare", compare)
    async with staged(tried(tmp_path / "digits")) as stage:
        await stage.press("3")
        assert "ORIENTATIONS = 4" in frame(stage.app)
        await stage.pilot.press("c", "enter")
        await stage.pilot.pause()
        assert "against 4.1" in frame(stage.app)
        assert "The two are being compared." in frame(stage.app)
        assert "ORIENTATIONS = 4" not in frame(stage.app)
        compared.set()
        await settle(stage.pilot)
        assert "The two hold the same files." in frame(stage.app)
        await stage.press("c")
        assert "ORIENTATIONS = 4" in frame(stage.app)


def test_a_child_reads_the_diff_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, folder = tmp_path / "w", tmp_path / "session"
    root.mkdir()
    folder.mkdir()
    (root / "train.py").write_bytes(b"a\nb\xff\n")
    init_repository(root, "Start")
    repository = Repository(root)
    old = repository.resolve("HEAD")
    new = repository.write_commit("4b825dc642cb6eb9a060e54bf8d69288fbee4904", (old,), "Remove all\n")
    repository.run("hash-object", "-t", "tree", "-w", "--stdin")
    diff = comparing.compare(root, folder, old, new)
    assert "deleted file mode" in diff.text
    started: list[object] = []
    monkeypatch.setattr(subprocess, "run", lambda *args, **_: started.append(args))
    assert comparing.compare(root, folder, old, new) == diff
    assert started == []


async def test_the_staircase_keeps_its_steps_whatever_one_experiment_gives() -> None:
    stairs = [Stair(0, "", "", "kept", 0.1, 0.1)]
    values = [(0.08, "kept"), (None, "crashed"), (9.0, "discarded"), (0.05, "kept")]
    best = 0.1
    for number, (value, fate) in enumerate(values, 1):
        best = value if fate == "kept" and value is not None else best
        stairs.append(Stair(number, f"{number}.1", "", fate, value, best))  # type: ignore[arg-type] # fates they are
    app = StaircaseApp(tuple(stairs))
    async with app.run_test(size=(50, 7)):
        lines = [strip.text for strip in app.screen._compositor.render_strips()]
    assert [line[9:].count("*") for line in lines[:-1]] == [0, 0, 1, 0, 1, 0] or sum(x.count("*") for x in lines) == 2
    assert sum(line.count("x") for line in lines[:-1]) == 1
    assert "o" in lines[0], "what lies beyond stands at the edge"
    assert lines[-1].split() == ["0", "4", "experiments"]


measured = st.none() | st.floats(width=64)


@given(
    st.lists(st.tuples(measured, measured, st.sampled_from(FATES)), max_size=40), st.integers(8, 60), st.integers(2, 9)
)
def test_any_experiments_give_a_staircase(
    told: list[tuple[float | None, float | None, Fate]], cells: int, rows: int
) -> None:
    widget = Staircase()
    widget.show(tuple(Stair(at, f"{at}.1", "", fate, value, best) for at, (value, best, fate) in enumerate(told)))
    bounds = staircase._bounds(widget._stairs)
    if bounds is None:
        return
    assert bounds[0] <= bounds[1]
    drawn = chart.dots(staircase._steps(widget._stairs, 2 * cells), rows, bounds)
    assert [len(line) for line in drawn] == [cells] * rows
    marks = widget._marks(cells, rows, bounds)
    assert all(0 <= row < rows and 0 <= column < cells for row, column in marks)
    assert bool(marks) == (len(told) > 1)


class StaircaseApp(App[None]):
    """The chart alone."""

    def __init__(self, stairs: tuple[Stair, ...]) -> None:
        super().__init__()
        self.stairs = stairs

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variable_defaults(self.current_theme)

    def compose(self) -> ComposeResult:
        chart = Staircase(ascii_only=True)
        chart.styles.height = 7
        chart.show(self.stairs)
        yield chart
