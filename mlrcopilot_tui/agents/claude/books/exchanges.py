"""Every exchange with a model, verbatim, on disk: for the books of a cut call, for resuming, and for replay."""

import contextlib
import hashlib
import json
import os
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from mlrcopilot_tui.agents.claude.books.redaction import Redaction
from mlrcopilot_tui.agents.claude.turns import ModelFaultError, Request, Tool, Turn, Wire
from mlrcopilot_tui.errors import CopilotError, EnvironmentLackError
from mlrcopilot_tui.session.model_events import Usage

EXCHANGES_NAME = "exchanges.jsonl"


class ExchangesDamagedError(CopilotError):
    """A line before the last one cannot be read; nothing is guessed and nothing is cut."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call to a model as it was recorded.

    Attributes:
        id: its name, counting up from `x1`.
        digest: of all that went over the wire.
        ended: whether the process that began it lived to see its end.
        outcome: the turn, or the fault; None for a call that was cut.
        wall_s: seconds that it took; 0 until it ended.
    """

    id: str
    request: Request
    wire: Wire
    digest: str
    ended: bool = False
    outcome: Turn | ModelFaultError | None = None
    wall_s: float = 0.0


class ExchangeLog:
    """The exchanges of one session; whoever holds the session's lock is its one writer.

    Args:
        folder: where the file lies; made when something is to be written.
        secrets: values that must not reach the disk, wherever they stand.

    Raises:
        ExchangesDamagedError: what earlier processes wrote cannot be read.
    """

    def __init__(self, folder: Path, secrets: Sequence[str] = ()) -> None:
        self._path = folder / EXCHANGES_NAME
        self._redact = Redaction(secrets)
        reader = ExchangeReader(self._path)
        earlier = list(reader.exchanges())
        self._end = reader.offset
        self._parts = reader.numbers
        self._conversation: Sequence[int] = reader.conversation
        self._count = len(earlier)
        self._unended = {exchange.id: exchange for exchange in earlier if not exchange.ended}
        self._turns: defaultdict[str, deque[Turn]] = defaultdict(deque)
        for exchange in earlier:
            if exchange.request.resumable and isinstance(exchange.outcome, Turn):
                self._turns[exchange.digest].append(exchange.outcome)

    def begin(self, request: Request, wire: Wire) -> str:
        """Records what is about to be asked, and returns the exchange's id; it is on disk by then.

        Raises:
            EnvironmentLackError: the disk is full or gone.
        """
        texts = _texts(request, self._redact)
        parts = _NewParts(self._parts)
        conversation = [parts.number(text) for text in texts.messages]
        shared = _shared(self._conversation, conversation)
        begun = {
            "begin": f"x{self._count + 1}",
            "digest": texts.digest(wire),
            "model": wire.model,
            "max_tokens": wire.max_tokens,
            "request": {name: getattr(request, name) for name in _SETTINGS},
            "system": parts.number(texts.system),
            "tools": parts.number(texts.tools),
            "schema": parts.number(texts.schema),
            "shared": shared,
            "messages": conversation[shared:],
        }
        self._append(*parts.lines, _json(begun))
        self._parts |= parts.numbers
        self._conversation = conversation
        self._count += 1
        return f"x{self._count}"

    def end(self, exchange: str, outcome: Turn | ModelFaultError | None, wall_s: float) -> None:
        """Records how an exchange ended; None for one that was cut.

        Raises:
            EnvironmentLackError: the disk is full or gone.
        """
        ended: dict[str, Any] = {"end": exchange, "wall_s": wall_s}
        if isinstance(outcome, Turn):
            ended["turn"] = _fields(outcome, _TURN)
        elif outcome is not None:
            ended["fault"] = {"sentence": outcome.sentence, "mend": outcome.mend, **_fields(outcome, _FAULT)}
        self._append(_json(self._redact(ended)))
        self._unended.pop(exchange, None)

    def unended(self) -> list[Exchange]:
        """The exchanges that an earlier process began and did not live to end, until `end` is told of them."""
        return list(self._unended.values())

    def earlier(self, request: Request, wire: Wire) -> Turn | None:
        """The turn that an earlier process got for an equal request, each once, the oldest first.

        Only requests that are `resumable` are answered so.
        """
        if not request.resumable or not self._turns:
            return None
        turns = self._turns.get(request_digest(request, wire, self._redact.secrets))
        return turns.popleft() if turns else None

    def _append(self, *lines: str) -> None:
        """Puts lines on disk, all or none; a line that an earlier process tore is overwritten."""
        data = "".join(f"{line}\n" for line in lines).encode("ascii")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                with contextlib.ExitStack() as undo:
                    undo.callback(os.ftruncate, handle, self._end)
                    os.ftruncate(handle, self._end)
                    written = 0
                    while written < len(data):
                        written += os.pwrite(handle, data[written:], self._end + written)
                    os.fsync(handle)
                    undo.pop_all()
            finally:
                os.close(handle)
        except OSError as error:
            raise EnvironmentLackError(
                f"The exchanges with the model cannot be recorded: {error.strerror}.",
                "Free some disk space, then run `mlrcopilot run` to go on.",
            ) from error
        self._end += len(data)


