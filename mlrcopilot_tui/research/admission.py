"""Admission: lets a run into the journal when there is a place for it, and keeps the places of those that live."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Collection, Sequence

import msgspec

from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.places import Place
from mlrcopilot_tui.session.run_events import RunPlanned
from mlrcopilot_tui.session.state import RunState

Room = Callable[[str, Collection[str]], Awaitable[None]]


async def at_once(_: str, __: Collection[str]) -> None:
    """What a run waits for where there is room for any."""


async def hand_over(files: Sequence[int], start: Callable[[Sequence[int]], None]) -> None:
    """Calls `start` in a thread, with copies of open files that last as long as it does.

    When this waiting is cancelled, the caller's own may be closed, and others opened under their numbers, at once.
    """
    copies = tuple(map(os.dup, files))
    ours = threading.Lock()  # whoever gets it closes the copies: the thread, or we where that never began

    def close() -> None:
        for copy in copies:
            os.close(copy)

    def start_and_close() -> None:
        if ours.acquire(blocking=False):
            try:
                start(copies)
            finally:
                close()

    try:
        await asyncio.to_thread(start_and_close)
    finally:
        if ours.acquire(blocking=False):
            close()


class Admission:
    """Admits the runs of one session.

    Args:
        bench: the session.
        obeys_pause: no new run is admitted while the session is paused.
        room: returns when a run of a commit has room, on those GPUs, beside the live ones.
    """

    def __init__(self, bench: Bench, room: Room, *, obeys_pause: bool) -> None:
        self._bench = bench
        self._room = room
        self._obeys_pause = obeys_pause
        self._places: dict[str, Place] = {}

    async def plan(
        self, wanted: RunPlanned, equal: Callable[[], RunState | None], holds: Callable[[], bool]
    ) -> RunState | None:
        """The run that is wanted, journaled once there is a place for it; one that is `equal` by then will do.

        None where its key no longer `holds` by then.
        """
        taking = asyncio.create_task(self._take(wanted))
        try:
            while True:
                if (run := equal()) is not None:
                    return run
                if taking.done():
                    break
                await self._bench.gates.change_or({taking})
            if not holds():
                return None
            state, place = self._bench.state, taking.result()
            name = f"r{len(state.runs) + 1}"
            self._places[name] = place
            self._bench.session.record(msgspec.structs.replace(wanted, run=name))
            return state.runs[name]
        finally:
            taking.cancel()
            taking.add_done_callback(self._give_back_unused)

    def place(self, run: RunState) -> Place:
        """Where an admitted run goes on."""
        return self._places[run.run]

    async def readmit(self, run: RunState) -> None:
        """Counts a run that an earlier process admitted and that lives."""
        await self._bench.places.count()
        self._places[run.run] = self._bench.places.occupy()

    def let_go(self, run: RunState) -> None:
        """Makes room where a run has ended."""
        if place := self._places.pop(run.run, None):
            place.give_back()

    async def _take(self, wanted: RunPlanned) -> Place:
        """A place for a run, held until it is given back, which it is while the session is paused."""
        bench = self._bench
        while True:
            if self._obeys_pause:
                await bench.gates.unpaused()
            place = await bench.places.take(f"session {bench.state.session}", self._devices_in_use, self._warn)
            try:
                if await self._is_let_in(wanted, place):
                    return place
            except BaseException:
                place.give_back()
                raise
            place.give_back()

    async def _is_let_in(self, wanted: RunPlanned, place: Place) -> bool:
        """Waits until a run may go on in its place; False where a pause comes first, in which nobody holds one."""

        async def wait() -> None:
            await self._room(wanted.commit, place.lease.names)
            await self._bench.turn_to_run(wanted)

        waiting = asyncio.ensure_future(wait())
        try:
            while not (self._obeys_pause and self._bench.state.paused):
                if waiting.done():
                    waiting.result()
                    return True
                await self._bench.gates.change_or({waiting})
            return False
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    def _give_back_unused(self, taking: "asyncio.Task[Place]") -> None:
        if taking.cancelled() or taking.exception() is not None:
            return
        place = taking.result()
        if all(place is not used for used in self._places.values()):
            place.give_back()

    def _devices_in_use(self) -> set[str]:
        lent = [place.lease.names for place in self._places.values()]
        return set().union(*lent, *(run.devices for run in self._bench.state.live_runs))

    def _warn(self, text: str) -> None:
        self._bench.warn(text, "`mlrcopilot doctor` shows the GPUs.", "machine")
