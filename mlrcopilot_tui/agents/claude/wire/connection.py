"""The one module that knows the SDK: opens it, asks, reads raw events, and turns all that it raises into faults.

Importing it costs about a second (anthropic 2.11, 2 vCPU Xeon VM): it is imported in a thread, by the first call.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Self

import anthropic
import httpx2

from mlrcopilot_tui.agents.claude.turns import ModelFaultError
from mlrcopilot_tui.agents.claude.wire.bodies import Abilities
from mlrcopilot_tui.agents.claude.wire.faults import Call, Told, fault_told, seconds_asked
from mlrcopilot_tui.agents.claude.wire.patience import Patience
from mlrcopilot_tui.session.model_events import Usage

_FAULTS: Final = (
    anthropic.AnthropicError, httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError,
    OSError, ValueError, AssertionError,
)  # fmt: skip
"""All that the SDK was seen to raise; those of pydantic and of JSON are ValueErrors, time-outs OSErrors."""

_UNSENT: Final = (
    httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError, httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
)  # fmt: skip
"""Nothing went out."""

_REST_S: Final = 0.2
_ASIDE_S: Final = 20.0
"""For what is asked beside the turns, and can be done without."""

_LIMIT_CHARS: Final = 2_000


class Connection:
    """A client of one endpoint; without the SDK's own retries, environment or reading of streams."""

    def __init__(self, client: anthropic.AsyncAnthropic, patience: Patience) -> None:
        self._client, self._patience = client, patience

    @classmethod
    def opened(cls, call: Call, patience: Patience) -> Self:
        """A client that has loaded all it needs; takes about a second, so that it belongs into a thread.

        Raises:
            ModelFaultError: the environment names a proxy or certificates that cannot be used.
        """
        try:
            return cls(_client(call, patience), patience)
        except (ImportError, ValueError, OSError) as error:
            sentence = f"No connection can be prepared: {call.quote(str(error))}."
            mend = "Check HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE."
            raise ModelFaultError("connection", sentence, mend) from None

    async def ask(self, body: dict[str, Any], call: Call, limit: Usage) -> "Answer":
        """Asks for a turn; returns when the server begins to answer.

        Raises:
            ModelFaultError: it does not.
        """
        with _told(call, limit):
            async with asyncio.timeout(self._patience.stall_s):
                if "output_config" in body:
                    body = {**body, "output_config": _enforceable(body["output_config"])}
                stream = await self._client.messages.create(**body, stream=True)
        return Answer(stream.response, call, limit, self._patience)

    async def abilities(self, model: str) -> Abilities | None:
        """What the server says that the model can do; None where it does not answer, which may pass."""
        try:
            async with asyncio.timeout(_ASIDE_S):
                found = (await self._client.models.retrieve(model)).capabilities
            if found is None:
                return Abilities()
            return Abilities(found.thinking.types.adaptive.supported, found.structured_outputs.supported)
        except (AttributeError, TypeError):
            return Abilities()
        except _FAULTS as error:
            # A server that has no such thing, or keeps it from this key, says so for good.
            status = error.status_code if isinstance(error, anthropic.APIStatusError) else 0
            return Abilities() if status in {400, 401, 403, 404, 405, 422, 501} else None

    async def knows(self, model: str) -> bool | None:
        """Whether the server says that it has the model; None where it does not tell."""
        try:
            async with asyncio.timeout(_ASIDE_S):
                return bool((await self._client.models.retrieve(model)).id)
        except anthropic.NotFoundError as error:
            return False if error.type == "not_found_error" and model in str(error.api_message) else None
        except (*_FAULTS, AttributeError, TypeError):
            return None

    async def count(self, body: dict[str, Any]) -> int | None:
        """The tokens of a request's input as the server counts them; None where it does not."""
        body = {key: body[key] for key in ("model", "messages", "system", "tools") if key in body}
        try:
            async with asyncio.timeout(_ASIDE_S):
                return int((await self._client.messages.count_tokens(**body)).input_tokens)
        except (*_FAULTS, AttributeError, TypeError):
            return None

    async def close(self) -> None:
        """Lets go of its sockets."""
        await self._client.close()


