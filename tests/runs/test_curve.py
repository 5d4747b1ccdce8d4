"""A curve is read while it is being written."""

import math
from pathlib import Path

from mlrcopilot_tui.runs.curve import read_readings, trusted_readings
from mlrcopilot_tui.runs.metrics import Reading, Source, encode_readings
from mlrcopilot_tui.runs.spec import METRICS_FILE


def reading(step: int, source: Source = "stdout", value: float = 0.5) -> Reading:
    return Reading(name="loss", value=value, step=step, t=float(step), source=source)


def test_reads_on_from_where_it_was_and_leaves_a_torn_line(tmp_path: Path) -> None:
    file = tmp_path / METRICS_FILE
    assert read_readings(tmp_path) == ([], 0)
    whole, torn = encode_readings([reading(1), reading(2)]), encode_readings([reading(3)])
    file.write_bytes(whole + torn[:10])
    readings, offset = read_readings(tmp_path)
    assert ([r.step for r in readings], offset) == ([1, 2], len(whole))
    assert read_readings(tmp_path, offset) == ([], offset)
    file.write_bytes(whole + torn)
    readings, offset = read_readings(tmp_path, offset)
    assert ([r.step for r in readings], offset) == ([3], len(whole + torn))


def test_passes_over_lines_that_are_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / METRICS_FILE).write_bytes(b"{}\nnoise\n\xff\n" + encode_readings([reading(1, value=math.nan)]))
    (only,), _ = read_readings(tmp_path)
    assert math.isnan(only.value)


def test_the_most_trusted_source_counts() -> None:
    mixed = [reading(1), reading(1, "file"), reading(2), reading(2, "file")]
    assert [r.source for r in trusted_readings(mixed)] == ["file", "file"]
    assert trusted_readings([reading(1)]) == [reading(1)]
    assert trusted_readings([]) == []
