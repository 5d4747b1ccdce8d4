"""The terminal outside of Textual's care: what it can do, stray writes, and its sudden end."""

import base64
import contextlib
import os
import sys
import termios
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from textual.app import App

from mlrcopilot_tui.errors import EnvironmentLackError
from mlrcopilot_tui.text import printable

_TELLS_BY_OSC_9: Final = {"iTerm.app", "WezTerm", "ghostty"}
_LOG_LIMIT: Final = 1 << 20


def refuse_dumb_terminal(env: Mapping[str, str]) -> None:
    """Raises `EnvironmentLackError` where no screen can be drawn."""
    if env.get("TERM", "dumb") in {"dumb", ""}:
        raise EnvironmentLackError(
            "This terminal cannot show a screen (TERM is dumb or not set).",
            "Use `mlrcopilot run --headless`, or set TERM to what your terminal is, such as xterm-256color.",
        )
    if not (sys.__stdin__ is not None and sys.__stdin__.isatty() and os.isatty(2)):
        raise EnvironmentLackError(
            "The screen needs a terminal for its input and its output.", "Use `mlrcopilot run --headless` in a script."
        )


def is_remote(env: Mapping[str, str]) -> bool:
    """Whether every byte goes over SSH."""
    return bool(env.get("SSH_CONNECTION") or env.get("SSH_TTY"))


def clipboard_sequence(text: str, env: Mapping[str, str]) -> str:
    """OSC 52, which sets the clipboard of the terminal even over SSH; in tmux also wrapped for the terminal outside."""
    body = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
    return _through_tmux(f"\x1b]52;c;{body}\x07", env, bare_too=True)


def notification_sequence(title: str, body: str, env: Mapping[str, str]) -> str:
    """A desktop notification by OSC 9 or 777 where the terminal is known to show one, else nothing."""
    title, body = printable(title).replace(";", ","), printable(body).replace(";", ",")
    term = env.get("TERM", "")
    if env.get("TERM_PROGRAM") in _TELLS_BY_OSC_9 or env.get("LC_TERMINAL") == "iTerm2" or "kitty" in term:
        return _through_tmux(f"\x1b]9;{title}: {body}\x07", env)
    if term.startswith("rxvt") or "foot" in term or env.get("VTE_VERSION"):
        return _through_tmux(f"\x1b]777;notify;{title};{body}\x07", env)
    return ""


def _through_tmux(sequence: str, env: Mapping[str, str], *, bare_too: bool = False) -> str:
    if not env.get("TMUX"):
        return sequence
    wrapped = "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    return sequence + wrapped if bare_too else wrapped


def send(app: App[int], sequence: str) -> None:
    """Writes a sequence to the terminal between two frames; nothing where there is no terminal."""
    driver = app._driver  # noqa: SLF001 -- Textual has no public way to write a sequence of one's own
    if driver is not None and sequence and not app.is_headless:
        driver.write(sequence)


def is_gone() -> bool:
    """Whether the terminal was taken away: its far end was closed and reads give nothing for ever."""
    try:
        termios.tcgetattr(0)
    except (termios.error, ValueError, OSError):
        return True
    return False


@contextlib.contextmanager
def stray_writes_to(path: Path) -> Iterator[None]:
    """Keeps what libraries write to the standard error out of the screen and in a file.

    Textual draws on `sys.__stderr__`, which is given a descriptor of its own to the terminal meanwhile.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = "ab" if path.exists() and path.stat().st_size < _LOG_LIMIT else "wb"
    original = sys.__stderr__
    screen = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace")
    with path.open(mode) as log:
        vars(sys)["__stderr__"] = screen
        os.dup2(log.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(screen.fileno(), 2)
            vars(sys)["__stderr__"] = original
            # A terminal that was taken away does not take the last bytes either.
            with contextlib.suppress(OSError):
                screen.close()
