"""Keys while an agent works: typed fast, chosen by the researcher, on small screens, and under an answer's way."""

from pathlib import Path

from textual import events
from textual.widgets import Input

from tests.tui.doubles import staged
from tests.tui.story_claude import up_to_turn
from tests.tui.test_agent_work import _alive, _utc
from tests.tui.text_frames import settle

__all__ = ["_alive", "_utc"]


# Keys that come fast


async def test_what_is_typed_after_a_key_that_opens_a_line_goes_there(tmp_path: Path) -> None:
    async with staged(up_to_turn(tmp_path / "digits")) as stage:
        for opening, pane in (("slash", "1"), ("i", "2"), ("f", "4")):
            await stage.press(pane)
            for key in (opening, *"zebra", "x", "q", "p"):
                stage.app.post_message(events.Key(key, None if len(key) > 1 else key))
            await settle(stage.pilot)
            await stage.pilot.pause(0.2)
            line = stage.app.screen.query_one(Input)
            assert line.value == "zebraxqp", opening
            await stage.press("escape")
        assert stage.story.decisions() == []
