"""What the researcher chose is remembered, and what cannot be read is forgotten without a word."""

from pathlib import Path

import pytest

from mlrcopilot_tui.resources import config_folder
from mlrcopilot_tui.tui import preferences as prefs


def test_choices_come_back(tmp_path: Path) -> None:
    assert prefs.load() == prefs.Preferences()
    prefs.save(prefs.Preferences(theme="light", strip=False, recent=[str(tmp_path)]))
    assert prefs.load() == prefs.Preferences(theme="light", strip=False, recent=[str(tmp_path)])


def test_recent_workspaces_are_those_that_are_still_there(tmp_path: Path) -> None:
    kept = prefs.Preferences()
    for name in ("a", "b", "a"):
        (tmp_path / name).mkdir(exist_ok=True)
        prefs.note_opened(kept, tmp_path / name)
    (tmp_path / "b").rmdir()
    assert kept.recent == [str(tmp_path / "a"), str(tmp_path / "b")]
    assert prefs.load().recent_workspaces() == [tmp_path / "a"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"theme": 3}', b"\xff"])
def test_what_cannot_be_read_counts_as_not_chosen(content: bytes) -> None:
    config_folder().mkdir(parents=True)
    (config_folder() / "screen.json").write_bytes(content)
    assert prefs.load() == prefs.Preferences()


def test_a_folder_that_cannot_be_written_stops_nothing() -> None:
    config_folder().parent.mkdir(parents=True, exist_ok=True)
    config_folder().write_text("a file in the way", "utf-8")
    prefs.save(prefs.Preferences(theme="light"))
    assert prefs.load() == prefs.Preferences()
