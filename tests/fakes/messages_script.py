"""What a scripted Messages API answers with when all is well; its faults are in `messages_faults`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Body = dict[str, Any]
Event = tuple[str, dict[str, Any]]

_PIECE = 7
"""Characters in a delta: small, so that every boundary falls inside words, escapes and JSON."""


class Wire(Protocol):
    """The connection that an answer is played on."""

    def status(self, code: int, body: bytes, headers: Mapping[str, str]) -> None: ...
    def begin(self) -> None: ...
    def send(self, data: bytes) -> None: ...
    def end(self) -> None: ...
    def hang_up(self) -> None: ...
    def reset(self) -> None: ...
    def wait(self, seconds: float) -> None: ...
    def number(self) -> int: ...
    def usage(self, body: Body, written: str) -> dict[str, int]: ...


class Answer(Protocol):
    """One thing that the server does when a turn is asked for."""

    def play(self, wire: Wire, body: Body) -> None: ...


def text(words: str) -> Body:
    return {"type": "text", "text": words}


def thinking(words: str, signature: str = "c2lnbmVk") -> Body:
    return {"type": "thinking", "thinking": words, "signature": signature}


def tool_use(name: str, input: dict[str, Any], id: str = "") -> Body:  # noqa: A002 - the protocol's own words
    return {"type": "tool_use", "id": id, "name": name, "input": input}


@dataclass(frozen=True, slots=True)
class Reply:
    """A turn that ends as the protocol says turns end.

    Attributes:
        stop: the stop reason; by default `tool_use` where there is a tool_use block, else `end_turn`.
        usage: what is reported instead of the server's own count, which knows cached prefixes.
        model: the model that answers; empty for the one that was asked for.
        tool_json: the JSON text of the tool's input, where it is not what `input` says.
    """

    blocks: Sequence[Body] = ()
    stop: str = ""
    usage: Mapping[str, Any] | None = None
    model: str = ""
    stop_details: Mapping[str, Any] | None = None
    tool_json: str | None = None

    def play(self, wire: Wire, body: Body) -> None:
        wire.begin()
        for event in self.events(wire, body):
            wire.send(sse(event))
        wire.end()

    def events(self, wire: Wire, body: Body) -> Iterator[Event]:
        used = dict(wire.usage(body, json.dumps(list(self.blocks)))) if self.usage is None else dict(self.usage)
        yield "message_start", {"message": self._head(wire, body, {**used, "output_tokens": 1} if used else {})}
        for index, block in enumerate(self.blocks):
            yield from self._block(wire, index, block)
        stop = self.stop or ("tool_use" if any(block["type"] == "tool_use" for block in self.blocks) else "end_turn")
        delta = {"stop_reason": stop, "stop_sequence": None}
        if self.stop_details is not None:
            delta["stop_details"] = dict(self.stop_details)  # type: ignore[assignment] # a JSON object among texts
        yield "message_delta", {"delta": delta, "usage": {"output_tokens": used["output_tokens"]} if used else {}}
        yield "message_stop", {}

    def _head(self, wire: Wire, body: Body, used: Mapping[str, Any]) -> Body:
        head: Body = {"id": f"msg_{wire.number()}", "type": "message", "role": "assistant", "content": []}
        return {
            **head,
            "model": self.model or body.get("model", ""),
            "stop_reason": None,
            "stop_sequence": None,
            "usage": dict(used),
        }

    def _block(self, wire: Wire, index: int, block: Body) -> Iterator[Event]:
        kind, pieces = block["type"], []
        begun = block
        if kind == "text":
            begun, pieces = {**block, "text": ""}, [("text_delta", "text", block["text"])]
        elif kind == "thinking":
            begun = {**block, "thinking": "", "signature": ""}
            pieces = [("thinking_delta", "thinking", block["thinking"])]
        elif kind == "tool_use":
            begun = {**block, "id": block["id"] or f"toolu_{wire.number()}", "input": {}}
            written = json.dumps(block["input"]) if self.tool_json is None else self.tool_json
            pieces = [("input_json_delta", "partial_json", written)]
        yield "content_block_start", {"index": index, "content_block": begun}
        for delta, key, words in pieces:
            for at in range(0, len(words), _PIECE):
                yield "content_block_delta", {"index": index, "delta": {"type": delta, key: words[at : at + _PIECE]}}
        if kind == "thinking":
            signed = {"type": "signature_delta", "signature": block["signature"]}
            yield "content_block_delta", {"index": index, "delta": signed}
        yield "content_block_stop", {"index": index}


def sse(event: Event) -> bytes:
    """An event as it goes over the wire."""
    name, data = event
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()


@dataclass(frozen=True, slots=True)
class Status:
    """An HTTP error: with the protocol's JSON body, or with `html` where something in between answers."""

    code: int
    type: str = "api_error"
    message: str = "Something went wrong."
    headers: Mapping[str, str] = field(default_factory=dict)
    html: str = ""

    def play(self, wire: Wire, body: Body) -> None:
        if self.html:
            wire.status(self.code, self.html.encode(), {"content-type": "text/html", **self.headers})
            return
        said = {"type": "error", "error": {"type": self.type, "message": self.message}}
        wire.status(self.code, json.dumps(said).encode(), {"content-type": "application/json", **self.headers})


def refusal(category: str, explanation: str) -> Reply:
    """A turn in which the model's provider says no."""
    details = {"type": "refusal", "category": category, "explanation": explanation}
    return Reply([], stop="refusal", stop_details=details)
