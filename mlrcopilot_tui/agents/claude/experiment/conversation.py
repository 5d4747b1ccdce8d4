"""The conversation of one attempt: the Messages API's alternation kept in every case, and its length kept in bounds.

Between two foldings messages are only added at the end, so that the server's cache of the prefix goes on being hit.
Nothing is lost by folding: the journal and the recorded exchanges hold every step as it was.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from mlrcopilot_tui.agents.claude.fences import shortened
from mlrcopilot_tui.agents.claude.turns import Block, Message, Turn
from mlrcopilot_tui.text import one_line

OBSERVATION_LIMIT: Final = 6_500
"""Characters of one observation: the actions show up to 6,000 of a file or a log, and words and a fence about them."""

CHARS_PER_TOKEN: Final = 3.5
"""Low for English prose, about right for code and logs: the estimate errs on the side of folding early."""

NOT_DONE: Final = "ERROR: this was not carried out."

_FOLDED_TEXT: Final = 160
_KEPT: Final = 6
_KEPT_HARD: Final = 2
_HARD_LIMIT: Final = 1_500


@dataclass(slots=True)
class _Exchange:
    """A turn of the model and what it was told after it.

    Attributes:
        step: its number; observations are referred to by it.
        said: the blocks of its turn; never empty.
        told: tool results first, as the protocol wants them, then words.
    """

    step: int
    said: list[Block]
    told: list[Block]
    folded: bool = False


@dataclass(slots=True)
class Conversation:
    """What the model has been told and has said in one attempt.

    Args:
        first: the assignment in full.
        short: the assignment without what can be looked up again; it stands in when all else is folded.
        high: tokens, as estimated, beyond which old steps are folded.
        low: tokens, as estimated, that are left by then, if the newest steps take no more.
    """

    first: str
    short: str = ""
    high: int = 60_000
    low: int = 30_000
    _opening: list[Block] = field(init=False)
    _exchanges: list[_Exchange] = field(init=False, default_factory=list)
    _ids: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self._opening = [_text(self.first)]

    def messages(self) -> list[Message]:
        """The messages as they go over the wire; the last one is always the user's."""
        messages: list[Message] = [{"role": "user", "content": list(self._opening)}]
        for exchange in self._exchanges:
            messages.append({"role": "assistant", "content": list(exchange.said)})
            messages.append({"role": "user", "content": list(exchange.told)})
        return messages

    def took(self, step: int, turn: Turn, observations: Mapping[str, str], words: str = "") -> None:
        """Adds a turn and what came of it.

        Args:
            step: the turn's number.
            turn: as it came.
            observations: by the id of the action; actions without one are told that they were not carried out.
            words: what the model is told besides.
        """
        said, told = self._paired(turn, observations)
        if said:
            self._exchanges.append(_Exchange(step, said, told))
        if words.strip() or not (said and told):
            self.tell(words if words.strip() else "Go on.")
        if self.tokens > self.high:
            self._fold(_KEPT, self.low)

    def tell(self, words: str) -> None:
        """Adds words to what the model reads next; blank ones, which the protocol refuses, add nothing."""
        if not words.strip():
            return
        (self._exchanges[-1].told if self._exchanges else self._opening).append(_text(words))

    def fold_harder(self) -> bool:
        """Makes the conversation as short as it can be, for good; False where that gains next to nothing any more."""
        before = self.tokens
        self._fold(_KEPT_HARD, 0)
        for exchange in self._exchanges:
            exchange.told = [_condensed(block, _HARD_LIMIT) for block in exchange.told]
        if self.short:
            self._opening[0] = _text(self.short)
        # The model's window lies somewhere below what was just refused.
        self.high, self.low = (min(self.high, before * 3 // 4), min(self.low, before // 2))
        return self.tokens <= before * 0.9

    @property
    def tokens(self) -> int:
        """How long the conversation is, as far as characters tell."""
        return int(len(json.dumps(self.messages(), ensure_ascii=False)) / CHARS_PER_TOKEN)

    def _paired(self, turn: Turn, observations: Mapping[str, str]) -> tuple[list[Block], list[Block]]:
        said: list[Block] = []
        told: list[Block] = []
        for block in turn.content:
            if block["type"] == "tool_use":
                named = block if self._is_new(block["id"]) else block | {"id": self._other(block["id"])}
                said.append(named)
                told.append(_result(named["id"], observations.get(block["id"], NOT_DONE)))
            elif block["type"] != "text" or str(block["text"]).strip():
                said.append(block)
        # A message of nothing but thinking, or of nothing at all, is no message that the protocol takes back.
        return (said, told) if any(block["type"] in {"text", "tool_use"} for block in said) else ([], [])

    def _is_new(self, identifier: str) -> bool:
        new = bool(identifier) and identifier not in self._ids
        self._ids.add(identifier)
        return new

    def _other(self, identifier: str) -> str:
        """A fresh id for an action whose server counts its ids anew each turn."""
        number = 2
        while (other := f"{identifier or 'action'}_{number}") in self._ids:
            number += 1
        self._ids.add(other)
        return other

    def _fold(self, kept: int, low: int) -> None:
        for exchange in self._exchanges[: max(0, len(self._exchanges) - kept)]:
            if not exchange.folded:
                exchange.said = _folded_turn(exchange.said)
                exchange.told = [_folded_result(block, exchange.step) for block in exchange.told]
                exchange.folded = True
                if self.tokens <= low:
                    return


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _result(identifier: str, observation: str) -> Block:
    block: Block = {
        "type": "tool_result",
        "tool_use_id": identifier,
        "content": shortened(observation, OBSERVATION_LIMIT, "ends") or "(nothing)",
    }
    return block | {"is_error": True} if observation.startswith("ERROR:") else block


def _condensed(block: Block, limit: int) -> Block:
    if block["type"] != "tool_result":
        return block
    return block | {"content": shortened(block["content"], limit, "ends")}


def _folded_turn(said: Sequence[Block]) -> list[Block]:
    """Without thinking, whose signature binds it to its place, and with every long text short."""
    return [_shrunk(block) for block in said if block["type"] in {"text", "tool_use"}]


def _shrunk(block: Block) -> Block:
    if block["type"] == "text":
        return _text(one_line(block["text"], _FOLDED_TEXT) or "…")
    return block | {"input": _short(block["input"])}


def _short(value: object) -> object:
    """The same value with every long text cut to its beginning."""
    if isinstance(value, dict):
        return {name: _short(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_short(inner) for inner in value[:10]]
    if isinstance(value, str) and len(value) > _FOLDED_TEXT:
        return f"{one_line(value, _FOLDED_TEXT)} ({len(value):,} characters, folded)"
    return value


def _folded_result(block: Block, step: int) -> Block:
    """One line for an observation; the researcher's words and the loop's stay as they are."""
    if block["type"] != "tool_result":
        return block
    line = one_line(_first_line(block["content"]), _FOLDED_TEXT)
    head = "ERROR: " if block.get("is_error") else ""
    return block | {"content": f"{head}observation of step {step} folded: {line} … do it again to see it"}


def _first_line(content: str) -> str:
    """The first line that says something; a fence's own line names what is fenced."""
    lines = [line for line in content.splitlines() if line.strip()]
    line = next((line for line in lines if not line.startswith("<data-")), lines[0] if lines else "")
    return line.removeprefix("ERROR:").strip()
