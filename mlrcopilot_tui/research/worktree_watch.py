"""Watching a worktree: somebody saved something there, and has been quiet since."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

POLL_S = 2.0
"""Network mounts deliver no notifications, and a folder may be made anew: it is looked at this often all the same."""
QUIET_S = 0.7
"""Editors save in several steps, and people more than one file."""


@contextlib.asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Yields what returns when something below `folder` has changed and then been left alone, or now and then."""
    from watchdog.events import FileSystemEvent, FileSystemEventHandler  # noqa: PLC0415 - 46 ms, as for the inbox
    from watchdog.observers import Observer  # noqa: PLC0415

    logging.getLogger("watchdog").addHandler(logging.NullHandler())
    loop, bell = asyncio.get_running_loop(), asyncio.Event()

    class Bell(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            if event.event_type in {"modified", "moved", "created", "deleted"} and not loop.is_closed():
                with contextlib.suppress(RuntimeError):  # the loop ends at this moment
                    loop.call_soon_threadsafe(bell.set)

    async def quiet() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await bell.wait()
        while bell.is_set():
            bell.clear()
            await asyncio.sleep(QUIET_S)

    observer = Observer()

    def start() -> None:
        with contextlib.suppress(OSError):  # the folder is gone, or no inotify watches are left: polling carries on
            observer.schedule(Bell(), str(folder), recursive=True)
            observer.start()

    started = asyncio.ensure_future(asyncio.to_thread(start))
    try:
        await asyncio.shield(started)
        yield quiet
    finally:
        await asyncio.wait({started})  # whoever is cancelled meanwhile cancels no thread
        if observer.is_alive():
            observer.stop()
            await asyncio.to_thread(observer.join)
