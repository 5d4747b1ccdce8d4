"""Reads GPUs through whatever this machine offers, and never lets a sick driver hold anyone up."""

import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from mlrcopilot_tui.hardware.amd import SysfsAmdReader
from mlrcopilot_tui.hardware.nvml import NvmlReader
from mlrcopilot_tui.hardware.samples import GpuSample

STALE_AFTER_S = 5.0
ABSENT = "No GPU"
SILENT = "The GPU driver does not answer."


class GpuReader(Protocol):
    """A source of GPU samples. `read` may block on a sick driver: call it from a thread of its own."""

    def read(self) -> tuple[GpuSample, ...]:
        """The GPUs as they are now; empty when there are none or the driver cannot be reached. Never raises."""
        ...

    @property
    def problem(self) -> str:
        """After a read: why there is no GPU or why one could not be read, as a sentence; empty when all is well.

        It begins with `ABSENT` where nothing is wrong, there just is none.
        """
        ...

    @property
    def driver(self) -> str:
        """After a read: the driver and its version, such as `NVIDIA 580.65.06`; empty when there is none."""
        ...


class NoGpuReader:
    """For platforms that give an ordinary user no GPU figures."""

    driver = ""

    def __init__(self, problem: str = "No GPU.") -> None:
        self.problem = problem

    def read(self) -> tuple[GpuSample, ...]:
        """Always empty."""
        return ()


class FirstAnswering:
    """The first reader that finds GPUs: a machine with NVIDIA cards often has a small AMD one in its processor."""

    def __init__(self, readers: Sequence[GpuReader]) -> None:
        self._readers = tuple(readers)
        self._chosen = self._readers[0]

    @property
    def problem(self) -> str:
        return self._chosen.problem

    @property
    def driver(self) -> str:
        return self._chosen.driver

    def read(self) -> tuple[GpuSample, ...]:
        """The samples of the first reader that has any; where none has, the first reader says why."""
        for reader in self._readers:
            if samples := reader.read():
                self._chosen = reader
                return samples
        self._chosen = self._readers[0]
        return ()


class BackgroundReader:
    """Reads in a daemon thread of its own, so that `read` answers at once with the newest samples known.

    NVML has been seen to block for seconds, or for good, on a GPU that is failing. When the inner reader has been
    silent for `stale_after_s` seconds its last samples are handed out marked stale, and `problem` says so.
    """

    def __init__(self, inner: GpuReader, *, interval_s: float = 1.0, stale_after_s: float = STALE_AFTER_S) -> None:
        self._inner = inner
        self._interval_s = interval_s
        self._stale_after_s = stale_after_s
        self._samples: tuple[GpuSample, ...] = ()
        self._problem = ""
        self._driver = ""
        self._answered = time.monotonic()
        self._first = threading.Event()
        self._ended = threading.Event()
        threading.Thread(target=self._read_on, name="gpu-reader", daemon=True).start()

    @property
    def problem(self) -> str:
        return SILENT if self._silent() else self._problem

    @property
    def driver(self) -> str:
        return self._driver

    def read(self) -> tuple[GpuSample, ...]:
        """The newest samples, at once."""
        if self._silent():
            return tuple(replace(sample, stale=True) for sample in self._samples)
        return self._samples

    def wait_first(self, timeout_s: float) -> bool:
        """Wait for the first answer of the driver; False where none came within `timeout_s` seconds."""
        return self._first.wait(timeout_s)

    def close(self) -> None:
        """Stop reading; a thread that hangs in the driver is left behind, it ends with the process."""
        self._ended.set()

    def _silent(self) -> bool:
        return time.monotonic() - self._answered > self._stale_after_s

    def _read_on(self) -> None:
        while not self._ended.is_set():
            self._samples = self._inner.read()
            self._problem, self._driver = self._inner.problem, self._inner.driver
            self._answered = time.monotonic()
            self._first.set()
            self._ended.wait(self._interval_s)


def best_reader() -> GpuReader:
    """The reader for this machine. Nothing of a driver is loaded until its first `read`."""
    if sys.platform == "darwin":
        return NoGpuReader("No GPU figures: macOS tells them only to root.")
    return FirstAnswering((NvmlReader(), SysfsAmdReader()))
