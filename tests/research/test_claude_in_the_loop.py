"""A model's ExperimentAgent in the research loop: real git, real actions, a scripted model, crash and repair."""

import dataclasses
from itertools import count
from typing import Any

from mlrcopilot_tui.agents.base import Assignment, Brief, Proposal, Withdrawal
from mlrcopilot_tui.agents.claude.experiment_agent import ClaudeExperimentAgent
from mlrcopilot_tui.agents.claude.turns import Turn
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.fakes.scripted_model import FakeModel, acted, faulted, shown
from tests.research.conftest import MakeWorkspace
from tests.research.running import Use, run_session

NOTES = {"reflection": "r", "research_plan_and_status": "p", "fact_check": "None yet.", "thought": "t"}
_NUMBERS = count(1)


@dataclasses.dataclass
class ModelledEngine(FakeEngine):
    """Its ideas are a script, its experiments a model's."""

    model_port: FakeModel = dataclasses.field(default_factory=FakeModel)

    async def implement(self, brief: Brief, assignment: Assignment) -> Proposal | Withdrawal:
        return await ClaudeExperimentAgent(self.model_port).implement(brief, assignment)


def do(name: str, **given: Any) -> Turn:  # noqa: ANN401 - whatever the action takes
    return acted((name, {"notes": NOTES, **given}), number=next(_NUMBERS))


def edit(old: str, new: str) -> Turn:
    return do("edit_file", path="train.py", replacements=[{"search": old, "replace": new}])


def hand_in(subject: str, body: str = "It should help.") -> Turn:
    plan = [{"step": 1, "done": True, "where": "train.py:3"}, {"step": 2, "done": True, "by_run": True}]
    return do("final_answer", subject=subject, body=body, plan=plan)


async def test_an_idea_is_written_crashes_is_mended_and_kept(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    model = FakeModel(
        do("read_file", path="train.py"),
        edit("LEVEL = 1.0", "LEVEL = 1 / 0"),
        hand_in("lower the level"),
        edit("LEVEL = 1 / 0", "LEVEL = 0.5"),
        hand_in("Mend the level", "The level is 0.5 now; val_error is 0.123."),
        hand_in("Mend the level", "The level is 0.5 now; val_error is 0.123."),
    )
    scripted(ModelledEngine([("level", [])], model_port=model))
    workspace = make_workspace()
    state = await run_session(workspace)
    idea = state.ideas[1]
    assert idea.status == "kept", idea.reason
    assert [attempt.subject for attempt in idea.attempts] == ["Lower the level", "Mend the level"]
    assert "LEVEL = 1.0" in shown(model.requests[1])
    repair = shown(model.requests[3])
    assert "ZeroDivisionError" in repair
    assert str(workspace.layout.root) not in repair
    message = workspace.repository.commit(idea.attempts[1].commit).message
    assert "val_error is 0.123 (unverified)." in message
    assert "Hypothesis:" in message
    assert [(mark.done, mark.where) for mark in idea.plan_marks] == [(True, "train.py:3"), (True, "")]
    assert {said.kind for _, said in state.talk if said.idea == 1} >= {"thought", "action", "observation"}


async def test_a_refusal_costs_the_idea_and_nothing_else(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    model = FakeModel(
        edit("LEVEL = 1.0", "LEVEL = 0.9"),
        faulted("refusal", "The model would not."),
        edit("LEVEL = 1.0", "LEVEL = 0.5"),
        hand_in("Lower the level"),
    )
    scripted(ModelledEngine([("one", []), ("two", [])], model_port=model))
    state = await run_session(make_workspace())
    assert [idea.status for idea in state.ideas.values()] == ["withdrawn", "kept"]
    assert state.ideas[1].reason == "The model would not."
