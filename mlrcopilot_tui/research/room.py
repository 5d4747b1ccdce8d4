"""Room: what the machine has free now, and runs that wait until what they take is free."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from mlrcopilot_tui.hardware.samples import GpuSample, MachineSample
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.forecast import Need, fits_now, need_of
from mlrcopilot_tui.runs.spec import read_status

if TYPE_CHECKING:
    from mlrcopilot_tui.hardware.gpus import BackgroundReader

CHECK_AGAIN_S: Final = 5.0
"""Others' processes end without a word to us."""
ALONE_S: Final = 600.0
"""So long a run waits for others at most where none of ours goes on that could make room: what they hold may be there
to stay, and what is free is a guess."""
SETTLED_S: Final = 2.0
"""So long after it was let in a run stands in the journal, or does not come."""
_GPU_ANSWER_S: Final = 3.0


class RoomWatch:
    """Implements `Room` for a session: a run waits while the machine has too little free of what it takes."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._gpus = GpuLook()
        self._let_in: list[tuple[float, str, int]] = []
        """Runs that the journal does not know yet: since when, of which commit, and how many of that it knew then."""

    async def __call__(self, commit: str, devices: Collection[str]) -> None:
        """Returns when a run of `commit` fits beside all that goes on; says once that it waits, and for what."""
        need = need_of(self._bench.state, commit)
        if need == Need():
            return
        began, told = time.monotonic(), False
        while lack := fits_now(need, await self._machine(need), self._promised(), devices):
            if not self._bench.state.live and time.monotonic() - began > ALONE_S:
                self._bench.warn(f"{lack} It has waited for {ALONE_S / 60:g} min and is tried.", about="machine")
                return
            if not told:
                self._bench.warn(lack, "It starts by itself when there is room.", about="machine")
                told = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_AGAIN_S):
                    await self._bench.gates.change()
        self._let_in.append((time.monotonic(), commit, self._known(commit)))

    async def _machine(self, need: Need) -> MachineSample:
        return await asyncio.to_thread(sample_machine, gpus=self._gpus if need.gpu else None)

    def _promised(self) -> int:
        """Bytes of memory that live runs, and those let in just now, will take beyond what they have taken."""
        state, now = self._bench.state, time.monotonic()
        self._let_in = [one for one in self._let_in if now - one[0] < SETTLED_S and one[2] == self._known(one[1])]
        promised = sum(need_of(state, commit).memory for _, commit, _ in self._let_in)
        for run in state.live_runs:
            status = read_status(self._bench.layout.run(state.session, run.run))
            promised += max(0, need_of(state, run.commit).memory - (status.peak_rss_bytes if status else 0))
        return promised

    def _known(self, commit: str) -> int:
        return sum(run.commit == commit for run in self._bench.state.runs.values())


class GpuLook:
    """Looks at the GPUs now and then; where their driver hangs, no look adds another thread that hangs in it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unanswered: BackgroundReader | None = None

    def __call__(self) -> tuple[tuple[GpuSample, ...], str]:
        """The GPUs, and what is wrong with them; blocks for `_GPU_ANSWER_S` seconds at most."""
        from mlrcopilot_tui.hardware.gpus import BackgroundReader, best_reader  # noqa: PLC0415 - NVML's binding, 20 ms

        with self._lock:
            reader = self._unanswered = self._unanswered or BackgroundReader(best_reader())
        if reader.wait_first(_GPU_ANSWER_S):
            reader.close()
            with self._lock:
                self._unanswered = None if self._unanswered is reader else self._unanswered
        return reader.read(), reader.problem


def sample_machine(*, gpus: GpuLook | None) -> MachineSample:
    """The machine as it is now; its GPUs only where they matter, because a failing driver may block for seconds."""
    from mlrcopilot_tui.hardware.machine import MachineSampler  # noqa: PLC0415 - psutil, 20 ms

    return MachineSampler().sample(*gpus()) if gpus else MachineSampler().sample()
