"""The terminal's keys without delay: a lone escape interrupts the agent, so it must not wait for what may follow it."""

import codecs
import os
import select
from collections.abc import Mapping
from typing import Final

from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from mlrcopilot_tui.tui.terminal import is_remote

_LOCAL_ESCAPE_S: Final = 0.02
"""A terminal on this machine sends the sequence of a key at once; Textual allows it 100 ms."""
_SOON_S: Final = 0.025
_IDLE_S: Final = 0.1
_CHUNK: Final = 4096


def hurry_escape(env: Mapping[str, str]) -> None:
    """Shortens the time after which an escape stands alone, but over SSH, where the rest of a sequence may come late.

    `ESCDELAY` in the environment sets it, in milliseconds, whatever the terminal.
    """
    if "ESCDELAY" not in env and not is_remote(env):
        constants.ESCAPE_DELAY = _LOCAL_ESCAPE_S  # type: ignore[misc]  # Textual reads it with each escape


class PromptDriver(LinuxDriver):
    """Looks again soon after every key: Textual's own waits 100 ms for more before it takes an escape for itself.

    Key to journaled decision, median: 108 ms with Textual's, 36 ms with this (2 vCPU Xeon VM under load, tmux 3.3).
    """

    def run_input_thread(self) -> None:
        """Passes on what is typed until the program ends."""
        parser = XTermParser(self._debug)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        wait = _IDLE_S
        while not self.exit_event.is_set():
            ready, _, _ = select.select([self.fileno], [], [], wait)
            wait = _SOON_S if ready else _IDLE_S
            data = os.read(self.fileno, _CHUNK) if ready else b""
            if ready and not data:  # the terminal is gone, which the application finds out by itself
                self.exit_event.wait(_IDLE_S)
            typed = decoder.decode(data)
            for message in (*(parser.feed(typed) if typed else ()), *parser.tick()):
                self.process_message(message)
