"""No file, whatever is in it, gives anything but a paper or a sentence; and nothing of the reader stays behind."""

import random
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.papers.model import Paper
from mlrcopilot_tui.papers.pdf import read_paper
from mlrcopilot_tui.papers.protocol import Failed, Parsed
from mlrcopilot_tui.papers.worker import answer
from tests.papers.make_pdf import HOSTILE, many_operators, nested_forms

_HEADERS = [
    b"",
    b"%PDF-",
    b"%PDF-1.7\n",
    b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>\n",
]


@pytest.fixture(autouse=True)
def _nothing_left(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """After each test no child is left, not even a zombie, and none has written to the terminal."""
    yield
    assert psutil.Process().children() == []
    assert capfd.readouterr() == ("", "")


def _outcome(data: bytes, path: Path, *, timeout_s: float = 20.0, memory_bytes: int = 2 << 30) -> Paper | str:
    path.write_bytes(data)
    try:
        return read_paper(path, timeout_s=timeout_s, memory_bytes=memory_bytes)
    except InputError as error:
        return error.sentence if error.mend else "no mend"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(tmp_path: Path, name: str) -> None:
    sentence = _outcome(HOSTILE[name](), tmp_path / "x.pdf")
    assert isinstance(sentence, str)
    assert sentence.startswith("x.pdf ")


def test_a_bomb_is_named_as_one(tmp_path: Path) -> None:
    assert "too large" in str(_outcome(HOSTILE["flate bomb"](), tmp_path / "x.pdf"))


def test_forms_within_forms_end(tmp_path: Path) -> None:
    outcome = _outcome(nested_forms(), tmp_path / "x.pdf")
    assert isinstance(outcome, str) or set(outcome.sections[0].text.split()) == {"deep"}


def test_a_file_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    sentence = _outcome(many_operators(), tmp_path / "x.pdf", timeout_s=1.0)
    assert sentence == "x.pdf takes longer than 1 s to read."


def test_a_file_that_takes_too_much_memory_is_given_up(tmp_path: Path) -> None:
    sentence = _outcome(many_operators(), tmp_path / "x.pdf", memory_bytes=120 << 20)
    assert sentence == "x.pdf needs more memory to read than it may take."


def test_a_reader_that_is_killed_gives_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = 'import os; os.write(1, b\'{"type":"started"}\\n\'); os.kill(os.getpid(), 11)'
    monkeypatch.setattr("mlrcopilot_tui.papers.pdf._IN_CHILD", killed)
    assert _outcome(b"%PDF-1.7\n", tmp_path / "x.pdf") == "x.pdf cannot be read: the reading process broke off."


@pytest.mark.parametrize("flood", ["'x' * 100 + '\\n'", "'x'"])
def test_a_reader_that_talks_nonsense_gives_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flood: str
) -> None:
    monkeypatch.setattr("mlrcopilot_tui.papers.pdf.MAX_ANSWER_BYTES", 1 << 20)
    monkeypatch.setattr("mlrcopilot_tui.papers.pdf._IN_CHILD", f"while True: print({flood}, end='')")
    assert "too large" in str(_outcome(b"%PDF-1.7\n", tmp_path / "x.pdf"))


def test_truncated_and_flipped_files_through_the_child(tmp_path: Path, two_columns: Path) -> None:
    whole = two_columns.read_bytes()
    chance = random.Random(7)
    for _ in range(6):
        _outcome(whole[: chance.randrange(len(whole))], tmp_path / "cut.pdf")
        flipped = bytearray(whole)
        for _ in range(300):
            flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        _outcome(bytes(flipped), tmp_path / "flipped.pdf")


def _answer(data: bytes) -> Parsed | Failed:
    return answer(BytesIO(data), lambda _done, _total: None)


_QUIET = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_QUIET
@given(st.sampled_from(_HEADERS), st.binary(max_size=400))
def test_random_bytes_never_raise(header: bytes, noise: bytes) -> None:
    assert isinstance(_answer(header + noise), Failed)


@_QUIET
@given(st.data())
def test_damage_anywhere_never_raises(short: Path, data: st.DataObject) -> None:
    whole = bytearray(short.read_bytes())
    for position, value in data.draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)))):
        whole[position] = value
    end = data.draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))
    assert isinstance(_answer(bytes(whole[:end])), Parsed | Failed)
