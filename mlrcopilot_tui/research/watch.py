"""Watching the inbox: decisions are applied as they appear, in the order in which they were made."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import NoReturn

from mlrcopilot_tui.session.inbox import Inbox
from mlrcopilot_tui.session.model import Decision

POLL_S = 1.0
"""Network mounts deliver no notifications: the folder is looked at this often all the same."""

Apply = Callable[[Decision], Awaitable[None]]


@contextlib.asynccontextmanager
async def watch_inbox(
    inbox: Inbox, apply: Apply, urgent: Collection[str] = ()
) -> AsyncIterator["list[asyncio.Task[NoReturn]]"]:
    """Applies every decision that is dropped into `inbox` while the context lasts.

    Decisions of the `urgent` kinds overtake the others, which may wait for an agent. Yields the tasks that apply them:
    they end only by an error, which is their owner's to see.
    """
    from watchdog.events import FileMovedEvent, FileSystemEvent, FileSystemEventHandler  # noqa: PLC0415 - see below
    from watchdog.observers import Observer  # noqa: PLC0415 - 46 ms (2 vCPU Xeon VM): only the copilot pays for it

    # Without a handler its complaints about events that come while it stops end up on the standard error.
    logging.getLogger("watchdog").addHandler(logging.NullHandler())
    inbox.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    loop = asyncio.get_running_loop()
    bells = [asyncio.Event(), asyncio.Event()]

    def ring() -> None:
        for bell in bells:
            bell.set()

    class Bell(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            if isinstance(event, FileMovedEvent):
                loop.call_soon_threadsafe(ring)

    observer = Observer()
    observer.schedule(Bell(), str(inbox.folder))
    with contextlib.suppress(OSError):  # no inotify watches left: polling carries on
        observer.start()
    lanes = [
        asyncio.create_task(_serve(inbox, apply, bells[0], lambda decision: decision.kind in urgent)),
        asyncio.create_task(_serve(inbox, apply, bells[1], lambda decision: decision.kind not in urgent)),
    ]
    try:
        yield lanes
    finally:
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        if observer.is_alive():
            observer.stop()
            await asyncio.to_thread(observer.join)


async def _serve(inbox: Inbox, apply: Apply, bell: asyncio.Event, mine: Callable[[Decision], bool]) -> NoReturn:
    while True:
        bell.clear()
        for decision in inbox.waiting():
            if mine(decision):
                await apply(decision)
                inbox.discard(decision)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await bell.wait()
