"""Samples the hardware once a second in a thread, so that whoever draws or judges it never waits for it."""

import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from mlrcopilot_tui.hardware.gpus import BackgroundReader, GpuReader, best_reader
from mlrcopilot_tui.hardware.samples import MachineSample, TreeSample

if TYPE_CHECKING:
    from mlrcopilot_tui.hardware.machine import TreeSampler

HISTORY = 120  # samples, two minutes at the usual rate
_UNASKED_AFTER_S = 10.0


class Monitor:
    """The machine's last two minutes and the process trees that somebody asks for.

    psutil and the GPU library are imported by its threads, so that making one costs a first frame nothing.

    Args:
        folder: where free disk space is told for; usually the workspace.
        reader: where GPUs are read; it gets a thread of its own.
        interval_s: seconds between samples.
    """

    def __init__(self, folder: Path | None = None, *, reader: GpuReader | None = None, interval_s: float = 1.0) -> None:
        self._folder = folder
        self._reader = reader
        self._interval_s = interval_s
        self._history: deque[MachineSample] = deque(maxlen=HISTORY)
        self._trees: dict[tuple[int, float | None], _Tree] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to sample; a monitor that runs goes on as it is."""
        if self._thread is None:
            self._ended = threading.Event()
            self._thread = threading.Thread(target=self._sample_on, args=(self._ended,), name="monitor", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End sampling; the history stays."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=2 * self._interval_s)
            self._thread = None

    def latest(self) -> MachineSample | None:
        """The newest sample; None before the first."""
        with self._lock:
            return self._history[-1] if self._history else None

    def history(self) -> tuple[MachineSample, ...]:
        """Up to 120 samples, oldest first."""
        with self._lock:
            return tuple(self._history)

    def tree(self, pid: int, created: float | None = None) -> TreeSample | None:
        """The newest sample of the process `pid` with its descendants; None before the first and after its end.

        Asking is what keeps a tree watched: one that nobody asks for in ten seconds is dropped.

        Args:
            pid: the root of the tree.
            created: its start time in seconds since the epoch, where known: guards against a pid given anew.
        """
        with self._lock:
            tree = self._trees.setdefault((pid, created), _Tree())
            tree.asked = time.monotonic()
            return tree.latest

    def _sample_on(self, ended: threading.Event) -> None:
        from mlrcopilot_tui.hardware.machine import MachineSampler, TreeSampler  # noqa: PLC0415 - psutil, 20 ms

        gpus = BackgroundReader(self._reader or best_reader(), interval_s=self._interval_s)
        machine = MachineSampler(self._folder)
        while not ended.is_set():
            sample = machine.sample(gpus.read(), gpus.problem)
            with self._lock:
                self._history.append(sample)
                self._trees = {
                    key: tree for key, tree in self._trees.items() if sample.t - tree.asked < _UNASKED_AFTER_S
                }
                trees = list(self._trees.items())
            for (pid, created), tree in trees:
                tree.sampler = tree.sampler or TreeSampler(pid, created)
                tree.latest = tree.sampler.sample(sample.gpus)
            ended.wait(self._interval_s)
        gpus.close()


class _Tree:
    """A process tree that somebody asked for."""

    __slots__ = ("asked", "latest", "sampler")

    def __init__(self) -> None:
        self.asked = 0.0
        self.latest: TreeSample | None = None
        self.sampler: TreeSampler | None = None
