"""The words of a turn in flight, gathered from its pieces and shown at a pace that a screen can follow."""

import asyncio
import contextlib
import re
from collections.abc import Callable
from typing import Final

from mlrcopilot_tui.agents.claude.turns import Delta

PERIOD_S: Final = 0.05
"""Thousands of pieces a second may come; nobody reads more than this."""


class Speech:
    """Gathers what is heard of one turn.

    Args:
        show: gets all the words so far, at most every `PERIOD_S`; empty when the turn is over.
        form: whether the text is JSON, which is shown without its signs.
    """

    def __init__(self, show: Callable[[str], None], *, form: bool = False) -> None:
        self._show = show
        self._form = form
        self._parts: list[str] = []
        self._speaking: tuple[str, str] = ("", "")
        self._action_chars = 0
        self._shown_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._over = False

    def heard(self, delta: Delta) -> None:
        """Takes a piece in; of an action only its name and how long it is so far."""
        if self._over:
            return
        speaking = (delta.kind, delta.name if delta.kind == "action" else "")
        if speaking != self._speaking:
            self._finish_part()
            self._parts += [] if not self._parts else ["\n"]
            self._speaking, self._action_chars = speaking, 0
        if delta.kind == "action":
            self._action_chars += len(delta.text)
        else:
            self._parts.append(delta.text)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._shown_at + PERIOD_S, self._tell)

    def end(self) -> None:
        """The turn is over."""
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        with contextlib.suppress(OSError):  # a full disk ends what matters, not what is shown
            self._show("")

    @property
    def text(self) -> str:
        """All the words so far."""
        words = "".join(self._parts)
        return (legible(words) if self._form else words) + self._action()

    def _action(self) -> str:
        kind, name = self._speaking
        return f"{name}: {self._action_chars} characters" if kind == "action" else ""

    def _finish_part(self) -> None:
        if action := self._action():
            self._parts.append(action)

    def _tell(self) -> None:
        self._timer, self._shown_at = None, asyncio.get_running_loop().time()
        with contextlib.suppress(OSError):
            self._show(self.text)


def legible(text: str) -> str:
    """JSON, whole or as far as it came, as lines for people: names, values, no brackets, no quotation marks."""
    text = re.sub(r'"\s*:\s*', ": ", text)
    text = re.sub(r'[{}\[\]]|"\s*,\s*|,\s*(?=")', "\n", text)
    text = re.sub(r'(?<!\\)"', "", text).replace("\\n", " ").replace('\\"', '"')
    return "\n".join(line.strip() for line in text.splitlines() if line.strip(" ,:"))
