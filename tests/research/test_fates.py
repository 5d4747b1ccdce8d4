"""What became of each attempt, and the staircase, from told sessions; and the notes that say so in git."""

from pathlib import Path

import pytest

from mlrcopilot_tui.research.begin import open_bench
from mlrcopilot_tui.research.fates import Node, history
from mlrcopilot_tui.research.noting import ATTEMPT_MARK, note_all, note_text
from mlrcopilot_tui.research.staircase import staircase
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.model import Answer, Attempt
from mlrcopilot_tui.session.run_events import RunFinished
from mlrcopilot_tui.session.session import read_state
from mlrcopilot_tui.workspace.evidence import read_note
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import ASK, Use, run_session, running
from tests.tui.story import BASE, FIRST, START, Story, up_to_gate
from tests.workspace.researcher import git


def nodes(story: Story) -> dict[str, Node]:
    return {node.name: node for node in history(read_state(story.folder))}


def fates(story: Story) -> dict[str, tuple[str, str]]:
    return {name: (node.fate, node.why) for name, node in nodes(story).items()}


@pytest.mark.parametrize(
    ("answer", "following", "fate", "why"),
    [
        ("reject", False, "rejected", "rejected by the researcher: “too slow”"),
        ("feedback", True, "sent back", "sent back by the researcher: “too slow”"),
        ("feedback", False, "sent back", "sent back by the researcher: “too slow”"),
        ("edit", True, "superseded", "edited by the researcher: 4.2"),
        ("approve", False, "open", ""),
    ],
)
def test_a_decision_is_the_fate_of_what_it_is_about(
    tmp_path: Path, answer: Answer, following: bool, fate: str, why: str
) -> None:
    story = up_to_gate(tmp_path)
    assert fates(story)["4.1"] == ("open", "")
    story.tell(ev.GateAnswered(gate="g1", answer=answer, by="researcher", text="too slow"))
    if following:
        story.implement(4)
    assert fates(story)["4.1"] == (fate, why)


def test_what_was_taken_in_part_says_which_part_and_why(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path)
    told = ev.GateAnswered(gate="g1", answer="approve", by="researcher", hunks=(1, 3), patch="diff", text="no caches")
    story.tell(told)
    story.implement(4)
    assert fates(story)["4.1"] == ("superseded", "only hunks 1, 3 of it were taken, as 4.2: “no caches”")


def test_a_failed_run_is_what_crashed_an_attempt_that_was_mended(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path)
    run = story.start_run(0, commit=story.commits[4, 1], number=4)
    failed = RunFinished(run=run, outcome="crashed", reason="ValueError: NaN", value=None, wall_s=1.0, log_sha256="")
    story.tell(ev.GateAnswered(gate="g1", answer="approve", by="researcher"), failed)
    assert fates(story)["4.1"] == ("open", "")
    story.implement(4)
    assert fates(story)["4.1"] == ("crashed", f"run {run} at seed 0: crashed: ValueError: NaN")


def test_verdicts_reverts_and_redos_are_followed(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path)
    first, tip = story.commits[1, 1], "aa" * 20
    assert [fates(story)[name][0] for name in ("1.1", "2.1")] == ["kept", "discarded"]
    story.tell(ev.ChampionChanged(commit=tip, reason="reverted", of=first, unmeasured=True))
    fate, why = fates(story)["1.1"]
    assert fate == "reverted"
    assert why.startswith("taken back by aaaaaaaaaa; it was kept: ")
    story.tell(ev.ChampionChanged(commit="bb" * 20, reason="redone", of=first, unmeasured=True))
    assert fates(story)["1.1"][0] == "kept"


def test_what_beat_its_parent_too_late_is_superseded(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.begin()
    story.measure_baseline()
    story.propose()
    commit = story.implement(1)
    story.judge(1, FIRST, START, "keep")
    journal = story.layout.journal(story.session)
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]))  # as if another idea had moved the line first
    story.seq -= 1
    anew = Attempt(idea=1, number=2, commit="cc" * 20, parent="dd" * 20, tree="", subject="s", moved_from=commit)
    story.tell(ev.PatchCommitted(attempt=anew))
    assert fates(story)["1.1"] == ("superseded", "it beat its parent, and was written anew on the champion as 1.2")


