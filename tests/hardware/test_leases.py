"""Leases: no device has two holders, all are of a kind, and a driver's moods hold nobody up."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mlrcopilot_tui.errors import EnvironmentLackError
from mlrcopilot_tui.hardware import leases
from mlrcopilot_tui.hardware.leases import Lease, Leases, has_chosen, visibility
from mlrcopilot_tui.hardware.samples import GpuSample
from tests.fakes.gpus import FakeGpus, gpu

Office = Callable[..., Leases]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    def make(*gpus: GpuSample, driver: str = "NVIDIA 580.65.06") -> Leases:
        return Leases(FakeGpus(list(gpus), driver), tmp_path / "leases")

    return make


def lent(lease: Lease | None) -> tuple[str, ...]:
    assert lease is not None
    return lease.names


def test_no_two_holders_share_a_device(office: Office) -> None:
    one, other = office(gpu(0), gpu(1), gpu(2)), office(gpu(0), gpu(1), gpu(2))
    first = one.lend(2, "one")
    assert first is not None
    assert first.names == ("GPU-0", "GPU-1")
    assert other.lend(2, "other") is None
    assert lent(other.lend(1, "other")) == ("GPU-2",), "what could not be lent whole was let go whole"
    first.let_go()
    assert lent(other.lend(2, "other")) == ("GPU-0", "GPU-1")


def test_what_a_caller_calls_taken_is_not_lent(office: Office) -> None:
    assert lent(office(gpu(0), gpu(1)).lend(1, "one", {"GPU-0"})) == ("GPU-1",)


def test_those_go_first_on_which_nobody_computes_then_the_emptiest(office: Office) -> None:
    machine = office(gpu(0, busy=True), gpu(1, used=40), gpu(2, used=10), gpu(3, used=90, busy=True))
    given = [machine.lend(1, "one") for _ in range(4)]
    assert [(lent(lease), bool(lease and lease.shared)) for lease in given] == [
        (("GPU-2",), False),
        (("GPU-1",), False),
        (("GPU-0",), True),
        (("GPU-3",), True),
    ]


def test_all_are_of_one_model_and_stay_so(tmp_path: Path) -> None:
    reader = FakeGpus([gpu(0, model="T4"), gpu(1), gpu(2)])
    machine = Leases(reader, tmp_path)
    assert [device.index for device in machine.devices()] == [1, 2]
    reader.gpus = [gpu(0, model="T4"), gpu(3, model="T4"), gpu(2)]
    assert [device.index for device in machine.devices()] == [2]


def test_what_is_not_ours_or_lost_is_not_lent(office: Office) -> None:
    foreign = replace(gpu(0), ours=False)
    lost = GpuSample(index=1, uuid="GPU-1", name="NVIDIA H200")
    instances = (gpu(3, mig=True), gpu(4, mig=True))
    assert [device.index for device in office(foreign, lost, gpu(2)).devices()] == [2]
    assert lent(office(*instances).lend(2, "one")) == ("MIG-3", "MIG-4")


def test_a_driver_that_hangs_is_told_of(tmp_path: Path) -> None:
    awake = threading.Event()

    class Hanging(FakeGpus):
        def read(self) -> tuple[GpuSample, ...]:
            awake.wait()
            return ()

    with pytest.raises(EnvironmentLackError, match="does not answer"):
        Leases(Hanging(), tmp_path, look_s=0.05).devices()
    awake.set()


def test_a_folder_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentLackError, match="cannot be leased"):
        Leases(FakeGpus([gpu(0)]), tmp_path / "file" / "leases").lend(1, "one")


def test_what_a_program_is_told(office: Office) -> None:
    nvidia, amd = office(gpu(0), gpu(1)), office(replace(gpu(0), uuid=""), driver="amdgpu")
    lease = nvidia.lend(2, "one")
    assert lease is not None
    shown = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "GPU-0,GPU-1"}
    assert visibility(lease, nvidia.vendor_variable) == shown
    assert amd.vendor_variable == "ROCR_VISIBLE_DEVICES"
    assert lent(amd.lend(1, "one")) == ("0",), "a card without a UUID is called by its index"
    assert has_chosen({"HIP_VISIBLE_DEVICES": "0"})
    assert not has_chosen({"PATH": ""})


def test_machines_that_share_a_home_lend_gpus_of_the_same_name(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    nameless = replace(gpu(0), uuid="")
    first = office(nameless).lend(1, "one")
    assert office(nameless).lend(1, "another") is None
    monkeypatch.setattr(leases, "this_machine", lambda: "elsewhere")
    assert lent(office(nameless).lend(1, "one elsewhere")) == lent(first)
