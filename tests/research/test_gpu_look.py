"""A driver that hangs costs one thread, however often it is asked, and is asked anew once it has answered."""

import threading

import pytest

from mlrcopilot_tui.hardware import gpus
from mlrcopilot_tui.hardware.samples import GpuSample
from mlrcopilot_tui.research import room
from tests.fakes.gpus import FakeGpus, gpu


class FakeHungReader(FakeGpus):
    """Answers once it is allowed to, and counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__([gpu(0)])
        self.asked = 0
        self.answers = threading.Event()

    def read(self) -> tuple[GpuSample, ...]:
        self.asked += 1
        self.answers.wait(20)
        return super().read()


def test_a_hung_driver_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    readers: list[FakeHungReader] = []

    def best_reader() -> FakeHungReader:
        readers.append(FakeHungReader())
        return readers[-1]

    monkeypatch.setattr(gpus, "best_reader", best_reader)
    monkeypatch.setattr(room, "_GPU_ANSWER_S", 0.05)
    look = room.GpuLook()
    assert [look()[0] for _ in range(3)] == [()] * 3
    assert [reader.asked for reader in readers] == [1]
    monkeypatch.setattr(room, "_GPU_ANSWER_S", 20.0)
    readers[0].answers.set()
    assert look()[0] == (gpu(0),)
    monkeypatch.setattr(room, "_GPU_ANSWER_S", 0.05)
    look()
    assert len(readers) == 2
    readers[1].answers.set()
