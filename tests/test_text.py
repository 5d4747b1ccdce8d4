"""No text, however hostile, may reach the terminal as anything but printable characters."""

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mlrcopilot_tui.text import last_carriage_segment, one_line, printable

FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")

SEQUENCES = ["\x1b[31m", "\x1b]52;c;aGk=\x07", "\x1b]0;t\x1b\\", "\x1bP1$r", "\x1b_G", "\x1b^", "\x1b", "\x1b["]
SEQUENCES += ["\x9b5n", "\x9d0;x\x9c", "\x90q", "\x07", "\x08", "\r", "\n", "\t", "\u202e", "\u2066", "\ud800", "[/x]"]
hostile_text = st.lists(
    st.one_of(st.text(st.characters(exclude_categories=()), max_size=8), st.sampled_from(SEQUENCES)), max_size=12
).map("".join)


@given(hostile_text, st.booleans(), st.booleans(), st.integers(1, 8))
def test_nothing_that_a_terminal_obeys_is_left(text: str, keep_newlines: bool, reveal: bool, tab_width: int) -> None:
    shown = printable(text, keep_newlines=keep_newlines, tab_width=tab_width, reveal=reveal)
    if keep_newlines:
        shown = shown.replace("\n", "")
    assert not FORBIDDEN.search(shown)
    shown.encode()


@given(hostile_text, st.integers(0, 60))
def test_a_sequence_split_across_chunks_stays_harmless(text: str, cut: int) -> None:
    assert not FORBIDDEN.search(printable(text[:cut]) + printable(text[cut:]))


@given(hostile_text)
def test_showing_twice_changes_nothing(text: str) -> None:
    once = printable(text)
    assert printable(once) == once


@given(hostile_text, st.integers(0, 30))
def test_one_line_fits(text: str, width: int) -> None:
    line = one_line(text, width)
    assert cell_len(line) <= width
    assert not FORBIDDEN.search(line)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[38:2::1:2:3mx", "x"),
        ("a\x1b]52;c;ZXZpbA==\x07b", "ab"),
        ("a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "alink"),
        ("a\x9d52;c;x\x9cb", "ab"),
        ("a\x1bPq#0\x1b\\b", "ab"),
        ("a\x1b_Gi=1;AAAA\x1b\\b", "ab"),
        ("a\x9b31mb", "ab"),
        ("a\x1b(Bb\x1b=c\x1b7d", "abcd"),
        ("\x1b\x1b[0m[31m", "[31m"),
        ("\x1b]0;never ended, so it hides nothing", "0;never ended, so it hides nothing"),
        ("a\x1b", "a"),
        ("a\x1b[12", "a"),
        ("a\x00b\x08c\x07", "abc"),
        ("a\tb", "a   b"),
        ("a\r\nb\nc\u2028d", "a b c d"),
        ("if x:\u202e} \u2066", "if x:⟦U+202E⟧} ⟦U+2066⟧"),
        ("zero\u200bwidth\ufeff soft\u00adhyphen", "zerowidth softhyphen"),
        ("lone \ud800 and \udcff byte", "lone \ufffd and \ufffd byte"),
        ("unassigned \u0378", "unassigned \ufffd"),
        ("private \ue0b0", "private \ue0b0"),
        ("naïve 漢字 e\u0301 🎉", "naïve 漢字 e\u0301 🎉"),
        ("[/x] [bold]", "[/x] [bold]"),
    ],
)
def test_known_text(raw: str, shown: str) -> None:
    assert printable(raw) == shown


def test_newlines_are_kept_on_request() -> None:
    assert printable("a\r\nb\rc\vd\n", keep_newlines=True) == "a\nb\nc\nd\n"


def test_review_hides_nothing() -> None:
    assert printable("x = 1\u200b\x1b[8m# \u202e\r", reveal=True) == "x = 1⟦U+200B⟧␛[8m# ⟦U+202E⟧␍"
    assert printable("a\r\nb\n", keep_newlines=True, reveal=True) == "a\nb\n"


@pytest.mark.parametrize("start", ["", "\x1b[", "\x1bP"])
@pytest.mark.parametrize("repeated", ["\x1b]", "\x9d", "1;", "\x1b[ "])
def test_a_long_hostile_text_is_read_in_one_pass(start: str, repeated: str) -> None:
    assert not FORBIDDEN.search(printable(start + repeated * 200_000))


def test_one_line_cuts_with_an_ellipsis_in_cells() -> None:
    assert one_line("  a  long\n title ", 20) == "a long title"
    assert one_line("a long title", 7) == "a long…"
    assert one_line("漢字漢字", 5) == "漢字…"
    assert one_line("e" + "\u0301" * 1_000_000, 5).startswith("e")


def test_progress_lines_show_their_last_state() -> None:
    assert last_carriage_segment("  0%\r 50%\r100%") == "100%"
    assert last_carriage_segment("  0%\r100%\r") == "100%"
    assert last_carriage_segment("plain\r") == "plain"
    assert last_carriage_segment("") == ""


def test_the_boundary_is_cheap_to_import() -> None:
    code = "import sys, mlrcopilot_tui.text; print(*[m for m in ('rich', 'textual', 'msgspec') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
