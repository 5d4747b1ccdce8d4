"""Reads a run's metric out of its output as it streams by, in bounded memory and next to free where there is none."""

import math
import re
from typing import Final, Literal

import msgspec

from mlrcopilot_tui.runs.metric_lines import metric_pattern, parse_line

LINE_LIMIT: Final = 65_536
"""Bytes; of a longer line only this much of its end is searched."""

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
        self._needles = {name.encode(), msgspec.json.encode(name)[1:-1], _ascii_json(name)}
        self._partial = b""

    def feed(self, chunk: bytes, t: float = 0.0) -> list[Reading]:
        """Take the next bytes of the stream and return the readings of the lines that they complete."""
        data = self._partial + chunk
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        self._partial = data[max(end, len(data) - LINE_LIMIT) :]
        if not end or not self._mentions(data):
            return []
        return self._read(data[:end], t)

    def close(self, t: float = 0.0) -> list[Reading]:
        """Take the end of the stream: a last line needs no line end."""
        data, self._partial = self._partial, b""
        return self._read(data, t) if self._mentions(data) else []

    def _mentions(self, data: bytes) -> bool:
        return any(needle in data for needle in self._needles)

    def _read(self, data: bytes, t: float) -> list[Reading]:
        readings = []
        for line in data.replace(b"\r", b"\n").split(b"\n"):
            if not self._mentions(line):
                continue
            text = ESCAPES.sub(b"", line[-LINE_LIMIT:]).decode(errors="replace")
            if found := parse_line(text, self._name, self._pattern):
                reading = Reading(
                    name=self._name, value=found.value, step=found.step, total=found.total, t=t, source=self._source
                )
                readings.append(reading)
        return readings


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
