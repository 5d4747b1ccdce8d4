"""Hostile text in every field of every event, in logs, diffs and papers: none of it reaches the terminal."""

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual import events

from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.events import Event
from mlrcopilot_tui.session.records import decode_record
from mlrcopilot_tui.session.run_events import RunFinished
from tests.tui.doubles import Stage, staged
from tests.tui.story import Story, up_to_run
from tests.tui.story_paper import PAPER
from tests.tui.text_frames import frame

HOSTILE = [
    "\x1b]52;c;aGFja2Vk\x07",
    "\x1b[2J\x1b[?1049l",
    "\x9b31mred\x90q\x9c",
    "[/]weights[/x] [bold red",
    "\u202egnp.exe\u2066",
    "a\r\nb\x00\x08\x7f\t",
    "\udcff half a pair",
    "\u200b\u3164 blank 　wide 漢字 👩‍👩‍👧",
    "$text-muted @click=app.quit",
]


def poisoned(event: Event, poison: str) -> Event:
    """The event with `poison` in front of every text that may be any text; equal texts stay equal."""
    data: dict[str, Any] = msgspec.to_builtins(event)
    for path in list(_texts(data)):
        holder: Any = data
        for step in path[:-1]:
            holder = holder[step]
        original = holder[path[-1]]
        holder[path[-1]] = f"{poison}{original}"
        try:
            msgspec.convert(data, type(event))
        except msgspec.ValidationError:
            holder[path[-1]] = original
    return msgspec.convert(data, type(event))


def _texts(node: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(node, str):
        return [path] if node else []
    if isinstance(node, dict):
        return [found for key, value in node.items() for found in _texts(value, (*path, key))]
    if isinstance(node, list):
        return [found for at, value in enumerate(node) for found in _texts(value, (*path, at))]
    return []


def retell(story: Story, change: Callable[[Event], Event]) -> None:
    """Writes the journal anew with every event changed."""
    journal = story.layout.journal(story.session)
    events = [decode_record(line).event for line in journal.read_bytes().splitlines()]
    journal.unlink()
    story.seq = 0
    story.tell(*(change(event) for event in events))


def check_clean(stage: Stage) -> None:
    """Nothing on the screen but what a terminal shows as it is."""
    shown = frame(stage.app).replace("\n", "")
    bad = {character for character in shown if unicodedata.category(character) in {"Cc", "Cf", "Cs"}}
    assert bad == set()


async def look_everywhere(stage: Stage) -> None:
    """Brings every pane and tab into view."""
    for key in ("1", "1", "1", "2", "enter", "3", "3", "4", "4", "4", "E", "escape"):
        await stage.press(key)
        check_clean(stage)


@pytest.mark.parametrize("poison", [HOSTILE[3], "".join(HOSTILE).replace("\udcff", "")])
async def test_events(tmp_path: Path, poison: str) -> None:
    story = up_to_run(tmp_path / "digits")
    story.tell(
        ev.FeedbackTaken(text="try less", understood="a smaller step", idea=4),
        ev.WarningRaised(text="The disk is nearly full.", mend="Free some."),
        ev.IdeaPruned(idea=6, reason="too slow", by="researcher"),
        RunFinished(run="r11", outcome="crashed", reason="NaN", value=None, wall_s=3.0, log_sha256=""),
    )
    story.ask("question", "Shall I?", idea=5)
    story.ask_about(4, story.commits[4, 1])
    retell(story, lambda event: poisoned(event, poison))
    async with staged(story, (100, 30)) as stage:
        await look_everywhere(stage)


async def test_files(tmp_path: Path) -> None:
    story = up_to_run(tmp_path / "digits")
    poison = "".join(HOSTILE).replace("\udcff", "").replace("\r\n", "")
    log = story.layout.run(story.session, "r11") / "output.log"
    log.write_bytes(poison.encode() + b"\n\xff\xfe\n" + b"x" * 100_000)
    diff = story.folder / "patches" / f"{story.commits[4, 1]}.diff"
    diff.write_bytes(diff.read_bytes().replace(b"EPOCHS", poison.encode() + b"\xff").replace(b"train.py", b"[/x].py"))
    paper = msgspec.structs.replace(PAPER, title=poison, warnings=(poison,))
    (story.folder / "papers" / f"{PAPER.digest}.json").write_bytes(msgspec.json.encode(paper))
    async with staged(story, (100, 30)) as stage:
        await look_everywhere(stage)


async def test_what_is_told_and_asked(tmp_path: Path) -> None:
    async with staged(up_to_run(tmp_path / "digits"), (100, 30)) as stage:
        for poison in (*HOSTILE[:2], HOSTILE[3], "".join(HOSTILE)):
            stage.screen.desk.tell(poison, poison)
            stage.screen.desk.explain(CopilotError(poison, poison))
            stage.screen.desk.ask(poison, lambda _: None, value=poison.replace("\udcff", ""), hint=poison)
            await stage.pilot.pause()
            check_clean(stage)
            stage.app.post_message(events.Paste(poison))
            await stage.pilot.pause()
            check_clean(stage)
            await stage.press("escape")
        stage.screen.desk.confirm("".join(HOSTILE), "".join(HOSTILE), lambda: None)
        await stage.pilot.pause()
        check_clean(stage)


async def test_a_damaged_journal_is_told_and_leaves_what_was_read(tmp_path: Path) -> None:
    story = up_to_run(tmp_path / "digits")
    async with staged(story) as stage:
        with story.layout.journal(story.session).open("ab") as file:
            file.write(b"no json\n")
        await stage.catch_up()
        await stage.catch_up()
        assert sum("cannot be read" in sentence for sentence in stage.sentences) == 1
        assert "gradient features" in frame(stage.app)


async def test_a_patch_that_is_none_is_told(tmp_path: Path) -> None:
    story = up_to_run(tmp_path / "digits")
    (story.folder / "patches" / f"{story.commits[4, 1]}.diff").write_text("--- what\n+++ is this\n", "utf-8")
    async with staged(story) as stage:
        assert any("git diff" in sentence for sentence in stage.sentences)


def test_a_poisoned_event_is_poisoned() -> None:
    event = poisoned(ev.WarningRaised(text="a", mend="b"), "!")
    assert event == ev.WarningRaised(text="!a", mend="!b")
