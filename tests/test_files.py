"""A file written aside is whole or absent."""

import stat
from pathlib import Path

import pytest

from mlrcopilot_tui.files import write_whole, written_aside


def test_a_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "kept.json"
    write_whole(target, b"old")
    write_whole(target, b"new", durable=False)
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_what_fails_half_way_leaves_the_old_one_and_no_crumbs(tmp_path: Path) -> None:
    target = tmp_path / "kept.json"
    write_whole(target, b"old")
    with pytest.raises(TypeError), written_aside(target) as file:
        file.writelines([b"half", "no bytes"])  # type: ignore[list-item] # that is what fails
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_longest_name_that_a_file_may_have_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 255)
    write_whole(target, b"data")
    assert target.read_bytes() == b"data"
