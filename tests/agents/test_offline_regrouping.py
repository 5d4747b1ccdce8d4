"""The offline IdeaAgent takes ideas apart, puts them together and thinks them through anew."""

import asyncio

from mlrcopilot_tui.agents.base import IdeaDraft, Proposal
from mlrcopilot_tui.agents.offline.recipe import from_dict
from mlrcopilot_tui.session import events as ev
from tests.agents.simulation import FakeTree, Simulation


def drafted(session: Simulation, words: str) -> IdeaDraft:
    draft = asyncio.run(session.engine.ideas.draft(session.brief(), words, None))
    assert draft is not None, words
    return draft


def merged(session: Simulation, *numbers: int) -> IdeaDraft | None:
    return asyncio.run(session.engine.ideas.merge(session.brief(), numbers))


def split(session: Simulation, number: int) -> list[IdeaDraft]:
    return list(asyncio.run(session.engine.ideas.split(session.brief(), number)))


def test_two_ideas_become_one_patch_and_come_apart_again(session: Simulation) -> None:
    steps, size = session.add([drafted(session, "set STEPS to 240"), drafted(session, "set STEP_SIZE to 0.1")])
    both = merged(session, steps, size)
    assert both is not None
    assert (both.parent, len(both.plan)) == (steps, 3)
    assert "noise" not in both.rationale, "nothing was measured yet"
    (number,) = session.add([both])
    tree = FakeTree(session.champion)
    assert isinstance(session.implement(number, tree), Proposal)
    assert "STEPS = 240" in tree.texts["train.py"]
    assert "STEP_SIZE = 0.1\n" in tree.texts["train.py"]

    assert split(session, number) == [], "both parts wait as ideas of their own"
    for old in (steps, size):
        session.record(ev.IdeaPruned(idea=old, reason="merged", by="researcher"))
    parts = split(session, number)
    assert [from_dict(part.recipe).key() for part in parts] == [
        from_dict(session.state.ideas[old].idea.recipe).key() for old in (steps, size)
    ]
    for part in parts:
        (single,) = session.add([part])
        assert isinstance(session.implement(single, FakeTree(session.champion)), Proposal)


def test_a_technique_and_a_setting_come_apart(session: Simulation) -> None:
    numbers = session.add([drafted(session, "use momentum"), drafted(session, "set STEPS to 240")])
    both = merged(session, *numbers)
    assert both is not None
    (number,) = session.add([both])
    for old in numbers:
        session.record(ev.IdeaPruned(idea=old, reason="merged", by="researcher"))
    assert [bool(from_dict(part.recipe).techniques) for part in split(session, number)] == [True, False]


def test_ideas_that_set_the_same_thing_are_not_merged(session: Simulation) -> None:
    numbers = session.add([drafted(session, "set STEPS to 240"), drafted(session, "set STEPS to 120")])
    assert merged(session, *numbers) is None


def test_a_single_change_does_not_split(session: Simulation) -> None:
    (number,) = session.add([drafted(session, "set STEPS to 240")])
    assert split(session, number) == []


def test_a_revision_heeds_the_words_or_brings_another_idea(session: Simulation) -> None:
    (number,) = session.add([drafted(session, "set STEPS to 240")])

    def revise(words: str) -> IdeaDraft | None:
        return asyncio.run(session.engine.ideas.revise(session.brief(), number, words))

    asked, other = revise("set STEPS to 120"), revise("")
    assert asked is not None
    assert [part.to for part in from_dict(asked.recipe).knobs] == [120]
    assert other is not None
    assert from_dict(other.recipe).key() != from_dict(session.state.ideas[number].idea.recipe).key()
    assert revise("set STEPS to 240") is None, "that is the idea already"
    assert revise("be bolder, on Mars") is None
