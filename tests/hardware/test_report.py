"""The facts that a diagnosis of this machine shows."""

import threading

import pytest

from mlrcopilot_tui.hardware import report
from mlrcopilot_tui.hardware.limits import MemoryLimit
from mlrcopilot_tui.hardware.report import Finding, describe
from mlrcopilot_tui.hardware.samples import GpuSample

GIB = 2**30


class FakeReader:
    """A reader that sees what it is told to."""

    driver = "NVIDIA 580.65.06"

    def __init__(self, *samples: GpuSample, problem: str = "") -> None:
        self.samples = samples
        self.problem = problem

    def read(self) -> tuple[GpuSample, ...]:
        return self.samples


class FakeWedgedReader(FakeReader):
    """A driver that never comes back."""

    def read(self) -> tuple[GpuSample, ...]:
        threading.Event().wait()
        raise AssertionError


def gpu_findings(*samples: GpuSample, problem: str = "") -> list[Finding]:
    return [fact for fact in describe(reader=FakeReader(*samples, problem=problem)) if fact.name.startswith("gpu")]


def test_this_machine_has_a_processor_and_memory() -> None:
    facts = {fact.name: fact for fact in describe(reader=FakeReader())}
    assert "CPU" in facts["cpu"].found
    assert "GiB" in facts["memory"].found


def test_each_gpu_is_named_with_memory_and_driver() -> None:
    found = gpu_findings(GpuSample(index=0, name="NVIDIA H200", memory_total=141 * GIB), GpuSample(index=1, ours=False))
    assert found == [
        Finding(name="gpu 0", found="NVIDIA H200, 141 GiB, driver NVIDIA 580.65.06"),
        Finding(
            name="gpu 1",
            found="unknown GPU, memory n/a, driver NVIDIA 580.65.06",
            concern="Not listed in CUDA_VISIBLE_DEVICES: runs started here do not use it.",
        ),
    ]


def test_a_lost_gpu_says_what_is_wrong_with_it_alone() -> None:
    first, second = gpu_findings(GpuSample(index=1), GpuSample(index=11), problem="GPU 1 cannot be read: GPU is lost.")
    assert first.concern == "GPU 1 cannot be read: GPU is lost."
    assert second.concern == ""


def test_no_gpu_says_why() -> None:
    assert gpu_findings(problem="No GPU: no NVIDIA driver is loaded.") == [
        Finding(name="gpu", found="No GPU: no NVIDIA driver is loaded")
    ]
    assert gpu_findings(problem="The NVIDIA driver was upgraded.") == [
        Finding(name="gpu", found="none", concern="The NVIDIA driver was upgraded.")
    ]


def test_a_wedged_driver_is_told_rather_than_waited_for() -> None:
    facts = describe(reader=FakeWedgedReader(), gpu_wait_s=0.05)
    assert facts[-1] == Finding(name="gpu", found="unknown", concern="The GPU driver does not answer.")


def test_limits_of_a_container_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "memory_limit", lambda: MemoryLimit(GIB, 5))
    monkeypatch.setattr(report, "cpu_quota", lambda: 1.5)
    monkeypatch.setattr(report, "usable_cpus", lambda: 2)
    facts = {fact.name: fact for fact in describe(reader=FakeReader())}
    assert facts["memory"].found.startswith("1.0 GiB (limit; machine ")
    assert "1.5 CPUs' worth" in facts["cpu"].found
    assert facts["cpu"].concern.startswith("This container may use 1.5 CPUs")
