"""What the rules read in a researcher's words, and that they say what they could not read."""

import asyncio

import pytest

from mlrcopilot_tui.agents.base import Engine
from mlrcopilot_tui.agents.offline.engine import OfflineEngine
from mlrcopilot_tui.agents.offline.knobs import Knob, find_knobs
from mlrcopilot_tui.agents.offline.source import parse
from mlrcopilot_tui.agents.offline.words import Wish, locks, read
from tests.agents.simulation import Simulation

CODE = """\
import argparse

EPOCHS = 50
LEARNING_RATE = 0.1
L2 = 1e-4
BATCH_SIZE = 32
MOMENTUM = 0.9
model = SVC(C=1.0)
fit(model, EPOCHS, LEARNING_RATE, L2, BATCH_SIZE, MOMENTUM)
"""


def knobs() -> tuple[Knob, ...]:
    source = parse("train.py", CODE)
    assert source is not None
    return find_knobs([source])


def brief_of(wish: Wish) -> str:
    """A wish in short: kind, what about, value or factor or part."""
    target = wish.target
    about = target.name or target.role or target.technique or target.family
    amount = wish.value if wish.value is not None else wish.factor or wish.part or ""
    return f"{wish.kind} {about} {amount}".strip()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("try a smaller learning rate", ["lower learning_rate"]),
        ("Lower the lr by a factor of 10.", ["lower learning_rate 10.0"]),
        ("the learning rate is too high, reduce it", ["lower learning_rate"]),
        ("halve the batch size", ["lower batch_size 2.0"]),
        ("double EPOCHS", ["raise EPOCHS 2.0"]),
        ("set EPOCHS to 80", ["set EPOCHS 80"]),
        ("EPOCHS = 80", ["set EPOCHS 80"]),
        ("use 80 epochs", ["set EPOCHS 80"]),
        ("train for 200 epochs", ["set EPOCHS 200"]),
        ("use a learning rate of 3e-4", ["set learning_rate 0.0003"]),
        ("learning rate 0.01 please", ["set learning_rate 0.01"]),
        ("more epochs", ["raise EPOCHS"]),
        ("stronger regularisation", ["raise weight_decay"]),
        ("L2 should be larger", ["raise L2"]),
        ("C=10", ["set C 10"]),
        ("leave the optimizer alone", ["lock optimizer"]),
        ("Don't touch the learning rate!", ["lock learning_rate"]),
        ("keep EPOCHS fixed", ["lock EPOCHS"]),
        ("please do not change BATCH_SIZE or L2", ["lock BATCH_SIZE", "lock L2"]),
        ("no ensembles", ["lock ensemble"]),
        ("never use bagging", ["lock bagging"]),
        ("you may change the learning rate again", ["unlock learning_rate"]),
        ("try the Nystroem map", ["use kernel_features"]),
        ("use label spreading instead", ["use label_spreading"]),
        ("only the first part", ["only  1"]),
        ("just the second change please", ["only  2"]),
        ("drop the last part", ["drop  -1"]),
        ("without the schedule", ["drop schedule"]),
        ("lower the learning rate and raise EPOCHS to 100", ["lower learning_rate", "set EPOCHS 100"]),
        ("smaller learning rate, more epochs", ["lower learning_rate", "raise EPOCHS"]),
    ],
)
def test_words_are_read(words: str, expected: list[str]) -> None:
    found = [brief_of(wish) for wish in read(words, knobs()).wishes]
    kinds = [item.split()[0] for item in expected]
    assert [item.split()[0] for item in found][: len(kinds)] == kinds, found
    for item in expected:
        assert any(item == other or other.startswith(item) for other in found), (item, found)


@pytest.mark.parametrize("words", ["make it better", "I like turtles.", "¿por qué?", "", "   ", "[31m", "a" * 5000])
def test_what_says_nothing_yields_nothing(words: str) -> None:
    reading = read(words, knobs())
    assert reading.wishes == ()
    assert bool(reading.unread) == bool(words.strip() and any(c.isalnum() for c in words))


def test_locks_stand_until_they_are_lifted() -> None:
    by_name = {knob.name: knob for knob in knobs()}
    first = locks(["leave the optimizer alone"], knobs())
    assert first.knob(by_name["LEARNING_RATE"])
    assert first.knob(by_name["MOMENTUM"])
    assert not first.knob(by_name["EPOCHS"])
    lifted = locks(["leave the optimizer alone", "you may change the optimizer again"], knobs())
    assert not lifted.knob(by_name["LEARNING_RATE"])


def test_the_engine_says_what_it_understood_and_what_not(session: Simulation) -> None:
    said = asyncio.run(session.engine.ideas.understand(session.brief(), "Raise STEPS to 90. Also make it elegant.", 1))
    assert "STEPS" in said.said
    assert "90" in said.said
    assert "make it elegant" in said.said
    assert said.instruction == ""
    standing = asyncio.run(session.engine.ideas.understand(session.brief(), "leave the step size alone", 0))
    assert "STEP_SIZE" in standing.said
    assert standing.instruction == "leave the step size alone"
    nothing = asyncio.run(session.engine.ideas.understand(session.brief(), "hmm", 0))
    assert "understand none" in nothing.said


def test_locked_settings_and_techniques_are_not_proposed(session: Simulation) -> None:
    session.instruct("leave the optimizer alone", "no standardisation")
    for _ in range(4):
        session.propose(5)
    proposed = " ".join(str(idea.idea.recipe) for idea in session.state.ideas.values())
    assert "STEP_SIZE" not in proposed
    assert "momentum" not in proposed
    assert "adam" not in proposed
    assert "standardise" not in proposed
    assert "STEPS" in proposed


@pytest.mark.parametrize(
    ("words", "recipe"),
    [
        ("set STEPS to 200", {"knob": "train.py:STEPS", "to": 200}),
        ("try a larger step size", {"knob": "train.py:STEP_SIZE", "to": 0.06}),
        ("standardise the inputs", {"technique": "standardise_arrays"}),
        ("use momentum please", {"technique": "momentum"}),
    ],
)
def test_words_become_an_idea(session: Simulation, words: str, recipe: dict[str, object]) -> None:
    draft = asyncio.run(session.engine.ideas.draft(session.brief(), words, None))
    assert draft is not None
    part = draft.recipe["parts"][0]
    assert {name: part[name] for name in recipe} == recipe


def test_words_beyond_the_rules_become_none(session: Simulation) -> None:
    for words in ("use a transformer with rotary embeddings", "train longer on Mars", "leave STEPS alone", ""):
        assert asyncio.run(session.engine.ideas.draft(session.brief(), words, None)) is None


def test_words_on_the_session_become_ideas_of_their_own_once(session: Simulation) -> None:
    session.propose(3)
    words = "set STEPS to 240, and try a larger step size"
    session.instruct(words)
    said = asyncio.run(session.engine.ideas.understand(session.brief(), words, 0))
    assert "as an idea of its own" in said.said
    numbers = session.propose(3)
    asked = [session.state.ideas[number].idea for number in numbers[:2]]
    assert [idea.recipe["parts"][0]["to"] for idea in asked] == [240, 0.06]
    assert session.state.queue()[0].idea.number in numbers[:2]
    assert "the researcher asked for it" in asked[0].rationale.lower()
    assert all(session.state.ideas[number].idea.recipe.get("asked") is None for number in session.propose(5))


def test_an_engine_is_what_the_loop_expects() -> None:
    engine: Engine = OfflineEngine(3)
    assert (engine.name, engine.label, engine.model) == ("offline", "offline rules (no model)", "")
    asyncio.run(engine.close())
