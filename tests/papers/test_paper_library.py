"""A session's papers are parsed once, kept whole, and belong to their owner alone."""

import os
import stat
from pathlib import Path

import pytest

from mlrcopilot_tui.errors import EnvironmentLackError, InputError
from mlrcopilot_tui.papers.library import PaperLibrary
from mlrcopilot_tui.papers.model import Paper
from mlrcopilot_tui.papers.pdf import read_paper


@pytest.fixture
def shelf(tmp_path: Path) -> PaperLibrary:
    return PaperLibrary(tmp_path / "session" / "papers")


def test_an_added_paper_is_found_again_by_its_digest(shelf: PaperLibrary, short: Path) -> None:
    added = shelf.add(short)
    assert PaperLibrary(shelf.folder).get(added.digest) == added
    assert shelf.pdf(added.digest).read_bytes() == short.read_bytes()


def test_papers_are_readable_by_their_owner_alone(shelf: PaperLibrary, short: Path) -> None:
    shelf.add(short)
    assert stat.S_IMODE(shelf.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in shelf.folder.iterdir()} == {0o600}
    assert len(list(shelf.folder.iterdir())) == 2


def test_the_same_content_is_not_read_twice(
    shelf: PaperLibrary, short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = shelf.add(short)
    copy = tmp_path / "copy.pdf"
    copy.write_bytes(short.read_bytes())
    monkeypatch.setattr("mlrcopilot_tui.papers.library.read_paper", lambda *_, **__: pytest.fail("read again"))
    assert shelf.add(copy) == added


@pytest.mark.parametrize("damage", [b"", b"{", b'{"digest": 3}'])
def test_a_damaged_entry_is_read_again(shelf: PaperLibrary, short: Path, damage: bytes) -> None:
    added = shelf.add(short)
    (shelf.folder / f"{added.digest}.json").write_bytes(damage)
    with pytest.raises(InputError, match="no paper"):
        shelf.get(added.digest)
    assert shelf.add(short) == added == shelf.get(added.digest)


@pytest.mark.parametrize("digest", ["", "0" * 64, "../../secret", "/etc/passwd", "\x1b[31m"])
def test_what_is_not_there_is_told(shelf: PaperLibrary, digest: str) -> None:
    with pytest.raises(InputError, match="no paper") as caught:
        shelf.get(digest)
    assert str(caught.value).isprintable()


def test_a_file_that_changes_while_it_is_read_is_not_kept(
    shelf: PaperLibrary, short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moving = tmp_path / "moving.pdf"
    moving.write_bytes(short.read_bytes())

    def read_and_change(path: Path, **_options: object) -> Paper:
        read = read_paper(path)
        path.write_bytes(short.read_bytes() + b"\n%% more")
        return read

    monkeypatch.setattr("mlrcopilot_tui.papers.library.read_paper", read_and_change)
    with pytest.raises(InputError, match="changed"):
        shelf.add(moving)
    assert list(shelf.folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(shelf: PaperLibrary, short: Path) -> None:
    shelf.folder.parent.write_text("a file where the session's folder should be")
    with pytest.raises(EnvironmentLackError, match="cannot be kept"):
        shelf.add(short)


def test_a_full_disk_leaves_nothing_half_written(
    shelf: PaperLibrary, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(_descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(EnvironmentLackError, match="No space left"):
        shelf.add(short)
    assert list(shelf.folder.iterdir()) == []


def test_what_is_no_pdf_leaves_no_trace(shelf: PaperLibrary, tmp_path: Path) -> None:
    text = tmp_path / "text.pdf"
    text.write_text("no")
    with pytest.raises(InputError, match="is not a PDF"):
        shelf.add(text)
    assert not shelf.folder.exists()
