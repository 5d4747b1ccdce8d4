"""The stream of readings: the same however it is cut up, in bounded memory whatever it holds."""

import json
import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.runs.metrics import (
    BURST,
    LASTING_PER_S,
    LINE_LIMIT,
    WHOLE_END,
    MetricReader,
    Reading,
    decode_reading,
    encode_readings,
)

PIECES = st.sampled_from(
    [
        b"val_error: 0.5\n", b"val_error", b"=", b"0.25", b"\n", b"\r", b"\r\n", b"epoch 3/7 ", b"\x1b[31m", b"\x1b[0m",
        b'{"val_error": 1, "step": 2}\n', b"{'val_error': nan}\n", b"noise ", b"\xff\xfe", b"best ", b"nan", b"-inf",
    ]
)  # fmt: skip


def read(stream: bytes, name: str = "val_error") -> list[tuple[float, int | None]]:
    reader = MetricReader(name)
    return [(reading.value, reading.step) for reading in reader.feed(stream) + reader.close()]


@given(st.lists(PIECES, max_size=30), st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_readings_do_not_depend_on_how_the_stream_is_cut(pieces: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(pieces)
    reader, readings, offset = MetricReader("val_error"), [], 0
    for cut in cuts:
        readings += reader.feed(stream[offset : offset + cut])
        offset += cut
    readings += reader.feed(stream[offset:]) + reader.close()
    assert [(repr(reading.value), reading.step) for reading in readings] == [
        (repr(value), step) for value, step in read(stream)
    ]


@given(st.binary(max_size=300))
def test_no_bytes_upset_the_reader(noise: bytes) -> None:
    read(noise.replace(b"Q", b"val_error"))
    read(b"val_error: " + noise + b"\n{'val_error': " + noise + b"}\nval_error=" + noise)


@given(st.floats(allow_nan=False), st.integers(0, 10**9))
def test_printed_numbers_come_back_exactly(value: float, step: int) -> None:
    stream = f"step {step} val_error: {value!r}\n{json.dumps({'val_error': value, 'step': step})}\n"
    assert read(stream.encode()) == [(value, step), (value, step)]


def test_carriage_returns_end_lines() -> None:
    assert read(b"\rval_error=0.5\rval_error=0.25\r\nval_error=0.125") == [(0.5, None), (0.25, None), (0.125, None)]


def test_escape_sequences_are_no_part_of_a_line() -> None:
    assert read(b"\x1b[1;31mval_error\x1b[0m: \x1b[32m0.5\x1b[0m\x1b[K\n") == [(0.5, None)]
    assert read(b"\x1b]0;title\x07val_error: 0.5\n\x1b]8;;x\x1b\\val_error=1\x1b]8;;\x1b\\\n") == [
        (0.5, None),
        (1, None),
    ]


def test_a_flood_of_values_is_thinned_evenly_and_its_last_one_counts() -> None:
    reader, count = MetricReader("val_error"), 4 * BURST
    values = [reading.value for reading in reader.feed(b"".join(b"val_error: %d\n" % n for n in range(count)))]
    assert len(values) == BURST + WHOLE_END
    assert values == sorted(set(values))
    assert values[-WHOLE_END:] == [count - left for left in range(WHOLE_END, 0, -1)]
    assert max(after - before for before, after in pairwise(values)) == 4


def test_after_a_flood_lines_are_read_again_at_the_lasting_pace() -> None:
    reader = MetricReader("val_error")
    reader.feed(b"val_error: 1\n" * 2 * BURST)
    assert len(reader.feed(b"val_error: 1\n" * BURST)) == WHOLE_END
    assert len(reader.feed(b"val_error: 1\n" * BURST, 1.0)) == LASTING_PER_S + WHOLE_END
    assert len(reader.feed(b"val_error: 1\n" * BURST, 1000.0)) == BURST


def test_the_last_value_of_a_flood_is_found_before_lines_that_only_name_it() -> None:
    reader = MetricReader("val_error")
    stream = b"val_error: 1\n" * 2 * BURST + b"val_error: 0.125\n" + b"saved by val_error\n" * (WHOLE_END - 1)
    assert reader.feed(stream)[-1].value == 0.125


def test_a_giant_line_survives_in_bounded_memory() -> None:
    reader = MetricReader("val_error")
    for _ in range(160):
        assert reader.feed(b"x" * LINE_LIMIT) == []
        assert len(reader._partial) <= LINE_LIMIT
    assert [reading.value for reading in reader.feed(b" val_error: 0.5\nval_error: 0.25\n")] == [0.5, 0.25]
    assert read(b"y" * 10_000_000 + b" val_error: 0.5") == [(0.5, None)]


def test_a_name_beyond_ascii_is_found_escaped_too() -> None:
    assert read(json.dumps({"précision": 0.5}).encode(), "précision") == [(0.5, None)]
    assert read("précision: 0.5".encode(), "précision") == [(0.5, None)]


def test_readings_carry_name_time_and_source() -> None:
    assert MetricReader("loss", "file").feed(b"step 2/9 loss: 0.5\n", 1.5) == [
        Reading(name="loss", value=0.5, step=2, total=9, t=1.5, source="file")
    ]


@given(st.floats())
def test_readings_survive_the_disk(value: float) -> None:
    written = encode_readings([Reading(name="loss", value=value, step=3, t=0.5, source="stdout")])
    json.loads(written)
    read_back = decode_reading(written)
    assert read_back.value == value or math.isnan(read_back.value)
    assert read_back.step == 3
