"""The researcher's edits that are in no attempt yet, as the copilot tells them."""

from pathlib import Path

import msgspec

from mlrcopilot_tui.session.edits import EDITS_NAME, PendingEdit
from mlrcopilot_tui.text import printable
from mlrcopilot_tui.tui.views import Span


class PendingEdits:
    """Follows what waits in a session; an unchanged file is not read."""

    def __init__(self) -> None:
        self.ideas: dict[int, PendingEdit] = {}
        self._stamp: tuple[int, int] | None = None

    def poll(self, folder: Path | None) -> bool:
        """Looks again in the session's folder, and says whether there is anything else to show."""
        before = self.ideas
        if folder is not None:
            self._read(folder / EDITS_NAME)
        return self.ideas != before

    def _read(self, file: Path) -> None:
        try:
            found = file.stat()
            stamp = (found.st_mtime_ns, found.st_ino)
            if stamp != self._stamp:
                self.ideas = msgspec.json.decode(file.read_bytes(), type=dict[int, PendingEdit])
                self._stamp = stamp
        except (OSError, msgspec.MsgspecError):
            self.ideas, self._stamp = {}, None


def edit_line(pending: PendingEdit | None) -> tuple[Span, ...]:
    """What is said of an idea's edits above its patch; the shortest that tells why they are not in it."""
    if pending is None:
        return ()
    if pending.problem:
        return (Span(printable(f"your edit waits: {pending.problem}  "), "error"),)
    if pending.strays:
        more = f" and {len(pending.strays) - 1} more" if len(pending.strays) > 1 else ""
        return (Span(printable(f"not editable, takes no part: {pending.strays[0]}{more}  "), "muted"),)
    return ()
