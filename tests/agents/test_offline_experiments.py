"""The offline ExperimentAgent: patches, mending, feedback, and what the researcher left out."""

import difflib
from pathlib import Path

import pytest

from mlrcopilot_tui.agents.base import Failure, IdeaDraft, Proposal, Withdrawal
from mlrcopilot_tui.agents.offline.literals import Setting
from mlrcopilot_tui.agents.offline.recipe import KnobPart, Part, Recipe, TechniquePart, from_dict, to_dict
from mlrcopilot_tui.session import events as ev
from tests.agents.simulation import FakeTree, Simulation

CODE = """\
import numpy as np

LEARNING_RATE = 0.1
BATCH_SIZE = 64
EPOCHS = 40  # passes


def train(x, y):
    w = np.zeros(x.shape[1])
    for epoch in range(EPOCHS):
        for start in range(0, len(x), BATCH_SIZE):
            rows = slice(start, start + BATCH_SIZE)
            w -= LEARNING_RATE * x[rows].T @ (x[rows] @ w - y[rows]) / BATCH_SIZE
    return w
"""


@pytest.fixture
def bench(tmp_path: Path) -> Simulation:
    """A session on a script that is never run here."""
    return Simulation({"train.py": CODE}, tmp_path)


def knob(name: str, was: Setting, to: Setting) -> KnobPart:
    return KnobPart(knob=f"train.py:{name}", was=was, to=to)


def technique(technique_id: str) -> TechniquePart:
    return TechniquePart(technique=technique_id, path="train.py")


def idea(bench: Simulation, *parts: Part) -> int:
    """An idea with these parts in the tree of ideas."""
    draft = IdeaDraft(
        title="Change two things at once",
        hypothesis="It helps.",
        rationale="Because.",
        plan=(),
        prediction="",
        evidence=(),
        scores={},
        recipe=to_dict(Recipe(parts=parts)),
    )
    [number] = bench.add([draft])
    return number


def lines(before: str, after: str) -> list[str]:
    """The added lines."""
    return [
        line[1:].strip() for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line.startswith("+ ")
    ]


def first_attempt(bench: Simulation, *parts: Part) -> tuple[int, FakeTree]:
    number, tree = idea(bench, *parts), FakeTree(bench.texts)
    assert isinstance(bench.implement(number, tree), Proposal)
    return number, tree


def test_a_patch_reads_like_an_engineers_commit(bench: Simulation) -> None:
    number, tree = idea(bench, knob("EPOCHS", 40, 120)), FakeTree(bench.texts)
    outcome = bench.implement(number, tree)
    assert isinstance(outcome, Proposal)
    assert outcome.subject == "Raise EPOCHS from 40 to 120"
    assert outcome.body == "Because."
    assert lines(CODE, tree.texts["train.py"]) == ["EPOCHS = 120  # passes"]


def test_several_parts_make_one_patch(bench: Simulation) -> None:
    number, tree = idea(bench, technique("momentum"), knob("EPOCHS", 40, 80)), FakeTree(bench.texts)
    outcome = bench.implement(number, tree)
    assert isinstance(outcome, Proposal)
    assert outcome.subject == "Add momentum to the gradient steps; raise EPOCHS from 40 to 80"
    assert {"MOMENTUM = 0.9", "EPOCHS = 80  # passes"} <= set(lines(CODE, tree.texts["train.py"]))
    assert from_dict(outcome.recipe or {}).brings == ("train.py:MOMENTUM",)


def test_too_many_parts_for_a_subject_are_listed_below_it(bench: Simulation) -> None:
    parts = technique("momentum"), knob("EPOCHS", 40, 80), knob("BATCH_SIZE", 64, 16)
    outcome = bench.implement(idea(bench, *parts), FakeTree(bench.texts))
    assert isinstance(outcome, Proposal)
    assert outcome.subject == "Change two things at once"
    assert "- Add momentum to the gradient steps\n- Raise EPOCHS" in outcome.body


def test_what_is_so_already_is_withdrawn(bench: Simulation) -> None:
    tree = FakeTree({"train.py": CODE.replace("EPOCHS = 40", "EPOCHS = 120")})
    outcome = bench.implement(idea(bench, knob("EPOCHS", 40, 120)), tree)
    assert isinstance(outcome, Withdrawal)
    assert "EPOCHS" in outcome.reason


