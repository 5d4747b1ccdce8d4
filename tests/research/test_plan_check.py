"""Plan against code: only what the patch and a run show is done, whatever its author says."""

import difflib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.research.plan_check import followed, plan_marks
from mlrcopilot_tui.research.views import show_view
from mlrcopilot_tui.session.journal import JOURNAL_NAME, JournalReader
from mlrcopilot_tui.session.model import PlanClaim
from mlrcopilot_tui.session.model_events import PlanMark
from mlrcopilot_tui.workspace.patch import Patch, parse
from mlrcopilot_tui.workspace.patch_selection import only_hunks, select
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import Use, run_session, running

OLD = [f"line {n}" for n in range(1, 61)]
ASKING = CONTRACT.replace('patches = "auto"', 'patches = "ask"')
PLAN = ("widen", "drop", "run")


def patch_of(old: Sequence[str], new: Sequence[str], path: str = "train.py") -> Patch:
    lines = difflib.unified_diff([f"{x}\n" for x in old], [f"{x}\n" for x in new], f"a/{path}", f"b/{path}")
    text = "".join(lines)
    return parse(f"diff --git a/{path} b/{path}\nindex 1..2 100644\n{text}" if text else "")


def edited() -> list[str]:
    new = list(OLD)
    new[9] = "wide = 64"
    new[39:42] = ["drop = 0.1", "more = 1"]
    del new[55]
    return new


PATCH = patch_of(OLD, edited())  # changes lines 10, 40 to 41, and takes out what stood before line 56


def marked(*claims: PlanClaim, runs: Sequence[str] = ("r4", "r5")) -> tuple[PlanMark, ...]:
    return plan_marks(PLAN, claims, PATCH, runs)


def test_steps_are_done_where_patch_and_run_show_them() -> None:
    assert marked(
        PlanClaim(step=1, done=True, where="train.py:8-12", note="twice as wide"),
        PlanClaim(step=2, done=True, where="`./train.py:L40\u2013L55`"),
        PlanClaim(step=3, done=True, by_run=True),
    ) == (
        PlanMark(step=1, done=True, where="train.py:10", run="r4", note="twice as wide"),
        PlanMark(step=2, done=True, where="train.py:40-41, train.py:55", run="r4"),
        PlanMark(step=3, done=True, run="r4"),
    )


@pytest.mark.parametrize(
    ("claim", "note"),
    [
        (PlanClaim(step=1, done=True, where="train.py:20-25"), "names train.py:20-25, where the patch changes nothing"),
        (PlanClaim(step=1, done=True, where="model.py:10"), "where the patch changes nothing"),
        (PlanClaim(step=1, done=True, where="in the code"), "where the patch changes nothing"),
        (PlanClaim(step=1, done=True, where="train.py:20", by_run=True), "where the patch changes nothing"),
        (PlanClaim(step=1, done=True), "names no lines that do it"),
        (PlanClaim(step=1, done=False, where="train.py:10", note="no room"), "no room"),
        (PlanClaim(step=1, done=False), "says that it is not done"),
        (PlanClaim(step=9, done=True, where="train.py:10"), "says nothing of it"),
    ],
)
def test_what_nothing_shows_is_not_done_and_says_why(claim: PlanClaim, note: str) -> None:
    mark = marked(claim)[0]
    assert not mark.done
    assert note in mark.note
    assert not mark.run


def test_nothing_is_done_by_a_patch_that_never_ran_well() -> None:
    claims = (PlanClaim(step=1, done=True, where="train.py:10"), PlanClaim(step=3, done=True, by_run=True))
    code, _, run = marked(*claims, runs=())
    assert not code.done
    assert not run.done
    assert code.where == "train.py:10"
    assert "no run of it ended well" in code.note
    assert "No run of the patch ended well" in run.note


def test_a_removal_is_a_change_where_it_was() -> None:
    for where, done in (("train.py:54", False), ("train.py:55", True), ("train.py:56", True), ("train.py:57", False)):
        assert marked(PlanClaim(step=1, done=True, where=where))[0].done == done


def test_one_claim_of_several_suffices() -> None:
    claims = (PlanClaim(step=1, done=True, where="train.py:20"), PlanClaim(step=1, done=True, where="train.py:10"))
    assert marked(*claims)[0].done


def test_claims_follow_their_lines_into_what_was_taken_of_the_patch() -> None:
    claims = (
        PlanClaim(step=1, done=True, where="train.py:10"),
        PlanClaim(step=2, done=True, where="train.py:40-41"),
        PlanClaim(step=3, done=True, by_run=True),
    )
    part = select(PATCH, only_hunks(PATCH, (2,)))
    gone, moved, run = followed(claims, PATCH, part)
    assert not gone.done
    assert "taken out" in gone.note
    assert moved.where == "train.py:40-41"
    assert run == claims[2]
    on_another_base = patch_of(["new"] * 7 + OLD, ["new"] * 7 + edited())
    assert [claim.where for claim in followed(claims, PATCH, on_another_base)] == ["train.py:17", "train.py:47-48", ""]


