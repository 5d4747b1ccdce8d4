"""The app on a told session, with doubles for what lies outside the screen."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from textual.pilot import Pilot
from textual.screen import Screen

from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.inbox import Inbox
from mlrcopilot_tui.session.model import Decision
from mlrcopilot_tui.tui.app import CopilotApp
from mlrcopilot_tui.tui.client import SessionClient
from mlrcopilot_tui.tui.glyphs import UNICODE, Glyphs
from mlrcopilot_tui.tui.preferences import Preferences
from mlrcopilot_tui.tui.screens.main import MainScreen
from mlrcopilot_tui.tui.screens.setup import Setup
from mlrcopilot_tui.tui.views import PaneName
from tests.tui.story import Story
from tests.tui.text_frames import settle


class FakeClock:
    """Monotonic seconds that pass only when told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class FakeEditor:
    """Notes what it was asked to open, and writes `text` into each file where there is any."""

    text: str | None = None
    opened: list[Path] = field(default_factory=list)
    line: int = 0

    def __call__(self, files: Sequence[Path], line: int) -> str:
        self.opened += files
        self.line = line
        for file in files:
            if self.text is not None:
                file.write_text(self.text, "utf-8")
        return ""


@dataclass
class Stage:
    """A running app with its story."""

    app: CopilotApp
    pilot: Pilot[int]
    story: Story
    clock: FakeClock
    editor: FakeEditor

    @property
    def screen(self) -> MainScreen:
        """The main screen, also while another lies over it."""
        return next(screen for screen in self.app.screen_stack if isinstance(screen, MainScreen))

    async def press(self, *keys: str) -> None:
        """Presses keys one after the other, and waits until all has come to rest."""
        await self.pilot.press(*keys)
        await settle(self.pilot)

    async def write(self, words: str) -> None:
        """Types words into the line that is open, and sends them."""
        await self.pilot.press(*words, "enter")
        await settle(self.pilot)

    async def go(self, pane: PaneName) -> None:
        """Brings a pane into focus."""
        self.screen.deck.focus_pane(pane)
        await settle(self.pilot)

    async def catch_up(self) -> None:
        """Lets the screen take in what the story has told meanwhile."""
        self.screen.tick()
        await settle(self.pilot)

    async def take_back(self, decision: Decision) -> None:
        """Lets the copilot refuse a decision, so that the question is open again."""
        Inbox(self.story.folder / "inbox").discard(decision)
        self.story.tell(ev.DecisionRefused(decision=decision, reason="Not now."))
        await self.catch_up()

    @property
    def sentences(self) -> list[str]:
        """What was said so far."""
        return [notice.sentence for notice in self.screen.desk.notices.kept]

    def decision(self) -> Decision:
        """The only decision in the inbox."""
        (decision,) = self.story.decisions()
        return decision


@asynccontextmanager
async def staged(
    story: Story,
    size: tuple[int, int] = (120, 40),
    *,
    glyphs: Glyphs = UNICODE,
    plain: bool = False,
    keymap: dict[str, str] | None = None,
    theme: str = "dark",
    ensure: Callable[[Sequence[str]], str] | None = None,
    preferences: Preferences | None = None,
    settle_session: Callable[[], None] | None = None,
) -> AsyncIterator[Stage]:
    """The app on the story's session, past the grace period of every question that is open already."""
    clock, editor = FakeClock(), FakeEditor()
    setup = Setup(
        client=SessionClient(story.layout, story.session, clock=clock),
        ensure=ensure,
        settle=settle_session,
        editor=editor,
        glyphs=glyphs,
        plain=plain,
        keymap=keymap or {},
        tick_s=3600.0,
        now=lambda: story.now,
    )

    def first() -> Screen[None]:
        return MainScreen(setup)

    app = CopilotApp(first, preferences or Preferences(), theme=theme, keymap=keymap, ascii_only=not glyphs.unicode)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        await pilot.pause()
        await settle(pilot)
        clock.seconds += 10
        yield Stage(app, pilot, story, clock, editor)
