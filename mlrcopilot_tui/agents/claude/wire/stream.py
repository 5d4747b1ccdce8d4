"""A turn made of its stream's events, and of nothing less: what was cut short or garbled never looks like a turn."""

import json
import uuid
from collections.abc import Mapping
from typing import Any, Final

from mlrcopilot_tui.agents.claude.turns import Block, Delta, FaultKind, ModelFaultError, StopReason, Turn
from mlrcopilot_tui.agents.claude.wire.faults import Call, Told, fault_told
from mlrcopilot_tui.session.model_events import Usage

_REASONS: Final[Mapping[str, StopReason]] = {
    "end_turn": "end_turn",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "stop_sequence": "stop_sequence",
    "pause_turn": "pause_turn",
}
_KEPT: Final = {"text", "thinking", "redacted_thinking", "tool_use"}
_RETRY: Final = "Nothing of the broken turn is used; where it stays so, choose another model with --model."


class Assembly:
    """Takes events one by one; events, blocks and deltas of a newer protocol pass by.

    Attributes:
        told: the newest value of each number that the server reported on tokens.
        written: bytes of text, thinking and JSON that came.
        began, ended: the turn's own first and last word were seen.
    """

    def __init__(self, call: Call, limit: Usage, request_id: str = "", *, is_stream: bool = True) -> None:
        self.told: dict[str, Any] = {}
        self.written = 0
        self.began = self.ended = False
        self._call, self._limit, self._request_id = call, limit, request_id
        self._blocks: dict[int, Block] = {}
        self._json: dict[int, list[str]] = {}
        self._silent = is_stream
        self._stop = ""
        self._details: Mapping[str, Any] = {}
        self._model = ""

    @property
    def usage(self) -> Usage:
        """What is to be booked as things stand."""
        return _usage(self.told, self._limit, ended=bool(self._stop), written=self.written)

    def take(self, event: Mapping[str, Any]) -> Delta | None:
        """Takes one event; the piece of the turn that it brought, if any.

        Raises:
            ModelFaultError: it is the server's word that the turn failed, or it cannot be read.
        """
        self._silent = False
        try:
            match event.get("type"):
                case "content_block_delta":
                    return self._grow(event["index"], event["delta"])
                case "content_block_start":
                    return self._open(event["index"], event["content_block"])
                case "message_start":
                    self._begin(event["message"])
                case "message_delta":
                    self._conclude(event)
                case "message_stop":
                    self.ended = True
                case "error":
                    raise self._failed(event["error"])
                case None if "error" in event:
                    raise self._failed(event["error"])
        except (KeyError, TypeError, AttributeError, ValueError):
            raise self.fault("malformed", "sends events that cannot be read", transient=True) from None
        return None

    def turn(self) -> Turn:
        """The whole turn.

        Blocks that call tools are left out unless the turn ended in order to have them carried out: no result can
        answer them.

        Raises:
            ModelFaultError: it did not end, or ended in a refusal, or holds a tool call that cannot be read.
        """
        if not self.began and self._silent:
            raise self.fault("truncated", "ended the stream before the turn began", transient=True)
        if not self.began:
            raise self.fault("not_a_stream", "answers, but not with the events of the Messages API")
        if not (self.ended and self._stop):
            raise self.fault("truncated", "ended the stream in the middle of the turn", transient=True)
        if self._stop == "refusal":
            raise self._refused()
        if self._stop == "model_context_window_exceeded":
            told = Told(message="its context window is full", status=400, request_id=self._request_id)
            raise fault_told(told, self._call, self.usage)
        content = tuple(self._finished(index) for index in sorted(self._blocks))
        reason = _REASONS.get(self._stop, "end_turn")
        if reason == "tool_use" and not any(block["type"] == "tool_use" for block in content):
            reason = "end_turn"
        if reason != "tool_use":
            content = tuple(block for block in content if block["type"] != "tool_use")
        return Turn(content, reason, self.usage, self._model or self._call.model, self._request_id)

    def fault(self, kind: FaultKind, deed: str, *, transient: bool = False) -> ModelFaultError:
        """A fault of the stream itself, booked as things stand."""
        mend = _RETRY if transient else "Check that base_url leads to a server that speaks the Messages API."
        return ModelFaultError(
            kind,
            f"{self._call.endpoint.host} {deed}.",
            mend,
            transient=transient,
            usage=self.usage,
            request_id=self._request_id,
        )

    def _begin(self, message: Mapping[str, Any]) -> None:
        self.began = True
        self._model = str(message.get("model") or "")
        # Its `output_tokens` is a first guess: only the one at the end counts.
        self._count({key: value for key, value in (message.get("usage") or {}).items() if key != "output_tokens"})

    def _conclude(self, event: Mapping[str, Any]) -> None:
        delta = event["delta"]
        self._stop = str(delta.get("stop_reason") or self._stop)
        self._details = delta.get("stop_details") or self._details
        self._count(event.get("usage") or {})

    def _count(self, usage: Mapping[str, Any]) -> None:
        """Numbers are cumulative and overwrite; some servers repeat what they do not know as null or 0."""
        self.told.update({key: value for key, value in usage.items() if value or key not in self.told})

    def _open(self, index: int, block: Block) -> Delta | None:
        if block["type"] in _KEPT:
            self._blocks[index] = {key: value for key, value in block.items() if value is not None}
            self._json[index] = []
        return Delta("action", "", str(block["name"])) if block["type"] == "tool_use" else None

    def _grow(self, index: int, delta: Mapping[str, Any]) -> Delta | None:
        block = self._blocks.get(index)
        if block is None:
            return None
        match delta["type"]:
            case "text_delta":
                return self._add(block, "text", delta["text"])
            case "thinking_delta":
                return self._add(block, "thinking", delta["thinking"])
            case "signature_delta":
                block["signature"] = block.get("signature", "") + delta["signature"]
            case "input_json_delta":
                self._json[index].append(delta["partial_json"])
                self.written += _size(delta["partial_json"])
                return Delta("action", _whole(delta["partial_json"]), str(block["name"]))
        return None

    def _add(self, block: Block, kind: str, piece: str) -> Delta:
        block.setdefault("pieces", []).append(piece)
        self.written += _size(piece)
        return Delta("thinking" if kind == "thinking" else "text", _whole(piece))

    def _finished(self, index: int) -> Block:
        """A block as history wants it back."""
        block = dict(self._blocks[index])
        kind = block["type"]
        if kind in {"text", "thinking"}:
            block[kind] = _whole(str(block.get(kind) or "") + "".join(block.pop("pieces", ())))
        if kind == "tool_use" and self._stop == "tool_use":
            block["input"] = self._input(block, "".join(self._json[index]))
            block["id"] = block.get("id") or f"toolu_{uuid.uuid4().hex}"
        return block

    def _input(self, block: Block, written: str) -> dict[str, Any]:
        """A tool's input; some servers send it whole in the block's first event."""
        try:
            value = json.loads(written) if written.strip() else block.get("input") or {}
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            deed = f"sent a call of {self._call.quote(str(block['name']))} that is no valid JSON"
            raise self.fault("malformed", deed, transient=True)
        whole: dict[str, Any] = json.loads(_whole(json.dumps(value, ensure_ascii=False)))
        return whole

    def _failed(self, error: Mapping[str, Any]) -> ModelFaultError:
        told = Told(
            type=str(error.get("type") or ""),
            message=str(error.get("message") or ""),
            request_id=self._request_id,
        )
        return fault_told(told, self._call, self.usage)

    def _refused(self) -> ModelFaultError:
        category = str(self._details.get("category") or "")
        why = self._call.quote(str(self._details.get("explanation") or "it gives no reason"))
        mend = "Word the idea differently, choose another model, or go on with --engine offline."
        if category == "frontier_llm":
            mend = f"Benign machine learning can meet this rule too. {mend}"
        return ModelFaultError(
            "refusal",
            f"{self._call.model} refuses to answer{f' ({category})' if category else ''}: {why}.",
            mend,
            usage=self.usage,
            request_id=self._request_id,
        )


def _size(piece: str) -> int:
    return len(piece.encode("utf-8", "surrogatepass"))


def _whole(text: str) -> str:
    """The text as UTF-8 can hold it: some servers cut characters in two halves, which fit together again or not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _usage(told: Mapping[str, Any], limit: Usage, *, ended: bool, written: int) -> Usage:
    """What a server reported, completed by bounds where it did not: no token is shorter than a byte of what came."""
    numbers = {key: value for key, value in told.items() if isinstance(value, int) and value >= 0}
    output = numbers.get("output_tokens") if ended else limit.output_tokens
    if "input_tokens" not in numbers:
        return Usage(
            input_tokens=limit.input_tokens,
            output_tokens=min(limit.output_tokens, written) if output is None else output,
            exact=False,
        )
    return Usage(
        input_tokens=numbers["input_tokens"],
        cache_read_tokens=numbers.get("cache_read_input_tokens", 0),
        cache_write_tokens=numbers.get("cache_creation_input_tokens", 0),
        output_tokens=min(limit.output_tokens, written) if output is None else output,
        exact=ended and output is not None,
    )
