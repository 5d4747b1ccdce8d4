"""A turn of a model: what is asked, what comes back, how it can fail; no type of an SDK leaves the port."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from mlrcopilot_tui.agents.host import Host
from mlrcopilot_tui.errors import EnvironmentLackError
from mlrcopilot_tui.session.model_events import Role, Usage

Block = dict[str, Any]
"""A content block as it goes over the wire: text, thinking, tool_use, tool_result."""

Message = dict[str, Any]
"""`{"role": "user" | "assistant", "content": [Block, …]}`."""

StopReason = Literal["end_turn", "tool_use", "max_tokens", "stop_sequence", "pause_turn"]

FaultKind = Literal[
    "credentials", "permission", "billing", "not_found", "bad_request", "too_large", "context_overflow", "refusal",
    "rate_limited", "overloaded", "server", "connection", "timeout", "truncated", "malformed", "not_a_stream",
]  # fmt: skip
"""What went wrong, in the researcher's terms. `truncated`: the stream ended without saying that the turn did;
`malformed`: its JSON cannot be read; `not_a_stream`: the server answers, but not with the protocol's events."""


@dataclass(frozen=True, slots=True)
class Tool:
    """An action as the model is told of it; `input_schema` is a JSON schema."""

    name: str
    description: str
    input_schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One turn to be asked for.

    Attributes:
        purpose: what it is for: names it in the ledger, on the screen and among the exchanges.
        system: the stable prefix, cached together with `tools`: nothing that changes from step to step belongs here.
        max_tokens: the most that may be written; the budget may lower it.
        schema: the JSON schema that the reply's text must meet; servers that cannot enforce it are asked in words.
        one_action: at most one tool is called in the turn.
        resumable: a copilot that starts again may take the recorded turn of its predecessor instead.
        words: the places in the journal of the researcher's words that stand in it; the server is not told of them.
    """

    purpose: str
    system: str
    messages: Sequence[Message]
    max_tokens: int
    tools: Sequence[Tool] = ()
    role: Role = "main"
    schema: dict[str, Any] | None = None
    one_action: bool = True
    idea: int = 0
    attempt: int = 0
    step: int = 0
    resumable: bool = False
    words: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolUse:
    """An action that the model asks for."""

    id: str
    name: str
    input: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn that ended as the protocol says turns end.

    Attributes:
        content: the blocks as they came, to be sent back unchanged as history.
        exchange: the turn's place among the recorded exchanges.
        again: an earlier process had it already, and carried out what it asks for.
    """

    content: tuple[Block, ...]
    stop_reason: StopReason
    usage: Usage
    model: str
    request_id: str = ""
    exchange: str = ""
    again: bool = False

    @property
    def text(self) -> str:
        """The text blocks, joined."""
        return "".join(str(block["text"]) for block in self.content if block["type"] == "text")

    @property
    def thinking(self) -> str:
        """What the model let be seen of its thinking."""
        return "".join(str(block.get("thinking", "")) for block in self.content if block["type"] == "thinking")

    @property
    def actions(self) -> tuple[ToolUse, ...]:
        """The actions asked for; empty unless the turn ended in order to have them carried out."""
        if self.stop_reason != "tool_use":
            return ()
        used = [block for block in self.content if block["type"] == "tool_use"]
        return tuple(ToolUse(block["id"], block["name"], block["input"]) for block in used)


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the turn in flight: of its text, of its thinking, or of an action's JSON."""

    kind: Literal["text", "thinking", "action"]
    text: str
    name: str = ""


class ModelFaultError(EnvironmentLackError):
    """A turn did not end well.

    Attributes:
        kind: what went wrong.
        transient: the same request may succeed later.
        retry_after_s: how long the server asks to wait; None where it does not say.
        usage: what is to be booked, exact or a bound; None where nothing reached the model.
        request_id: what the server's operators ask for.
    """

    def __init__(
        self,
        kind: FaultKind,
        sentence: str,
        mend: str = "",
        *,
        transient: bool = False,
        retry_after_s: float | None = None,
        usage: Usage | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(sentence, mend)
        self.kind: FaultKind = kind
        self.transient = transient
        self.retry_after_s = retry_after_s
        self.usage = usage
        self.request_id = request_id


@dataclass(frozen=True, slots=True)
class Wire:
    """What the caller settled for one call: the model's id, and the most it may write."""

    model: str
    max_tokens: int


class ModelPort(Protocol):
    """The way to a model: one call, one turn, no retries, no books."""

    async def turn(self, request: Request, wire: Wire, heard: Callable[[Delta], None]) -> Turn:
        """Asks for a turn; `heard` gets its pieces as they come.

        Raises:
            ModelFaultError: it did not end well; nothing in it may be acted on.
        """
        ...

    async def close(self) -> None:
        """Lets go of connections."""
        ...


class Model(Protocol):
    """What the agents ask: books, budget, retries, interruptions and the record of exchanges are its business."""

    async def ask(self, build: Callable[[], Request], host: Host) -> Turn:
        """The turn that `build()` asks for; it is built anew for each try, so that it holds the newest words.

        Raises:
            ModelFaultError: it failed for good, or too often.
            BudgetSpentError: it does not fit the budget.
        """
        ...
