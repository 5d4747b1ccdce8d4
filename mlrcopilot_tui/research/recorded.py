"""What a replayed session finds in place of the world: runs, trials, models and checkouts, as they were recorded."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from mlrcopilot_tui.agents.claude.books.exchanges import Exchange, request_digest
from mlrcopilot_tui.agents.claude.turns import Delta, ModelFaultError, Request, Turn, Wire
from mlrcopilot_tui.research.cassette import Cassette, SignedCommit
from mlrcopilot_tui.research.conductor import Conductor, ReplayDepartedError
from mlrcopilot_tui.runs.spec import STATUS_FILE, CleanTree, RunSpec, RunStatus, read_status
from mlrcopilot_tui.runs.watch import Cut
from mlrcopilot_tui.session.model_events import ModelCalled, ModelFaulted, Role
from mlrcopilot_tui.session.run_events import RunFinished, RunPlanned, RunStarted
from mlrcopilot_tui.session.state import RunState
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.layout import Layout

NEVER_STARTED = "The copilot ended before this run was started."
FOLDER_GONE = "The folder of its records is gone."


class ReplayExecutor:
    """Implements `Executor`: puts a run's records in its folder, and lets it end where the recording has its end."""

    def __init__(self, conductor: Conductor, cassette: Cassette) -> None:
        self._conductor = conductor
        self._cassette = cassette
        self._stopped: dict[Path, Callable[[], object]] = {}
        self._trials: dict[str, asyncio.Event] = {}

    def start(self, spec: RunSpec, folder: Path, held: Sequence[int] = ()) -> None:  # noqa: ARG002 - the protocol's signature
        """Puts the recorded files of a run or a trial in place."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=False)
        for name in self._cassette.names(f"{folder.parent.name}/{folder.name}/"):
            self._cassette.extract(name, folder / name.rpartition("/")[2])

    def status(self, folder: Path) -> RunStatus | None:
        """Where a run stood when a copilot asked after it."""
        ended = self._end(folder.name)
        if ended is not None and ended.reason == NEVER_STARTED:
            return None
        index = self._conductor.next(RunStarted, lambda event: event.run == folder.name)
        started = None if index is None else self._conductor.records[index].event
        return _status(folder.name, state="running", child_pid=None if started is None else 1)

    async def wait(self, folder: Path, on_status: Callable[[RunStatus], None] | None = None) -> RunStatus:  # noqa: ARG002 - the protocol's signature
        """The recorded end, in its place."""
        if folder.parent.name == "trials":
            return await self._end_of_trial(folder)
        index = self._conductor.next(RunFinished, lambda event: event.run == folder.name)
        await self._conductor.place(len(self._conductor.records) + 1 if index is None else index)
        ended = self._end(folder.name)
        if ended is None or ended.reason == FOLDER_GONE:
            raise FileNotFoundError(folder)
        facts = {name: getattr(ended, name) for name in _FACTS}
        return _status(folder.name, state="finished", outcome=ended.outcome, **facts)

    def stop(self, folder: Path) -> None:
        """Lets a trial end that the researcher interrupted; a run ends where it ended."""
        if stopped := self._stopped.get(folder):
            stopped()

    async def _end_of_trial(self, folder: Path) -> RunStatus:
        """A trial's end has no place of its own: what the agent does next has."""
        status = read_status(folder)
        if status is None or status.outcome in {None, "stopped"}:
            loop, stopped = asyncio.get_running_loop(), asyncio.Event()
            self._stopped[folder] = lambda: loop.call_soon_threadsafe(stopped.set)
            self._under_way(folder.name).set()
            await stopped.wait()
        return status or _status(folder.name, state="finished", outcome="stopped")

    async def trial(self, name: str) -> None:
        """Returns when that trial is under way, if it is one that the researcher interrupted."""
        part = f"trials/{name}/{STATUS_FILE}"
        if part not in self._cassette.names(part):
            return
        if msgspec.json.decode(self._cassette.read(part), type=RunStatus).outcome in {None, "stopped"}:
            await self._under_way(name).wait()

    def _under_way(self, trial: str) -> asyncio.Event:
        return self._trials.setdefault(trial, asyncio.Event())

    def _end(self, run: str) -> RunFinished | None:
        events = (record.event for record in self._conductor.records)
        return next((event for event in events if isinstance(event, RunFinished) and event.run == run), None)


_FACTS = (
    "reason", "value", "wall_s", "log_sha256", "exit_code", "peak_rss_bytes", "cpu_s", "peak_gpu_bytes", "contended_s",
    "contention", "looked",
)  # fmt: skip


def _status(run: str, **facts: object) -> RunStatus:
    told = {"run": run, "supervisor_pid": 0, "supervisor_created": 0.0, "started_at": ""}
    return msgspec.convert({**told, **facts}, RunStatus)


class ReplayKeys:
    """Implements `Keys`: what a run depends on is not here; what was the same then counts as the same."""

    def __init__(self, conductor: Conductor, repository: Repository) -> None:
        self._conductor = conductor
        self._repository = repository
        self._trees: dict[str, str] = {}

    async def key(self, commit: str, seed: int) -> str:
        """The recorded key of equal files at that seed: of the run that is planned next, else of the last one."""
        tree = await self._tree(commit)
        records, now = self._conductor.records, self._conductor.frontier
        planned = [
            (index, record.event)
            for index, record in enumerate(records)
            if isinstance(record.event, RunPlanned) and record.event.seed == seed
        ]
        equal = [(index, event) for index, event in planned if await self._tree(event.commit) == tree]
        before = [event.key for index, event in equal if index < now]
        after = [event.key for index, event in equal if now <= index < self._conductor.horizon]
        return (after[:1] or before[-1:] or [f"{tree}:{seed}"])[0]

    async def _tree(self, commit: str) -> str:
        """The tree of a commit; empty for one that is not written yet."""
        if commit not in self._trees:
            known = await asyncio.to_thread(self._repository.resolve_or_none, commit)
            if known is None:
                return ""
            self._trees[commit] = await asyncio.to_thread(self._repository.tree_id, known)
        return self._trees[commit]


