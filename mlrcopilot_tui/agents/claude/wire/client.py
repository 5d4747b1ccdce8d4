"""The way to a model over the Messages API: one call, one turn; loads the SDK in a thread, with the first call."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from mlrcopilot_tui.agents.claude.books.ledger import bound, input_bound
from mlrcopilot_tui.agents.claude.turns import Delta, ModelFaultError, Request, Turn, Wire
from mlrcopilot_tui.agents.claude.wire.bodies import Abilities, Signatures, body_of
from mlrcopilot_tui.agents.claude.wire.endpoint import Credentials, Endpoint
from mlrcopilot_tui.agents.claude.wire.faults import Call
from mlrcopilot_tui.agents.claude.wire.patience import Patience
from mlrcopilot_tui.agents.claude.wire.stream import Assembly

if TYPE_CHECKING:
    from mlrcopilot_tui.agents.claude.wire.connection import Connection


class AnthropicPort:
    """Asks one endpoint. Several turns may be in flight; a turn is cut by cancelling the task that awaits it."""

    def __init__(self, endpoint: Endpoint, credentials: Credentials, patience: Patience | None = None) -> None:
        self.endpoint = endpoint
        self._credentials = credentials
        self._patience = patience or Patience.with_endpoint(endpoint)
        self._connection: Connection | None = None
        self._opening = asyncio.Lock()
        self._abilities: dict[str, Abilities] = {}
        self._signatures = Signatures()

    async def turn(self, request: Request, wire: Wire, heard: Callable[[Delta], None]) -> Turn:
        """Asks for a turn; see `ModelPort`."""
        return (await self.hear(request, wire, heard))[0]

    async def hear(
        self, request: Request, wire: Wire, heard: Callable[[Delta], None] = lambda _: None
    ) -> tuple[Turn, Assembly]:
        """A turn, with all that its stream told of it."""
        call = self._call(wire.model)
        connection = await self._opened(call)
        body = body_of(
            request, wire, self.endpoint.profile, await self._known(connection, wire.model), self._signatures
        )
        limit = bound(input_bound(request), wire.max_tokens)
        answer = await connection.ask(body, call, limit)
        assembly = Assembly(call, limit, answer.request_id, is_stream=answer.is_stream)
        try:
            async with aclosing(answer.events()) as events:
                async for event in events:
                    if (delta := assembly.take(event)) is not None:
                        heard(delta)
        except ModelFaultError as fault:
            fault.usage = assembly.usage
            raise
        turn = assembly.turn()
        self._signatures.note(turn.content, wire.model)
        return turn, assembly

    async def count(self, request: Request, wire: Wire) -> int | None:
        """The tokens of a request's input as the server counts them; None where it does not."""
        if self.endpoint.profile == "plain":
            return None
        connection = await self._opened(self._call(wire.model))
        return await connection.count(body_of(request, wire, "full", Abilities(), self._signatures))

    async def knows(self, model: str) -> bool | None:
        """Whether the server has a model; None where it does not tell."""
        if self.endpoint.profile == "plain":
            return None
        return await (await self._opened(self._call(model))).knows(model)

    async def close(self) -> None:
        """Lets go of connections."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    def _call(self, model: str) -> Call:
        return Call(self.endpoint, self._credentials, model)

    async def _opened(self, call: Call) -> "Connection":
        """The connection, opened by whoever needs it first."""
        async with self._opening:
            if self._connection is None:
                self._connection = await asyncio.to_thread(_open, call, self._patience)
            return self._connection

    async def _known(self, connection: "Connection", model: str) -> Abilities:
        """What the model can do; asked once, and not at all of servers that know only the core."""
        if self.endpoint.profile == "plain":
            return Abilities()
        if model not in self._abilities and (told := await connection.abilities(model)) is not None:
            self._abilities[model] = told
        return self._abilities.get(model, Abilities())


def _open(call: Call, patience: Patience) -> "Connection":
    from mlrcopilot_tui.agents.claude.wire.connection import Connection  # noqa: PLC0415 - anthropic, 1 s

    return Connection.opened(call, patience)
