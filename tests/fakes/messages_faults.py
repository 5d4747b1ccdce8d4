"""Every way in which a Messages API and the network before it have been seen to fail, as answers of a script."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from tests.fakes.messages_script import Body, Event, Reply, Wire, sse, text, tool_use

_SOME = Reply([text("Half of what was to be said.")])


@dataclass(frozen=True, slots=True)
class Cut:
    """The stream ends in good order after some events, without saying that the turn did."""

    after_events: int = 4
    reply: Reply = _SOME

    def play(self, wire: Wire, body: Body) -> None:
        _send_some(wire, self.reply.events(wire, body), self.after_events)
        wire.end()


@dataclass(frozen=True, slots=True)
class HangUp(Cut):
    """The connection is closed in the middle of the stream."""

    def play(self, wire: Wire, body: Body) -> None:
        _send_some(wire, self.reply.events(wire, body), self.after_events)
        wire.hang_up()


@dataclass(frozen=True, slots=True)
class Reset(Cut):
    """The connection is reset in the middle of the stream; before its headers where `after_events` is negative."""

    def play(self, wire: Wire, body: Body) -> None:
        if self.after_events >= 0:
            _send_some(wire, self.reply.events(wire, body), self.after_events)
        wire.reset()


@dataclass(frozen=True, slots=True)
class Stall:
    """Silence, before the headers or after some events; then the reply goes on, if anybody still listens.

    The silence ends at once when the server is stopped.
    """

    seconds: float = 60.0
    after_events: int = -1
    reply: Reply = _SOME

    def play(self, wire: Wire, body: Body) -> None:
        if self.after_events < 0:
            wire.wait(self.seconds)
            self.reply.play(wire, body)
            return
        wire.begin()
        for number, event in enumerate(self.reply.events(wire, body)):
            if number == self.after_events:
                wire.wait(self.seconds)
            wire.send(sse(event))
        wire.end()


@dataclass(frozen=True, slots=True)
class JsonBody:
    """One JSON document instead of a stream."""

    reply: Reply = _SOME

    def play(self, wire: Wire, body: Body) -> None:
        message = {"id": "msg_1", "type": "message", "role": "assistant", "content": list(self.reply.blocks)}
        usage = wire.usage(body, json.dumps(list(self.reply.blocks)))
        said = {**message, "model": body.get("model"), "stop_reason": "end_turn", "usage": usage}
        wire.status(200, json.dumps(said).encode(), {"content-type": "application/json"})


@dataclass(frozen=True, slots=True)
class BadJson(Cut):
    """A line of data in the middle of the stream that is no JSON; the rest of the turn follows."""

    def play(self, wire: Wire, body: Body) -> None:
        wire.begin()
        for number, event in enumerate(self.reply.events(wire, body)):
            if number == self.after_events:
                wire.send(b'event: content_block_delta\ndata: {"type": "content_block_de\n\n')
            wire.send(sse(event))
        wire.end()


@dataclass(frozen=True, slots=True)
class NoUsage:
    """A whole turn that says nothing of tokens."""

    reply: Reply = _SOME

    def play(self, wire: Wire, body: Body) -> None:
        wire.begin()
        for name, data in self.reply.events(wire, body):
            data.pop("usage", None)
            data.get("message", {}).pop("usage", None)
            wire.send(sse((name, data)))
        wire.end()


@dataclass(frozen=True, slots=True)
class ErrorEvent(Cut):
    """An error told in the middle of a stream that began well."""

    type: str = "overloaded_error"
    message: str = "Overloaded"

    def play(self, wire: Wire, body: Body) -> None:
        _send_some(wire, self.reply.events(wire, body), self.after_events)
        wire.send(sse(("error", {"error": {"type": self.type, "message": self.message}})))
        wire.end()


@dataclass(frozen=True, slots=True)
class UnknownEvents:
    """A whole turn with events, blocks and deltas of a protocol that is newer than the client."""

    reply: Reply = _SOME

    def play(self, wire: Wire, body: Body) -> None:
        wire.begin()
        for name, data in self.reply.events(wire, body):
            if name == "message_delta":
                wire.send(sse(("content_block_start", {"index": 90, "content_block": {"type": "hologram", "x": 1}})))
                wire.send(sse(("content_block_delta", {"index": 90, "delta": {"type": "hologram_delta", "x": 2}})))
                wire.send(sse(("content_block_stop", {"index": 90})))
            wire.send(sse((name, data)))
            wire.send(sse(("weather_report", {"sky": "clear"})) + sse(("ping", {})))
        wire.end()


@dataclass(frozen=True, slots=True)
class NoEventLines:
    """A whole turn without `event:` lines, which some servers leave out."""

    reply: Reply = _SOME

    def play(self, wire: Wire, body: Body) -> None:
        wire.begin()
        for event in self.reply.events(wire, body):
            wire.send(sse(event).split(b"\n", 1)[1])
        wire.end()


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes as they are, in a stream that ends in good order."""

    data: bytes

    def play(self, wire: Wire, body: Body) -> None:
        wire.begin()
        wire.send(self.data)
        wire.end()


def cut_tool_call(name: str, json_so_far: str) -> Reply:
    """A turn that ran out of tokens inside a tool call."""
    return Reply([tool_use(name, {})], stop="max_tokens", tool_json=json_so_far)


def malformed_tool_call(name: str, json_text: str) -> Reply:
    """A turn that ends well, with a tool call that is no JSON."""
    return Reply([tool_use(name, {})], tool_json=json_text)


def _send_some(wire: Wire, events: Iterable[Event], count: int) -> None:
    wire.begin()
    for number, event in enumerate(events):
        if number >= count:
            return
        wire.send(sse(event))
