"""Measuring: one commit at one seed, in a tree of its own, once; and never twice where the result is known."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, Self

from mlrcopilot_tui.research.admission import Admission, Room, at_once, hand_over
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.retries import is_to_be_repeated
from mlrcopilot_tui.research.run_key import Keys, RunKeys
from mlrcopilot_tui.research.run_spec import name_of, run_spec
from mlrcopilot_tui.research.run_trees import RunTrees, Trees
from mlrcopilot_tui.runs.process_tree import sweep_leftovers
from mlrcopilot_tui.runs.spec import RunStatus, read_spec
from mlrcopilot_tui.session.model import Baseline
from mlrcopilot_tui.session.run_events import RunFinished, RunPlanned, RunStarted, RunStopped
from mlrcopilot_tui.session.state import RunState
from mlrcopilot_tui.workspace.config import RunConfig

Purpose = Literal["baseline", "smoke", "idea", "parent", "verify", "ablation"]
StoppedBy = Literal["researcher", "budget", "curve"]

_WITHOUT_RESULT: Final = frozenset({"lost", "stopped", "voided", "disturbed", "not_evaluated"})
"""How runs end that there is nothing to object to any more."""

ASTRONOMIC: Final = 1e100
"""A larger metric is no number to reckon with: its square, which a variance needs, is none that a computer has."""


Beside = Callable[["Laboratory", RunState], Awaitable[None]]


async def _nothing(_: "Laboratory", __: RunState) -> None:
    """What is done beside a run where nobody wants anything done."""


def _none() -> None:
    """What is known where nothing may be reused."""


class Laboratory:
    """Runs commits and journals what they measure.

    A run's intent is journaled before its folder is made, and its folder is made exclusively: whatever dies when,
    nothing runs twice. A run's life is a task of its own: who waits for a run may give up at any moment, and the run
    is started, followed and journaled all the same. Use as an asynchronous context manager, which ends the following;
    runs go on.

    Args:
        bench: the session.
        obeys_pause: no new run starts while the session is paused.
        keys: tells when two runs are the same; by default by what they find on this machine.
        trees: gives runs their files; by default as checkouts.
        beside: carried on beside each live run, and cancelled at its end.
        room: returns when a run of a commit has room beside all that goes on, on the devices that it is to get.
    """

    def __init__(
        self,
        bench: Bench,
        *,
        obeys_pause: bool = False,
        keys: Keys | None = None,
        trees: Trees | None = None,
        beside: Beside = _nothing,
        room: Room = at_once,
    ) -> None:
        self._bench = bench
        self._keys = keys or RunKeys(bench)
        self._trees = trees or RunTrees(bench)
        self._beside = beside
        self._admission = Admission(bench, room, obeys_pause=obeys_pause)
        self._lives: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for life in self._lives.values():
            life.cancel()
        await asyncio.gather(*self._lives.values(), return_exceptions=True)

    async def measure(
        self, commit: str, seed: int, purpose: Purpose, *, idea: int = 0, attempt: int = 0, fresh: bool = False
    ) -> RunState:
        """The finished run of `commit` at `seed`.

        A run with the same key answers instead where there is one: a live one is waited for, a successful one is
        reused, unless `fresh` asks for a repetition. A run that vanished is run again. A smoke run that ends by itself
        within its limit is as good as any other; one that was cut stands for none but another smoke run.
        """
        alive = self._bench.state.live_runs
        while True:
            limits = self._bench.run_config
            key = await self._keys.key(commit, seed)
            going = next((run for run in alive if run.key == key), None)  # it may have failed meanwhile
            equal = partial(self._known, key, purpose) if not fresh else _none
            run, alive = equal() or (None if fresh else going), []
            wanted = RunPlanned(run="", commit=commit, seed=seed, purpose=purpose, key=key, idea=idea, attempt=attempt)
            run = run or await self._admission.plan(wanted, equal, partial(self._has_limits, limits))
            if run is None:
                continue
            await self._end_of(run)
            cut_smoke = run.outcome == "smoked" and purpose != "smoke"
            if not cut_smoke and not is_to_be_repeated(self._bench.state, run):
                return run

    async def recover(self) -> None:
        """Settles what an earlier process left: ended runs are journaled, live ones followed, and leftovers removed."""
        for run in self._bench.state.live_runs:
            folder = self._folder(run.run)
            status = await asyncio.to_thread(self._bench.executor.status, folder) if folder.exists() else None
            if status is None:
                self._finish(run, "lost", "The copilot ended before this run was started.")
                continue
            if not run.started_at and status.child_pid is not None:
                devices = read_spec(folder).devices
                started = RunStarted(run=run.run, sandbox=status.sandbox, network=status.network, devices=devices)
                self._bench.session.record(started)
            if status.state == "finished":
                await self._settle(run, status)
            else:
                if run.stopped_by:  # the word may not have come through
                    await asyncio.to_thread(self._bench.executor.stop, folder)
                await self._admission.readmit(run)
                self._live_on(run, self._follow(run))
        await asyncio.to_thread(self._trees.remove_leftovers)

    async def stop(self, run: RunState, by: StoppedBy, saves_s: float = 0.0) -> None:
        """Asks a live run to end; it gets its time for a checkpoint. `saves_s` is what it would still have taken."""
        self._bench.session.record(RunStopped(run=run.run, by=by, saves_s=saves_s))
        await asyncio.to_thread(self._bench.executor.stop, self._folder(run.run))

    async def end(self, run: RunState, by: StoppedBy) -> None:
        """Stops a live run and waits for its end."""
        await self.stop(run, by)
        await self._end_of(run)

    async def baseline(self, commit: str) -> Baseline | RunState:
        """What the starter measures: twice on seed 0 and once on seed 1. A run that failed is returned instead."""
        several = await self._bench.places.count() > 1
        ahead = [asyncio.create_task(self.measure(commit, 1, "baseline"))] if several else []
        try:
            first = await self.measure(commit, 0, "baseline")
            if first.value is None:
                return first
            again = await self._repetition(commit, first)
            if again.value is None:
                return again
            other = await (ahead[0] if several else self.measure(commit, 1, "baseline"))
        finally:
            for task in ahead:
                task.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)
        if other.value is None:
            return other
        repeatable = first.value == again.value
        deterministic = repeatable and other.value == first.value
        return Baseline(
            commit=commit, values={0: first.value, 1: other.value}, deterministic=deterministic, repeatable=repeatable
        )

    async def _repetition(self, commit: str, first: RunState) -> RunState:
        twins = [self._bench.state.runs[name] for name in self._bench.state.runs_by_key[first.key]]
        for twin in twins:
            if twin.run != first.run and (twin.live or twin.value is not None):
                await self._end_of(twin)
                if twin.value is not None:
                    return twin
        return await self.measure(commit, 0, "baseline", fresh=True)

    def _has_limits(self, limits: RunConfig) -> bool:
        """Whether a run would be started now as it would have been when its key was made."""
        return self._bench.run_config == limits

    def _known(self, key: str, purpose: Purpose) -> RunState | None:
        """The run that answers for another: the first that ended well, else one that is on."""
        state = self._bench.state
        runs = [state.runs[name] for name in state.runs_by_key.get(key, ())]
        good = {"ok", "smoked"} if purpose == "smoke" else {"ok"}
        return next((run for run in runs if run.outcome in good), next((run for run in runs if run.live), None))

    # A run's life

    async def _end_of(self, run: RunState) -> None:
        """Waits for the end of a run; it lives on when this waiting is cancelled."""
        if not run.live:
            return
        life = self._lives.get(run.run)
        if life is None:
            life = self._live_on(run, self._live(run))
        try:
            await asyncio.shield(life)
        finally:
            if life.done():
                self._lives.pop(run.run, None)

    def _live_on(self, run: RunState, living: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Carries a run's life on beside all else; its end, whatever it is, makes room."""
        life = self._lives[run.run] = asyncio.create_task(living)
        life.add_done_callback(lambda _: self._admission.let_go(run))
        return life

    async def _live(self, run: RunState) -> None:
        """Starts a planned run, follows it, and journals its end."""
        bench = self._bench
        await asyncio.to_thread(self._trees.make, run)
        if run.stopped_by:
            self._finish(run, "stopped", "It was stopped before it was started.")
            await asyncio.to_thread(self._trees.remove, run.run)
            return
        place = self._admission.place(run)
        spec = await asyncio.to_thread(run_spec, bench, self._trees, place, run)
        await hand_over(place.lease.files, partial(bench.executor.start, spec, self._folder(run.run)))
        place.hand_down()
        fence = spec.sandbox
        bench.session.record(
            RunStarted(run=run.run, sandbox=fence.level, network=fence.open_network, devices=spec.devices)
        )
        if bench.state.runs[run.run].stopped_by:  # meanwhile
            await asyncio.to_thread(bench.executor.stop, self._folder(run.run))
        await self._follow(run)

    async def _follow(self, run: RunState) -> None:
        beside = asyncio.ensure_future(self._beside(self, run))
        try:
            status = await self._bench.executor.wait(self._folder(run.run))
        except FileNotFoundError:
            await asyncio.to_thread(sweep_leftovers, name_of(self._bench, run))
            self._finish(run, "lost", "The folder of its records is gone.")
            await asyncio.to_thread(self._trees.remove, run.run)
        else:
            await self._settle(run, status)
        finally:
            beside.cancel()
            (ended,) = await asyncio.gather(beside, return_exceptions=True)
            if isinstance(ended, Exception):
                with contextlib.suppress(OSError):
                    self._bench.note_error(ended)

    async def _settle(self, run: RunState, status: RunStatus) -> None:
        """Closes a run: its tree is checked, its numbers go into the journal, and only then is its tree removed."""
        outcome, reason = status.outcome or "lost", status.reason
        if outcome == "lost":
            await asyncio.to_thread(sweep_leftovers, name_of(self._bench, run))
        objection = None
        if outcome not in _WITHOUT_RESULT:
            try:
                objection = await asyncio.to_thread(self._trees.objection, run)
            except FileNotFoundError:
                outcome, reason = "lost", "Its files were removed while it was on, so that nobody can check them."
        if objection:
            outcome, reason = objection.outcome, objection.reason
        elif outcome == "ok" and status.value is not None and abs(status.value) > ASTRONOMIC:
            outcome, reason = "diverged", f"The last {self._bench.config.metric.name} is {status.value:.3g}."
        self._finish(run, outcome, reason, status)
        await asyncio.to_thread(self._trees.remove, run.run)

    def _finish(self, run: RunState, outcome: str, reason: str, status: RunStatus | None = None) -> None:
        self._bench.session.record(
            RunFinished(
                run=run.run,
                outcome=outcome,
                reason=reason,
                value=status.value if status and outcome == "ok" else None,
                wall_s=status.wall_s if status else 0.0,
                log_sha256=status.log_sha256 if status else "",
                exit_code=status.exit_code if status else None,
                peak_rss_bytes=status.peak_rss_bytes if status else 0,
                cpu_s=status.cpu_s if status else 0.0,
                peak_gpu_bytes=status.peak_gpu_bytes if status else None,
                contended_s=status.contended_s if status else 0.0,
                contention=status.contention if status else "",
                looked=status.looked if status else False,
            )
        )

    def _folder(self, run: str) -> Path:
        return self._bench.layout.run(self._bench.state.session, run)