def test_the_staircase_is_what_the_champion_measured_after_each_experiment(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path)
    stairs = staircase(read_state(story.folder))
    start, first = sum(START) / 3, sum(FIRST) / 3
    assert [(stair.number, stair.name, stair.fate) for stair in stairs] == [
        (0, "", "kept"), (1, "1.1", "kept"), (2, "2.1", "discarded"),
    ]  # fmt: skip
    assert [stair.best for stair in stairs] == pytest.approx([start, first, first])
    tip = "aa" * 20
    story.tell(ev.ChampionChanged(commit=tip, reason="reverted", of=story.commits[1, 1], unmeasured=True))
    assert [stair.best for stair in staircase(read_state(story.folder))] == pytest.approx([start, first, first])
    story.tell(ev.ChampionMeasured(commit=tip, values={0: 0.09, 1: 0.1}))
    assert [stair.best for stair in staircase(read_state(story.folder))] == pytest.approx([start, first, 0.095])


def test_the_staircase_of_an_empty_session_has_one_step(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.begin()
    assert [(stair.number, stair.best) for stair in staircase(read_state(story.folder))] == [(0, None)]
    assert staircase(read_state(story.folder))[0].commit == BASE


EDITS = [
    ("better", [("LEVEL = 1.0", "LEVEL = 0.5")]),
    ("broken", [("LEVEL = 0.5", "LEVEL = 1 / 0"), ("1 / 0", "0.4")]),
]


async def test_git_tells_the_story_of_every_attempt(make_workspace: MakeWorkspace, scripted: Use) -> None:
    scripted(FakeEngine(EDITS))
    workspace = make_workspace()
    state = await run_session(workspace)
    root = workspace.layout.root
    every = history(state)
    assert [(node.name, node.fate) for node in every] == [("1.1", "kept"), ("2.1", "crashed"), ("2.2", "kept")]
    told = git(root, "log", "--glob=refs/mlrcopilot", "--notes=mlrcopilot")
    assert "attempt 1 of idea 2, broken: crashed" in told
    assert "it ended with: ZeroDivisionError: division by zero" in told
    assert told.count(ATTEMPT_MARK) == 3
    for node in every:
        assert f"idea {node.attempt.idea}, {node.idea.idea.title}: {node.fate}\n" in note_text(state, node)
        judged = read_note(workspace.repository, node.attempt.commit)
        assert (judged is None) == (node.judged is None)
    before = git(root, "rev-parse", "refs/notes/mlrcopilot")
    (workspace.layout.run(state.session, every[1].failed) / "output.log").unlink()
    git(root, "notes", "--ref=mlrcopilot", "remove", every[0].attempt.commit)
    with open_bench(workspace, state.session, ASK) as bench:
        await note_all(bench)
        again = git(root, "rev-parse", "refs/notes/mlrcopilot")
        await note_all(bench)
    assert git(root, "rev-parse", "refs/notes/mlrcopilot") == again != before
    assert git(root, "diff", before, again) == ""


async def test_a_note_follows_what_the_researcher_decides(make_workspace: MakeWorkspace, scripted: Use) -> None:
    scripted(FakeEngine([("first", [("LEVEL = 1.0", "LEVEL = 0.5"), ("LEVEL = 0.5", "LEVEL = 0.6")])]))
    workspace = make_workspace(contract=CONTRACT.replace('patches = "auto"', 'patches = "ask"'))
    root = workspace.layout.root

    def note(commit: str) -> str:
        return git(root, "notes", "--ref=mlrcopilot", "show", commit)

    async with running(workspace) as copilot:
        await copilot.until(lambda: any(gate.kind == "patch" for gate in copilot.state.open_gates.values()))
        (first,) = copilot.idea(1).attempts
        assert "not decided yet" in note(first.commit)
        await copilot.decide("feedback", idea=1, text="a smaller step")
        await copilot.until(lambda: len(copilot.idea(1).attempts) == 2 and copilot.state.open_gates)
        assert "sent back by the researcher: “a smaller step”" in note(first.commit)
        await copilot.decide("reject", idea=1, text="not at all")
        second = copilot.idea(1).attempts[-1].commit
        await copilot.until(lambda: "rejected by the researcher: “not at all”" in note(second))
