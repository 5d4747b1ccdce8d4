"""Who computed on what a run was given: judged from made-up figures, and once with real processes."""

import os
import subprocess
import sys
from collections.abc import Iterable

import pytest

from mlrcopilot_tui.hardware.samples import GpuProcess, GpuSample
from mlrcopilot_tui.runs.contention import Contention
from mlrcopilot_tui.runs.cpu_rivals import CpuRivals, CpuTimes, waited
from mlrcopilot_tui.runs.gpu_rivals import GpuLook, GpuRival, described, look_at_gpus, reader_for
from tests.runs.lab import Lab

OWN, STRANGER, NOBODY = os.getpid(), os.getppid(), 2**22 + 7
MIB = 1 << 20


class FakeCpus:
    """Two CPUs, and one thread of the run's, of which a test says what they did."""

    def __init__(self) -> None:
        self.busy = self.stolen = self.waited = 0.0

    def times(self) -> CpuTimes:
        return CpuTimes(self.busy, self.stolen)

    def waits(self, _: Iterable[int]) -> dict[str, float]:
        return {"1/1": self.waited}

    def rivals(self) -> CpuRivals:
        return CpuRivals(self.times, self.waits, 2)


@pytest.mark.parametrize(
    ("busy", "stolen", "own", "had_to_wait", "others"),
    [
        (2.0, 0.0, 2.0, 1.0, None),  # the run itself has more threads than there are CPUs
        (2.0, 0.0, 0.9, 0.3, 1.1),
        (2.0, 0.0, 0.9, 0.0, None),  # others are busy beside it, and take nothing from it
        (1.4, 0.0, 0.9, 0.3, None),  # there is time left
        (1.96, 0.0, 1.9, 0.3, None),  # the usual stir
        (1.0, 0.5, 1.0, 0.0, 0.5),  # the host of a virtual machine takes its time away
        (1.0, 0.1, 1.0, 0.0, None),
        (0.0, 0.0, 0.0, 0.0, None),
    ],
)
def test_rivals_on_the_cpus(
    busy: float, stolen: float, own: float, had_to_wait: float, others: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlrcopilot_tui.runs.bounds.Pace.due", True)
    cpus = FakeCpus()
    rivals = cpus.rivals()
    cpus.busy, cpus.stolen, cpus.waited = 100.0, 10.0, 5.0
    assert rivals.look(50.0, 7.0, ()) is None
    cpus.busy, cpus.stolen, cpus.waited = 100.0 + busy, 10.0 + stolen, 5.0 + had_to_wait
    found = rivals.look(51.0, 7.0 + own, ())
    assert found == (None if others is None else pytest.approx(others))


def test_a_machine_that_tells_of_no_waiting_is_judged_by_its_load() -> None:
    cpus = FakeCpus()
    rivals = CpuRivals(cpus.times, lambda _: None, 2)
    rivals.look(0.0, 0.0, ())
    cpus.busy = 2.0
    assert rivals.look(1.0, 0.5, ()) == 1.5


def gpu(*processes: tuple[int, int | None], uuid: str = "GPU-a", **more: float | bool) -> GpuSample:
    listed = tuple(GpuProcess(pid=pid, memory=memory) for pid, memory in processes)
    return GpuSample(index=1, uuid=uuid, processes=listed, **{"utilisation": 90.0, **more})  # type: ignore[arg-type]  # a test's short form


@pytest.mark.parametrize(
    ("samples", "devices", "look"),
    [
        ([], (), GpuLook(None)),
        ([GpuSample(index=0, uuid="GPU-a")], ("GPU-a",), GpuLook(None)),
        ([gpu()], ("GPU-a",), GpuLook(0)),
        ([gpu((OWN, 5))], ("GPU-a",), GpuLook(5)),
        ([gpu((OWN, 5)), gpu((OWN, 6), uuid="GPU-b")], ("GPU-a",), GpuLook(11)),
        ([gpu((OWN, 5), (STRANGER, 9))], ("GPU-a",), GpuLook(5, (GpuRival(STRANGER, 1),))),
        ([gpu((OWN, 5), (STRANGER, None))], (), GpuLook(5, (GpuRival(STRANGER, 1),))),
        ([gpu((OWN, None), (STRANGER, 9))], (), GpuLook(None, (GpuRival(STRANGER, 1),))),
        ([gpu((STRANGER, 9))], ("GPU-a",), GpuLook(0, (GpuRival(STRANGER, 1),))),
        ([gpu((STRANGER, 9))], (), GpuLook(0)),
        ([gpu((STRANGER, 9), uuid="GPU-b")], ("GPU-a",), GpuLook(0)),
        ([gpu((OWN, 5), (STRANGER, 9), utilisation=0.0)], ("GPU-a",), GpuLook(5)),
        ([gpu((OWN, 5), (STRANGER, 9), stale=True)], ("GPU-a",), GpuLook(None)),
        ([gpu((NOBODY, 5))], ("GPU-a",), GpuLook(None)),  # the ids of another namespace
        ([gpu((OWN, 5), (NOBODY, 5))], ("GPU-a",), GpuLook(5)),
    ],
)
def test_rivals_on_the_gpus(samples: list[GpuSample], devices: tuple[str, ...], look: GpuLook) -> None:
    assert look_at_gpus(samples, devices, {OWN}) == look


class FakeReader:
    """GPUs of which a test says what is on them."""

    def __init__(self) -> None:
        self.samples: tuple[GpuSample, ...] = ()
        self.closed = False

    def read(self) -> tuple[GpuSample, ...]:
        return self.samples

    def close(self) -> None:
        self.closed = True


def test_what_was_seen_adds_up_to_one_sentence() -> None:
    cpus, reader = FakeCpus(), FakeReader()
    contention = Contention(("GPU-a",), CpuRivals(cpus.times, lambda _: None, 2), lambda: reader)
    assert (contention.seconds, contention.sentence, contention.peak_gpu_bytes) == (0.0, "", None)
    reader.samples = (gpu((STRANGER, 9)),)
    for second in range(11):
        if second in {4, 5, 6}:
            cpus.busy += 2.0
        reader.samples = (gpu((OWN, second * MIB), *([(STRANGER, 9)] if second in {2, 3, 4} else [])),)
        contention.look(float(second), 0.0, {OWN})
    assert contention.seconds == 5.0
    assert contention.peak_gpu_bytes == 10 * MIB
    assert contention.sentence.startswith(f"{described(STRANGER)} was on GPU 1 for 3 of 10 s; others kept ")
    assert contention.sentence.endswith(" of 2 CPUs busy for 3 of 10 s.")
    contention.close()
    assert reader.closed


def test_too_short_a_time_is_no_look() -> None:
    cpus = FakeCpus()
    contention = Contention((), CpuRivals(cpus.times, lambda _: None, 2), lambda: None)
    contention.look(0.0, 0.0, set())
    cpus.busy = 0.4
    contention.look(0.2, 0.0, set())
    assert contention.seconds == 0.0
    cpus.busy = 2.0
    contention.look(1.0, 0.0, set())
    assert contention.seconds == 1.0
    assert contention.sentence.startswith("Others kept ")


def test_who_is_gone_has_no_name() -> None:
    assert described(NOBODY) == f"a process (pid {NOBODY})"
    assert described(OWN).endswith(f"(pid {OWN}) of {subprocess.check_output(['id', '-un'], text=True).strip()}")


def test_without_gpus_no_driver_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlrcopilot_tui.runs.gpu_rivals.gpu_nodes", list)
    assert reader_for(()) is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_waiting_is_told_for_each_thread() -> None:
    before, after = waited([OWN]), waited([OWN, NOBODY])
    assert before
    assert after
    assert before.keys() == after.keys()
    assert all(after[thread] >= seconds >= 0 for thread, seconds in before.items())


async def test_a_run_that_others_hold_up_says_so(lab: Lab) -> None:
    burn = [sys.executable, "-c", "while True: pass"]
    burners = [subprocess.Popen(burn) for _ in range(2 * (os.cpu_count() or 1))]  # noqa: ASYNC220  they outlast the run
    try:
        code = "import time\nend = time.monotonic() + 3\nwhile time.monotonic() < end: pass\nprint('val_error: 0.5')"
        status, _ = await lab.finish(lab.spec(code))
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    assert status.outcome == "ok"
    assert 0 < status.contended_s <= status.wall_s
    assert "CPUs busy for" in status.contention
    assert status.contention.startswith("Others kept ")