DIVERGED = Failure("diverged", "the last value is nan", "epoch 3 val_error: nan\n")
MEMORY = Failure("crashed", "exit code 1", "numpy.exceptions.MemoryError: Unable to allocate 3.1 TiB\n")
SLOW = Failure("timeout", "it ran past 10 minutes", "epoch 3\n")
SHAPE = Failure(
    "crashed", "exit code 1", "Traceback:\nValueError: operands could not be broadcast together with shapes (3,) (4,)\n"
)
NAMELESS = Failure("crashed", "exit code 1", "NameError: name 'math' is not defined\n")
PACKAGE = Failure("crashed", "exit code 1", "ModuleNotFoundError: No module named 'sklearn'\n")


@pytest.mark.parametrize(
    ("part", "failure", "expected"),
    [
        (knob("LEARNING_RATE", 0.1, 10.0), DIVERGED, ["LEARNING_RATE = 1.0"]),
        (knob("BATCH_SIZE", 64, 4096), MEMORY, ["BATCH_SIZE = 512"]),
        (knob("EPOCHS", 40, 4000), SLOW, ["EPOCHS = 400  # passes"]),
    ],
)
def test_a_step_too_far_is_taken_half_back(
    bench: Simulation, part: KnobPart, failure: Failure, expected: list[str]
) -> None:
    number, tree = first_attempt(bench, part)
    outcome = bench.implement(number, tree, 2, failure)
    assert isinstance(outcome, Proposal)
    assert lines(CODE, tree.texts["train.py"]) == expected
    assert "half the way back" in outcome.body


def test_divergence_after_another_change_lowers_the_learning_rate(bench: Simulation) -> None:
    number, tree = first_attempt(bench, technique("momentum"))
    outcome = bench.implement(number, tree, 2, DIVERGED)
    assert isinstance(outcome, Proposal)
    assert "LEARNING_RATE = 0.02" in lines(CODE, tree.texts["train.py"])
    assert "MOMENTUM = 0.9" in lines(CODE, tree.texts["train.py"])


def test_repeated_divergence_ends_in_withdrawal(bench: Simulation) -> None:
    number, tree = first_attempt(bench, knob("LEARNING_RATE", 0.1, 10.0))
    outcome: Proposal | Withdrawal = Withdrawal("")
    for attempt in range(2, 9):
        outcome = bench.implement(number, tree, attempt, DIVERGED)
        if isinstance(outcome, Withdrawal):
            break
    assert isinstance(outcome, Withdrawal)


def test_a_broken_shape_takes_the_newest_part_back(bench: Simulation) -> None:
    number, tree = first_attempt(bench, knob("EPOCHS", 40, 80), technique("momentum"))
    outcome = bench.implement(number, tree, 2, SHAPE)
    assert isinstance(outcome, Proposal)
    assert lines(CODE, tree.texts["train.py"]) == ["EPOCHS = 80  # passes"]
    final = bench.implement(number, tree, 3, SHAPE)
    assert isinstance(final, Withdrawal)
    assert "broadcast" in final.reason


def test_a_missing_import_is_added(bench: Simulation) -> None:
    code = CODE + "    return math.sqrt(w.sum())\n"
    bench.texts["train.py"] = code
    number, tree = first_attempt(bench, knob("EPOCHS", 40, 80))
    outcome = bench.implement(number, tree, 2, NAMELESS)
    assert isinstance(outcome, Proposal)
    assert lines(code, tree.texts["train.py"]) == ["import math", "EPOCHS = 80  # passes"]
    later = bench.implement(number, tree, 3, SLOW)
    assert isinstance(later, Proposal)
    assert lines(code, tree.texts["train.py"]) == ["import math", "EPOCHS = 57  # passes"]


def test_a_missing_package_is_a_reason_to_withdraw(bench: Simulation) -> None:
    number, tree = first_attempt(bench, technique("momentum"))
    outcome = bench.implement(number, tree, 2, PACKAGE)
    assert isinstance(outcome, Withdrawal)
    assert "package" in outcome.reason
    assert "sklearn" in outcome.reason


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("try a smaller learning rate", {"LEARNING_RATE = 0.17", "EPOCHS = 80  # passes"}),
        ("set EPOCHS to 55", {"LEARNING_RATE = 0.3", "EPOCHS = 55  # passes"}),
        ("only the first part", {"LEARNING_RATE = 0.3"}),
        ("leave the optimizer alone", {"EPOCHS = 80  # passes"}),
        ("drop the last change, and halve the batch size", {"LEARNING_RATE = 0.3", "BATCH_SIZE = 32"}),
        ("sing a song", {"LEARNING_RATE = 0.3", "EPOCHS = 80  # passes"}),
    ],
)
def test_feedback_is_followed(bench: Simulation, words: str, expected: set[str]) -> None:
    number, tree = first_attempt(bench, knob("LEARNING_RATE", 0.1, 0.3), knob("EPOCHS", 40, 80))
    bench.implement(number, tree, 2, feedback=[words])
    changed = set(lines(CODE, tree.texts["train.py"]))
    assert changed == expected
    if words == "sing a song":
        assert any("sing a song" in said for said in bench.said)


