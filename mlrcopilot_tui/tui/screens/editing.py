"""Opening the researcher's editor over the screen, in the terminal or in a window, and saying what came of it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textual.app import SuspendNotSupported

from mlrcopilot_tui.errors import CopilotError

if TYPE_CHECKING:
    from mlrcopilot_tui.tui.editor import EditorCall
    from mlrcopilot_tui.tui.screens.main import MainScreen
    from mlrcopilot_tui.tui.screens.main_desk import MainDesk
    from mlrcopilot_tui.tui.screens.setup import Editor

_AT_ONCE_S: Final = 0.5
"""Nobody has read a file by then."""


class Editing:
    """Opens files on the main screen.

    Args:
        screen: what the editor takes the terminal from.
        desk: says what came of it.
        editor: opens files and returns when they are closed; None for the researcher's own.
    """

    def __init__(self, screen: "MainScreen", desk: "MainDesk", editor: "Editor | None") -> None:
        self._screen = screen
        self._desk = desk
        self._editor = editor or self._open_editor

    def edit(self, files: Sequence[Path], line: int = 0) -> bool:
        """Opens files in the researcher's editor and says whether any was changed by the time that it ended."""
        before = [_content(file) for file in files]
        try:
            said = self._editor(files, line)
        except (OSError, SuspendNotSupported) as error:
            self._desk.fail(f"The editor could not be started: {error}.", "Set EDITOR to one that is installed.")
            return False
        except CopilotError as error:
            self._desk.explain(error)
            return False
        changed = before != [_content(file) for file in files]
        if said or not changed:
            self._desk.tell(said or "Nothing was changed.")
        return changed

    def _open_editor(self, files: Sequence[Path], line: int) -> str:
        """Opens the researcher's own; returns what is to be said of it."""
        from mlrcopilot_tui.tui.editor import edit_in_terminal, editor_call  # noqa: PLC0415 -- on use

        call = editor_call(files, line, os.environ)
        if call.windowed:
            self._screen.run_worker(lambda: self._open_window(call), thread=True, group="editor")
            return f"{files[0].name} is open in {call.name}: what you save there comes in by itself."
        with self._screen.app.suspend():
            status, seconds = edit_in_terminal(call)
        self._screen.app.refresh(layout=True)
        if status:
            return f"{call.name} ended with status {status}; what it saved is there."
        if seconds < _AT_ONCE_S:
            return f"{call.name} is back already. If it opened a window: what you save there comes in by itself."
        return ""

    def _open_window(self, call: "EditorCall") -> None:
        from mlrcopilot_tui.tui.editor import open_window  # noqa: PLC0415 -- on use

        tell = self._screen.app.call_from_thread
        try:
            complaint = open_window(call)
        except OSError as error:
            complaint = error.strerror or str(error)
        if complaint:
            mend = "Set EDITOR to an editor of the terminal, or save the file from any other."
            tell(self._desk.fail, f"{call.name} did not open: {complaint.rstrip('.')}.", mend)


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
