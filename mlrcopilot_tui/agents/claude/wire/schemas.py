"""JSON in replies: asking for it in words where a server cannot enforce it, finding it where words stand around it."""

import json
from typing import Any, Final

_TRIES: Final = 200
"""Braces that are tried: a reply of nothing but braces must not cost minutes."""


def in_words(schema: dict[str, Any]) -> str:
    """What asks for a reply that meets the schema."""
    return (
        "Reply with one JSON object that meets the JSON schema below, and with nothing else: no text before or after "
        f"it, no code fence.\n\n{json.dumps(schema, ensure_ascii=False)}"
    )


def json_of(text: str) -> dict[str, Any]:
    """The JSON object in a reply: the longest one where there are several, with prose or fences around it or not.

    Raises:
        ValueError: there is none.
    """
    decoder, found, at = json.JSONDecoder(), [], 0
    for _ in range(_TRIES):
        at = text.find("{", at)
        if at < 0:
            break
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        found.append((end - at, value))
        at = end
    if not found:
        raise ValueError("there is no JSON object in it")
    longest: dict[str, Any] = max(found, key=lambda one: one[0])[1]
    return longest
