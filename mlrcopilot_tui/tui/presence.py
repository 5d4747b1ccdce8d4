"""Whether the researcher is there: how far they have seen the session is kept, and what they missed is told."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from mlrcopilot_tui.session.seen import Seen, read_seen, write_seen
from mlrcopilot_tui.tui.client import SessionClient

if TYPE_CHECKING:
    from mlrcopilot_tui.research.digest import Digest

PRESENT_S: Final = 300.0
"""Who has not touched the terminal for so long is away: a screen stays open in a detached tmux, or over night."""
KEPT_EVERY_S: Final = 5


class Presence:
    """Watches one session for one researcher.

    Args:
        client: the session.
        now: the wall clock, whose times the journal has.
        clock: monotonic seconds.
    """

    def __init__(
        self, client: SessionClient, now: Callable[[], datetime], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._now = now
        self._clock = clock
        self._used = clock()
        self._there = True
        self._seconds = 0
        self.since: Seen | None = None
        """How far the researcher had seen the session before they came the last time."""

    def use(self) -> None:
        """The terminal was touched."""
        self._used = self._clock()

    def second(self) -> bool:
        """Called each second: says whether what was seen is to be kept now."""
        self._there = self._there and self._touched
        self._seconds += 1
        return self._there and self._seconds % KEPT_EVERY_S == 0

    def returned(self) -> bool:
        """Whether the researcher has come back to a screen that stayed open; true once for each time."""
        if self._there or not self._touched:
            return False
        self._there, self._seconds = True, 0
        return True

    def keep(self) -> None:
        """Keeps how far the session was seen: what is in the journal is on the screen."""
        client = self._client
        if self._there and client.folder is not None and client.state.seq:
            write_seen(client.folder, Seen(seq=client.state.seq, time=self._time()))

    def missed(self) -> "Digest | None":
        """What happened since the researcher was here last; None where that is nothing. It reads the whole journal.

        Raises:
            JournalDamagedError: the journal cannot be read.
        """
        from mlrcopilot_tui.research.digest import SHORT_S  # noqa: PLC0415 -- only for who comes back

        client = self._client
        seen = read_seen(client.folder) if client.folder is not None else None
        if seen is None or seen.seq >= client.state.seq:
            return None
        self.since = seen
        found = self.told()
        return found if found is not None and found.notable and found.away_s >= SHORT_S else None

    def told(self) -> "Digest | None":
        """What happened since the last absence, or without one since the session began; None without a session."""
        from mlrcopilot_tui.research.digest import digest, seen_by  # noqa: PLC0415 -- only for who asks
        from mlrcopilot_tui.session.journal import JOURNAL_NAME, JournalReader  # noqa: PLC0415

        client = self._client
        if client.folder is None:
            return None
        records = JournalReader(client.folder / JOURNAL_NAME).poll()
        alive = client.copilot_alive() is True
        return digest(records, self.since or seen_by(records, 0), self._time(), alive=alive)

    @property
    def _touched(self) -> bool:
        """Whether the terminal was used lately."""
        return self._clock() - self._used < PRESENT_S

    def _time(self) -> str:
        return self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
