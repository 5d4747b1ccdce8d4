"""Places: how many runs go on side by side, in which order they are let in, and which GPUs each of them gets."""

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from mlrcopilot_tui.errors import EnvironmentLackError
from mlrcopilot_tui.hardware.gpus import best_reader
from mlrcopilot_tui.hardware.leases import NO_DEVICES, VISIBILITY, Lease, Leases, has_chosen, visibility
from mlrcopilot_tui.hardware.limits import usable_cpus
from mlrcopilot_tui.hardware.samples import GpuSample
from mlrcopilot_tui.resources import state_folder
from mlrcopilot_tui.workspace.config import RunConfig

LEASE_CHECK_S: Final = 1.0
THREAD_LIMITS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

Warn = Callable[[str], None]
Taken = Callable[[], Collection[str]]
NO_LEASE: Final = Lease()


@dataclass(slots=True)
class Place:
    """Where one run may go on.

    Attributes:
        env: what the run is told about it.
        unset: names that must not come from the environment that runs inherit.
        lease: its GPUs.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    lease: Lease = NO_LEASE
    _leave: Callable[[], None] | None = None

    def hand_down(self) -> None:
        """The GPUs are held by the run's supervisor from here on."""
        self.lease.let_go()
        self.lease = Lease(self.lease.devices)

    def give_back(self) -> None:
        """Lets the next one in; a second time does nothing."""
        leave, self._leave = self._leave, None
        if leave is not None:
            self.hand_down()
            leave()


class Places(Protocol):
    """Lets runs in."""

    async def count(self) -> int:
        """How many runs may go on side by side."""
        ...

    async def identity(self) -> Mapping[str, object]:
        """What of a place the numbers of a run depend on; part of its key."""
        ...

    async def take(self, run: str, taken: Taken, warn: Warn) -> Place:
        """A place, once there is one; who asks first is let in first."""
        ...

    def occupy(self) -> Place:
        """The place of a run that goes on already, be there one or not."""
        ...


