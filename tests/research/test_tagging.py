"""A tagged patch runs only where a person has said yes to it with its tags in view; nothing else stops for it."""

import msgspec
import pytest

from mlrcopilot_tui.research import tagging
from mlrcopilot_tui.research.tampering import Tag
from mlrcopilot_tui.session.model import Attempt
from mlrcopilot_tui.session.session import read_state
from mlrcopilot_tui.session.tag_words import tagged
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import Use, run_session, running

FIXED = ("fixed", [("seed = int(os.environ", "seed = 3 and int(os.environ")])
BETTER = ("better", [("LEVEL = 1.0", "LEVEL = 0.5")])


async def test_unattended_a_tagged_patch_is_rejected_with_its_tag_and_the_loop_goes_on(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([FIXED, BETTER]))
    state = await run_session(make_workspace())
    assert [idea.status for idea in state.ideas.values()] == ["rejected", "kept"]
    assert state.ideas[1].reason.startswith("Tagged seed (hunk 1), and nobody is there to approve that. train.py:5:")
    assert [tag.rule for tag in state.ideas[1].attempts[0].tags] == ["seed"]
    assert state.ideas[2].attempts[0].tags == ()
    assert not [run for run in state.runs.values() if run.idea == 1 and run.purpose == "idea"]


async def test_where_patches_are_approved_by_rule_a_tagged_one_waits_for_the_researcher(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([FIXED]))
    workspace = make_workspace()
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        assert gate.question.endswith("Tagged seed (hunk 1): look at these hunks first.")
        session = copilot.state.session
    async with running(workspace, session) as copilot:  # another process finds the same question
        assert (await copilot.gate()).id == gate.id
        assert await copilot.decide("approve") == "Idea 1 may run, tagged seed (hunk 1)."
        await copilot.until(copilot.task.done)
    state = read_state(workspace.layout.session(session))
    assert state.ideas[1].verdict is not None
    assert [answer.by for answer in state.answers.values()] == ["researcher"]


async def test_a_selection_without_the_tagged_hunk_runs_untagged(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    apart = "".join(f"{letter} = {at}\n" for at, letter in enumerate("abcdefgh"))
    train = f"""\
import os, random
LEVEL = 1.0
{apart}seed = int(os.environ["MLRCOPILOT_SEED"])
error = LEVEL + 0.01 * random.Random(seed).random()
print(f"val_error: {{error}}")
"""
    both = f"LEVEL = 0.5\n{apart}seed = 3 and"
    scripted(FakeEngine([("both", [(f"LEVEL = 1.0\n{apart}seed =", both)])]))
    async with running(make_workspace(train=train, contract=CONTRACT)) as copilot:
        await copilot.gate()
        await copilot.decide("approve", hunks=(1,))
        await copilot.until(copilot.task.done)
        first, second = copilot.idea(1).attempts
        assert ([tag.hunk for tag in first.tags], second.tags) == ([2], ())
        assert len(copilot.state.gates) == 1


async def test_rules_that_break_stop_no_session_and_count_as_a_tag(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> tuple[Tag, ...]:
        raise ZeroDivisionError

    monkeypatch.setattr(tagging, "tamper_tags", broken)
    scripted(FakeEngine([BETTER]))
    state = await run_session(make_workspace())
    assert [tag.rule for tag in state.ideas[1].attempts[0].tags] == ["unjudged"]
    assert state.ideas[1].status == "rejected"


def test_tags_in_words() -> None:
    tags = [_tag("seed", 2), _tag("metric", 3), _tag("metric", 1), _tag("protected", 0)]
    assert tagged(tags) == "seed (hunk 2), metric (hunks 1 and 3), protected"


def test_attempts_without_tags_are_read_from_old_journals() -> None:
    old = b'{"idea":1,"number":1,"commit":"c","parent":"p","tree":"t","subject":"s"}'
    assert msgspec.json.decode(old, type=Attempt).tags == ()


def _tag(rule: str, hunk: int) -> Tag:
    return msgspec.convert({"rule": rule, "hunk": hunk, "path": "a", "line": 1, "excerpt": "", "why": ""}, Tag)
