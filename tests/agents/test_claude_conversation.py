"""The conversation of an attempt: whatever happens, the Messages API takes it, it is short, and its prefix stands."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from mlrcopilot_tui.agents.claude.experiment.conversation import NOT_DONE, OBSERVATION_LIMIT, Conversation
from mlrcopilot_tui.agents.claude.turns import Block, Message, Turn
from tests.fakes.scripted_model import acted, said

TEXTS = st.text(max_size=40) | st.just("x" * 9_000)


def blocks() -> st.SearchStrategy[list[Block]]:
    """What a turn may hold, with ids that collide and texts that are blank."""
    text = st.builds(lambda t: {"type": "text", "text": t}, TEXTS)
    thinking = st.builds(lambda t: {"type": "thinking", "thinking": t, "signature": "s"}, TEXTS)
    use = st.builds(
        lambda i, t: {
            "type": "tool_use",
            "id": i,
            "name": "write_file",
            "input": {"notes": {"thought": t}, "content": t},
        },
        st.sampled_from(["", "call_0", "call_1", "toolu_9"]),
        TEXTS,
    )
    return st.lists(text | thinking | use, max_size=4)


Happening = tuple[list[Block], bool, str, bool]
HAPPENINGS = st.lists(st.tuples(blocks(), st.booleans(), TEXTS, st.booleans()), max_size=25)


def lived(happenings: Sequence[Happening], high: int, low: int) -> Conversation:
    conversation = Conversation("The assignment.", "Short.", high, low)
    for step, (content, answers, words, folds) in enumerate(happenings, 1):
        turn = replace(said(""), content=tuple(content))
        seen = {block["id"]: words for block in content if block["type"] == "tool_use"} if answers else {}
        conversation.took(step, turn, seen, words if not answers else "")
        if words:
            conversation.tell(words)
        if folds:
            conversation.fold_harder()
    return conversation


def accepted(messages: Sequence[Message]) -> None:
    """Holds a conversation to what the Messages API demands."""
    assert [message["role"] for message in messages] == ["user", "assistant"] * (len(messages) // 2) + ["user"]
    ids: set[str] = set()
    waiting: list[str] = []
    for message in messages:
        content = message["content"]
        assert content
        for block in content:
            assert block["type"] != "text" or block["text"].strip()
        results = [block["tool_use_id"] for block in content if block["type"] == "tool_result"]
        assert results == waiting
        assert [block["type"] for block in content[: len(results)]] == ["tool_result"] * len(results)
        waiting = [block["id"] for block in content if block["type"] == "tool_use"]
        assert all(waiting)
        assert not ids.intersection(waiting)
        assert len(set(waiting)) == len(waiting)
        ids.update(waiting)
        if message["role"] == "assistant":
            assert any(block["type"] in {"text", "tool_use"} for block in content)
    assert not waiting


@settings(max_examples=150, deadline=None)
@given(HAPPENINGS, st.integers(1, 20_000), st.integers(1, 10_000))
def test_the_protocol_takes_every_conversation(happenings: list[Happening], high: int, low: int) -> None:
    accepted(lived(happenings, high, low).messages())


@settings(max_examples=30, deadline=None)
@given(HAPPENINGS)
def test_equal_happenings_give_equal_conversations(happenings: list[Happening]) -> None:
    assert lived(happenings, 5_000, 2_000).messages() == lived(happenings, 5_000, 2_000).messages()


def worked(steps: int, high: int = 16_000, low: int = 9_000) -> list[list[Message]]:
    """The messages after each of many steps with long observations."""
    conversation = Conversation("The assignment.", "Short.", high, low)
    seen = []
    for step in range(1, steps + 1):
        turn = acted(("read_file", {"path": "train.py", "notes": {"thought": "t" * 300}}), thinking="deep", number=step)
        conversation.took(step, turn, {f"toolu_{step}_0": f"<data-0 of='x'>\nline one of {step}\n" + "y" * 3_000})
        seen.append(conversation.messages())
    return seen


def test_old_steps_are_folded_in_batches_and_the_newest_stay() -> None:
    messages = worked(40)[-1]
    accepted(messages)
    folded = [m for m in messages if "folded: line one of" in json.dumps(m)]
    assert folded
    assert folded[0]["content"][0]["content"].endswith("line one of 1 … do it again to see it")
    newest = messages[-12:]
    assert all("folded" not in json.dumps(message) for message in newest)
    assert all(message["content"][0]["type"] == "thinking" for message in newest[::2])
    assert "thinking" not in {block["type"] for m in messages[1:3] for block in m["content"]}
    assert len(json.dumps(messages)) < 16_000 * 3.5  # of 130,000 characters


def test_between_foldings_the_prefix_stands() -> None:
    history = worked(60)
    broken = [before for before, after in itertools.pairwise(history) if after[: len(before)] != before]
    assert 0 < len(broken) <= 10
    kept = [json.dumps(messages).count("y" * 3_000) for messages in history]
    assert kept[15] == 7  # the first folding goes as far as the low-water mark asks for, and no farther


def test_long_observations_keep_both_ends() -> None:
    conversation = Conversation("a")
    conversation.took(1, acted(("run", {})), {"toolu_1_0": "begin" + "x" * 50_000 + "end"})
    text = conversation.messages()[-1]["content"][0]["content"]
    assert len(text) < OBSERVATION_LIMIT + 100
    assert text.startswith("begin")
    assert text.endswith("end")
    assert "43,508 characters left out" in text


def test_actions_without_an_observation_are_answered_as_not_done() -> None:
    conversation = Conversation("a")
    conversation.took(1, acted(("run", {}), ("run", {})), {"toolu_1_0": "done"})
    first, second = conversation.messages()[-1]["content"]
    assert (first["content"], second["content"]) == ("done", NOT_DONE)
    assert second["is_error"]
    assert "is_error" not in first


def test_words_survive_folding() -> None:
    conversation = Conversation("a", high=1_000, low=500)
    conversation.took(1, acted(("run", {})), {"toolu_1_0": "y" * 3_000}, "The researcher says: keep it small.")
    for step in range(2, 12):
        conversation.took(step, acted(("run", {}), number=step), {f"toolu_{step}_0": "y" * 3_000})
    assert "keep it small" in json.dumps(conversation.messages()[2])
    assert "folded" in json.dumps(conversation.messages()[2])


def test_folding_harder_ends() -> None:
    conversation = Conversation("long " * 10_000, "short")
    for step in range(1, 9):
        conversation.took(step, acted(("run", {}), number=step), {f"toolu_{step}_0": "y" * 5_000})
    assert conversation.fold_harder()
    assert not conversation.fold_harder()
    assert conversation.messages()[0]["content"][0]["text"] == "short"


def test_thinking_is_given_back_unchanged() -> None:
    turn: Turn = acted(("run", {}), thinking="deep")
    conversation = Conversation("a")
    conversation.took(1, turn, {"toolu_1_0": "done"})
    assert tuple(conversation.messages()[1]["content"]) == turn.content
