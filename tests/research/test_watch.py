"""Watching the inbox ends when it is told to, even as something is dropped into it."""

import asyncio
from pathlib import Path

import pytest

from mlrcopilot_tui.research import watch
from mlrcopilot_tui.session.inbox import Inbox
from mlrcopilot_tui.session.model import Decision


@pytest.mark.timeout(20)
async def test_it_ends_though_a_decision_comes_at_that_very_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[asyncio.Event] = []

    class Event(asyncio.Event):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    async def apply(_: Decision) -> None:
        raise AssertionError("nothing was dropped")

    monkeypatch.setattr(asyncio, "Event", Event)
    async with watch.watch_inbox(Inbox(tmp_path / "inbox"), apply):
        await asyncio.sleep(0.05)  # both wait now
        for bell in made:
            bell.set()
