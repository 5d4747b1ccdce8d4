"""A run's log: shown at once however long, followed at its end, still where somebody reads."""

import os
import random
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from mlrcopilot_tui.tui.themes import variable_defaults
from mlrcopilot_tui.tui.widgets import log_file
from mlrcopilot_tui.tui.widgets.log_file import LogFile
from mlrcopilot_tui.tui.widgets.log_pane import LogPane
from mlrcopilot_tui.tui.widgets.searching import SearchFinished

MEGABYTE = 1 << 20


class LogApp(App[None]):
    ENABLE_COMMAND_PALETTE = False

    def __init__(self) -> None:
        super().__init__()
        self.searches: list[bool] = []
        self.asked = 0

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variable_defaults(self.current_theme)

    def compose(self) -> ComposeResult:
        yield LogPane()

    def on_mount(self) -> None:
        self.animation_level = "none"
        self.pane.focus()

    @property
    def pane(self) -> LogPane:
        return self.query_one(LogPane)

    def on_search_finished(self, message: SearchFinished) -> None:
        self.searches.append(message.found)

    def on_search_requested(self) -> None:
        self.asked += 1


def screen(app: LogApp) -> list[str]:
    width = app.pane.scrollable_content_region.width
    return [strip.text[:width].rstrip() for strip in app.screen._compositor.render_strips()]


def write(path: Path, text: str | bytes, mode: str = "wb") -> None:
    with path.open(mode) as file:
        file.write(text.encode() if isinstance(text, str) else text)


def move(path: Path, target: Path) -> None:
    path.replace(target)


def lines(first: int, stop: int) -> str:
    return "".join(f"line {n}\n" for n in range(first, stop))


async def tick(pilot: Pilot[None], times: int = 1) -> None:
    assert isinstance(pilot.app, LogApp)
    for _ in range(times):
        pilot.app.pane.refresh_from_disk()
        await pilot.pause()


def read_all(file: LogFile, budget: int = MEGABYTE) -> None:
    while file.refresh(budget) or not file.complete:
        pass


def shown(path: Path) -> list[str]:
    file = LogFile(path)
    read_all(file)
    text = [file.line(number) for number in range(file.first, file.last)]
    file.close()
    return text


# The file and its index


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from([b"a\n", b"\n", b"bcd", b"x" * 40 + b"\n", b"\xff\n", b"no end"]), max_size=40), st.data()
)
def test_lines_are_those_of_the_file_whatever_the_page_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pieces: list[bytes], data: st.DataObject
) -> None:
    page = data.draw(st.sampled_from([1, 2, 7, 16, 1 << 16]))
    monkeypatch.setattr(log_file, "PAGE", page)
    path = tmp_path / "log"
    written = data.draw(st.integers(0, len(pieces)))
    path.write_bytes(b"".join(pieces[:written]))
    file = LogFile(path)
    file.refresh(data.draw(st.integers(0, 60)))
    with path.open("ab") as log:
        log.write(b"".join(pieces[written:]))
    read_all(file, 64)
    content = b"".join(pieces).decode(errors="replace")
    expected = content.split("\n")
    if expected[-1] == "":
        expected.pop()
    assert [file.line(n) for n in range(file.first, file.last)] == expected
    for backwards in (False, True):
        start = file.last - 1 if backwards else file.first
        found = [n - file.first for n in file.candidates(b"x", start, backwards=backwards) if n is not None]
        hits = [at for at, line in enumerate(expected) if "x" in line]
        assert found == (hits[::-1] if backwards else hits)
    file.close()


