"""Watching a worktree ends with whoever watches it, whenever they are cancelled."""

import asyncio
import threading
import time
from pathlib import Path

import pytest
import watchdog.observers

from mlrcopilot_tui.research.worktree_watch import watched


async def test_nobody_watches_on_for_one_who_was_cancelled_at_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()
    made: list[threading.Thread] = []

    class SlowObserver(watchdog.observers.Observer):  # type: ignore[misc, valid-type]  # it is chosen by platform
        def start(self) -> None:
            made.append(self)
            begun.set()
            time.sleep(0.1)
            super().start()

    async def watch() -> None:
        async with watched(tmp_path):
            raise AssertionError("it was cancelled before")

    monkeypatch.setattr(watchdog.observers, "Observer", SlowObserver)
    task = asyncio.create_task(watch())
    await asyncio.to_thread(begun.wait)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.3)
    assert [thread.is_alive() for thread in made] == [False]
