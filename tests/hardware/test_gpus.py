"""Choosing a reader, and not being held up by one whose driver hangs."""

import threading
import time
from collections.abc import Callable

from mlrcopilot_tui.hardware.gpus import BackgroundReader, FirstAnswering, GpuReader, NoGpuReader, best_reader
from mlrcopilot_tui.hardware.samples import GpuSample


class FakeReader:
    """A reader with a name whose driver can be made to hang."""

    driver = "Fake 1.0"

    def __init__(self, *samples: GpuSample, problem: str = "") -> None:
        self.samples = samples
        self.problem = problem
        self.answers = threading.Event()
        self.answers.set()

    def read(self) -> tuple[GpuSample, ...]:
        self.answers.wait()
        return self.samples


def until(holds: Callable[[], bool]) -> None:
    """Wait for a thread to get there; the test's own time limit ends a wait that is in vain."""
    while not holds():
        time.sleep(0.005)


def test_the_first_reader_with_gpus_is_the_one() -> None:
    nvidia, amd = FakeReader(problem="none"), FakeReader(GpuSample(index=0, name="amd"))
    both = FirstAnswering((nvidia, amd))
    assert [gpu.name for gpu in both.read()] == ["amd"]
    assert both.problem == ""
    nvidia.samples = (GpuSample(index=0, name="nvidia"),)
    assert [gpu.name for gpu in both.read()] == ["nvidia"]


def test_without_gpus_the_first_reader_says_why() -> None:
    both = FirstAnswering((FakeReader(problem="no driver"), FakeReader(problem="No GPU.")))
    assert both.read() == ()
    assert both.problem == "no driver"


def test_the_best_reader_of_this_machine_answers_without_a_word() -> None:
    reader: GpuReader = best_reader()
    samples = reader.read()
    assert bool(samples) != bool(reader.problem) or all(gpu.name for gpu in samples)


def test_a_reader_for_nothing() -> None:
    reader: GpuReader = NoGpuReader("No GPU figures: told only to root.")
    assert (reader.read(), reader.driver) == ((), "")
    assert reader.problem == "No GPU figures: told only to root."


def test_samples_are_handed_on_from_the_background() -> None:
    inner = FakeReader(GpuSample(index=3), problem="odd")
    reader = BackgroundReader(inner, interval_s=0.01)
    assert reader.wait_first(30)
    assert reader.read() == (GpuSample(index=3),)
    assert (reader.problem, reader.driver) == ("odd", "Fake 1.0")
    inner.samples = (GpuSample(index=4),)
    until(lambda: reader.read() == (GpuSample(index=4),))
    reader.close()


def test_a_driver_that_hangs_leaves_its_last_samples_marked_stale() -> None:
    inner = FakeReader(GpuSample(index=0, utilisation=98.0))
    reader = BackgroundReader(inner, interval_s=0.01, stale_after_s=0.1)
    assert reader.wait_first(30)
    inner.answers.clear()
    until(lambda: any(gpu.stale for gpu in reader.read()))
    assert reader.read() == (GpuSample(index=0, utilisation=98.0, stale=True),)
    assert reader.problem == "The GPU driver does not answer."
    inner.answers.set()
    until(lambda: not reader.problem)
    assert reader.read() == (GpuSample(index=0, utilisation=98.0),)
    reader.close()


def test_a_driver_that_hangs_from_the_start_is_told() -> None:
    inner = FakeReader(GpuSample(index=0))
    inner.answers.clear()
    reader = BackgroundReader(inner, stale_after_s=0.05)
    assert reader.read() == ()
    assert not reader.wait_first(0.1)
    assert reader.problem == "The GPU driver does not answer."
    reader.close()
    inner.answers.set()
