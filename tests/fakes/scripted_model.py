"""A model whose turns are a script: what it is asked is kept, what it answers is the next item."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from mlrcopilot_tui.agents.claude.turns import Block, FaultKind, ModelFaultError, Request, StopReason, Turn
from mlrcopilot_tui.agents.host import Host
from mlrcopilot_tui.session.model_events import Usage

Reply = Turn | Exception | str | dict[str, Any]
Step = Reply | Callable[[Request], Reply]
"""A turn, a fault to raise, words, an object for the reply's JSON, or what makes one of these of the request."""


class FakeModel:
    """Implements `Model`. One that is asked more often than it was scripted for fails the test.

    Attributes:
        requests: what was asked, oldest first.
        steps: what is still to be answered.
    """

    def __init__(self, *steps: Step) -> None:
        self.steps: list[Step] = list(steps)
        self.requests: list[Request] = []

    async def ask(self, build: Callable[[], Request], host: Host) -> Turn:
        request = build()
        self.requests.append(request)
        assert self.steps, f"asked once more than scripted, for {request.purpose!r}"
        step = self.steps.pop(0)
        reply = step(request) if callable(step) else step
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, Turn) else said(reply)

    @property
    def purposes(self) -> list[str]:
        """What each request was for."""
        return [request.purpose for request in self.requests]


def said(words: str | dict[str, Any], *, stop: StopReason = "end_turn", thinking: str = "") -> Turn:
    """A turn of words, or of an object as JSON."""
    text = words if isinstance(words, str) else json.dumps(words)
    return _turn([{"type": "text", "text": text}], stop, thinking)


def acted(*actions: tuple[str, dict[str, Any]], words: str = "", thinking: str = "", number: int = 1) -> Turn:
    """A turn that asks for actions, each a name and its input; `number` sets its calls' ids apart from others'."""
    text: Iterable[Block] = [{"type": "text", "text": words}] if words else []
    uses = [
        {"type": "tool_use", "id": f"toolu_{number}_{at}", "name": name, "input": given}
        for at, (name, given) in enumerate(actions)
    ]
    return _turn([*text, *uses], "tool_use", thinking)


def faulted(kind: FaultKind = "refusal", sentence: str = "The model would not.") -> ModelFaultError:
    """A fault that is not transient."""
    return ModelFaultError(kind, sentence)


def shown(request: Request) -> str:
    """All the text that a request shows the model, its system prompt first."""
    blocks = [block for message in request.messages for block in _blocks(message["content"])]
    return "\n".join([request.system, *(str(block.get("text") or block.get("content") or "") for block in blocks)])


def _blocks(content: str | list[Block]) -> list[Block]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _turn(content: list[Block], stop: StopReason, thinking: str) -> Turn:
    seen: list[Block] = [{"type": "thinking", "thinking": thinking, "signature": "s"}] if thinking else []
    return Turn(
        content=(*seen, *content),
        stop_reason=stop,
        usage=Usage(input_tokens=100, output_tokens=20),
        model="a-model",
        exchange="0001",
    )