class _NewParts:
    """The parts of a request that are not in the file yet: with their numbers, and the lines that are to keep them."""

    def __init__(self, known: dict[str, int]) -> None:
        self._known = known
        self.numbers: dict[str, int] = {}
        self.lines: list[str] = []

    def number(self, text: str) -> int:
        """The number of a part, new or not."""
        key = _digest(text)
        if (known := self._known.get(key) or self.numbers.get(key)) is not None:
            return known
        self.numbers[key] = number = len(self._known) + len(self.numbers) + 1
        self.lines.append(f'{{"part":{number},"value":{text}}}')
        return number


class ExchangeReader:
    """Reads a file of exchanges. A last line without its newline was torn by a crash and is left out.

    Attributes:
        offset: bytes up to the end of the last whole line.
        numbers: the number of each part by its digest.
        conversation: the parts of the newest request's messages.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: list[Any] = []
        self.offset = 0
        self.numbers: dict[str, int] = {}
        self.conversation: list[int] = []

    def exchanges(self) -> Iterator[Exchange]:
        """The exchanges in the order in which they began; those that are equal in parts share them.

        Raises:
            ExchangesDamagedError: a whole line cannot be read.
        """
        found: dict[str, Exchange] = {}
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return
        self.offset = data.rfind(b"\n") + 1
        for number, line in enumerate(data[: self.offset].split(b"\n")[:-1], 1):
            try:
                self._take(json.loads(line), found)
            except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
                raise ExchangesDamagedError(
                    f"Line {number} of {self._path} cannot be read ({error}).",
                    "Restore the file from a backup, or move it away; the session goes on without it.",
                ) from error
        yield from found.values()

    def _take(self, line: dict[str, Any], found: dict[str, Exchange]) -> None:
        if "part" in line:
            self._values.append(line["value"])
            self.numbers[_digest(_json(line["value"]))] = line["part"]
        elif "begin" in line:
            exchange = self._begun(line)
            found[exchange.id] = exchange
        else:
            found[line["end"]] = _ended(found[line["end"]], line)

    def _begun(self, line: dict[str, Any]) -> Exchange:
        self.conversation = self.conversation[: line["shared"]] + line["messages"]
        request = Request(
            system=self._value(line["system"]),
            tools=tuple(Tool(**tool) for tool in self._value(line["tools"])),
            schema=self._value(line["schema"]),
            messages=[self._value(number) for number in self.conversation],
            **line["request"],
        )
        return Exchange(line["begin"], request, Wire(line["model"], line["max_tokens"]), line["digest"])

    def _value(self, number: int) -> Any:  # noqa: ANN401 - whatever JSON can hold
        return self._values[number - 1]


def request_digest(request: Request, wire: Wire, secrets: Sequence[str] = ()) -> str:
    """The SHA-256 of all that goes over the wire for `request`, with `secrets` redacted as they are in the record."""
    return _texts(request, Redaction(secrets)).digest(wire)


_SETTINGS = ("purpose", "max_tokens", "role", "one_action", "idea", "attempt", "step", "resumable")
_TURN = ("content", "stop_reason", "usage", "model", "request_id")
_FAULT = ("kind", "transient", "retry_after_s", "usage", "request_id")


@dataclass(frozen=True, slots=True)
class _Texts:
    """The parts of a request as JSON; `rule` is what else of it the server is told."""

    system: str
    tools: str
    schema: str
    messages: list[str]
    rule: str

    def digest(self, wire: Wire) -> str:
        whole = [self.system, self.tools, self.schema, self.rule, _json([wire.model, wire.max_tokens]), *self.messages]
        return _digest("\n".join(whole))


def _texts(request: Request, redact: Redaction) -> _Texts:
    tools = [{name: getattr(tool, name) for name in ("name", "description", "input_schema")} for tool in request.tools]
    return _Texts(
        system=_json(redact(request.system)),
        tools=_json(redact(tools)),
        schema=_json(redact(request.schema)),
        messages=[_json(redact(message)) for message in request.messages],
        rule=_json(request.one_action),
    )


def _ended(exchange: Exchange, line: dict[str, Any]) -> Exchange:
    outcome: Turn | ModelFaultError | None = None
    if turn := line.get("turn"):
        turn |= {"content": tuple(turn["content"]), "usage": _usage(turn["usage"]), "exchange": exchange.id}
        outcome = Turn(**turn)
    elif fault := line.get("fault"):
        outcome = ModelFaultError(**(fault | {"usage": _usage(fault["usage"])}))
    return replace(exchange, ended=True, outcome=outcome, wall_s=line["wall_s"])


def _usage(told: dict[str, Any] | None) -> Usage | None:
    return None if told is None else msgspec.convert(told, Usage)


def _fields(value: object, names: Sequence[str]) -> dict[str, Any]:
    held = {name: getattr(value, name) for name in names}
    return {name: msgspec.to_builtins(item) if isinstance(item, Usage) else item for name, item in held.items()}


def _shared(before: Sequence[int], now: Sequence[int]) -> int:
    """How many parts two conversations have in common at their beginning."""
    pairs = enumerate(zip(before, now, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(before), len(now)))


def _json(value: object) -> str:
    """Compact and in ASCII, so that half a surrogate pair is kept as it came."""
    return json.dumps(value, separators=(",", ":"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()
