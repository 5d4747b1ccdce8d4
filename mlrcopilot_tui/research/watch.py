"""Watching the inbox: decisions are applied as they appear, in the order in which they were made."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NoReturn

from mlrcopilot_tui.session.inbox import Inbox
from mlrcopilot_tui.session.model import Decision

POLL_S = 1.0
"""Network mounts deliver no notifications: the folder is looked at this often all the same."""

Apply = Callable[[Decision], Awaitable[None]]


@contextlib.asynccontextmanager
async def watch_inbox(inbox: Inbox, apply: Apply) -> AsyncIterator["asyncio.Task[NoReturn]"]:
    """Applies every decision that is dropped into `inbox` while the context lasts.

    Yields the task that does so: it ends only by an error, which is its owner's to see.
    """
    from watchdog.events import FileMovedEvent, FileSystemEvent, FileSystemEventHandler  # noqa: PLC0415 - see below
    from watchdog.observers import Observer  # noqa: PLC0415 - 46 ms (2 vCPU Xeon VM): only the copilot pays for it

    inbox.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()

    class Bell(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            if isinstance(event, FileMovedEvent):
                loop.call_soon_threadsafe(arrived.set)

    observer = Observer()
    observer.schedule(Bell(), str(inbox.folder))
    with contextlib.suppress(OSError):  # no inotify watches left: polling carries on
        observer.start()
    consumer = asyncio.create_task(_consume(inbox, apply, arrived))
    try:
        yield consumer
    finally:
        consumer.cancel()
        await asyncio.gather(consumer, return_exceptions=True)
        if observer.is_alive():
            observer.stop()
            await asyncio.to_thread(observer.join)


async def _consume(inbox: Inbox, apply: Apply, arrived: asyncio.Event) -> NoReturn:
    while True:
        for decision in inbox.waiting():
            await apply(decision)
            inbox.discard(decision)
        arrived.clear()
        if not inbox.waiting():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(arrived.wait(), POLL_S)
