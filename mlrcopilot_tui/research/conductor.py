"""The conductor: holds what a replay does against the recording, and holds back what comes from outside until its turn.

What a session does between two arrivals from outside (a run's end, a model's turn, a decision) follows from what it
knows. So an event may come a little early in a replay, where two tasks work side by side; it is given its recorded
place and time, and the journal is written in the recorded order. An event that the recording does not have ends it.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.research.essence import essence
from mlrcopilot_tui.research.given import given
from mlrcopilot_tui.research.turns import doers
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.journal import JournalReader
from mlrcopilot_tui.session.model_events import ModelCalled, ModelFaulted
from mlrcopilot_tui.session.records import Record
from mlrcopilot_tui.session.run_events import (
    RunPlanned,
)

WHY_DEPARTED: Final = "It was recorded by another version, or hangs on something that a recording does not hold."

E = TypeVar("E", bound=ev.Event)


class ReplayDepartedError(CopilotError):
    """The replay does something else than the recording."""

    exit_code = 1


class CutOffError(CopilotError):
    """Here the recorded copilot ended without a word, and so does its replay."""


class Conductor:
    """Leads one replay; all of it belongs to the event loop's thread.

    Args:
        lines: the recorded journal's lines, with their ends.
        records: the same, decoded.
        journal: the file that is written anew.
        roots: the recorded workspace's folder and that of the replay, which sentences may name.

    Attributes:
        records: the recording.
        frontier: the index of the first event that has not happened yet.
        horizon: the index up to which events may happen now.
        adopt: takes an event into the session's state that happens without the loop's doing.
        taking: an event is being taken, and the session's state does not hold it yet.
        moved_at: when the last event happened, by the monotonic clock.
        departed: what ended the replay before its time, if something did.
    """

    def __init__(
        self, lines: Sequence[bytes], records: Sequence[Record], journal: Path, roots: tuple[str, str]
    ) -> None:
        self.records = records
        self.frontier = 0
        self.horizon = 0
        self.adopt: Callable[[Record], None] = lambda _: None
        self.taking = False
        self.moved_at = time.monotonic()
        self.departed: ReplayDepartedError | None = None
        self._lines = lines
        self._doers = doers(records)
        self._journal = journal
        self._roots = roots
        self._happened = [False] * len(records)
        self._given = given(records)
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._cut = False
        self._places: defaultdict[bytes, list[int]] = defaultdict(list)
        for index, record in enumerate(records):
            self._places[essence(record.event, roots[0])].append(index)

    def open_journal(self, path: Path) -> "ReplayJournal":
        """The journal of a copilot that starts now."""
        self._cut = False
        return ReplayJournal(self, JournalReader(path).poll())

    def cut_off(self) -> None:
        """From here on the copilot of the recording was no more."""
        self._cut = True

    def take(self, event: ev.Event) -> Record:
        """Lets an event happen; returns it with the place, the time and the measured facts of the recording.

        Raises:
            ReplayDepartedError: the recording does not have it here.
        """
        if self._cut:
            raise CutOffError("The copilot was cut off.")
        index = None if self.departed else self._index(event)
        if index is None:
            raise self.depart(
                f"The replay left the recording at event {self.frontier + 1}: "
                f"{self._expected()} was recorded, {self._came(event)} came."
            )
        self._happened[index] = True
        self.taking = True
        try:
            self._advance()
        finally:
            self.taking = False
        return self.records[index]

    async def turn(self, event: ev.Event) -> None:
        """Returns when `event` may happen; at once for one that the recording does not have."""
        while (index := self._index(event)) is not None and index > self.frontier:
            await self.place(index)

    async def turn_of(self, work: int) -> None:
        """Returns when what the loop, or the work on an idea, did next may happen; never, if it did nothing more.

        What one work finds then is what it found in the recording, whatever the others are at.
        """
        await self._first(lambda index: self._doers[index] == work)

    def is_due(self, work: int) -> bool:
        """Whether what happens next of what a replay brings about is of the loop, or of the work on an idea."""
        open_ones = (index for index in range(self.frontier, self.horizon) if not self._happened[index])
        index = next((index for index in open_ones if index not in self._given), None)
        return index is not None and self._doers[index] == work

    async def turn_to_run(self, wanted: RunPlanned) -> None:
        """Returns when the run that is wanted may be planned; never, if it was not."""

        def same(event: ev.Event) -> bool:
            return isinstance(event, RunPlanned) and msgspec.structs.replace(event, run="", key=wanted.key) == wanted

        await self._first(lambda index: same(self.records[index].event))

    async def _first(self, wanted: Callable[[int], bool]) -> None:
        """Returns when the first of the events that are wanted, and have not happened, may happen."""
        open_ones = (index for index in range(self.frontier, self.horizon) if not self._happened[index])
        index = next(filter(wanted, open_ones), None)
        if index is None:
            await asyncio.get_running_loop().create_future()
        else:
            await self.place(index)

    async def may_ask(self) -> None:
        """Returns when as much has happened as had when a model was asked next."""
        for index in range(self.frontier, self.horizon):
            event = self.records[index].event
            if isinstance(event, ModelCalled | ModelFaulted) and not self._happened[index]:
                await self.place(event.after)
                return

    async def place(self, index: int) -> None:
        """Returns when everything before the event of that index has happened."""
        if self.frontier < index:
            reached = asyncio.get_running_loop().create_future()
            self._waiting.append((index, reached))
            await reached

    def next(self, kind: type[E], wanted: Callable[[E], bool] = lambda _: True) -> int | None:
        """The index of the first event of a kind that is still to happen, of those that are wanted."""
        for index in range(self.frontier, len(self.records)):
            event = self.records[index].event
            if isinstance(event, kind) and not self._happened[index] and wanted(event):
                return index
        return None

    def let_happen(self, until: int) -> None:
        """Lets the events before index `until` happen that the loop does not bring about."""
        self.horizon = max(self.horizon, until)
        self._advance()

    def give_up(self, until: int) -> None:
        """Lets the rest of a sitting count as happened, whose copilot was cut off."""
        for index in range(self.frontier, until):
            if not self._happened[index]:
                self._happened[index] = True
        self._advance()

    def depart(self, sentence: str) -> ReplayDepartedError:
        """Ends the replay: what comes after its first departure is of no interest."""
        self.departed = self.departed or ReplayDepartedError(sentence, WHY_DEPARTED)
        return self.departed

    def stands_still(self) -> ReplayDepartedError:
        """Ends a replay in which nothing happens any more."""
        return self.depart(f"The replay stands still at event {self.frontier + 1}: {self._expected()} does not happen.")

    def is_given(self, index: int) -> bool:
        """Whether no replayed loop brings that event about."""
        return index in self._given

    def _expected(self) -> str:
        return _told(self.records[self.frontier].event) if self.frontier < len(self.records) else "nothing more"

    def _came(self, event: ev.Event) -> str:
        """The event that came, and in what it is another than the recorded one of its type."""
        index = self.next(type(event))
        if index is None or index >= self.horizon:
            return _told(event)
        return f"{_told(event)} with another {_difference(self.records[index].event, event)}"

    def _index(self, event: ev.Event) -> int | None:
        places = self._places.get(essence(event, self._roots[1]), ())
        return next((index for index in places if not self._happened[index] and index < self.horizon), None)

    def _advance(self) -> None:
        before = self.frontier
        while self.frontier < self.horizon and (self._happened[self.frontier] or self.frontier in self._given):
            if not self._happened[self.frontier]:
                self._happened[self.frontier] = True
                self.adopt(self.records[self.frontier])
            self.frontier += 1
        if self.frontier == before:
            return
        with self._journal.open("ab") as file:
            file.writelines(self._lines[before : self.frontier])
        self.moved_at = time.monotonic()
        reached = [future for index, future in self._waiting if index <= self.frontier]
        self._waiting = [waiting for waiting in self._waiting if waiting[0] > self.frontier]
        for future in reached:
            if not future.done():
                future.set_result(None)


class ReplayJournal:
    """The journal of a replay: what is appended is held against the recording."""

    def __init__(self, conductor: Conductor, recovered: list[Record]) -> None:
        self._conductor = conductor
        self.recovered = recovered

    def append(self, *events: ev.Event) -> list[Record]:
        """Lets `events` happen.

        Raises:
            ReplayDepartedError: the recording does not have them here.
        """
        return [self._conductor.take(event) for event in events]

    def close(self) -> None:
        """Nothing is held open."""


def _told(event: ev.Event) -> str:
    about = [f"{name} {value}" for name in ("run", "idea", "purpose") if (value := getattr(event, name, None))]
    return f"`{event.type}`" + (f" ({', '.join(map(str, about))})" if about and len(str(about)) < 80 else "")


def _difference(recorded: Any, came: Any) -> str:  # noqa: ANN401 - whatever events hold
    """Where two values first differ, as `attempt.commit`."""
    one, other = msgspec.to_builtins(recorded, str_keys=True), msgspec.to_builtins(came, str_keys=True)
    path: list[str] = []
    while isinstance(one, dict) and isinstance(other, dict):
        name = next((name for name in {**one, **other} if one.get(name) != other.get(name)), None)
        if name is None:
            break
        path.append(name)
        one, other = one.get(name), other.get(name)
    return ".".join(path) or "place"
