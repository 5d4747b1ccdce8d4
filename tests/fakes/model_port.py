"""A way to a model whose turns are a script: a turn, a fault, or what decides when it is asked."""

from collections.abc import Awaitable, Callable

from mlrcopilot_tui.agents.claude.turns import Delta, ModelFaultError, Request, Turn, Wire
from mlrcopilot_tui.session.model_events import Usage

Hear = Callable[[Delta], None]
Scripted = Turn | ModelFaultError | Callable[[Request, Wire, Hear], Awaitable[Turn]]


class FakePort:
    """Implements `ModelPort`; `asked` holds what went over the wire, oldest first."""

    def __init__(self, *script: Scripted) -> None:
        self.script: list[Scripted] = list(script)
        self.asked: list[tuple[Request, Wire]] = []
        self.cancelled = 0
        self.closed = False

    async def turn(self, request: Request, wire: Wire, heard: Hear) -> Turn:
        self.asked.append((request, wire))
        assert self.script, f"asked once more than scripted, for {request.purpose!r}"
        step = self.script.pop(0)
        if isinstance(step, ModelFaultError):
            raise step
        return step if isinstance(step, Turn) else await step(request, wire, heard)

    async def close(self) -> None:
        self.closed = True


def turn_of(text: str = "Done.", *, usage: Usage | None = None) -> Turn:
    """A turn of words that ended well."""
    return Turn(
        content=({"type": "text", "text": text},),
        stop_reason="end_turn",
        usage=usage or Usage(input_tokens=100, output_tokens=20),
        model="claude-opus-5-5",
        request_id="req_1",
    )