class ReplayTrees:
    """Implements `Trees` without any: nothing runs in them."""

    def __init__(self, layout: Layout, session: str) -> None:
        self._layout = layout
        self._session = session

    def make(self, run: RunState) -> None:
        """Makes nothing."""

    def read_only(self, run: RunState) -> tuple[str, ...]:  # noqa: ARG002 - the protocol's signature
        """Nothing is fenced in."""
        return ()

    def hidden(self, run: RunState) -> tuple[str, ...]:  # noqa: ARG002 - the protocol's signature
        """Nothing is there to be covered up."""
        return ()

    def clean_tree(self, run: RunState) -> CleanTree | None:  # noqa: ARG002 - the protocol's signature
        """Nothing is evaluated."""
        return None

    def objection(self, run: RunState) -> Cut | None:  # noqa: ARG002 - the protocol's signature
        """A run whose files were changed was recorded as void."""
        return None

    def remove(self, run: str) -> None:
        """Removes nothing."""

    def remove_leftovers(self) -> None:
        """Removes nothing."""

    def path(self, run: str) -> Path:
        """Where the run would work."""
        return self._layout.run_tree(self._session, run)

    def scratch(self, run: str) -> Path:
        """Where it would keep temporary files."""
        return self._layout.scratch(self._session, run)


class ReplayPort:
    """Implements `ModelPort`: answers a request as an equal one was answered, where the recording has the answer."""

    def __init__(self, conductor: Conductor, exchanges: Iterable[Exchange]) -> None:
        self._conductor = conductor
        self._exchanges = list(exchanges)
        self._left = list(self._exchanges)
        self._asked = {exchange.id: asyncio.Event() for exchange in self._left}

    async def turn(self, request: Request, wire: Wire, heard: Callable[[Delta], None]) -> Turn:  # noqa: ARG002 - the protocol's signature
        """The recorded turn, or its fault.

        Raises:
            ModelFaultError: as it was recorded.
            ReplayDepartedError: nothing like it was asked then.
        """
        digest = request_digest(request, wire)
        exchange = next((one for one in self._left if one.digest == digest), None)
        if exchange is None:
            raise self._departed(request)
        self._left.remove(exchange)
        self._asked[exchange.id].set()
        await self._conductor.place(self._place(exchange))
        if exchange.outcome is None:  # it was cut, and will be
            await asyncio.Event().wait()
        if isinstance(exchange.outcome, ModelFaultError):
            raise exchange.outcome
        if exchange.outcome is None:
            raise self._departed(request)
        return exchange.outcome

    async def close(self) -> None:
        """Holds nothing."""

    async def asked(self, exchange: str) -> None:
        """Returns when the recorded request was made again; at once where it is not known."""
        if exchange in self._asked:
            await self._asked[exchange].wait()

    def model(self, role: Role) -> str:
        """The model that was asked in a role; empty where none was."""
        return next((one.wire.model for one in self._exchanges if one.request.role == role), "")

    def wait_before_retry(self, fault: ModelFaultError, tries: int) -> float | None:  # noqa: ARG002 - a policy's signature
        """No time where the recorded copilot waited; None where it gave up."""
        index = self._conductor.next(ModelFaulted, lambda event: event.fault == fault.kind)
        event = None if index is None else self._conductor.records[index].event
        return None if not isinstance(event, ModelFaulted) or event.retry_in_s is None else 0.0

    def _place(self, exchange: Exchange) -> int:
        called = self._conductor.next(ModelCalled, lambda event: event.exchange == exchange.id)
        if called is None and isinstance(exchange.outcome, ModelFaultError):
            kind = exchange.outcome.kind
            called = self._conductor.next(ModelFaulted, lambda event: event.fault == kind)
        return 0 if called is None else called

    def _departed(self, request: Request) -> ReplayDepartedError:
        step = f", step {request.step} of idea {request.idea}" if request.step else ""
        left = f"at exchange {self._left[0].id}" if self._left else "after its last exchange"
        return self._conductor.depart(
            f"The replay left the recording {left}: nothing like the request that came ({request.purpose}{step}) was "
            "made then."
        )


class Signatures:
    """Signs commits as the recorded ones were signed, so that equal ones have equal ids."""

    def __init__(self, commits: Iterable[SignedCommit]) -> None:
        self._signed = {(one.tree, one.parents, one.message.rstrip("\n")): one for one in commits}

    def __call__(self, tree: str, parents: tuple[str, ...], message: str) -> Mapping[str, str] | None:
        """The environment that tells git of the signature; None for a commit that was not recorded."""
        commit = self._signed.get((tree, parents, message.rstrip("\n")))
        if commit is None:
            return None
        roles = {"AUTHOR": commit.author, "COMMITTER": commit.committer}
        parts = ("NAME", "EMAIL", "DATE")
        return {
            f"GIT_{role}_{part}": value
            for role, values in roles.items()
            for part, value in zip(parts, values, strict=True)
        }