def test_the_tail_of_a_huge_file_is_there_at_once(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(lines(0, 300_000))
    file = LogFile(path)
    file.refresh(MEGABYTE // 2)
    assert not file.complete
    assert file.line(file.last - 1) == "line 299999"
    last = file.line(file.last - 500)
    read_all(file)
    assert file.line(file.last - 500) == last, "numbers stay while the beginning becomes known"
    assert file.last - file.first == 300_000
    assert file.line(file.first) == "line 0"
    assert file.line(file.first + 123_456) == "line 123456"
    file.close()


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as log:
        for block in range(25):
            log.write(lines(block * 20_000, (block + 1) * 20_000))
    tracemalloc.start()
    file = LogFile(path)
    read_all(file)
    rng = random.Random(0)
    for _ in range(100):
        number = rng.randrange(500_000)
        assert file.line(file.first + number) == f"line {number}"
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    file.close()
    assert held < MEGABYTE
    assert peak < 2 * MEGABYTE


def test_progress_bars_show_their_last_state_however_long(tmp_path: Path) -> None:
    path = tmp_path / "log"
    bar = "".join(f"\r{n:6}%|{'█' * 20}" for n in range(50_000))
    path.write_text(f"start\n{bar}\ndone\r\n\r\n")
    assert shown(path) == ["start", f" 49999%|{'█' * 20}", "done", ""]


def test_a_line_of_ten_megabytes_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"y" * (10 * MEGABYTE) + b"\nnext\n")
    first, second = shown(path)
    assert first == "y" * log_file.SHOWN + "…"
    assert second == "next"


def test_what_a_terminal_would_obey_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"\x1b[31mred\x1b[0m \x1b]52;c;aGk=\x07 [/x] \xff \xe2\x80\xae\n")
    assert shown(path) == ["red  [/x] \ufffd ⟦U+202E⟧"]


def test_a_file_rewritten_unseen_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(lines(0, 1000))
    file = LogFile(path)
    file.refresh(MEGABYTE)
    with path.open("r+") as log:
        log.write("z" * 20_000)
    assert isinstance(file.line(file.first + 900), str)
    read_all(file)
    assert file.line(file.first).startswith("zzz")
    file.close()


# The pane


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "output.log"
    write(path, lines(0, 100))
    return path


async def test_it_begins_at_the_end_and_follows(log: Path) -> None:
    app = LogApp()
    async with app.run_test(size=(40, 10), notifications=True) as pilot:
        app.pane.show(log)
        await pilot.pause()
        assert screen(app) == lines(90, 100).split("\n")[:-1]
        write(log, lines(100, 105) + "unfinished", "ab")
        await tick(pilot)
        assert screen(app)[-2:] == ["line 104", "unfinished"]
        assert app.pane.refresh_from_disk() is False


async def test_new_output_does_not_move_a_view_scrolled_up(log: Path) -> None:
    app = LogApp()
    async with app.run_test(size=(40, 10), notifications=True) as pilot:
        app.pane.show(log)
        await pilot.press("k", "k", "up")
        before = screen(app)
        assert before[0] == "line 87"
        assert bool(app.pane.following) is False
        write(log, lines(100, 200), "ab")
        await tick(pilot)
        assert screen(app) == before
        await pilot.press("G")
        assert bool(app.pane.following) is True
        assert screen(app)[-1] == "line 199"
        write(log, lines(200, 201), "ab")
        await tick(pilot)
        assert screen(app)[-1] == "line 200"


async def test_the_view_stays_while_the_beginning_becomes_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlrcopilot_tui.tui.widgets.log_pane._TICK_BYTES", MEGABYTE // 2)
    path = tmp_path / "log"
    write(path, lines(0, 300_000))
    app = LogApp()
    async with app.run_test(size=(40, 10), notifications=True) as pilot:
        app.pane.show(path)
        await pilot.press("pageup")
        before = screen(app)
        known = app.pane.line_count
        await tick(pilot, 2)
        assert app.pane.line_count > known
        assert screen(app) == before
        await pilot.press("g")
        await tick(pilot, 10)
        assert screen(app)[0] == "line 0"


async def test_keys_go_where_they_say(log: Path) -> None:
    app = LogApp()
    async with app.run_test(size=(40, 11), notifications=True) as pilot:
        app.pane.show(log)
        steps = {"g": 0, "j": 1, "down": 2, "k": 1, "ctrl+d": 6, "pagedown": 16, "ctrl+u": 11, "pageup": 1, "end": 89}
        for key, top in [*steps.items(), ("home", 0)]:
            await pilot.press(key)
            assert screen(app)[0] == f"line {top}", key
        await pilot.press("slash")
        assert app.asked == 1


