"""The screen as text: what a terminal would show, without colours, so that a change can be read in a diff."""

import os
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot

GOLDEN = Path(__file__).parent / "frames"


def frame(app: App[int]) -> str:
    """The lines of the screen, without trailing blanks."""
    width, height = app.size
    lines = [
        "".join(segment.text for segment in strip)
        for strip in app.screen._compositor.render_strips(app.size)  # the whole screen, as the terminal gets it
    ]
    del width
    return "\n".join(line.rstrip() for line in lines[:height]) + "\n"


def check_frame(app: App[int], name: str, *, footer: bool = True) -> None:
    """Compares the screen, with its footer or without, with the golden frame `name`; UPDATE_FRAMES=1 writes it."""
    path = GOLDEN / f"{name}.txt"
    shown = frame(app)
    if not footer:
        shown = shown[: shown.rstrip("\n").rindex("\n") + 1]
    if os.environ.get("UPDATE_FRAMES"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, "utf-8")
    expected = path.read_text("utf-8") if path.exists() else "(there is no golden frame)"
    assert shown == expected, f"{path.name} differs; look at it, then UPDATE_FRAMES=1\n{shown}"


async def settle(pilot: Pilot[int]) -> None:
    """Waits until workers, messages and layout have come to rest."""
    await pilot.pause()
    while working := [worker for worker in pilot.app.workers if worker.is_running]:
        await pilot.app.workers.wait_for_complete(working)
        await pilot.pause()
