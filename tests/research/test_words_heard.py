"""Words reach agents as long as they hold, over HTTP and by rules; the journal tells which turn took them in."""

import json
from pathlib import Path

import pytest

from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.session.subjects import HunkNote
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.messages_server import FakeMessagesServer
from tests.fakes.scripted_claude import ScriptedClaude
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import Running, Use, running
from tests.research.test_claude_resumed import CONTRACT as CLAUDE
from tests.research.test_claude_resumed import EDIT, HAND_IN, part
from tests.research.test_replay import TUNABLE, TUNED, Stage, record

ASKING = CONTRACT.replace('patches = "auto"', 'patches = "ask"')
KEPT, DROPPED = "Leave the seed alone.", "Name things in French."


async def test_a_model_reads_what_stands_and_no_more_of_it_once_it_is_dropped(
    make_workspace: MakeWorkspace, instant: FakeExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    claude = ScriptedClaude("", (part(("list_files", {}), EDIT, HAND_IN),))
    workspace = make_workspace(contract=CLAUDE.replace('"auto"', '"ask"'))
    with FakeMessagesServer(claude) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test-0123456789")
        async with running(workspace) as copilot:
            await copilot.until(lambda: copilot.state.waiting)
            for gate in list(copilot.state.open_gates.values()):
                if gate.kind == "consent":
                    await copilot.decide("approve", gate=gate.id)
            await copilot.until(lambda: any(gate.kind == "ideas" for gate in copilot.state.open_gates.values()))
            await copilot.decide("feedback", text=KEPT)
            await copilot.decide("feedback", text=DROPPED)
            await copilot.decide("approve", idea=1)
            first = await _patch(copilot)
            before = len(server.turns)
            await copilot.decide("instruction.drop", number=2)
            note = HunkNote(hunk=1, text="Halve it once more.")
            await copilot.decide("feedback", gate=first, notes=(note,))
            await copilot.until(lambda: len(server.turns) > before)
            await copilot.until(lambda: copilot.state.ideas[1].feedback[-1].first)
            kept, dropped = (said for said in copilot.state.words.values() if said.number)
            (said,) = copilot.state.ideas[1].feedback
        steps = [body for body in server.turns if body.get("tools")]
    earlier, later = json.dumps(steps[0]["messages"]), _text(steps[-1])
    assert KEPT in earlier
    assert DROPPED in earlier
    assert f"- {KEPT}" in later
    assert DROPPED not in later
    told = later.index("On hunk 1 of train.py, line 3, in patch 1.1: Halve it once more.")
    assert later.index("-LEVEL = 1.0") > later.index("<data-", told), "the lines it is about are data"
    assert later.count("<data-", 0, told) == later.count("</data-", 0, told), "the words themselves are none"
    assert (dropped.first is not None, dropped.last is not None) == (True, True)
    assert dropped.last is not None
    assert (dropped.last.attempt, dropped.last.agent) == (1, "ExperimentAgent")
    assert kept.last is not None
    assert said.first is not None
    assert said.reached.startswith("taken in")
    assert (said.first.attempt, said.first.step) == (2, 1)


def _text(body: dict[str, object]) -> str:
    messages = body["messages"]
    assert isinstance(messages, list)
    return "\n".join(block["text"] for block in messages[0]["content"] if block["type"] == "text")


async def _patch(copilot: Running) -> str:
    await copilot.until(lambda: any(gate.kind == "patch" for gate in copilot.state.open_gates.values()))
    return next(gate.id for gate in copilot.state.open_gates.values() if gate.kind == "patch")


async def test_the_rules_heed_what_stands_and_its_end(make_workspace: MakeWorkspace, instant: FakeExecutor) -> None:
    workspace = make_workspace(train=TUNABLE, contract=CONTRACT.replace('ideas = "auto"', 'ideas = "ask"'))
    async with running(workspace, options=Options(allow_unsandboxed=True)) as copilot:
        await copilot.gate()
        said = await copilot.decide("feedback", text="leave the learning rate alone")
        assert "LEARNING_RATE" in said
        locked = next(
            number for number, idea in copilot.state.ideas.items() if "LEARNING_RATE" in str(idea.idea.recipe)
        )
        await copilot.decide("approve", idea=locked)
        await copilot.until(lambda: copilot.state.ideas[locked].status in {"withdrawn", "kept", "discarded"})
        reason = copilot.state.ideas[locked].reason
        assert reason.startswith("Your standing instructions want this left alone:")
        assert "LEARNING_RATE" in reason
        (instruction,) = copilot.state.instructions
        assert instruction.first is not None
        assert (instruction.first.agent, instruction.first.idea) == ("ExperimentAgent", locked)
        known = set(copilot.state.ideas)
        await copilot.decide("instruction.drop", number=1)
        await copilot.decide("idea.more")
        fresh = [idea for number, idea in copilot.state.ideas.items() if number not in known]
        assert any("LEARNING_RATE" in str(idea.idea.recipe) for idea in fresh), "it may be turned again"


def test_instructions_and_notes_replay(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    scripted(FakeEngine([TUNED]))
    workspace = make_workspace(contract=ASKING)

    async def scenario(copilot: Running) -> None:
        first = await copilot.gate()
        await copilot.decide("feedback", text="keep it small")
        await copilot.decide("instruction.rewrite", number=1, text="keep it tiny")
        await copilot.decide("feedback", gate=first.id, notes=(HunkNote(hunk=1, text="lower"),))
        await copilot.until(lambda: (gate := copilot.state.waiting) and gate.commit != first.commit)
        await copilot.decide("instruction.drop", number=1)
        await copilot.decide("reject", notes=(HunkNote(hunk=1, text="no"),))
        await copilot.until(copilot.task.done)

    record(workspace, scenario)
    state = Stage(workspace, tmp_path).assert_same([TUNED])
    assert [said.text for said in state.words.values()] == ["keep it small", "keep it tiny", "lower", "no"]


def test_what_the_rules_took_in_replays(make_workspace: MakeWorkspace, instant: FakeExecutor, tmp_path: Path) -> None:
    workspace = make_workspace(train=TUNABLE, contract=ASKING)

    async def scenario(copilot: Running) -> None:
        first = await copilot.gate()
        await copilot.decide("feedback", text="leave the epochs alone")
        await copilot.decide("reject", gate=first.id, text="no")
        await copilot.until(lambda: (gate := copilot.state.waiting) and gate.commit != first.commit)

    record(workspace, scenario)
    state = Stage(workspace, tmp_path).assert_same([], offline=True)
    (instruction,) = state.instructions
    assert instruction.first is not None