async def test_sideways(log: Path) -> None:
    write(log, "0123456789" * 20 + "\n")
    app = LogApp()
    async with app.run_test(size=(40, 5), notifications=True) as pilot:
        app.pane.show(log)
        await pilot.pause()
        await pilot.press("l")
        await pilot.pause()
        assert screen(app)[0].startswith("8901")
        await pilot.press("left")
        assert screen(app)[0].startswith("0123")


async def test_cut_replaced_absent_and_none(log: Path) -> None:
    app = LogApp()
    async with app.run_test(size=(40, 5), notifications=True) as pilot:
        app.pane.show(log.with_name("absent"))
        await pilot.pause()
        assert screen(app)[0] == "The output of the run appears here."
        app.pane.show(log)
        await pilot.press("g")
        write(log, "cut\n")
        await tick(pilot)
        assert screen(app) == ["cut", "", "", "", ""]
        write(log.with_name("new"), lines(0, 50))
        move(log.with_name("new"), log)
        await tick(pilot)
        assert screen(app)[-1] == "line 49"
        move(log, log.with_name("away"))
        await tick(pilot)
        assert app.pane.line_count == 0
        app.pane.show(None)
        await pilot.pause()
        assert screen(app)[0] == "The output of the run appears here."
        assert app.pane.refresh_from_disk() is False


async def test_search_goes_to_matches_around_the_end_and_marks_them(log: Path) -> None:
    app = LogApp()
    async with app.run_test(size=(40, 10), notifications=True) as pilot:
        app.pane.show(log)
        await pilot.press("g")
        app.pane.search("LINE 42")
        await pilot.pause()
        assert app.searches == [False]
        app.pane.search("line 4")
        await pilot.press("n", "n")
        assert "line 41" in screen(app)
        await pilot.press("N", "N", "N")
        await pilot.pause()
        assert "line 49" in screen(app)
        row = screen(app).index("line 49")
        styles = [segment.style for segment in app.pane.render_line(row) if segment.text.strip()]
        match, rest = styles
        assert match is not None
        assert rest is not None
        assert match.bold
        assert match.bgcolor != rest.bgcolor
        app.pane.search("")
        assert app.searches == [False, *[True] * 6]


async def test_what_is_redrawn_is_not_found(log: Path) -> None:
    write(log, "epoch 1\repoch 2\nother\n")
    app = LogApp()
    async with app.run_test(size=(40, 5), notifications=True) as pilot:
        app.pane.show(log)
        app.pane.search("epoch 1")
        app.pane.search("epoch 2")
        await pilot.pause()
        assert app.searches == [False, True]


async def test_text_to_copy(log: Path) -> None:
    app = LogApp()
    async with app.run_test(size=(40, 5), notifications=True) as pilot:
        app.pane.show(log)
        await pilot.pause()
        assert app.pane.visible_text() == lines(95, 100).rstrip()
        assert app.pane.selected_text() == ""
        await pilot.mouse_down(LogPane, offset=(2, 1))
        await pilot.hover(LogPane, offset=(3, 2))
        await pilot.mouse_up(LogPane, offset=(3, 2))
        assert app.pane.selected_text() == "ne 96\nline"
        assert app.screen.get_selected_text() == "ne 96\nline"


async def test_hostile_output_stays_text(log: Path) -> None:
    write(log, b"\x1b[?1049l\x1b]52;c;aGk=\x07[/x] \xff \xe2\x80\xae " + os.urandom(20_000) + b"q" * (10 * MEGABYTE))
    app = LogApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.pane.show(log)
        app.pane.search("[/x]")
        for key in ("g", "l", "G", "n"):
            await pilot.press(key)
            await tick(pilot)
            assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for line in screen(app) for c in line)


async def test_a_pane_not_laid_out_yet_shows_the_end_once_it_is(log: Path) -> None:
    app = LogApp()
    async with app.run_test(size=(40, 10), notifications=True) as pilot:
        app.pane.display = False
        await pilot.pause()
        app.pane.show(log)
        write(log, lines(100, 150), "ab")
        await tick(pilot)
        app.pane.display = True
        await pilot.pause()
        assert screen(app)[-1] == "line 149"
        await pilot.resize_terminal(40, 4)
        await pilot.pause()
        assert screen(app)[-1] == "line 149"
