"""Files that are handed to a starting run stay open for it alone, also when nobody waits for the start any more."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlrcopilot_tui.research.admission import hand_over


def is_open(file: int) -> bool:
    try:
        os.fstat(file)
    except OSError:
        return False
    return True


async def given_up(waiting: "asyncio.Task[None]") -> None:
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting


async def test_a_start_that_nobody_waits_for_any_more_keeps_its_files() -> None:
    got: list[int] = []
    going, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def start(files: Sequence[int]) -> None:
        got.extend(files)
        going.set()
        go_on.wait(20)
        if os.fstat(files[0]).st_ino == own:
            done.set()

    end, other = os.pipe()
    own = os.fstat(end).st_ino
    waiting = asyncio.create_task(hand_over((end,), start))
    await asyncio.to_thread(going.wait, 20)
    await given_up(waiting)
    os.close(end)
    os.close(other)
    go_on.set()
    assert await asyncio.to_thread(done.wait, 20)
    while is_open(got[0]):  # noqa: ASYNC110  the thread tells nobody of its last step
        await asyncio.sleep(0.01)


async def test_a_start_that_never_begins_keeps_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    copies: list[int] = []
    dup = os.dup

    def noted(file: int) -> int:
        copies.append(dup(file))
        return copies[-1]

    monkeypatch.setattr(os, "dup", noted)
    go_on, ends, started = threading.Event(), os.pipe(), list[Sequence[int]]()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    busy = asyncio.create_task(asyncio.to_thread(go_on.wait, 20))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(hand_over(ends, started.append))
    await asyncio.sleep(0)
    assert all(map(is_open, copies))
    await given_up(waiting)
    assert len(copies) == 2
    assert not any(map(is_open, copies))
    go_on.set()
    await busy
    await asyncio.to_thread(lambda: None)
    assert not started
    for end in ends:
        os.close(end)
