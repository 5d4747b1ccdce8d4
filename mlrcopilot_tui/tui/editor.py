"""The researcher's editor: which one it is, how it is told the line, and whether it has a window of its own."""

import contextlib
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from mlrcopilot_tui.errors import EnvironmentLackError, InputError

FALLBACKS: Final = ("sensible-editor", "nano", "vi")
"""Tried in this order where nobody chose one."""

_PLUS: Final = frozenset({
    "vi", "vim", "nvim", "view", "ex", "vis", "nvi", "elvis", "gvim", "mvim", "nano", "pico", "rnano", "emacs",
    "emacsclient", "mg", "zile", "micro", "joe", "jed", "jmacs", "ne", "kak", "mcedit", "gedit", "xed", "pluma",
    "gnome-text-editor", "mousepad", "sensible-editor", "editor",
})  # fmt: skip
"""Take the line as `+LINE` before the file."""
_COLON: Final = frozenset({"hx", "helix", "subl", "sublime_text", "zed", "zeditor"})
"""Take it as `FILE:LINE`."""
_GOTO: Final = frozenset({
    "code", "code-insiders", "codium", "vscodium", "code-server", "cursor", "windsurf", "positron",
})  # fmt: skip
"""Take it as `--goto FILE:LINE`."""
_LINE: Final = {"kate": "--line", "kwrite": "--line", "pycharm": "--line", "idea": "--line", "mate": "--line"}

_WINDOWED: Final = _GOTO | {
    "subl", "sublime_text", "zed", "zeditor", "gvim", "mvim", "gedit", "xed", "pluma", "gnome-text-editor", "mousepad",
    "kate", "kwrite", "pycharm", "idea", "mate", "atom", "bbedit", "geany", "leafpad", "notepadqq", "xdg-open", "open",
    "gnome-open",
}  # fmt: skip

_SOON_S: Final = 0.6
"""An editor that fails to open its window has said so by then."""


@dataclass(frozen=True, slots=True)
class EditorCall:
    """How to open files.

    Attributes:
        name: the program, as people know it.
        windowed: it has a window of its own, so that the terminal stays with us.
    """

    name: str
    command: tuple[str, ...]
    windowed: bool = False


def editor_call(
    files: Sequence[Path],
    line: int,
    env: Mapping[str, str],
    *,
    which: Callable[[str], str | None] = shutil.which,
    platform: str = sys.platform,
) -> EditorCall:
    """How the researcher's editor opens `files`, the first of them at `line` where that is known (from 1; else 0).

    Raises:
        InputError: what they set as their editor is no command.
        EnvironmentLackError: it is not installed, or has no display to open its window on.
    """
    variable = next((name for name in ("VISUAL", "EDITOR") if env.get(name, "").strip()), "")
    fallback = next((name for name in FALLBACKS if which(name)), "")
    words = _words(variable, env[variable]) if variable else [fallback]
    if not words[0]:
        raise EnvironmentLackError("There is no editor here.", "Set EDITOR to the one that you use.")
    if which(words[0]) is None:
        raise EnvironmentLackError(
            f"{words[0]} is not there ({variable}).", f"Set {variable} to one that is installed."
        )
    name = Path(words[0]).name
    windowed = name in _WINDOWED or (name == "emacsclient" and "-n" in words)
    remote = name in _GOTO and "VSCODE_IPC_HOOK_CLI" in env  # a terminal within it, whose window is elsewhere
    display = platform == "darwin" or remote or any(env.get(known) for known in ("DISPLAY", "WAYLAND_DISPLAY"))
    if windowed and not display:
        raise EnvironmentLackError(
            f"{name} opens a window, and there is no display here.",
            f"Set {variable} to an editor of the terminal, or edit {files[0]} from where you have one.",
        )
    return EditorCall(name, (*words, *_at(name, files, line)), windowed)


def _words(variable: str, value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError as error:
        raise InputError(f"{variable} cannot be read: {str(error).lower()}.", "Close its quotes.") from error


def _at(name: str, files: Sequence[Path], line: int) -> list[str]:
    first, *rest = map(str, files)
    if line < 1:
        at = [first]
    elif name in _PLUS:
        at = [f"+{line}", first]
    elif name in _COLON:
        at = [f"{first}:{line}"]
    elif name in _GOTO:
        at = ["--goto", f"{first}:{line}"]
    elif name in _LINE:
        at = [_LINE[name], str(line), first]
    else:
        at = [first]
    return [*at, *rest]


def edit_in_terminal(call: EditorCall) -> tuple[int, float]:
    """Gives the terminal to the editor until it ends; returns its exit status and the seconds it took."""
    begun = time.monotonic()
    with _signals_of_a_shell():
        done = subprocess.run(call.command, stderr=sys.__stderr__, check=False)
    return done.returncode, time.monotonic() - begun


def open_window(call: EditorCall) -> str:
    """Starts an editor that has a window of its own; returns what it complains about, empty where it does not.

    It waits for what goes wrong at once, so call it in a thread.
    """
    quiet = subprocess.DEVNULL
    opened = subprocess.Popen(
        call.command, stdin=quiet, stdout=quiet, stderr=subprocess.PIPE, start_new_session=True, errors="replace"
    )
    try:
        _, said = opened.communicate(timeout=_SOON_S)
    except subprocess.TimeoutExpired:
        return ""
    return (said.strip().splitlines() or [f"it ended with status {opened.returncode}"])[-1] if opened.returncode else ""


@contextlib.contextmanager
def _signals_of_a_shell() -> Iterator[None]:
    """What the keyboard sends is the editor's: ctrl+c does not end us, ctrl+z stops us with it, as a shell expects."""
    wanted: dict[signal.Signals, Callable[[int, FrameType | None], None] | signal.Handlers] = {
        signal.SIGINT: lambda *_: None,  # not SIG_IGN, which the editor would inherit
        signal.SIGQUIT: lambda *_: None,
        signal.SIGTSTP: signal.SIG_DFL,
        signal.SIGCONT: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
