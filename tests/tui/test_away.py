"""Coming back: what the screen tells of the time one was away, and how far it notes that one was there."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.seen import SEEN_NAME, Seen, read_seen, write_seen
from mlrcopilot_tui.tui.client import SessionClient
from mlrcopilot_tui.tui.presence import KEPT_EVERY_S, PRESENT_S, Presence
from mlrcopilot_tui.tui.screens.away import Away
from mlrcopilot_tui.tui.screens.main import MainScreen
from tests.tui.doubles import FakeClock, Stage, staged
from tests.tui.story import BASE, FIRST, START, Story
from tests.tui.text_frames import check_frame, frame, settle

LONG_S = 9 * 3600.0


def seen_now(story: Story) -> Seen:
    return Seen(seq=story.seq, time=story.time())


def evening(root: Path) -> Story:
    """A session that was left with its starter measured."""
    story = Story(root)
    story.begin()
    story.measure_baseline()
    story.propose()
    write_seen(story.folder, seen_now(story))
    return story


def overnight(root: Path) -> Story:
    """What became of it: an idea kept, one discarded, a copilot that died, and a patch that has waited since."""
    story = evening(root)
    story.implement(1, subject="Standardise inputs")
    story.judge(1, FIRST, START, "keep")
    story.implement(2, subject="Widen the bins")
    story.judge(2, (0.0783, 0.0771, 0.0797), FIRST, "discard")
    story.wait(1800)
    story.tell(
        ev.CopilotStopped(reason="It ended without a word.", vanished=True),
        ev.CopilotStarted(pid=77, host="host"),
        ev.WarningRaised(text="The disk is nearly full.", mend="Free some space."),
    )
    commit = story.implement(4, parent=story.commits[1, 1])
    story.ask_about(4, commit)
    story.wait(LONG_S)
    return story


def is_told(stage: Stage) -> bool:
    return isinstance(stage.app.screen, Away)


async def pressed(stage: Stage, *keys: str) -> None:
    """Presses keys past the moment in which none is taken."""
    stage.clock.seconds += 1
    await stage.press(*keys)


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 15)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_who_comes_back_reads_what_happened(tmp_path: Path, size: tuple[int, int]) -> None:
    async with staged(overnight(tmp_path / "digits"), size) as stage:
        assert is_told(stage)
        check_frame(stage.app, f"away-{size[0]}x{size[1]}")
        await pressed(stage, "x")
        assert isinstance(stage.app.screen, MainScreen), "any key goes to the panes, and does nothing else"
        assert not stage.story.decisions()


async def test_a_key_that_was_meant_for_the_shell_closes_nothing(tmp_path: Path) -> None:
    async with staged(overnight(tmp_path / "digits")) as stage:
        stage.clock.seconds -= 10
        await stage.press("enter", "escape", "a")
        assert is_told(stage)
        stage.clock.seconds += 10
        await stage.press("escape")
        assert not is_told(stage)


async def test_it_scrolls_where_it_is_longer_than_the_screen(tmp_path: Path) -> None:
    async with staged(overnight(tmp_path / "digits"), (60, 15)) as stage:
        first = frame(stage.app)
        await pressed(stage, "G")
        assert is_told(stage)
        assert frame(stage.app) != first
        assert "ideas" in frame(stage.app) or "warning" in frame(stage.app)


async def test_it_comes_again_on_its_key_and_begins_where_one_left(tmp_path: Path) -> None:
    async with staged(overnight(tmp_path / "digits")) as stage:
        await pressed(stage, "escape")
        await pressed(stage, "W")
        assert is_told(stage)
        assert "standardise inputs: kept" in frame(stage.app)


async def test_without_an_absence_its_key_tells_of_the_whole_session(tmp_path: Path) -> None:
    story = overnight(tmp_path / "digits")
    (story.folder / SEEN_NAME).unlink()
    async with staged(story) as stage:
        assert not is_told(stage), "who was never there missed nothing"
        await stage.press("W")
        assert is_told(stage)
        assert "Since " in frame(stage.app)


async def test_nothing_is_told_where_nothing_happened(tmp_path: Path) -> None:
    story = evening(tmp_path / "digits")
    story.wait(LONG_S)
    async with staged(story) as stage:
        assert not is_told(stage)


async def test_nothing_is_told_after_a_moment(tmp_path: Path) -> None:
    story = evening(tmp_path / "digits")
    story.tell(ev.WarningRaised(text="The disk is nearly full."))
    story.wait(30)
    async with staged(story) as stage:
        assert not is_told(stage)


async def test_talk_alone_is_not_worth_a_screen(tmp_path: Path) -> None:
    story = evening(tmp_path / "digits")
    story.tell(ev.AgentSaid(agent="IdeaAgent", kind="thought", text="Hm."))
    story.wait(LONG_S)
    async with staged(story) as stage:
        assert not is_told(stage)


async def test_leaving_notes_what_was_on_the_screen(tmp_path: Path) -> None:
    story = overnight(tmp_path / "digits")
    async with staged(story) as stage:
        await pressed(stage, "escape")
        story.run(0, 0.05, commit=BASE, purpose="baseline")
        await stage.catch_up()
    assert read_seen(story.folder) == seen_now(story)
    async with staged(story) as stage:
        assert not is_told(stage)


async def test_a_question_of_an_agent_waits_until_it_is_read(tmp_path: Path) -> None:
    story = overnight(tmp_path / "digits")
    story.ask("question", "Which metric counts?", idea=4)
    async with staged(story) as stage:
        await stage.catch_up()
        assert is_told(stage)
        await pressed(stage, "escape")
        await stage.catch_up()
        assert "Which metric counts?" in frame(stage.app)


async def test_who_comes_back_to_an_open_screen_is_told_in_passing(tmp_path: Path) -> None:
    story = evening(tmp_path / "digits")
    async with staged(story) as stage:
        presence = stage.screen.presence
        idle = FakeClock()
        presence._clock, presence._used = idle, idle()
        stage.screen._each_second()
        idle.seconds += PRESENT_S + 1
        stage.screen._each_second()
        story.implement(1, subject="Standardise inputs")
        story.judge(1, FIRST, START, "keep")
        story.wait(LONG_S)
        await stage.catch_up()
        stage.screen._each_second()
        await settle(stage.pilot)
        assert read_seen(story.folder) != seen_now(story), "nobody has seen it yet"
        await stage.press("2")
        stage.screen._each_second()
        await settle(stage.pilot)
        assert isinstance(stage.app.screen, MainScreen), "nothing comes between two keys"
        said = stage.sentences[-1]
        assert said.startswith("While you were away (9 h")
        assert "1 verdict, 1 kept" in said
        await stage.press("W")
        assert is_told(stage)


def test_presence_is_kept_every_few_seconds_while_somebody_is_there(tmp_path: Path) -> None:
    story = evening(tmp_path / "digits")
    clock = FakeClock()
    client = SessionClient(story.layout, story.session)
    client.poll()
    presence = Presence(client, lambda: datetime(2026, 3, 9, 15, 0, tzinfo=UTC), clock)
    due = [presence.second() for _ in range(2 * KEPT_EVERY_S)]
    assert due.count(True) == 2
    presence.keep()
    assert read_seen(story.folder) == Seen(seq=story.seq, time="2026-03-09T15:00:00.000Z")
    clock.seconds += PRESENT_S
    assert not any(presence.second() for _ in range(2 * KEPT_EVERY_S))
    (story.folder / SEEN_NAME).unlink()
    presence.keep()
    assert read_seen(story.folder) is None, "a screen that nobody looks at sees nothing"
    presence.use()
    assert presence.returned()
    assert not presence.returned(), "once for each time"