class Queue:
    """Lets at most `count` in at a time, in the order in which they came."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        """Returns when there is room."""
        if self.inside < self.count and not self._waiting:
            self.inside += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # let in, and gone
                self.leave()
            else:
                self._waiting.remove(turn)
            raise

    def push_in(self) -> None:
        """Enters without waiting, even where it is full."""
        self.inside += 1

    def leave(self) -> None:
        """Makes room."""
        self.inside -= 1
        while self._waiting and self.inside < self.count:
            turn = self._waiting.popleft()
            if not turn.done():
                self.inside += 1
                turn.set_result(None)


class MachinePlaces:
    """Implements `Places` on this machine.

    There are as many places as the contract says; where it leaves that open, as many as the machine has groups of
    `[run] gpus` GPUs, and one where it has none. A run gets its GPUs for itself: no other run of any of this user's
    sessions has them meanwhile, and while all are leased it waits. Of those that are free, it gets such as nobody
    else computes on, or else those with most memory free, and the researcher is told. Where there are fewer GPUs than
    a run is to get, it gets all that there are, and the researcher is told. A contract that sets CUDA_VISIBLE_DEVICES
    or one of its relatives for its runs has chosen for itself: then nothing is leased. Without GPUs, runs side by side
    get an equal share of the CPUs for their threads, unless a number of threads is set.

    Args:
        run: the contract's word on runs.
        leases: lends the GPUs.
        cpus: how many the runs share.
        environ: what runs inherit.
    """

    def __init__(
        self, run: RunConfig, leases: Leases, cpus: int | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._run = run
        self._leases = leases
        self._cpus = cpus or usable_cpus()
        self._environ = environ
        self._wanted = 0
        self._model = ""
        self._problem = ""
        self._queue: Queue | None = None
        self._choosing = asyncio.Lock()
        self._told: set[str] = set()

    async def count(self) -> int:
        """How many runs may go on side by side; the machine is looked at once."""
        return (await self._opened()).count

    async def identity(self) -> Mapping[str, object]:
        """The model and number of the GPUs of a run, or the number of threads that it is told."""
        await self._opened()
        return {"gpus": [self._wanted, self._model], "threads": self._threads()}

    async def take(self, run: str, taken: Taken, warn: Warn) -> Place:
        """A place, with its GPUs.

        Args:
            run: what the GPUs are for, in a few words.
            taken: tells the devices of this session's live runs.
            warn: tells the researcher something, once.

        Raises:
            EnvironmentLackError: the GPUs on which earlier runs were measured are gone, or their driver hangs.
        """
        queue = await self._opened()
        self._tell_of_a_lack(warn)
        await queue.enter()
        try:
            async with self._choosing:  # so that who came first gets the first GPUs that come free
                lease = await self._lease(run, taken)
        except BaseException:
            queue.leave()
            raise
        if lease.shared:
            indices = ", ".join(str(device.index) for device in lease.devices)
            self._tell(
                f"Every GPU that is free to lease is in use by others: a run shares GPU {indices} with them.", warn
            )
        env, unset = self._environment(lease)
        return Place(env, unset, lease, queue.leave)

    def occupy(self) -> Place:
        """The place of a run that an earlier process started: its supervisor still holds its GPUs."""
        if self._queue is None:
            return Place()
        self._queue.push_in()
        return Place(_leave=self._queue.leave)

    async def _opened(self) -> Queue:
        if self._queue is None:
            devices = await self._devices()
            if self._queue is None:  # nobody else came meanwhile
                self._wanted = min(self._run.gpus, len(devices))
                self._model = devices[0].name if devices else ""
                groups = len(devices) // self._wanted if devices else 0
                wished = self._run.parallel or groups or 1
                self._queue = Queue(min(wished, groups) if groups else wished)
        return self._queue

    async def _devices(self) -> tuple[GpuSample, ...]:
        """The GPUs for runs; none where the driver hangs: runs go on all the same, with what they can get."""
        if not self._run.gpus or has_chosen(self._run.env):
            return ()
        try:
            return await asyncio.to_thread(self._leases.devices)
        except EnvironmentLackError as error:
            self._problem = f"{error.sentence} Runs are started without a lease of GPUs."
            return ()

    async def _lease(self, run: str, taken: Taken) -> Lease:
        while self._wanted:
            devices = await asyncio.to_thread(self._leases.devices)
            if len(devices) < self._wanted:
                raise EnvironmentLackError(
                    f"A run needs {self._wanted} GPU{'s' * (self._wanted > 1)} ({self._model}), as the earlier ones "
                    f"had, and {len(devices) or 'none'} can be used any more.",
                    "`mlrcopilot doctor` tells what became of them; then run the session again.",
                )
            if lease := await _kept(asyncio.to_thread(self._leases.lend, self._wanted, run, taken())):
                return lease
            await asyncio.sleep(LEASE_CHECK_S)
        return NO_LEASE

    def _environment(self, lease: Lease) -> tuple[Mapping[str, str], tuple[str, ...]]:
        """What a run is told, and what it must not inherit."""
        if has_chosen(self._run.env):
            return {}, ()
        if lease.devices:
            variable = self._leases.vendor_variable
            return visibility(lease, variable), tuple(name for name in VISIBILITY if name != variable)
        threads = self._threads()
        limits = {} if threads is None else dict.fromkeys(THREAD_LIMITS, str(threads))
        limits = {name: value for name, value in limits.items() if name not in self._environ}
        return limits | ({} if self._run.gpus else NO_DEVICES), ()

    def _threads(self) -> int | None:
        """How many threads a run is told to use; None where that is left to it."""
        if self._wanted or self._queue is None or self._queue.count == 1:
            return None
        return max(1, self._cpus // self._queue.count)

    def _tell_of_a_lack(self, warn: Warn) -> None:
        if self._problem:
            self._tell(self._problem, warn)
        if 0 < self._wanted < self._run.gpus:
            self._tell(
                f"A run is to get {self._run.gpus} GPUs, and {self._wanted} can be used here: it gets those.", warn
            )

    def _tell(self, text: str, warn: Warn) -> None:
        if text not in self._told:
            self._told.add(text)
            warn(text)


async def _kept(lending: Awaitable[Lease | None]) -> Lease | None:
    """The lease; one that comes after nobody waits for it any more is let go."""
    task = asyncio.ensure_future(lending)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(_let_go)
        raise


def _let_go(task: "asyncio.Future[Lease | None]") -> None:
    if not task.cancelled() and task.exception() is None and (lease := task.result()):
        lease.let_go()


class OpenPlaces:
    """Implements `Places` where something else says when a run begins, as a recording does.

    Args:
        count: how many runs went on side by side at most.
    """

    def __init__(self, count: int = 1) -> None:
        self._count = count

    async def count(self) -> int:
        """As it was told."""
        return self._count

    async def identity(self) -> Mapping[str, object]:
        """Nothing is known of the machine."""
        return {}

    async def take(self, run: str, taken: Taken, warn: Warn) -> Place:  # noqa: ARG002 - the protocol's signature
        """A place, at once."""
        return Place()

    def occupy(self) -> Place:
        """A place, at once."""
        return Place()


def machine_places(run: RunConfig) -> MachinePlaces:
    """The places of this machine; its GPUs are not looked at before the first run wants one."""
    return MachinePlaces(run, Leases(best_reader(), state_folder() / "leases"))
