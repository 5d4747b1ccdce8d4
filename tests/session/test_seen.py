"""How far a session was seen, on disk."""

import threading
from pathlib import Path

import pytest

from mlrcopilot_tui.session.seen import SEEN_NAME, Seen, read_seen, write_seen

EARLY = Seen(seq=3, time="2026-03-09T18:00:00.000Z")
LATE = Seen(seq=9, time="2026-03-09T19:00:00.000Z")


def test_what_was_written_is_read_and_nothing_else_stays(tmp_path: Path) -> None:
    assert read_seen(tmp_path) is None
    write_seen(tmp_path, EARLY)
    assert read_seen(tmp_path) == EARLY
    assert [path.name for path in tmp_path.iterdir()] == [SEEN_NAME]


def test_a_screen_that_lags_takes_nothing_back(tmp_path: Path) -> None:
    write_seen(tmp_path, LATE)
    write_seen(tmp_path, EARLY)
    assert read_seen(tmp_path) == LATE


@pytest.mark.parametrize("content", [b"", b"{", b'{"seq": "x"}', b"\xff"])
def test_a_file_that_says_nothing_sound_counts_as_not_seen(tmp_path: Path, content: bytes) -> None:
    (tmp_path / SEEN_NAME).write_bytes(content)
    assert read_seen(tmp_path) is None
    write_seen(tmp_path, LATE)
    assert read_seen(tmp_path) == LATE


def test_a_folder_that_takes_nothing_is_no_reason_to_stop(tmp_path: Path) -> None:
    write_seen(tmp_path / "gone", LATE)


def test_two_screens_at_once_leave_a_whole_file(tmp_path: Path) -> None:
    def write(start: int) -> None:
        for seq in range(start, 400, 2):
            write_seen(tmp_path, Seen(seq=seq, time=LATE.time))
            assert read_seen(tmp_path) is not None

    threads = [threading.Thread(target=write, args=(start,)) for start in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = read_seen(tmp_path)
    assert seen is not None
    assert seen.seq >= 300
