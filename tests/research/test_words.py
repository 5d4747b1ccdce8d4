"""The researcher's words: what they are about, what is left out of a patch and why, and which turns took them in."""

import asyncio

import pytest

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.research.deliver import deliver, new_decision
from mlrcopilot_tui.research.views import show_view
from mlrcopilot_tui.session.journal import JournalReader
from mlrcopilot_tui.session.session import read_state
from mlrcopilot_tui.session.state import fold
from mlrcopilot_tui.session.subjects import HunkNote, Subject
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.researcher_words import texts
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import Running, Use, running

ASKING = CONTRACT.replace('patches = "auto"', 'patches = "ask"')
TWO_PLACES = """
import os, random

LEVEL = 1.0
seed = int(os.environ["MLRCOPILOT_SEED"])
noise = 0.01 * random.Random(seed).random()
a = 1
b = 2
c = 3
d = 4
e = 5
f = 6
SCALE = 1.0
print(f"val_error: {(LEVEL + noise) * SCALE}")
""".lstrip()
BOTH = TWO_PLACES.replace("LEVEL = 1.0", "LEVEL = 0.5").replace("SCALE = 1.0", "SCALE = 9.0\nUNUSED = 1")
TUNED = ("tune", [(TWO_PLACES, BOTH), ("UNUSED = 1\n", "")])


async def test_what_is_left_out_is_named_with_its_reason_in_commit_record_and_assignment(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    engine = scripted(FakeEngine([("tune", [(TWO_PLACES, BOTH), ("LEVEL = 0.5", "LEVEL = 0.4")])]))
    workspace = make_workspace(train=TWO_PLACES, contract=ASKING)
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        note = HunkNote(hunk=2, text="a scale is no idea\nof ours")
        with pytest.raises(RefusedError, match="no hunk 7"):
            await copilot.decide("approve", idea=1, hunks=(1,), notes=(HunkNote(hunk=7, text="?"),))
        await copilot.decide("approve", gate=gate.id, hunks=(1,), notes=(note,), text="one change at a time")
        await copilot.until(copilot.task.done)
        idea = copilot.state.ideas[1]
        (line,) = idea.left_out
        assert line == ("hunk 2 of train.py, lines 12-13 (+2 -1): a scale is no idea\nof ours (one change at a time)")
        message = workspace.repository.commit(idea.attempts[1].commit).message
        assert "Left out:\n- hunk 2 of train.py, lines 12-13 (+2 -1): a scale is no idea" in message
        assert "Why: one change at a time" in message
        (said,) = idea.feedback
        assert said.about.told == "hunk 2 of train.py, lines 12-13, in patch 1.1"
        assert "+SCALE = 9.0" in said.about.excerpt
        shown = show_view(copilot.state, idea)
        assert shown["attempts"][0]["left_out"][0]["why"] == "a scale is no idea\nof ours"
        assert shown["attempts"][0]["because"] == "one change at a time"
    assert engine.assignments[0].left_out == ""


async def test_notes_on_hunks_send_a_patch_back_and_stay_when_it_is_gone(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    engine = scripted(FakeEngine([TUNED]))
    async with running(make_workspace(train=TWO_PLACES, contract=ASKING)) as copilot:
        first = await copilot.gate()
        notes = (HunkNote(hunk=2, first=4, last=6, text="drop the scale"),)
        assert await copilot.decide("feedback", gate=first.id, notes=notes) == "heard: drop the scale"
        await copilot.until(lambda: (gate := copilot.state.waiting) and gate.commit != first.commit)
        assert texts(engine.assignments[-1].newest) == ("drop the scale",)
        (said,) = engine.assignments[-1].feedback
        assert (said.about.kind, said.about.commit) == ("hunk", first.commit)
        assert said.about.excerpt.count("\n") == 2
        second = await copilot.gate()
        await copilot.decide("reject", gate=second.id, notes=(HunkNote(hunk=1, text="too low"),))
        await copilot.until(copilot.task.done)
        assert copilot.state.ideas[1].reason == "hunk 1 of train.py, line 3, in patch 1.2: too low"


async def test_words_on_a_run_and_a_verdict_know_what_they_are_about(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([("better", [("LEVEL = 1.0", "LEVEL = 0.5")])]))
    async with running(make_workspace()) as copilot:
        await copilot.until(lambda: copilot.state.ideas[1].status == "kept" if 1 in copilot.state.ideas else None)
        await copilot.until(copilot.task.done)
        layout, session = copilot.layout, copilot.state.session
        run = next(run for run in copilot.state.runs.values() if run.purpose == "idea")
    for words, about in (
        ("the curve is odd", Subject(kind="run", run=run.run)),
        ("is that enough?", Subject(kind="verdict", idea=1)),
    ):
        await asyncio.to_thread(deliver, layout, session, new_decision("feedback", text=words, about=about))
    unknown = new_decision("feedback", text="?", about=Subject(kind="run", run="r99"))
    with pytest.raises(RefusedError, match="no run 'r99'"):
        await asyncio.to_thread(deliver, layout, session, unknown)
    state = read_state(layout.session(session))
    told = [(said.about.told, said.text) for said in state.ideas[1].feedback]
    assert told == [(f"run {run.run}", "the curve is odd"), ("the verdict on 1.1", "is that enough?")]


async def test_an_instruction_is_rewritten_and_dropped_and_a_journal_tells_it_all_again(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([TUNED]))
    async with running(make_workspace(train=TWO_PLACES, contract=ASKING)) as copilot:
        await copilot.gate()
        await copilot.decide("feedback", text="keep it small")
        await copilot.decide("feedback", text="no new packages")
        assert _standing(copilot) == [(1, "keep it small"), (2, "no new packages")]
        assert await copilot.decide("instruction.rewrite", number=1, text="keep it tiny") == "heard: keep it tiny"
        await copilot.decide("instruction.drop", number=2)
        assert _standing(copilot) == [(1, "keep it tiny")]
        with pytest.raises(RefusedError, match="Instruction 2 was dropped already"):
            await copilot.decide("instruction.drop", number=2)
        with pytest.raises(RefusedError, match="There is no instruction 3"):
            await copilot.decide("instruction.rewrite", number=3, text="?")
        await copilot.decide("feedback", text="be quick")
        assert _standing(copilot) == [(1, "keep it tiny"), (3, "be quick")]
        words = copilot.bench.brief(copilot.bench.code(), "ExperimentAgent", 1).host.words()
        assert texts(words) == ("keep it tiny", "be quick")
        journal = copilot.layout.journal(copilot.state.session)
        assert fold(JournalReader(journal).poll()).words == copilot.state.words


def _standing(copilot: Running) -> list[tuple[int, str]]:
    return [(said.number, said.text) for said in copilot.state.instructions]
