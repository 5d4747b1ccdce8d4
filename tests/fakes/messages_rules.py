"""What the Messages API insists on in a request, and how it counts tokens that it has seen before."""

import json
import math
from collections.abc import Iterator
from typing import Any

Body = dict[str, Any]

_BREAKPOINTS = 4


def complaint(body: Body) -> str:
    """What is wrong with a request, in one sentence; empty where it is sound."""
    messages = body.get("messages") or []
    if not messages or messages[0]["role"] != "user":
        return "messages: first message must use the user role"
    if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
        return "max_tokens: must be at least 1"
    marks = sum("cache_control" in segment for segment in _segments(body))
    if marks > _BREAKPOINTS:
        return f"A maximum of {_BREAKPOINTS} blocks with cache_control may be provided. Found {marks}."
    for block in (block for message in messages for block in _blocks(message["content"])):
        if block["type"] == "text" and not block["text"].strip():
            return "messages: text content blocks must be non-empty"
    return _unanswered(messages)


def _unanswered(messages: list[Body]) -> str:
    """Every tool_use needs a tool_result at once, and none may come unasked."""
    asked: set[str] = set()
    for number, message in enumerate(messages):
        blocks = _blocks(message["content"])
        answered = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
        if answered != asked:
            return f"messages.{number}: tool_use ids {sorted(asked)} are answered by tool_results {sorted(answered)}"
        asked = {block["id"] for block in blocks if block["type"] == "tool_use"}
    return f"the last tool_use ids {sorted(asked)} have no tool_result" if asked else ""


def _blocks(content: str | list[Body]) -> list[Body]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _segments(body: Body) -> Iterator[Body]:
    """The request in the order in which it is cached: tools, system, messages."""
    yield from body.get("tools") or ()
    yield from _blocks(body.get("system") or [])
    for message in body["messages"]:
        for block in _blocks(message["content"]):
            yield {"role": message["role"], **block}


def tokens(text: str) -> int:
    """About four characters make a token."""
    return math.ceil(len(text) / 4)


class PrefixCache:
    """Counts a request's tokens as a cache of marked prefixes would: read, written, or neither."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def usage(self, body: Body, written: str) -> dict[str, int]:
        """What the server reports for a turn in which `written` was written."""
        prefix, count, read, marked = hash(body.get("model")), 0, 0, 0
        fresh: list[int] = []
        for segment in _segments(body):
            plain = json.dumps({key: value for key, value in segment.items() if key != "cache_control"})
            prefix, count = hash((prefix, plain)), count + tokens(plain)
            if prefix in self._seen:
                read = count
            if "cache_control" in segment:
                fresh.append(prefix)
                marked = count
        self._seen.update(fresh)
        return {
            "input_tokens": count - max(read, marked),
            "cache_creation_input_tokens": max(0, marked - read),
            "cache_read_input_tokens": read,
            "output_tokens": max(1, tokens(written)),
        }
