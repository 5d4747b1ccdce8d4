"""Replies as typed forms: the schema that a server is asked to enforce, and the reading of what came in the end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec

from mlrcopilot_tui.agents.claude.turns import Block, FaultKind, Message, Model, ModelFaultError, Request, Turn
from mlrcopilot_tui.agents.claude.wire.schemas import json_of
from mlrcopilot_tui.agents.host import Host
from mlrcopilot_tui.errors import RefusedError

T = TypeVar("T", bound=msgspec.Struct)

SMALLER: Final = 0.3
"""The share of what was shown at first that is shown to a model whose context it exceeds."""

_TOO_MUCH: Final[frozenset[FaultKind]] = frozenset({"context_overflow", "too_large"})
_KEYWORDS: Final = frozenset({"type", "enum", "const", "anyOf", "items", "description"})
"""The part of JSON schema that servers enforce everywhere; limits of numbers and lengths are not among it."""


def schema_of(form: type[msgspec.Struct]) -> dict[str, Any]:
    """The form's JSON schema, strict: every field required, no other allowed, no references."""
    schema = msgspec.json.schema(form)
    return _strict(schema, schema.get("$defs", {}))


def _strict(schema: dict[str, Any], known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if "$ref" in schema:
        return _strict(known[schema["$ref"].rpartition("/")[2]], known)
    kept = {name: value for name, value in schema.items() if name in _KEYWORDS}
    if "items" in kept:
        kept["items"] = _strict(kept["items"], known)
    if "anyOf" in kept:
        # A field that may be left out is asked for all the same.
        asked = [_strict(choice, known) for choice in kept.pop("anyOf") if choice != {"type": "null"}]
        kept |= asked[0] if len(asked) == 1 else {"anyOf": asked}
    if "enum" in kept:
        kept["type"] = "string"
    if schema.get("type") == "object":
        kept["properties"] = {name: _strict(value, known) for name, value in schema["properties"].items()}
        kept["required"] = list(kept["properties"])
        kept["additionalProperties"] = False
    return kept


def read_form(text: str, form: type[T]) -> T:
    """The form that a reply holds; numbers that came as text are taken, fields that nobody asked for passed over.

    Raises:
        ValueError: it holds none; the message says what is wrong, for the model to mend.
    """
    try:
        return msgspec.convert(json_of(text), form, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """What a model is asked to fill in.

    Attributes:
        purpose: as in `Request`.
        show: what the model is shown, at a share of the full size, what changes least first: all but the last part is
            kept in the server's cache for the next question. Called anew for each try, so that it holds the newest
            words of the researcher.
        flaws: what code finds wrong with a form, a sentence each; the model may mend it once.
        max_tokens: as in `Request`, for the first reply; doubled after one that was cut off.
        resumable: as in `Request`.
        words: as in `Request`; called together with `show`.
    """

    purpose: str
    system: str
    show: Callable[[float], Sequence[str]]
    form: type[T]
    flaws: Callable[[T], Sequence[str]] = lambda _: ()
    max_tokens: int = 12_000
    idea: int = 0
    resumable: bool = False
    words: Callable[[], tuple[int, ...]] = tuple


async def filled(model: Model, host: Host, question: Question[T]) -> T:
    """The form as the model filled it in; flaws that its one chance to mend them left are still in it.

    Raises:
        RefusedError: the model refuses, twice gave something else than the form, or cannot be shown even a part.
        ModelFaultError: it cannot be reached, and so on.
    """
    interview = _Interview(model, host, question)
    good: T | None = None
    for last in (False, False, True):  # at most one reply is spent on the form, and one on flaws
        turn = await interview.turn()
        try:
            form = read_form(turn.text, question.form)
        except ValueError as error:
            if good is not None:
                return good
            if interview.mending:
                raise RefusedError(
                    f"The model's answer to {question.purpose!r} is not in the form that was asked for: {error}.",
                    "Try it again, or name another model.",
                ) from error
            interview.mend(turn, _malformed(turn, error))
            continue
        flaws = question.flaws(form)
        if not flaws or last or good is not None:
            return form
        good = form
        interview.mend(turn, _flawed(flaws))
    raise AssertionError("the last reply is returned or refused")


class _Interview:
    """The question with what came of it so far."""

    def __init__(self, model: Model, host: Host, question: Question[T]) -> None:
        self._model, self._host, self._question = model, host, question
        self._size, self._most = 1.0, question.max_tokens
        self._after: list[Message] = []
        self.mending = False

    async def turn(self) -> Turn:
        """The model's next turn; shown less where it was too much."""
        while True:
            try:
                return await self._model.ask(self._request, self._host)
            except ModelFaultError as fault:
                if fault.kind == "refusal" or (fault.kind in _TOO_MUCH and self._size < 1.0):
                    raise RefusedError(fault.sentence, fault.mend) from fault
                if fault.kind not in _TOO_MUCH:
                    raise
                self._size, self._most = SMALLER, self._most // 2  # the reply takes its room from the same context

    def mend(self, turn: Turn, words: str) -> None:
        """Sends the reply back with what is wrong with it; its thinking stays behind, for it binds to one model."""
        self._after += [_message("assistant", turn.text.strip() or "(nothing)"), _message("user", words)]
        self.mending = True
        if turn.stop_reason == "max_tokens":
            self._most *= 2

    def _request(self) -> Request:
        question = self._question
        return Request(
            purpose=question.purpose,
            system=question.system,
            messages=[{"role": "user", "content": _blocks(question.show(self._size))}, *self._after],
            max_tokens=self._most,
            schema=schema_of(question.form),
            idea=question.idea,
            resumable=question.resumable,
            words=question.words(),
        )


def _blocks(parts: Sequence[str]) -> list[Block]:
    *kept, last = parts
    return [*({"type": "text", "text": part, "cache_control": {"type": "ephemeral"}} for part in kept), _text(last)]


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _message(role: str, text: str) -> Message:
    return {"role": role, "content": [_text(text)]}


def _malformed(turn: Turn, error: ValueError) -> str:
    if turn.stop_reason == "max_tokens":
        return "Your reply was cut off because it was too long. Give the whole form again, far more briefly."
    return f"Your reply is not in the form: {error}. Give the whole form again, as one JSON object and nothing else."


def _flawed(flaws: Sequence[str]) -> str:
    listed = "\n".join(f"- {flaw}" for flaw in flaws)
    return f"A program checked your reply and found this:\n{listed}\nGive the whole form again with that put right."
