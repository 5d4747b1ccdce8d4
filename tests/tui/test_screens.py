"""The screens as text, at the sizes that people have, and what happens as they come and go."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from textual.pilot import Pilot

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.tui import opening
from mlrcopilot_tui.tui.app import CopilotApp
from mlrcopilot_tui.tui.glyphs import ASCII, PLAIN, UNICODE, Glyphs
from mlrcopilot_tui.tui.preferences import Preferences, load
from mlrcopilot_tui.tui.screens.curtain import Curtain, Rise
from mlrcopilot_tui.tui.screens.main import MainScreen
from mlrcopilot_tui.tui.screens.start import StartScreen
from mlrcopilot_tui.tui.start import Direction, Offer
from mlrcopilot_tui.tui.views import Document, Selection, text
from tests.tui.doubles import staged
from tests.tui.story import Story, up_to_gate, up_to_run
from tests.tui.text_frames import check_frame, frame, settle

Told = Callable[[Path], Story]


@pytest.mark.parametrize(
    ("name", "told", "size", "keys"),
    [
        ("gate-120x40", up_to_gate, (120, 40), "3"),
        ("gate-80x24", up_to_gate, (80, 24), "3"),
        ("run-80x24", up_to_run, (80, 24), "4"),
        ("run-200x50", up_to_run, (200, 50), "44"),
        ("ideas-100x30", up_to_gate, (100, 30), "2"),
        ("ideas-60x15", up_to_gate, (60, 15), "2"),
        ("idea-120x22", up_to_gate, (120, 22), ("2", "g", "j", "enter", "1")),
        ("too-small-30x8", up_to_gate, (30, 8), ""),
        ("help-80x24", up_to_gate, (80, 24), "3?"),
        ("reject-80x24", up_to_gate, (80, 24), "3r"),
    ],
)
async def test_frame(tmp_path: Path, name: str, told: Told, size: tuple[int, int], keys: Sequence[str]) -> None:
    async with staged(told(tmp_path / "digits"), size) as stage:
        await stage.press(*keys)
        check_frame(stage.app, name)


@pytest.mark.parametrize(("name", "glyphs", "plain"), [("ascii-120x40", ASCII, False), ("plain-120x40", PLAIN, True)])
async def test_frame_without_drawings(tmp_path: Path, name: str, glyphs: Glyphs, plain: bool) -> None:
    async with staged(up_to_run(tmp_path / "digits"), glyphs=glyphs, plain=plain) as stage:
        check_frame(stage.app, name)
        drawn = frame(stage.app)
        data = {"·"}  # the diff's own headline and the paper's line
        assert {character for character in drawn if not character.isascii()} <= data | {"“", "”"}


async def test_empty_panes_say_what_will_appear(tmp_path: Path) -> None:
    story = Story(tmp_path / "digits")
    async with staged(story) as stage:
        check_frame(stage.app, "empty-120x40")
        story.begin()
        story.measure_baseline()
        await stage.catch_up()
        assert "starter" in frame(stage.app)


async def test_every_size_can_be_come_to_from_every_other(tmp_path: Path) -> None:
    sizes = [(120, 40), (30, 8), (80, 24), (200, 50), (60, 15), (100, 23), (120, 40)]
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3")
        first = frame(stage.app)
        for width, height in sizes:
            await stage.pilot.resize_terminal(width, height)
            await settle(stage.pilot)
            lines = frame(stage.app).splitlines()
            assert len(lines) == height
            assert max(map(len, lines)) <= width
        assert frame(stage.app) == first


async def test_new_output_moves_neither_focus_nor_view(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    async with staged(story) as stage:
        await stage.press("1", "G")
        focused, scrolled = stage.app.focused, stage.screen.deck.paper.paper.scroll_offset
        story.tell(ev.GateAnswered(gate="g1", answer="approve", by="researcher"))
        run = story.start_run(0, commit=story.commits[4, 1], number=4)
        story.train(run, 5, 0.05)
        await stage.catch_up()
        assert "step 5/40" in frame(stage.app)
        assert stage.app.focused is focused
        assert stage.screen.deck.paper.paper.scroll_offset == scrolled


async def test_an_opened_idea_stays_until_live_is_followed_again(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    async with staged(story) as stage:
        await stage.press("2", "g", "j", "enter")
        assert stage.screen.presenter.selection == Selection(idea=1)
        assert "Standardise inputs" in frame(stage.app)
        story.tell(ev.GateAnswered(gate="g1", answer="reject", by="researcher", text="no"))
        await stage.catch_up()
        assert "Standardise inputs" in frame(stage.app)
        await stage.press("0")
        assert stage.screen.presenter.selection == Selection()
        assert "Add gradient features" in frame(stage.app)


async def test_zoom_gives_one_pane_all_the_room(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3")
        before = frame(stage.app)
        await stage.press("Z")
        zoomed = frame(stage.app)
        assert "Ideas" not in zoomed
        assert "Add gradient features" in zoomed
        await stage.press("Z")
        assert frame(stage.app) == before


async def test_tab_goes_round_the_panes(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        seen = []
        for _ in range(5):
            seen.append(stage.screen.deck.focused)
            await stage.press("tab")
        assert seen == ["ideas", "patch", "run", "paper", "ideas"]
        await stage.press("shift+tab")
        assert stage.screen.deck.focused == "ideas"


async def test_search_goes_to_the_match_and_says_when_there_is_none(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("2", "slash")
        await stage.write("shift")
        assert stage.screen.deck.cursor_key() == "6"
        await stage.press("slash", *["backspace"] * 5)
        await stage.write("zebra")
        assert "Nothing here holds “zebra”." in stage.sentences


async def test_what_was_said_can_be_read_again(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        stage.screen.desk.fail("The disk is full.", "Free some space.")
        await stage.press("E")
        assert "Free some space." in frame(stage.app)
        await stage.press("escape")
        assert "Notices" not in frame(stage.app)


async def test_a_question_shows_its_answers_however_long_it_is_and_whatever_is_said_meanwhile(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits"), (60, 15)) as stage:
        desk, answers = stage.screen.desk, []
        desk.confirm("Take it back?", "\n".join(f"line {number}" for number in range(40)), lambda: answers.append(1))
        await settle(stage.pilot)
        desk.tell("Something happened elsewhere.")
        await settle(stage.pilot)
        shown = frame(stage.app)
        assert "n  no" in shown
        assert "y  yes" in shown
        assert "line 0" in shown
        await stage.press("j")
        assert "line 0 " not in frame(stage.app)
        await stage.press("y")
        assert answers == [1]
        assert "Something happened elsewhere." in frame(stage.app)


async def test_a_theme_is_seen_at_once_and_remembered(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        assert stage.screen.background_colors[1].hex == "#15181D"  # the theme's own ground
        await stage.app.run_action("app.pick_theme")
        await stage.press("j")
        other = stage.app.theme
        assert other != "dark"
        await stage.press("escape")
        assert stage.app.theme == "dark"
        await stage.app.run_action("app.pick_theme")
        await stage.press("j", "enter")
        assert stage.app.theme == other
        assert load().theme == other


class FakeBeginnings:
    """Two templates, one finding, and workspaces that are made at once or refused."""

    def __init__(self, refusal: InputError | None = None) -> None:
        self.refusal = refusal
        self.adopted: tuple[Path, str, str, Direction] | None = None

    def offers(self) -> tuple[Offer, ...]:
        """The templates."""
        return (Offer("charlm", "Characters of Python", 3.0), Offer("digits", "Few-label digits", 2.0))

    def findings(self) -> Document:
        """What works."""
        return (text("git 2.43", lead="ok    "),)

    def create(self, template: str, folder: Path) -> Path:
        """Makes nothing."""
        if self.refusal is not None:
            raise self.refusal
        return folder / template

    def adopt(self, folder: Path, command: str, metric: str, direction: Direction) -> Path:
        """Notes what was asked."""
        self.adopted = (folder, command, metric, direction)
        return folder


def start_app(beginnings: FakeBeginnings, here: Path, opened: list[Path], recent: list[str]) -> CopilotApp:
    """The app on its start screen."""
    preferences = Preferences(recent=recent)
    return CopilotApp(lambda: StartScreen(beginnings, preferences, here, opened.append), preferences, theme="dark")


async def begin(pilot: Pilot[int], *keys: str) -> None:
    """Presses keys on the start screen, once it has looked around."""
    await settle(pilot)
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def test_start_screen_opens_a_recent_workspace(tmp_path: Path) -> None:
    opened: list[Path] = []
    app = start_app(FakeBeginnings(), Path("/"), opened, [str(tmp_path)])
    async with app.run_test(size=(100, 24), notifications=True) as pilot:
        await begin(pilot, "enter")
        assert opened == [tmp_path]


async def test_start_screen_makes_a_workspace_from_a_template(tmp_path: Path) -> None:
    opened: list[Path] = []
    app = start_app(FakeBeginnings(), Path("/"), opened, [])
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await begin(pilot)
        check_frame(app, "start-80x24")
        await begin(pilot, "j", "enter", "enter")
        assert opened == [Path("/digits/digits")]


async def test_start_screen_adopts_a_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    beginnings, opened = FakeBeginnings(), list[Path]()
    app = start_app(beginnings, tmp_path, opened, [])
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await begin(pilot, "j", "j", "j", "enter", "enter", *"acc", "enter", *["backspace"] * 3, *"max", "enter")
        assert beginnings.adopted == (tmp_path, "python train.py", "acc", "max")
        assert opened == [tmp_path]


async def test_start_screen_says_why_a_workspace_cannot_be_made() -> None:
    opened: list[Path] = []
    app = start_app(FakeBeginnings(InputError("It is not empty.", "Name another.")), Path("/"), opened, [])
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await begin(pilot, "enter", "enter")
        assert opened == []
        assert "It is not empty." in frame(app)


async def test_the_mouse_reaches_panes_and_tabs(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.pilot.click(stage.screen.deck.run.log_view)
        await settle(stage.pilot)
        assert stage.screen.deck.focused == "run"
        title = frame(stage.app).splitlines()
        row = next(at for at, line in enumerate(title) if "4 Run" in line)
        await stage.pilot.click(offset=(title[row].index("Curve") + 1, row))
        await settle(stage.pilot)
        assert stage.screen.deck.run.tab == "Curve"
        ideas = stage.screen.deck.ideas.rows
        await stage.pilot.click(ideas, offset=(5, 2))
        await settle(stage.pilot)
        await stage.pilot.click(ideas, offset=(5, 2))
        await settle(stage.pilot)
        assert stage.screen.presenter.selection == Selection(idea=3)
        await stage.pilot.click(stage.screen.footer, offset=(3, 0))
        await settle(stage.pilot)
        assert stage.screen.presenter.selection == Selection()


async def test_the_curtain_stands_where_the_panes_will(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    let_go = threading.Event()

    def prepare() -> Rise:
        let_go.wait()
        return opening.prepare(
            story.root,
            story.session,
            (),
            opening.Look(glyphs=UNICODE, plain=False, strip=False, remember_strip=print, keymap={}),
        )

    app = CopilotApp(lambda: Curtain("digits", prepare, UNICODE, plain=False, strip=0), Preferences(), theme="dark")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        before = frame(app)
        await pilot.press("3")
        let_go.set()
        await settle(pilot)
        await settle(pilot)
        after = frame(app)
        assert isinstance(app.screen, MainScreen)
        assert app.screen.deck.focused == "patch"  # the key that was pressed too early
        assert "May idea 4 run?" in after
    corners = {"╭", "╰", "╮", "╯"}
    assert _places(before, corners) == _places(after, corners)


def _places(shown: str, characters: set[str]) -> list[tuple[int, int]]:
    lines = shown.splitlines()
    return [(y, x) for y, line in enumerate(lines) for x, each in enumerate(line) if each in characters]
