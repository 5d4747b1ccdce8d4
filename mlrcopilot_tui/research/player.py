"""The player: leads a session from sitting to sitting, as it was recorded."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mlrcopilot_tui.agents.base import Engine
from mlrcopilot_tui.agents.claude.books.exchanges import EXCHANGES_NAME, Exchange, ExchangeReader
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.cassette import Cassette
from mlrcopilot_tui.research.conductor import Conductor
from mlrcopilot_tui.research.copilot import TOLD_TO_STOP, Copilot, Errand
from mlrcopilot_tui.research.desk import DecisionDesk
from mlrcopilot_tui.research.gates import Gatekeeper
from mlrcopilot_tui.research.keeping import Keeper
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.research.places import OpenPlaces
from mlrcopilot_tui.research.recorded import ReplayExecutor, ReplayKeys, ReplayPort, ReplayTrees, Signatures
from mlrcopilot_tui.research.recorded_researcher import RecordedResearcher
from mlrcopilot_tui.runs.sandbox import STRONGEST_FIRST, sandbox_of
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.ablation_events import AblationEnded
from mlrcopilot_tui.session.journal import JOURNAL_NAME
from mlrcopilot_tui.session.model import Decision
from mlrcopilot_tui.session.records import Record
from mlrcopilot_tui.session.run_events import RunStarted, RunStopped
from mlrcopilot_tui.session.session import OpenSession, read_state
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.config import EngineConfig, parse_config
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.layout import Layout
from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.opening import open_workspace

STALLED_S = 30.0
"""Nothing waits for anything outside: a replay in which nothing happens for so long has lost its way."""
FAREWELL_S: Final = 5.0
"""How long a copilot may take to end by itself where the recorded one ended."""

ReplayEngine = Callable[[str, int, EngineConfig, ReplayPort], Engine]
"""Makes the engine of a name and a seed that asks its model through the port."""


@dataclass(frozen=True, slots=True)
class Sitting:
    """What one copilot did, as a range of the recording; `stop` is the index of its last event, None if it has none."""

    begin: int
    end: int
    stop: int | None


def sittings(records: list[Record]) -> Iterator[Sitting]:
    """The sittings of a recording."""
    begin: int | None = None
    for index, record in enumerate(records):
        if isinstance(record.event, ev.CopilotStarted):
            begin = index
        elif isinstance(record.event, ev.CopilotStopped) and begin is not None:
            yield Sitting(begin, index + 1, index)
            begin = None
    if begin is not None:
        yield Sitting(begin, len(records), None)


def _why_spent(event: ev.Event) -> str:
    """Why a session or an ablation had to end, where a budget was spent."""
    reason = event.reason if isinstance(event, ev.SessionFinished | AblationEnded) else ""
    return reason if reason.startswith("The budget of ") else ""


class Player:
    """Plays one cassette.

    Args:
        cassette: what is played.
        records: its events.
        started: the first of them.
        target: the workspace, as it was when the session began.
        engine: makes the engine.
        heard: gets the events as they happen.
    """

    def __init__(
        self,
        cassette: Cassette,
        records: list[Record],
        started: ev.SessionStarted,
        target: Path,
        engine: ReplayEngine,
        heard: Callable[[Record], None],
    ) -> None:
        self._started = started
        self._records = records
        self._heard = heard
        self._make_engine = engine
        workspace = open_workspace(target)
        self._layout: Layout = workspace.layout
        self._folder = self._layout.make(self._layout.session(started.session))
        self._repository = Repository(target, Signatures(cassette.commits()))
        self._config = parse_config(started.config, self._layout.config)
        self._conductor = Conductor(
            cassette.read(JOURNAL_NAME).splitlines(keepends=True),
            records,
            self._layout.journal(started.session),
            (cassette.manifest.root, str(self._layout.root)),
        )
        self._executor = ReplayExecutor(self._conductor, cassette)
        self._cassette = cassette
        self._port = ReplayPort(self._conductor, self._exchanges())
        self._researcher = RecordedResearcher(self._conductor, self._executor, self._port)

    def play(self) -> SessionState:
        """Plays all of it."""
        SessionLine(self._repository, self._started.session).start(self._started.base)
        answers = [name for name in self._cassette.names("exchanges/") if not name.endswith(EXCHANGES_NAME)]
        for name in (*self._cassette.names("papers/"), *answers):
            self._put(name)
        at = 0
        for sitting in sittings(self._records):
            self._between(at, sitting.begin)
            asyncio.run(self._sit(sitting))
            at = sitting.end
        self._between(at, len(self._records))
        with self._opened():  # what commands came upon last is brought about
            pass
        self._keep_the_rest()
        return read_state(self._folder)

    async def _sit(self, sitting: Sitting) -> None:
        """Lets a copilot do once more what one did, and end where that one ended."""
        conductor = self._conductor
        conductor.let_happen(sitting.end)
        copilot_started = self._records[sitting.begin].event
        name, places = "", 1
        errand: Errand = ""
        if isinstance(copilot_started, ev.CopilotStarted):
            name, places, errand = copilot_started.engine, copilot_started.places, copilot_started.errand
        with self._opened(name, places, self._records[sitting.begin : sitting.end]) as bench:
            laboratory = self._laboratory(bench)
            copilot = Copilot(bench, laboratory, self._budget_spent, errand=errand)
            work = asyncio.create_task(copilot.run())
            decisions = asyncio.create_task(self._researcher.decide(bench, sitting.begin, sitting.end))
            end = asyncio.create_task(conductor.place(sitting.end if sitting.stop is None else sitting.stop))
            try:
                await self._until({work, end})
                await self._farewell(sitting, copilot, work)
            finally:
                conductor.cut_off()
                for task in (work, end, decisions):
                    task.cancel()
                await asyncio.gather(work, end, decisions, return_exceptions=True)
                await bench.engine.close()

    async def _until(self, tasks: set[asyncio.Task[Any]]) -> None:
        """Returns when one of the tasks is done.

        Raises:
            ReplayDepartedError: nothing happens any more.
        """
        while not (await asyncio.wait(tasks, timeout=STALLED_S, return_when=asyncio.FIRST_COMPLETED))[0]:
            if time.monotonic() - self._conductor.moved_at > STALLED_S:
                raise self._conductor.stands_still()

    async def _farewell(self, sitting: Sitting, copilot: Copilot, work: "asyncio.Task[str]") -> None:
        """Ends a copilot the way the recorded one ended: by itself, by a signal, or without a word."""
        stopped = None if sitting.stop is None else self._records[sitting.stop].event
        if isinstance(stopped, ev.CopilotStopped) and not stopped.vanished:
            if stopped.reason == TOLD_TO_STOP:
                copilot.let_go()
            await asyncio.wait({work}, timeout=FAREWELL_S)
        if self._conductor.departed:
            raise self._conductor.departed
        if work.done() and self._conductor.frontier < sitting.end:
            raise work.exception() or self._conductor.stands_still()
        self._conductor.cut_off()
        self._conductor.give_up(sitting.end)

    async def _budget_spent(self) -> str:
        """Returns where the recorded session found its minutes spent."""
        finished = self._conductor.next(ev.Event, lambda event: bool(_why_spent(event)))
        stopped = self._conductor.next(RunStopped, lambda event: event.by == "budget")
        if finished is None:
            return await asyncio.Future[str]()
        await self._conductor.place(min(index for index in (finished, stopped) if index is not None))
        return _why_spent(self._records[finished].event)

    def _between(self, begin: int, end: int) -> None:
        """Lets happen what commands did while no copilot ran; decisions are applied once more."""
        for after, decision in self._researcher.decisions(begin, end):
            self._conductor.let_happen(after)
            self._put_records()
            with self._opened() as bench:
                self._conductor.let_happen(end)
                asyncio.run(self._apply(bench, decision))
        self._conductor.let_happen(end)
        self._conductor.give_up(end)
        self._put_records()

    async def _apply(self, bench: Bench, decision: Decision) -> None:
        async with self._laboratory(bench) as laboratory:
            await Keeper(bench).recover()
            await self._researcher.set_stage(bench, decision)
            await DecisionDesk(bench, laboratory).apply(decision)

    def _laboratory(self, bench: Bench) -> Laboratory:
        keys = ReplayKeys(self._conductor, self._repository)
        trees = ReplayTrees(self._layout, self._started.session)
        return Laboratory(bench, obeys_pause=True, keys=keys, trees=trees)

    @contextlib.contextmanager
    def _opened(self, engine: str = "", places: int = 1, sitting: Sequence[Record] = ()) -> Iterator[Bench]:
        """The session opened for writing, with the recording, of this sitting before all, in place of the world."""
        with OpenSession(self._folder, self._conductor.open_journal) as opened:
            pending: list[Record] = []

            def adopt(record: Record) -> None:
                pending.append(record)
                if not self._conductor.taking:  # else it comes after the event that is being taken
                    adopt_pending()

            def adopt_pending(*_: Record) -> None:
                while pending:
                    record = pending.pop(0)
                    self._researcher.find_edits(bench, record.seq)
                    opened.state.apply(record)
                    for listener in opened.listeners:
                        listener(record)

            self._conductor.adopt = adopt
            opened.listeners += [adopt_pending, self._heard]
            sandboxes = _fences(sitting) or _fences(self._records)
            try:
                bench = Bench(
                    layout=self._layout,
                    session=opened,
                    config=self._config,
                    repository=self._repository,
                    line=SessionLine(self._repository, self._started.session),
                    engine=self._make_engine(
                        engine or self._started.engine, self._started.seed, self._config.engine, self._port
                    ),
                    executor=self._executor,
                    sandbox=sandbox_of(next((level for level in STRONGEST_FIRST if level in sandboxes), "plain")),
                    python="python",
                    gates=Gatekeeper(opened),
                    places=OpenPlaces(places),
                    turn=self._conductor.turn,
                    turn_of=self._conductor.turn_of,
                    is_due=self._conductor.is_due,
                    turn_to_run=self._conductor.turn_to_run,
                    may_ask=self._conductor.may_ask,
                    unfenced=True,
                    watches=False,
                )
                self._researcher.find_edits(bench, self._conductor.frontier)
                yield bench
            finally:
                self._conductor.adopt = lambda _: None

    def _exchanges(self) -> list[Exchange]:
        """The recorded exchanges."""
        name = f"exchanges/{EXCHANGES_NAME}"
        if name not in self._cassette.manifest.parts:
            return []
        with tempfile.TemporaryDirectory(prefix="mlrcopilot-") as aside:
            self._cassette.extract(name, Path(aside) / EXCHANGES_NAME)
            return list(ExchangeReader(Path(aside) / EXCHANGES_NAME).exchanges())

    def _put_records(self) -> None:
        """Puts the records of runs in place that no replayed copilot started."""
        names = [name for name in self._cassette.names("runs/") if not (self._folder / name).exists()]
        known = {
            record.event.run
            for record in self._records[: self._conductor.frontier]
            if isinstance(record.event, RunStarted)
        }
        for name in names:
            if name.split("/")[1] in known:
                self._put(name)

    def _keep_the_rest(self) -> None:
        """Puts the recorded exchanges in the place of those that were replayed: these tell how long a turn took."""
        for name in self._cassette.names(f"exchanges/{EXCHANGES_NAME}"):
            (self._folder / name).unlink(missing_ok=True)
            self._put(name)

    def _put(self, name: str) -> None:
        self._layout.make((self._folder / name).parent)
        self._cassette.extract(name, self._folder / name)


def _fences(records: Sequence[Record]) -> set[str]:
    return {record.event.sandbox for record in records if isinstance(record.event, RunStarted)}
