"""A request as it goes over the wire, in both profiles; laid out so that steps share a long prefix in the cache."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mlrcopilot_tui.agents.claude.turns import Block, Message, Request, Tool, Wire
from mlrcopilot_tui.agents.claude.wire.endpoint import Profile
from mlrcopilot_tui.agents.claude.wire.schemas import in_words

_MARK: Final = {"cache_control": {"type": "ephemeral"}}
_MOVING_MARKS: Final = 2
"""Breakpoints on the conversation, beside one on the tools and one on the system text; four are allowed. The older one
is where the previous step wrote, so that it is found however many blocks a step adds."""

_CORE: Final[Mapping[str, frozenset[str]]] = {
    "text": frozenset({"type", "text"}),
    "image": frozenset({"type", "source"}),
    "tool_use": frozenset({"type", "id", "name", "input"}),
    "tool_result": frozenset({"type", "tool_use_id", "content", "is_error"}),
}
"""The blocks that every server knows, and what they know of them."""

_THOUGHT: Final = {"thinking", "redacted_thinking"}


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the server says that a model can do; None where it does not say."""

    thinks: bool | None = None
    keeps_to_schema: bool | None = None


class Signatures:
    """Remembers which model signed which thinking: only that model can read it again.

    What was thought before this process began is not known here, and is left out; a turn is sound without it.
    """

    def __init__(self) -> None:
        self._models: dict[str, str] = {}

    def note(self, content: Sequence[Block], model: str) -> None:
        """Notes who wrote a turn."""
        self._models.update({mark: model for block in content if (mark := _signature(block))})

    def readable(self, block: Block, model: str) -> bool:
        """Whether the model can read the block."""
        return block["type"] not in _THOUGHT or self._models.get(_signature(block)) == model


def _signature(block: Block) -> str:
    if block["type"] not in _THOUGHT:
        return ""
    return str(block.get("signature") or block.get("data") or "")


def body_of(
    request: Request, wire: Wire, profile: Profile, abilities: Abilities, signatures: Signatures
) -> dict[str, Any]:
    """The whole body of a call, `stream` aside."""
    return _plain(request, wire) if profile == "plain" else _full(request, wire, abilities, signatures)


def _plain(request: Request, wire: Wire) -> dict[str, Any]:
    """Only what the protocol's smallest servers know."""
    body = _core(request, wire)
    body["messages"] = _said(_core_message(message) for message in request.messages)
    if system := _system(request, say_schema=request.schema is not None):
        body["system"] = system
    return body


def _full(request: Request, wire: Wire, abilities: Abilities, signatures: Signatures) -> dict[str, Any]:
    body = _core(request, wire)
    body["messages"] = _marked(_said(_readable(message, wire.model, signatures) for message in request.messages))
    # A server that does not say what it enforces is asked in both ways: it passes by what it does not know.
    if system := _system(request, say_schema=request.schema is not None and not abilities.keeps_to_schema):
        body["system"] = [{"type": "text", "text": system, **_MARK}]
    if request.schema is not None and abilities.keeps_to_schema is not False:
        body["output_config"] = {"format": {"type": "json_schema", "schema": request.schema}}
    if abilities.thinks:
        # Without a summary newest models say what they do between actions in blocks that stay empty.
        body["thinking"] = {"type": "adaptive", "display": "summarized"}
    if request.tools:
        body["tools"][-1] |= _MARK
        if request.one_action:
            body["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
    return body


def _core(request: Request, wire: Wire) -> dict[str, Any]:
    body: dict[str, Any] = {"model": wire.model, "max_tokens": wire.max_tokens}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    return body


def _tool(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}


def _system(request: Request, *, say_schema: bool) -> str:
    if not say_schema or request.schema is None:
        return request.system
    return f"{request.system}\n\n{in_words(request.schema)}".lstrip()


def _core_message(message: Message) -> Message:
    blocks = [_core_block(block) for block in _blocks(message) if block["type"] in _CORE]
    return {"role": message["role"], "content": blocks}


def _core_block(block: Block) -> Block:
    core = {key: value for key, value in block.items() if key in _CORE[block["type"]]}
    if isinstance(core.get("content"), list):
        core["content"] = [_core_block(part) for part in core["content"] if part["type"] in _CORE]
    return core


def _readable(message: Message, model: str, signatures: Signatures) -> Message:
    blocks = [dict(block) for block in _blocks(message) if signatures.readable(block, model)]
    return {"role": message["role"], "content": blocks}


def _blocks(message: Message) -> list[Block]:
    """The message's blocks; blank text is left out, for the API sends such but refuses to take it back."""
    content = message["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [block for block in blocks if block["type"] != "text" or block["text"].strip()]


def _said(messages: Iterable[Message]) -> list[Message]:
    """Those in which something is left: an empty one is refused, and neighbours of one role are read as one."""
    return [message for message in messages if message["content"]]


def _marked(messages: list[Message]) -> list[Message]:
    """The messages with breakpoints at the ends of the newest ones that the researcher's side wrote."""
    ends = [message["content"][-1] for message in messages if message["role"] == "user" and message["content"]]
    for block in ends[-_MOVING_MARKS:]:
        block.update(_MARK)
    return messages
