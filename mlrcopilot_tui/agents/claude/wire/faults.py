"""What a server said went wrong, as a fault that the researcher can act on; the key is in none of its words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from mlrcopilot_tui.agents.claude.turns import FaultKind, ModelFaultError
from mlrcopilot_tui.agents.claude.wire.endpoint import Credentials, Endpoint
from mlrcopilot_tui.session.model_events import Usage
from mlrcopilot_tui.text import printable

_BY_TYPE: Final[Mapping[str, FaultKind]] = {
    "authentication_error": "credentials",
    "permission_error": "permission",
    "billing_error": "billing",
    "not_found_error": "not_found",
    "request_too_large": "too_large",
    "rate_limit_error": "rate_limited",
    "overloaded_error": "overloaded",
    "timeout_error": "timeout",
    "api_error": "server",
    "invalid_request_error": "bad_request",
}
_BY_STATUS: Final[Mapping[int, FaultKind]] = {
    **dict.fromkeys((301, 302, 303, 307, 308), "not_found"),  # it is elsewhere, and we were not told to go there
    401: "credentials",
    402: "billing",
    403: "permission",
    404: "not_found",
    405: "not_found",
    408: "timeout",
    413: "too_large",
    429: "rate_limited",
    502: "server",
    503: "overloaded",  # a local server that still loads its model says so too
    504: "timeout",
    529: "overloaded",
}
_TRANSIENT: Final[frozenset[FaultKind]] = frozenset({"rate_limited", "overloaded", "server", "connection", "timeout"})

_TOO_LONG: Final = re.compile(
    r"prompt is too long|context (length|window|size)|maximum context|too many tokens|exceeds? .{0,20}context",
    re.IGNORECASE,
)
_NO_MONEY: Final = re.compile(r"credit balance|insufficient (funds|credit|quota)|spend limit", re.IGNORECASE)
_BEYOND_THE_CORE: Final = re.compile(
    r"thinking|cache_control|output_config|tool_choice|disable_parallel|display|extra inputs|"
    r"unknown field|not permitted|unrecognized|unexpected",
    re.IGNORECASE,
)
_WORDS: Final[Mapping[FaultKind, tuple[str, str]]] = {
    "credentials": ("{host} does not accept the key.", "It comes from {source}: check it there."),
    "permission": (
        "{host} does not let this key use {model}: {said}.",
        "Choose another model, or ask who owns the key for the right.",
    ),
    "billing": ("{host} wants to be paid first: {said}.", "Top up the account or raise its limit, then resume."),
    "bad_request": (
        "{host} refuses the request: {said}.",
        "Choose another model; whoever runs the server can look it up by the request's id.",
    ),
    "too_large": ("The request is larger than {host} takes.", "Shorten what is sent: fewer or smaller files."),
    "context_overflow": (
        "The conversation is longer than {model} can read: {said}.",
        "Choose a model with a larger context.",
    ),
    "rate_limited": (
        "{host} limits how much is asked at once.",
        "Wait, or run fewer experiments in parallel.",
    ),
    "overloaded": ("{host} is overloaded or still loading.", "Wait, or choose another model."),
    "timeout": ("{host} took too long and gave up.", "Try again; a smaller model is faster."),
    "server": ("{host} failed {where}.", "Try again later."),
}
_LONGEST_QUOTE: Final = 300
_FINE: Final = 200


@dataclass(frozen=True, slots=True)
class Told:
    """An error as a server told it: by an HTTP status (200 where it came within a stream), a type and its own words."""

    status: int = 200
    type: str = ""
    message: str = ""
    code: str = ""
    retry_after_s: float | None = None
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """Who was asked, as whom, for which model: what every fault's sentence is made of."""

    endpoint: Endpoint
    credentials: Credentials
    model: str

    def quote(self, words: str) -> str:
        """A server's own words, safe to show: one line, not long, without the key that some servers repeat."""
        clean = printable(words.replace(self.credentials.token, "[key]") if self.credentials.is_secret else words)
        clean = " ".join(clean.split()).rstrip(".")
        return f"{clean[:_LONGEST_QUOTE]}…" if len(clean) > _LONGEST_QUOTE else clean


def fault_told(told: Told, call: Call, usage: Usage | None = None) -> ModelFaultError:
    """The fault that an error is.

    Args:
        usage: what is to be booked; None where the server did not begin to work.
    """
    kind = kind_of(told)
    sentence, mend = _words(kind, told, call)
    transient = kind in _TRANSIENT
    return ModelFaultError(
        kind,
        sentence,
        mend,
        transient=transient,
        retry_after_s=told.retry_after_s if transient else None,
        usage=usage,
        request_id=told.request_id,
    )


def kind_of(told: Told) -> FaultKind:
    """What went wrong: by what the server calls it, else by its status; messages decide only what neither can."""
    if "spend_limit" in told.code or _NO_MONEY.search(told.message):
        return "billing"
    by_status = _BY_STATUS.get(told.status, "bad_request" if 400 <= told.status < 500 else "server")
    kind = by_status if by_status in {"overloaded", "not_found"} else _BY_TYPE.get(told.type, by_status)
    if kind in {"bad_request", "too_large"} and _TOO_LONG.search(told.message):
        return "context_overflow"
    return kind


def _words(kind: FaultKind, told: Told, call: Call) -> tuple[str, str]:
    """The sentence and the mend."""
    if kind == "not_found":
        return _not_found(told, call)
    beyond = call.endpoint.profile == "full" and not call.endpoint.is_anthropic
    if kind == "bad_request" and beyond and _BEYOND_THE_CORE.search(told.message):
        mend = 'Set profile = "plain" in [engine]: the server knows only the core of the protocol.'
        return _WORDS[kind][0].format(host=call.endpoint.host, said=call.quote(told.message)), mend
    parts = {
        "host": call.endpoint.host,
        "model": call.model,
        "said": call.quote(told.message) or "it gives no reason",
        "source": call.credentials.source,
        "where": "in the middle of the turn" if told.status == _FINE else f"with status {told.status}",
    }
    sentence, mend = _WORDS[kind]
    return sentence.format(**parts), mend.format(**parts)


def _not_found(told: Told, call: Call) -> tuple[str, str]:
    """Either the model is unknown, or what answers at the address has no Messages API."""
    host = call.endpoint.host
    if told.type == "not_found_error" or "model" in told.message.lower():
        mend = "Choose another with --model or `model` in [engine]" + (
            "." if call.endpoint.is_anthropic else ": the name that the server serves it under."
        )
        return f"{host} does not know the model {call.model}.", mend
    sentence = f"{host} answers, but has no Messages API at {call.endpoint.base_url}/v1/messages."
    return sentence, "Check base_url: it is the address without /v1/messages."


def seconds_asked(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """How long a server asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date; None for nonsense."""
    for name, scale in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        said = headers.get(name, "")
        try:
            seconds = float(said) * scale
        except ValueError:
            continue
        return seconds if 0.0 <= seconds < float("inf") else None
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    moment = now or datetime.now(UTC)
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - moment).total_seconds())
