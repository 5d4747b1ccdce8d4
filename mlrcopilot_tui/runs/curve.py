"""Reads a run's readings as they come, for curves and reports."""

from pathlib import Path
from typing import Final

import msgspec

from mlrcopilot_tui.runs.metrics import SOURCES, Reading, decode_reading
from mlrcopilot_tui.runs.spec import METRICS_FILE

READ_LIMIT: Final = 1 << 22
"""Bytes, some 40,000 readings; what is left comes with the next call."""


def read_readings(folder: Path, offset: int = 0) -> tuple[list[Reading], int]:
    """The readings from byte `offset` on, and the offset to go on from.

    An unterminated last line is left for later; a line that is none of ours is passed over.
    """
    try:
        with (folder / METRICS_FILE).open("rb") as file:
            file.seek(offset)
            data = file.read(READ_LIMIT)
    except FileNotFoundError:
        return [], offset
    end = data.rfind(b"\n") + 1
    readings = []
    for line in data[:end].splitlines():
        try:
            readings.append(decode_reading(line))
        except msgspec.DecodeError:
            continue
    return readings, offset + end


def all_readings(folder: Path) -> list[Reading]:
    """All readings that there are by now."""
    readings, offset = read_readings(folder)
    while True:
        more, after = read_readings(folder, offset)
        if after == offset:
            return readings
        readings, offset = readings + more, after


def trusted_readings(readings: list[Reading]) -> list[Reading]:
    """Those of the most trusted source that has any: the same number often comes by two ways."""
    best = min((SOURCES.index(reading.source) for reading in readings), default=0)
    return [reading for reading in readings if reading.source == SOURCES[best]]
