"""What the offline engine says of its plans holds against its own patches, and no more is said than it knows."""

import difflib
from pathlib import Path

import pytest

from mlrcopilot_tui.agents.base import IdeaDraft, Proposal
from mlrcopilot_tui.agents.offline.claims import claims_on
from mlrcopilot_tui.agents.offline.recipe import KnobPart, Recipe, to_dict
from mlrcopilot_tui.research.plan_check import plan_marks
from mlrcopilot_tui.session.model import Idea, PlanClaim
from mlrcopilot_tui.workspace.patch import Patch, parse
from tests.agents.simulation import FakeTree, Simulation

CODE = "import math\n\nRATE = 0.1\nSIZE = 64\n\nfor epoch in range(40):\n    print(math.exp(-RATE * SIZE * epoch))\n"
PLAN = ("Set RATE to 0.2; change nothing else.", "Compare with the parent on equal seeds.")


def patch_of(old: str, new: str) -> Patch:
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), "a/train.py", "b/train.py"
    )
    return parse(f"diff --git a/train.py b/train.py\nindex 1..2 100644\n{''.join(lines)}")


def proposed(folder: Path, attempt: int, *parts: KnobPart) -> tuple[Proposal, Patch]:
    bench = Simulation({"train.py": CODE}, folder)
    draft = IdeaDraft("Raise the rate", "It helps.", "", PLAN, "", (), {}, to_dict(Recipe(parts=parts)))
    [number] = bench.add([draft])
    tree = FakeTree({"train.py": CODE})
    proposal = bench.implement(number, tree, attempt)
    assert isinstance(proposal, Proposal)
    return proposal, patch_of(CODE, tree.texts["train.py"])


def test_a_plan_of_one_setting_is_shown_by_its_line_and_the_runs(tmp_path: Path) -> None:
    proposal, patch = proposed(tmp_path, 1, KnobPart(knob="train.py:RATE", was=0.1, to=0.2))
    marks = plan_marks(PLAN, proposal.claims, patch, ["r3"])
    assert [(mark.done, mark.where, mark.run) for mark in marks] == [(True, "train.py:3", "r3"), (True, "", "r3")]


@pytest.mark.parametrize(
    ("attempt", "parts"),
    [
        (2, [KnobPart(knob="train.py:RATE", was=0.1, to=0.2)]),
        (1, [KnobPart(knob="train.py:RATE", was=0.1, to=0.2), KnobPart(knob="train.py:SIZE", was=64, to=32)]),
    ],
)
def test_nothing_is_said_where_step_and_change_are_not_one(tmp_path: Path, attempt: int, parts: list[KnobPart]) -> None:
    assert proposed(tmp_path, attempt, *parts)[0].claims == ()


def test_removed_added_and_changed_lines_are_named_as_they_stand_now() -> None:
    idea = Idea(number=1, title="t", hypothesis="h", plan=("Do it.",))
    before = "".join(f"{n}\n" for n in range(12))
    after = before.replace("1\n2\n", "1\nnew\nnew\n2\n", 1).replace("8\n", "", 1).replace("10\n", "ten\n")
    [claim] = claims_on(idea, {"train.py": before}, {"train.py": after})
    assert claim == PlanClaim(step=1, done=True, where="train.py:3-4, train.py:11, train.py:12")
    assert plan_marks(idea.plan, [claim], patch_of(before, after), ["r1"])[0].done
