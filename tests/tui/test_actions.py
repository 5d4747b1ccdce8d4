"""Every action of the table, pressed as a key and followed to the decision that it leaves in the inbox."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from textual.keys import Keys

from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.edits import EDITS_NAME, PendingEdit
from mlrcopilot_tui.session.model import Decision
from mlrcopilot_tui.tui.actions import ACTIONS, CONTEXTS, in_pane, keymap_problems
from mlrcopilot_tui.tui.actions.page import keys_page
from mlrcopilot_tui.tui.views import PANES, PaneName
from mlrcopilot_tui.workspace.patch import parse
from tests.tui.doubles import staged
from tests.tui.story import Story, up_to_gate, up_to_run
from tests.tui.text_frames import frame

UNDELIVERABLE = {"ctrl+h", "ctrl+i", "ctrl+m", "ctrl+enter", "shift+enter", "alt+enter"}


@pytest.mark.parametrize("pane", PANES)
def test_no_two_actions_share_a_key_within_a_pane(pane: PaneName) -> None:
    keys = Counter(key for action in in_pane(pane) for key in action.keys)
    assert [key for key, count in keys.items() if count > 1] == []


def test_ids_are_unique_and_their_texts_complete() -> None:
    assert len(ACTIONS) == len({id(action) for action in ACTIONS.values()})
    for action in ACTIONS.values():
        assert action.context in CONTEXTS
        assert action.help.endswith(".")
        assert action.label


def test_no_key_is_bound_that_tmux_cannot_deliver() -> None:
    keys = {key for action in ACTIONS.values() for key in action.keys}
    assert not keys & UNDELIVERABLE
    named = {key.value for key in Keys}
    single = {key for key in keys if len(key) > 1 and "+" not in key} - named
    assert single == {
        "slash",
        "question_mark",
        "comma",
        "full_stop",
        "semicolon",
        "less_than_sign",
        "greater_than_sign",
        *(key for key in single if key.endswith("_bracket")),
    }


Told = Callable[[Path], Story]

DECIDING: list[tuple[str, Told, PaneName, tuple[str, ...], str, dict[str, object]]] = [
    ("patch.approve", up_to_gate, "patch", ("a",), "", {"kind": "approve", "gate": "g1", "idea": 4, "patch": ""}),
    ("patch.reject", up_to_gate, "patch", ("r",), "too slow", {"kind": "reject", "gate": "g1", "text": "too slow"}),
    ("patch.feedback", up_to_gate, "patch", ("f",), "lr 0.1", {"kind": "feedback", "gate": "g1", "text": "lr 0.1"}),
    ("idea.approve", up_to_gate, "ideas", ("G", "a"), "", {"kind": "approve", "gate": "", "idea": 6}),
    ("idea.new", up_to_gate, "ideas", ("n",), "blur", {"kind": "idea.add", "text": "blur", "idea": 0}),
    ("idea.edit", up_to_gate, "ideas", ("G", "e"), "!", {"kind": "idea.edit", "idea": 6}),
    ("idea.prune", up_to_gate, "ideas", ("G", "d"), "no", {"kind": "idea.prune", "idea": 6, "text": "no"}),
    ("idea.up", up_to_gate, "ideas", ("G", "K"), "", {"kind": "idea.order", "order": (3, 6, 5)}),
    ("idea.down", up_to_gate, "ideas", ("G", "k", "J"), "", {"kind": "idea.order", "order": (3, 6, 5)}),
    ("idea.revise", up_to_gate, "ideas", ("G", "r"), "cheaper", {"kind": "idea.revise", "idea": 6, "text": "cheaper"}),
    ("idea.split", up_to_gate, "ideas", ("G", "S", "y"), "", {"kind": "idea.split", "idea": 6}),
    ("idea.merge", up_to_gate, "ideas", ("G", "space", "k", "space", "M", "y"), "", {"order": (5, 6)}),
    ("agent.interject", up_to_gate, "ideas", ("i",), "hm", {"kind": "feedback", "idea": 0, "gate": "", "text": "hm"}),
    ("idea.more", up_to_gate, "ideas", ("R",), "", {"kind": "idea.more"}),
    ("idea.branch", up_to_gate, "ideas", ("g", "j", "b"), "go", {"kind": "idea.add", "idea": 1, "text": "go"}),
    ("idea.feedback", up_to_gate, "ideas", ("G", "f"), "ok", {"kind": "feedback", "idea": 6, "text": "ok"}),
    ("idea.revert", up_to_gate, "ideas", ("g", "j", "u", "y"), "", {"kind": "revert", "idea": 1}),
    ("patch.branch", up_to_gate, "patch", ("b",), "go", {"kind": "idea.add", "idea": 4, "text": "go"}),
    ("run.stop", up_to_run, "run", ("x", "y"), "", {"kind": "stop", "run": "r11", "idea": 4}),
    ("session.pause", up_to_run, "paper", ("p",), "", {"kind": "pause"}),
    ("paper.feedback", up_to_run, "paper", ("f",), "hm", {"kind": "feedback", "idea": 4, "text": "hm"}),
]


@pytest.mark.parametrize("told", [up_to_gate, up_to_run])
async def test_a_key_leaves_its_decision(tmp_path: Path, told: Told) -> None:
    async with staged(told(tmp_path / "digits")) as stage:
        for name, story, pane, keys, words, expected in DECIDING:
            if story is not told:
                continue
            await stage.go(pane)
            await stage.press(*keys)
            if words:
                await stage.write(words)
            decision = stage.decision()
            assert {field: getattr(decision, field) for field in expected} == expected, name
            await stage.take_back(decision)


def test_every_deciding_action_is_tried() -> None:
    tried = {row[0] for row in DECIDING} | {
        "patch.edit", "patch.revert", "patch.redo", "idea.redo", "run.answer", "run.feedback", "session.quit",
        "session.model", "session.budget", "session.limits", "agent.answer", "agent.interrupt", "patch.network",
        "session.ablate", "session.ablate-stop", "session.promote",
        "patch.note", "session.instructions",
    }  # fmt: skip
    subjects = ("patch.", "idea.", "session.", "run.stop", "run.answer", "run.feedback", "paper.feedback", "agent.")
    moving = {
        "session.ablation",
        "patch.compare",
        "idea.open",
        "idea.mark",
        "patch.tagged",
        "patch.match-next",
        "patch.match-previous",
    }
    assert {name for name in ACTIONS if name.startswith(subjects)} - moving == tried


async def test_approving_takes_only_the_hunks_that_are_in(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3", "space", "a")
        decision = stage.decision()
        assert decision.hunks == (2,)
        (file,) = parse(decision.patch).files
        assert [hunk.old_start for hunk in file.hunks] == [38]


async def test_single_lines_can_be_taken(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3", "slash")
        await stage.write("return x")
        await stage.press("v", "space", "a")
        decision = stage.decision()
        assert decision.hunks == ()
        assert "-    return x" not in decision.patch
        assert "-def features(x):" in decision.patch


async def test_nothing_selected_approves_nothing(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3", "space", "l", "space", "a")
        assert stage.story.decisions() == []
        assert "Nothing of the patch is selected." in stage.sentences


async def test_keys_that_decide_are_ignored_for_half_a_second(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    async with staged(story) as stage:
        await stage.press("3")
        story.tell(ev.GateAnswered(gate="g1", answer="reject", by="researcher"))
        commit = story.implement(5)
        story.ask_about(5, commit)
        await stage.catch_up()
        await stage.press("a", "r")
        assert story.decisions() == []
        stage.clock.seconds += 0.6
        await stage.press("a")
        assert stage.decision().commit == commit


async def test_a_second_press_sends_no_second_decision(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3", "a", "a", "r")
        assert stage.decision().kind == "approve"


async def test_escape_takes_a_question_back(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3", "r", "x", "escape")
        assert stage.story.decisions() == []


async def test_no_is_where_a_question_begins(tmp_path: Path) -> None:
    async with staged(up_to_run(tmp_path / "digits")) as stage:
        await stage.press("4", "x", "enter")
        assert stage.story.decisions() == []


async def test_edit_opens_the_files_of_the_worktree_and_tells_the_copilot(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    tree = story.layout.idea_tree(story.session, 4)
    tree.mkdir(parents=True)
    (tree / "train.py").write_text("x = 1\n", "utf-8")
    async with staged(story) as stage:
        await stage.press("3", "e")
        assert stage.story.decisions() == []  # nothing was changed
        stage.editor.text = "x = 2\n"
        await stage.press("e")
        assert stage.editor.opened[-1] == tree / "train.py"
        assert stage.decision().kind == "edit"


async def test_edit_without_a_worktree_says_what_to_do(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3", "e")
        assert stage.story.decisions() == []
        assert any("worktree" in sentence for sentence in stage.sentences)


async def test_a_reverted_patch_can_be_redone(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    commit = story.commits[1, 1]
    story.tell(ev.ChampionChanged(commit="9" * 40, reason="reverted", of=commit, unmeasured=True))
    async with staged(story) as stage:
        await stage.press("2", "j", "u")
        assert stage.story.decisions() == []  # it is reverted already
        await stage.press("ctrl+r")
        assert stage.decision() == Decision(id=stage.decision().id, kind="redo", idea=1, commit=commit)
        await stage.take_back(stage.decision())
        await stage.press("enter", "3")
        assert "ctrl+r redo" in frame(stage.app)
        await stage.press("ctrl+r")
        assert (stage.decision().kind, stage.decision().commit) == ("redo", commit)


async def test_what_hangs_on_a_patch_is_shown_before_it_is_taken_back(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    first, second = story.commits[1, 1], story.commits[2, 1]
    story.tell(ev.ChampionChanged(commit=second, reason="kept", idea=2, builds_on=(first,)))
    async with staged(story) as stage:
        await stage.press("2", "j", "u")
        shown = frame(stage.app)
        assert "with idea 2?" in shown
        assert "and can only" in shown
        await stage.press("y")
        (decision,) = story.decisions()
        assert (decision.kind, decision.commit, decision.together) == ("revert", first, True)
        for commit in (second, first):
            story.tell(ev.ChampionChanged(commit=commit[::-1], reason="reverted", of=commit, unmeasured=True))
        await stage.catch_up()
        await stage.press("j", "j", "ctrl+r")
        assert "with idea 1?" in frame(stage.app)
        await stage.press("y")
        redo = story.decisions()[-1]
        assert (redo.kind, redo.commit, redo.together) == ("redo", second, True)


async def test_all_proposed_ideas_are_approved_on_the_root(tmp_path: Path) -> None:
    story = Story(tmp_path / "digits")
    story.begin()
    story.measure_baseline()
    story.propose()
    gate = story.ask("ideas", "Which of these ideas may be tried?")
    async with staged(story) as stage:
        await stage.press("2", "g", "a")
        assert (stage.decision().gate, stage.decision().idea) == (gate, 0)


async def test_what_became_of_a_decision_is_told(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    async with staged(story) as stage:
        await stage.press("3", "a")
        story.tell(ev.DecisionRefused(decision=stage.decision(), reason="somebody answered that first: reject."))
        await stage.catch_up()
        notice = stage.screen.desk.notices.kept[-1]
        assert notice.wrong
        assert "somebody answered that first" in notice.sentence


async def test_a_key_can_be_remapped_by_its_action(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits"), keymap={"patch.approve": "X"}) as stage:
        await stage.press("3", "a")
        assert stage.story.decisions() == []
        await stage.press("ctrl+p")
        await stage.pilot.press(*"patch: approve")
        await stage.pilot.pause(0.3)
        assert "patch: approve  X" in frame(stage.pilot.app)
        await stage.press("escape", "escape")
        await stage.press("X")
        assert stage.decision().kind == "approve"


async def test_the_palette_reaches_actions_of_other_panes(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("ctrl+p")
        await stage.pilot.press(*"more ideas")
        await stage.pilot.pause(0.3)
        await stage.press("enter", "enter")
        await stage.pilot.pause()
        assert stage.decision().kind == "idea.more"


async def test_stopping_the_copilot_asks_first(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        stage.screen.action_perform("session.quit")
        await stage.press("y")
        assert stage.decision().kind == "quit"


def test_a_key_map_is_checked() -> None:
    assert keymap_problems({"patch.approve": "X"}) == []
    assert keymap_problems({"patch.aprove": "A"}) == [
        "There is no action 'patch.aprove'. Did you mean 'patch.approve'?"
    ]
    assert keymap_problems({"patch.approve": "r"}) == [
        "In the patch pane r stands for both patch.approve and patch.reject."
    ]


def test_the_page_of_keys_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "keys.md"
    assert page.read_text("utf-8") == keys_page(), "python -m mlrcopilot_tui.tui.actions.page > docs/keys.md"


async def test_the_editor_opens_the_file_and_the_line_under_the_cursor(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    tree = story.layout.idea_tree(story.session, 4)
    tree.mkdir(parents=True)
    (tree / "train.py").write_text("x = 1\n", "utf-8")
    async with staged(story) as stage:
        await stage.press("3", "j", "j", "j", "j", "j", "e")
        path, line = stage.screen.deck.patch.review.place
        assert path == "train.py"
        assert stage.editor.line == line > 1


async def test_a_decided_patch_is_not_edited_and_the_way_on_is_told(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    async with staged(story) as stage:
        await stage.press("2", "j", "enter", "3", "e")
        assert stage.editor.opened == []
        assert any("is decided" in sentence for sentence in stage.sentences)


async def test_an_edit_that_waits_is_told_above_the_patch(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    told = story.layout.session(story.session) / EDITS_NAME
    async with staged(story) as stage:
        await stage.press("3")
        told.write_bytes(msgspec.json.encode({4: PendingEdit(files=("train.py",), problem="train.py is half.")}))
        await stage.catch_up()
        assert "your edit waits: train.py is half." in frame(stage.app)
        told.write_bytes(b"{}")
        await stage.catch_up()
        assert "your edit waits" not in frame(stage.app)
