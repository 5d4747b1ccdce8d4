"""Ideas thought through anew, split and merged: all or nothing, and only while they wait."""

import asyncio
from dataclasses import replace

import pytest

from mlrcopilot_tui.agents.base import Brief, IdeaDraft
from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.research.deliver import deliver, new_decision
from mlrcopilot_tui.session.journal import JournalReader
from mlrcopilot_tui.session.model import PlanDesign
from mlrcopilot_tui.session.session import read_state
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import Running, Use, running

ASKING = CONTRACT.replace('ideas = "auto"', 'ideas = "ask"')
LEVEL = ("level", [("LEVEL = 1.0", "LEVEL = 0.5")])
SPREAD = ("spread", [("SPREAD = 0.01", "SPREAD = 0.02")])
BOTH = ("level and spread", [("LEVEL = 1.0\nSPREAD = 0.01", "LEVEL = 0.4\nSPREAD = 0.02")])


class FakeThinker(FakeEngine):
    """Revises with a design, so that a test sees all that a draft carries arrive."""

    async def revise(self, brief: Brief, idea: int, words: str) -> IdeaDraft | None:
        draft = await super().revise(brief, idea, words)
        return draft and replace(draft, design=PlanDesign(dataset="the training set", runs=2, minutes=1.5))


def statuses(copilot: Running) -> dict[int, str]:
    return {number: idea.status for number, idea in copilot.state.ideas.items()}


async def test_a_revised_idea_keeps_its_number_and_takes_the_new_thought(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeThinker([LEVEL, SPREAD]))
    async with running(make_workspace(contract=ASKING)) as copilot:
        await copilot.gate()
        said = await copilot.decide("idea.revise", idea=1, text="rather the spread")
        assert said == "Idea 1 is now: rather the spread."
        idea = copilot.idea(1).idea
        assert (idea.number, idea.title, idea.recipe) == (1, "rather the spread", {"at": 1})
        assert idea.design is not None
        assert idea.design.budget == "2 runs of 1.5 minutes"
        with pytest.raises(RefusedError, match="nothing new to make of idea 2"):
            await copilot.decide("idea.revise", idea=2)


async def test_a_shell_revises_splits_merges_and_shows_the_design(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted(FakeThinker([BOTH, LEVEL, SPREAD]))
    workspace = make_workspace(contract=ASKING)
    async with running(workspace) as copilot:
        await copilot.gate()

    def shell(*words: str) -> tuple[int, str]:
        code = main([words[0], "-C", str(workspace.layout.root), *words[1:]])
        told = capsys.readouterr()
        return code, told.out + told.err

    async def typed(*words: str) -> tuple[int, str]:
        return await asyncio.to_thread(shell, *words)

    assert await typed("split", "1") == (0, "Split into ideas 4 and 5.\n")
    assert (await typed("merge", "4", "5"))[1] == "Merged into idea 6.\n"
    code, told = await typed("merge", "2", "2")
    assert (code, "two ideas or more" in told) == (1, True)
    assert (await typed("revise", "2", "more", "spread"))[1] == "Idea 2 is now: more spread.\n"
    code, told = await typed("revise", "1")
    assert (code, "Idea 1 is pruned already." in told) == (1, True)
    _, told = await typed("show", "2")
    assert "Data: the training set" in told
    assert "Budget: 2 runs of 1.5 minutes" in told
    _, told = await typed("show", "2", "--json")
    assert '"budget": "2 runs of 1.5 minutes"' in told


async def test_a_split_idea_gives_way_to_its_parts_in_one_write(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([BOTH, LEVEL, SPREAD]))
    workspace = make_workspace(contract=ASKING)
    async with running(workspace) as copilot:
        await copilot.gate()
        await copilot.decide("idea.order", order=(2, 1))
        assert await copilot.decide("idea.split", idea=1) == "Split into ideas 4 and 5."
        assert statuses(copilot) == {1: "pruned", 2: "proposed", 3: "proposed", 4: "proposed", 5: "proposed"}
        assert copilot.idea(1).reason == "Split into ideas 4 and 5."
        assert [copilot.idea(number).idea.parent for number in (4, 5)] == [1, 1]
        assert copilot.state.order == (2, 4, 5), "the parts take their idea's place in the researcher's order"
        with pytest.raises(RefusedError, match="no parts in idea 2"):
            await copilot.decide("idea.split", idea=2)
        session = copilot.state.session
    records = JournalReader(workspace.layout.journal(session)).poll()
    types = [record.event.type for record in records]
    at = types.index("idea.pruned")
    assert types[at - 2 : at + 3] == [
        "idea.proposed",
        "idea.proposed",
        "idea.pruned",
        "ideas.reordered",
        "decision.applied",
    ]


async def test_merged_ideas_give_way_to_one_that_runs(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([LEVEL, SPREAD, BOTH]))
    async with running(make_workspace(contract=ASKING)) as copilot:
        await copilot.gate()
        assert await copilot.decide("idea.merge", order=(1, 2, 1)) == "Merged into idea 4."
        assert copilot.idea(4).idea.parent == 1
        assert copilot.idea(2).reason == "Merged into idea 4."
        with pytest.raises(RefusedError, match="Idea 1 is pruned already"):
            await copilot.decide("idea.merge", order=(1, 3))
        with pytest.raises(RefusedError, match="cannot make one idea of 3 and 4"):
            await copilot.decide("idea.merge", order=(3, 4))
        await copilot.decide("idea.prune", idea=3, text="no")
        await copilot.decide("approve", idea=4)
        await copilot.until(lambda: copilot.idea(4).status == "kept")


async def test_merging_one_idea_or_none_is_refused(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([LEVEL]))
    async with running(make_workspace(contract=ASKING)) as copilot:
        await copilot.gate()
        for order in ((), (1,), (1, 1)):
            with pytest.raises((InputError, RefusedError), match="two ideas or more"):
                await copilot.decide("idea.merge", order=order)
        with pytest.raises(RefusedError, match="no idea 9"):
            await copilot.decide("idea.merge", order=(1, 9))


@pytest.mark.parametrize("kind", ["idea.revise", "idea.split", "idea.merge"])
async def test_a_tried_idea_stays_as_it_was_tried(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, kind: str
) -> None:
    scripted(FakeEngine([LEVEL, SPREAD]))
    workspace = make_workspace()
    async with running(workspace) as copilot:
        await copilot.until(copilot.task.done)
        session = copilot.state.session
    before = read_state(workspace.layout.session(session)).ideas[1].idea
    with pytest.raises(RefusedError, match="Idea 1 is kept already"):
        await asyncio.to_thread(
            deliver, workspace.layout, session, new_decision(kind, idea=1, order=(1, 2), text="level")
        )
    assert read_state(workspace.layout.session(session)).ideas[1].idea == before
