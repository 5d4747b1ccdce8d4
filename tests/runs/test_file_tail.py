"""What a run may do to its metrics file."""

import os
from pathlib import Path

from mlrcopilot_tui.runs.file_tail import FileTail


def test_follows_appending_truncating_and_replacing(tmp_path: Path) -> None:
    path = tmp_path / "metrics"
    tail = FileTail(str(path))

    def news() -> bytes:
        return b"".join(tail.read())

    assert news() == b""
    path.write_bytes(b"one\n")
    assert (news(), news()) == (b"one\n", b"")
    with path.open("ab") as file:
        file.write(b"two\n")
    assert news() == b"two\n"
    path.write_bytes(b"3\n")
    assert news() == b"3\n"
    other = tmp_path / "other"
    other.write_bytes(b"replaced\n")
    other.replace(path)
    assert news() == b"replaced\n"


def test_a_long_file_comes_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "metrics"
    path.write_bytes(bytes(1000))
    tail = FileTail(str(path))
    assert sum(map(len, tail.read(limit=600))) == 600
    assert sum(map(len, tail.read(limit=600))) == 400


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "metrics")
    assert list(FileTail(str(tmp_path / "metrics")).read()) == []


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "out of reach").write_text("val_error: 0.1\n")
    (tmp_path / "metrics").symlink_to(tmp_path / "out of reach")
    assert list(FileTail(str(tmp_path / "metrics")).read()) == []
    assert list(FileTail(str(tmp_path)).read()) == []