@dataclass(slots=True)
class Answer:
    """A server's answer as it comes in."""

    response: httpx2.Response
    call: Call
    limit: Usage
    patience: Patience

    @property
    def request_id(self) -> str:
        """What the server calls the request; empty where it does not."""
        return str(self.response.headers.get("request-id", ""))

    @property
    def is_stream(self) -> bool:
        """Whether it says of itself that it is a stream of events."""
        return "event-stream" in str(self.response.headers.get("content-type", ""))

    async def events(self) -> AsyncGenerator[dict[str, Any], None]:
        """The events of the stream, pings aside; events without an `event:` line are as good as others.

        Raises:
            ModelFaultError: the stream broke off, fell silent, or cannot be read. `usage` is the call's bound.
        """
        raw = anthropic.AsyncStream.raw_events(self.response)
        try:
            while True:
                with _told(self.call, self.limit, self.request_id):
                    event = await self._next(raw)
                if event is None:
                    return
                yield event
                if event.get("type") == "message_stop":
                    await self._rest(raw)
                    return
        finally:
            await self.response.aclose()

    async def _next(self, raw: AsyncIterator[Any]) -> dict[str, Any] | None:
        """The next event that is more than a sign of life."""
        async with asyncio.timeout(self.patience.stall_s):
            async for sent in raw:
                if not sent.data or sent.event == "ping" or sent.data.strip() == "[DONE]":
                    continue
                event = json.loads(sent.data)
                if isinstance(event, dict) and event.get("type") != "ping":
                    return {"type": sent.event, **event} if sent.event else event
        return None

    async def _rest(self, raw: AsyncIterator[Any]) -> None:
        """Reads to the end of the body, so that the connection can be used again."""
        with suppress(*_FAULTS):
            async with asyncio.timeout(_REST_S):
                async for _ in raw:
                    pass


def _client(call: Call, patience: Patience) -> anthropic.AsyncAnthropic:
    timeout = anthropic.Timeout(
        connect=patience.connect_s, read=patience.read_s, write=patience.read_s, pool=patience.connect_s
    )
    # A proxy is for what is outside: a server on this machine is not asked through it. No redirect is followed, for
    # what is sent was agreed to for one endpoint.
    if call.endpoint.is_local:
        http = httpx2.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False)
    else:
        http = anthropic.DefaultAsyncHttpxClient(timeout=timeout, follow_redirects=False)
    client = anthropic.AsyncAnthropic(
        auth_token=call.credentials.token,
        base_url=call.endpoint.base_url,
        max_retries=0,
        timeout=timeout,
        http_client=http,
        open_telemetry=False,
    )
    _ = client.messages, client.models
    return client


@contextmanager
def _told(call: Call, limit: Usage, request_id: str = "") -> Iterator[None]:
    """Whatever goes wrong inside is a fault; the SDK's own error stays out of tracebacks, for it may quote the key."""
    try:
        yield
    except _FAULTS as error:
        raise _fault(error, call, limit, request_id) from None


def _fault(error: Exception, call: Call, limit: Usage, request_id: str) -> ModelFaultError:
    if isinstance(error, anthropic.APIStatusError):
        return fault_told(_said(error), call, None)
    chain = list(_causes(error))
    host = call.endpoint.host
    if any(isinstance(cause, _UNSENT) for cause in chain):
        return _unreached(chain, call)
    if any(isinstance(cause, TimeoutError | httpx2.TimeoutException | anthropic.APITimeoutError) for cause in chain):
        sentence, mend = f"{host} fell silent.", "A busy server may need longer."
        return ModelFaultError("timeout", sentence, mend, transient=True, usage=limit, request_id=request_id)
    if any(isinstance(cause, httpx2.HTTPError | OSError | anthropic.APIConnectionError) for cause in chain):
        sentence, mend = (
            f"The connection to {host} broke off.",
            "Look whether the network is up, and the server still runs.",
        )
        return ModelFaultError("connection", sentence, mend, transient=True, usage=limit, request_id=request_id)
    sentence, mend = f"{host} sends what cannot be read.", "Nothing of the broken turn is used."
    return ModelFaultError("malformed", sentence, mend, transient=True, usage=limit, request_id=request_id)


def _unreached(chain: list[BaseException], call: Call) -> ModelFaultError:
    """No connection came about, so that nothing was sent."""
    host, words = call.endpoint.host, " ".join(str(cause) for cause in chain)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in chain) or "CERTIFICATE_VERIFY" in words:
        mend = "Behind a proxy with certificates of its own: export SSL_CERT_FILE=/path/to/its.pem"
        return ModelFaultError("connection", f"{host} shows a certificate that is not trusted.", mend)
    mend = "Check the network and base_url; the offline engine needs neither."
    if call.endpoint.is_local:
        mend = "Start the server, or check the port in base_url."
    return ModelFaultError("connection", f"{host} cannot be reached.", mend, transient=True)


def _said(error: anthropic.APIStatusError) -> Told:
    headers = error.response.headers
    return Told(
        status=error.status_code,
        type=str(error.type or ""),
        message=str(error.api_message or _any_message(error.body))[:_LIMIT_CHARS],
        code=str(error.error_code or ""),
        retry_after_s=seconds_asked(headers),
        request_id=str(error.request_id or ""),
    )


def _any_message(body: object) -> str:
    """The words of an error that is not told in the protocol's way."""
    if isinstance(body, dict):
        said = next((body[key] for key in ("error", "message", "detail") if body.get(key)), body)
        return said if isinstance(said, str) else json.dumps(said, default=str)
    return "" if body is None or str(body).lstrip().startswith("<") else str(body)


def _enforceable(config: dict[str, Any]) -> dict[str, Any]:
    """The schema without what the API cannot enforce; the SDK turns that into words of the descriptions."""
    form = config["format"]
    return {**config, "format": {**form, "schema": anthropic.transform_schema(form["schema"])}}


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
