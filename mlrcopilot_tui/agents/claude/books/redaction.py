"""Keeps secrets out of what is written down, wherever they stand in it."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

REDACTED = "[redacted]"
"""Stands where a secret stood."""


class Redaction:
    """Replaces secrets in whatever JSON can hold, also where JSON was quoted within JSON."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self.secrets = tuple(secret for secret in secrets if secret)
        forms = {form for secret in self.secrets for form in _quoted(secret)}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __call__(self, value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self._pattern.sub(REDACTED, value)
        if isinstance(value, dict):
            return {self(key): self(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self(item) for item in value]
        return value


def _quoted(secret: str) -> Iterator[str]:
    """The forms in which a secret can stand in a text: as it is, and quoted once or twice as a JSON string."""
    for _ in range(3):
        yield secret
        secret = json.dumps(secret)[1:-1]
