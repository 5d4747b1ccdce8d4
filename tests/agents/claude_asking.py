"""What the tests of the client share: a port on a fake server, and a request to ask it."""

import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from mlrcopilot_tui.agents.claude.turns import Delta, Message, ModelFaultError, Request, Tool, Turn, Wire
from mlrcopilot_tui.agents.claude.wire.client import AnthropicPort
from mlrcopilot_tui.agents.claude.wire.endpoint import Credentials, Endpoint, Profile
from mlrcopilot_tui.agents.claude.wire.patience import Patience
from tests.fakes.messages_server import FakeMessagesServer, Script

KEY = "sk-ant-api03-never-to-be-seen"
MODEL = "claude-opus-5-5"
WRITE = Tool("write_file", "Writes a file.", {"type": "object", "properties": {"path": {"type": "string"}}})
READ = Tool("read_file", "Reads a file.", {"type": "object", "properties": {}})


BEGIN: Message = {"role": "user", "content": [{"type": "text", "text": "Begin."}]}


def request(*messages: Message) -> Request:
    """A first step with two tools, or a later one."""
    return Request("step", "You write code.", messages or (BEGIN,), 1000, (READ, WRITE))


@asynccontextmanager
async def port_on(
    server: FakeMessagesServer | str, profile: Profile = "full", patience: Patience | None = None
) -> AsyncIterator[AnthropicPort]:
    """A port on a server that runs."""
    url = server if isinstance(server, str) else server.url
    port = AnthropicPort(Endpoint(url, profile), Credentials(KEY, "ANTHROPIC_API_KEY"), patience)
    try:
        yield port
    finally:
        await port.close()


async def turn_of(
    script: Script,
    asked: Request | None = None,
    *,
    profile: Profile = "full",
    patience: Patience | None = None,
    heard: Callable[[Delta], None] = lambda _: None,
) -> Turn:
    """The first turn that a script gives."""
    with FakeMessagesServer(script) as server:
        async with port_on(server, profile, patience) as port:
            asked = asked or request()
            return await port.turn(asked, Wire(MODEL, asked.max_tokens), heard)


async def fault_of(script: Script, *, profile: Profile = "full", patience: Patience | None = None) -> ModelFaultError:
    """How the first turn fails that a script gives; whoever reads it never sees the key."""
    with pytest.raises(ModelFaultError) as caught:
        await turn_of(script, profile=profile, patience=patience)
    fault = caught.value
    shown = "".join(traceback.format_exception(fault))
    assert KEY not in f"{fault!r} {fault} {fault.__dict__} {shown}"
    assert fault.sentence.endswith(".")
    assert "\n" not in fault.sentence
    return fault
