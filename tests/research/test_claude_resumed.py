"""A copilot that is cut off while a model's agent is at work: the next one goes on in the same conversation."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.messages_faults import Stall
from tests.fakes.messages_script import Answer, Body
from tests.fakes.messages_server import FakeMessagesServer
from tests.fakes.scripted_claude import Part, ScriptedClaude, Step
from tests.research.conftest import MakeWorkspace
from tests.research.running import ASK, run_session, running

CONTRACT = """
[run]
command = "python train.py"
[metric]
name = "val_error"
direction = "min"
[files]
editable = ["train.py"]
[approval]
ideas = "auto"
patches = "auto"
[engine]
name = "claude"
"""
EDIT: Step = (
    "edit_file",
    {"path": "train.py", "replacements": [{"search": "LEVEL = 1.0", "replace": "LEVEL = 0.5"}]},
)
HAND_IN: Step = ("final_answer", {"subject": "Lower the level", "body": "It is the error.", "plan": []})
Point = Callable[[FakeMessagesServer], FakeMessagesServer]

QUESTION = "May the level be negative?"


def part(*steps: Step) -> Part:
    return Part(title="Lower the level", plan=("Halve LEVEL in train.py.", "Run and compare."), steps=steps)


def asked(server: FakeMessagesServer, words: str) -> list[int]:
    """Which of the requests for a step, from 0, hold the words."""
    steps = [json.dumps(body["messages"]) for body in server.turns if body.get("tools")]
    return [at for at, messages in enumerate(steps) if words in messages]


@pytest.fixture
def point(monkeypatch: pytest.MonkeyPatch, instant: FakeExecutor) -> Point:
    """Leads the engine to a server."""

    def lead(server: FakeMessagesServer) -> FakeMessagesServer:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test-0123456789")
        return server

    return lead


class Held(ScriptedClaude):
    """Answers no step beyond the first so many until it may."""

    upto = 99

    def __call__(self, body: Body) -> Answer:
        taken = sum(message["role"] == "assistant" for message in body["messages"])
        return Stall(60) if body.get("tools") and taken >= self.upto else super().__call__(body)


async def test_words_said_on_the_way_cost_no_turn_that_was_paid_for(
    make_workspace: MakeWorkspace, point: Point
) -> None:
    claude = Held("", (part(("list_files", {}), ("read_file", {"path": "train.py"}), EDIT, HAND_IN),))
    claude.upto = 1
    workspace = make_workspace(contract=CONTRACT)
    with point(FakeMessagesServer(claude)) as server:
        async with running(workspace) as copilot:
            await copilot.until(lambda: len(asked(server, "Lower the level")) == 2)
            await copilot.decide("interrupt")
            await copilot.decide("feedback", idea=0, text="Keep it short.")
            claude.upto = 3
            await copilot.decide("resume")
            await copilot.until(lambda: len(asked(server, "Lower the level")) == 5)
            session = copilot.state.session
        before = len(server.turns)
        claude.upto = 99
        state = await run_session(workspace, ASK, session)
        steps = len(server.turns) - before - claude.asked.count("more")
    assert state.ideas[1].status == "kept"
    assert steps == 1, "only the turn that was cut is asked again"
    done = [said.text for _, said in state.talk if said.kind == "action" and said.idea]
    assert len(done) == len(set(done)), "what is gone through again is not said again"
    assert asked(server, "Keep it short.")[0] == 2


async def test_an_answer_that_came_while_no_copilot_ran_reaches_the_agent(
    make_workspace: MakeWorkspace, point: Point
) -> None:
    claude = Held("", (part(("request_help", {"question": QUESTION}), EDIT, HAND_IN),))
    workspace = make_workspace(contract=CONTRACT)
    with point(FakeMessagesServer(claude)) as server:
        async with running(workspace) as copilot:
            gate = await copilot.gate()
            session = copilot.state.session
        assert gate.question == QUESTION
        await copilot.decide("answer", text="No, never.")
        state = await run_session(workspace, ASK, session)
        assert asked(server, "The answer: No, never.")
    assert state.ideas[1].status == "kept"
    assert [gate.kind for gate in state.gates.values()] == ["question"], "it is asked once"


async def test_a_question_that_nobody_waits_for_any_more_is_closed(make_workspace: MakeWorkspace, point: Point) -> None:
    workspace = make_workspace(contract=CONTRACT)
    with point(FakeMessagesServer(Held("", (part(("request_help", {"question": QUESTION})),)))):
        async with running(workspace) as copilot:
            await copilot.gate()
            session = copilot.state.session
    with point(FakeMessagesServer(Held("", (part(EDIT, HAND_IN),)))):
        state = await run_session(workspace, replace(ASK, model="another"), session)
    assert not state.open_gates
