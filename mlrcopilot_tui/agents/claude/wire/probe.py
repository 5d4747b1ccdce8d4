"""One tiny call that finds out what an endpoint can do."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mlrcopilot_tui.agents.claude.turns import ModelFaultError, Request, Tool, Turn, Wire
from mlrcopilot_tui.agents.claude.wire.client import AnthropicPort
from mlrcopilot_tui.agents.claude.wire.endpoint import Credentials, Endpoint
from mlrcopilot_tui.agents.claude.wire.patience import Patience
from mlrcopilot_tui.agents.claude.wire.stream import Assembly

_TOKENS: Final = 512
"""Enough for a word of thinking, which the newest models cannot leave."""

_LONGEST_S: Final = 60.0
"""A person waits for the answer."""

_REQUEST: Final = Request(
    purpose="probe",
    system="You are asked whether you can be reached. Call the tool `ready` once.",
    messages=({"role": "user", "content": [{"type": "text", "text": "Are you ready?"}]},),
    max_tokens=_TOKENS,
    tools=(Tool("ready", "Says that you are ready.", {"type": "object", "properties": {}}),),
)


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that the call showed; `ok` is None for what is merely missing."""

    name: str
    ok: bool | None
    found: str
    mend: str = ""


async def probe(endpoint: Endpoint, credentials: Credentials, model: str, fast_model: str) -> list[Found]:
    """Asks the model for one word, and the server about the other model and about counting tokens; no retries."""
    port = AnthropicPort(endpoint, credentials, Patience(read_s=_LONGEST_S, stall_s=_LONGEST_S))
    began = time.monotonic()
    wire = Wire(model, _TOKENS)
    try:
        turn, assembly = await port.hear(_REQUEST, wire)
        seconds = time.monotonic() - began
        counted = await port.count(_REQUEST, wire)
        known = await port.knows(fast_model) if fast_model != model else True
    except ModelFaultError as fault:
        return [Found("model", ok=False, found=fault.sentence, mend=fault.mend)]
    finally:
        await port.close()
    return [
        Found("model", ok=True, found=f"{turn.model} answers as a stream, in {seconds:.1f} s"),
        *_fast(fast_model, known),
        *_shown(turn, assembly, counted),
    ]


def _fast(model: str, known: bool | None) -> Iterator[Found]:
    if model and known is False:
        mend = "Set fast_model in [engine] to one that it knows."
        yield Found("fast model", ok=False, found=f"the server does not know {model}", mend=mend)
    elif model and known:
        yield Found("fast model", ok=True, found=model)


def _shown(turn: Turn, assembly: Assembly, counted: int | None) -> Iterator[Found]:
    """What the turn and its numbers show."""
    if turn.actions:
        yield Found("tools", ok=True, found="called")
    else:
        mend = "Without tools the agents cannot act: local servers need a tool parser for the model."
        yield Found("tools", ok=None, found="the tool was not called", mend=mend)
    if turn.usage.exact:
        yield Found("usage", ok=True, found=f"reported: {turn.usage.read_tokens} in, {turn.usage.output_tokens} out")
    else:
        yield Found("usage", ok=None, found="not reported", mend="Tokens are booked at their bound.")
    cached = any(key.startswith("cache_") for key in assembly.told)
    yield Found("prompt cache", ok=True, found="reported" if cached else "nothing said of it")
    yield Found("token count", ok=True, found=f"counted: {counted}" if counted is not None else "not offered")