def test_feedback_can_ask_for_a_technique(bench: Simulation) -> None:
    number, tree = first_attempt(bench, knob("EPOCHS", 40, 80))
    outcome = bench.implement(number, tree, 2, feedback=["use momentum too"])
    assert isinstance(outcome, Proposal)
    assert {"MOMENTUM = 0.9", "EPOCHS = 80  # passes"} <= set(lines(CODE, tree.texts["train.py"]))


def test_feedback_that_takes_everything_back_is_a_withdrawal(bench: Simulation) -> None:
    number, tree = first_attempt(bench, knob("LEARNING_RATE", 0.1, 0.3))
    assert isinstance(bench.implement(number, tree, 2, feedback=["don't touch the learning rate"]), Withdrawal)


LEFT_OUT = """\
--- a/train.py
+++ b/train.py
@@ -5,1 +5,1 @@
-EPOCHS = 40  # passes
+EPOCHS = 80  # passes
"""


def test_hunks_that_were_left_out_stay_out(bench: Simulation) -> None:
    number, tree = first_attempt(bench, knob("LEARNING_RATE", 0.1, 0.3), knob("EPOCHS", 40, 80))
    tree.texts["train.py"] = CODE.replace("= 0.1", "= 0.3")  # what the researcher took
    outcome = bench.implement(number, tree, 2, feedback=["halve the batch size"], left_out=LEFT_OUT)
    assert isinstance(outcome, Proposal)
    assert set(lines(CODE, tree.texts["train.py"])) == {"LEARNING_RATE = 0.3", "BATCH_SIZE = 32"}


def test_an_attempt_that_the_researcher_edited_is_built_upon(bench: Simulation) -> None:
    number, tree = first_attempt(bench, knob("EPOCHS", 40, 80))
    tree.texts["train.py"] += "# a note of mine\n"
    outcome = bench.implement(number, tree, 2, feedback=["set LEARNING_RATE to 0.2"])
    assert isinstance(outcome, Proposal)
    text = tree.texts["train.py"]
    assert text.endswith("# a note of mine\n")
    assert {"LEARNING_RATE = 0.2", "EPOCHS = 80  # passes"} <= set(lines(CODE, text))


def test_what_was_left_out_of_an_attempt_does_not_come_back_with_a_repair(bench: Simulation) -> None:
    """Even where nobody says which hunks were left out: what the tree lacks was not wanted."""
    number, tree = first_attempt(bench, knob("LEARNING_RATE", 0.1, 3.0), knob("EPOCHS", 40, 80))
    tree.texts["train.py"] = CODE.replace("= 0.1", "= 3.0")
    outcome = bench.implement(number, tree, 2, DIVERGED)
    assert isinstance(outcome, Proposal)
    assert lines(CODE, tree.texts["train.py"]) == ["LEARNING_RATE = 0.55"]


def test_an_edited_attempt_can_lose_a_setting_and_not_a_technique(bench: Simulation) -> None:
    number, tree = first_attempt(bench, knob("EPOCHS", 40, 80), technique("momentum"))
    tree.texts["train.py"] += "# mine\n"
    outcome = bench.implement(number, tree, 2, feedback=["drop the first part"])
    assert isinstance(outcome, Proposal)
    assert "EPOCHS = 40  # passes" in tree.texts["train.py"]
    tree.texts["train.py"] += "# mine too\n"
    last = bench.implement(number, tree, 3, feedback=["no momentum, and set EPOCHS to 50"])
    assert isinstance(last, Withdrawal)
    assert "momentum" in last.reason


def test_words_said_before_the_first_attempt_count(bench: Simulation) -> None:
    number, tree = idea(bench, knob("EPOCHS", 40, 80)), FakeTree(bench.texts)
    bench.record(ev.FeedbackTaken(text="set EPOCHS to 50", understood="", idea=number))
    assert isinstance(bench.implement(number, tree), Proposal)
    assert lines(CODE, tree.texts["train.py"]) == ["EPOCHS = 50  # passes"]


def test_only_editable_files_are_written(bench: Simulation) -> None:
    tree = FakeTree({"train.py": CODE, "lib.py": CODE}, editable=("lib.py",))
    bench.texts = dict(tree.texts)
    bench.commits["c0"] = dict(tree.texts)
    bench.editable = ("lib.py",)
    bench.command = "python train.py"
    outcome = bench.implement(idea(bench, knob("EPOCHS", 40, 80)), tree)
    assert isinstance(outcome, Withdrawal)
    assert tree.texts["train.py"] == CODE
