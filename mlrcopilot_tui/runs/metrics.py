"""Reads a run's metric out of its output as it streams by, in bounded memory and next to free where there is none."""

import math
import re
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from mlrcopilot_tui.runs.metric_lines import metric_pattern, parse_line

LINE_LIMIT: Final = 65_536
"""Bytes; of a longer line only this much of its end is searched."""

BURST: Final = 5_000
LASTING_PER_S: Final = 500
WHOLE_END: Final = 4
"""How many lines with the metric are read: at once, for long, and of every chunk of a flood whatever came before.

One takes 10 µs (2 vCPU VM): a run that prints 100,000 of them a second would wait for its supervisor.
"""

LINE_END: Final = re.compile(rb"[\r\n]")
ESCAPES: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-Z\\^-~])")

Source = Literal["evaluate", "file", "stdout"]
SOURCES: Final[tuple[Source, ...]] = ("evaluate", "file", "stdout")
"""The most trusted first."""


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reported value; `t` is seconds since the run started. NaN and infinities are values too."""

    name: str
    value: float
    step: int | None = None
    total: int | None = None
    t: float
    source: Source


class MetricReader:
    """Finds the readings of one metric in a stream of bytes.

    Lines end with `\\n` or `\\r`, so that the states of a progress bar are lines of their own. Escape sequences are no
    part of a line.

    Args:
        name: the metric's name, matched as a whole word.
        source: where the stream comes from; carried by each reading.
    """

    def __init__(self, name: str, source: Source = "stdout") -> None:
        self._name = name
        self._source = source
        self._pattern = metric_pattern(name)
        needles = {name.encode(), msgspec.json.encode(name)[1:-1], _ascii_json(name)}
        self._mention = re.compile(b"|".join(map(re.escape, needles)))
        self._partial = b""
        self._allowance = float(BURST)
        self._fed_at = 0.0

    def feed(self, chunk: bytes, t: float = 0.0) -> list[Reading]:
        """Take the next bytes of the stream and return the readings of the lines that they complete."""
        data = self._partial + chunk
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        self._partial = data[max(end, len(data) - LINE_LIMIT) :]
        return self._read(data[:end], t) if end else []

    def close(self, t: float = 0.0) -> list[Reading]:
        """Take the end of the stream: a last line needs no line end."""
        data, self._partial = self._partial, b""
        return self._read(data, t)

    def _read(self, data: bytes, t: float) -> list[Reading]:
        readings = []
        for line in self._thinned(list(self._mentioning(data)), t):
            text = ESCAPES.sub(b"", line[-LINE_LIMIT:]).decode(errors="replace")
            if found := parse_line(text, self._name, self._pattern):
                reading = Reading(
                    name=self._name, value=found.value, step=found.step, total=found.total, t=t, source=self._source
                )
                readings.append(reading)
        return readings

    def _mentioning(self, data: bytes) -> Iterator[bytes]:
        """The lines with the metric's name: looking at no other is 30 times as fast where one in a hundred has it."""
        at = 0
        while mention := self._mention.search(data, at):
            begin = max(data.rfind(end, at, mention.start()) for end in (b"\n", b"\r")) + 1
            end = LINE_END.search(data, mention.end())
            yield data[max(begin, at) : end.start() if end else len(data)]
            at = end.end() if end else len(data)

    def _thinned(self, lines: list[bytes], t: float) -> list[bytes]:
        """All of them, or of a flood a share that is spread evenly; its end is whole, because the last value counts."""
        self._allowance = min(BURST, self._allowance + LASTING_PER_S * max(0.0, t - self._fed_at))
        self._fed_at = t
        if len(lines) > self._allowance + WHOLE_END:
            share, rest = int(self._allowance), len(lines) - WHOLE_END
            lines = [lines[rest * index // share] for index in range(share)] + lines[rest:]
        self._allowance = max(0.0, self._allowance - len(lines))
        return lines


def encode_readings(readings: list[Reading]) -> bytes:
    """As JSON lines; what JSON has no number for is a string, `"nan"`, so that nothing is lost."""
    return b"".join(_encode(reading) + b"\n" for reading in readings)


def decode_reading(line: bytes) -> Reading:
    """One line of `encode_readings`.

    Raises:
        msgspec.DecodeError: the line is not one.
    """
    return msgspec.json.decode(line, type=Reading, strict=False)


def _encode(reading: Reading) -> bytes:
    if math.isfinite(reading.value):
        return msgspec.json.encode(reading)
    return msgspec.json.encode({**msgspec.structs.asdict(reading), "value": str(reading.value)})


def _ascii_json(name: str) -> bytes:
    r"""The name as `json.dumps` writes it: beyond ASCII in \u escapes."""
    if name.isascii():
        return msgspec.json.encode(name)[1:-1]
    import json  # noqa: PLC0415  11 ms, and few names are beyond ASCII

    return json.dumps(name)[1:-1].encode()