@given(st.lists(st.sampled_from(["a", "b", ""]), max_size=12), st.lists(st.sampled_from(["a", "c", ""]), max_size=12))
def test_following_into_the_same_patch_keeps_what_is_shown(old: list[str], new: list[str]) -> None:
    patch = patch_of(old, new)
    claims = [PlanClaim(step=1, done=True, where="train.py:1-99")]
    first = plan_marks(PLAN[:1], claims, patch, ["r1"])
    again = plan_marks(PLAN[:1], followed(claims, patch, patch), patch, ["r1"])
    blank = all(not line.text for hunk in patch.hunks for line in hunk.lines if line.kind != "context")
    assert again == first or blank


@given(st.text(max_size=60))
def test_any_place_can_be_claimed(where: str) -> None:
    marked(PlanClaim(step=1, done=True, where=where))


# In the loop

TWO_PLACES = """
import os, random

LEVEL = 1.0
a = 1
b = 2
c = 3
d = 4
e = 5
f = 6
g = 7
h = 8
SCALE = 1.0
seed = int(os.environ["MLRCOPILOT_SEED"])
print(f"val_error: {(LEVEL + 0.01 * random.Random(seed).random()) * SCALE}")
"""
BOTH = TWO_PLACES.replace("LEVEL = 1.0", "LEVEL = 0.5").replace("SCALE = 1.0", "SCALE = 0.9")
CLAIMS = (PlanClaim(step=1, done=True, where="train.py:12"), PlanClaim(step=2, done=True, by_run=True))
EDITED = ("two", [(TWO_PLACES.lstrip(), BOTH.lstrip())])


async def test_a_verdict_and_its_marks_stand_in_the_journal_together(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted(FakeEngine([EDITED], claims=CLAIMS))
    workspace = make_workspace(train=TWO_PLACES)
    state = await run_session(workspace)
    idea = state.ideas[1]
    assert idea.attempts[0].claims == CLAIMS
    run = next(name for name in idea.verdicts[0].runs if state.runs[name].commit == idea.attempts[0].commit)
    assert idea.plan_marks == (
        PlanMark(step=1, done=True, where="train.py:12", run=run),
        PlanMark(step=2, done=True, run=run),
    )
    journal = workspace.layout.session(state.session) / JOURNAL_NAME
    types = [record.event.type for record in JournalReader(journal).poll()]
    assert types[types.index("verdict.reached") + 1] == "plan.checked"
    assert show_view(state, idea)["plan_marks"][0]["where"] == "train.py:12"
    capsys.readouterr()
    assert main(["show", "1", "-C", str(workspace.layout.root)]) == 0
    shown = capsys.readouterr().out
    assert f"  1. edit\n     done (train.py:12, run {run})" in shown
    assert f"  2. run\n     done (run {run})" in shown


async def test_without_claims_nothing_is_checked(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([EDITED]))
    state = await run_session(make_workspace(train=TWO_PLACES))
    assert state.ideas[1].verdicts
    assert state.ideas[1].plan_marks == ()


async def test_a_patch_that_crashes_does_nothing_of_the_plan(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    attempts = [("SCALE = 1.0", "SCALE = 1 / 0"), ("1 / 0", "2 / 0"), ("2 / 0", "3 / 0"), ("3 / 0", "4 / 0")]
    scripted(FakeEngine([("crash", attempts)], claims=CLAIMS))
    state = await run_session(make_workspace(train=TWO_PLACES))
    assert state.ideas[1].status == "crashed"
    assert [mark.done for mark in state.ideas[1].plan_marks] == [False, False]


async def test_a_hunk_that_the_researcher_leaves_out_is_not_done(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    claims = (PlanClaim(step=1, done=True, where="train.py:12"), PlanClaim(step=2, done=True, where="train.py:3"))
    scripted(FakeEngine([EDITED], claims=claims))
    workspace = make_workspace(train=TWO_PLACES, contract=ASKING)
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        await copilot.decide("approve", gate=gate.id, commit=gate.commit, hunks=(1,))
        await copilot.until(copilot.task.done)
        first, second = copilot.state.ideas[1].plan_marks
    assert (first.done, second.done) == (False, True)
    assert "taken out" in first.note
    assert second.where == "train.py:3"


async def test_claims_outlive_the_process_that_heard_them(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([EDITED], claims=CLAIMS))
    workspace = make_workspace(train=TWO_PLACES, contract=ASKING)
    async with running(workspace) as copilot:
        await copilot.gate()
        session = copilot.state.session
    async with running(workspace, session) as copilot:
        await copilot.decide("approve", idea=1)
        await copilot.until(copilot.task.done)
        assert [mark.done for mark in copilot.state.ideas[1].plan_marks] == [True, True]
