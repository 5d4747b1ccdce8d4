"""What the NVML reader makes of every kind of answer and refusal, with the library's own error classes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import pynvml
import pytest

from mlrcopilot_tui.hardware.nvml import PROBE_EVERY_S, NvmlReader
from mlrcopilot_tui.hardware.nvml_api import MEMORY_V2, MIG_ENABLED, TEMPERATURE_OF_CHIP, Code, Nvml
from mlrcopilot_tui.hardware.samples import GpuProcess

GIB = 2**30


@dataclass
class FakeMemory:
    used: int
    total: int


@dataclass
class FakeUtilization:
    gpu: int


@dataclass
class FakeProcess:
    pid: int
    usedGpuMemory: int | None  # noqa: N815 - the library's own spelling


@dataclass
class FakeGpu:
    """A healthy GPU; `refuses` maps the end of a function's name to the return code that it fails with."""

    name: str | bytes = "NVIDIA H200"
    uuid: str = "GPU-6e1f0000-aaaa"
    utilization: int = 98
    memory: FakeMemory = field(default_factory=lambda: FakeMemory(61 * GIB, 141 * GIB))
    processes: list[FakeProcess] = field(default_factory=list)
    instances: list["FakeGpu"] = field(default_factory=list)
    refuses: dict[str, int] = field(default_factory=dict)


class FakeNvml:
    """Stands in for the module `pynvml`; `down` is the return code of a driver that is not there."""

    NVMLError = pynvml.NVMLError

    def __init__(self, *gpus: FakeGpu, down: int | None = None) -> None:
        self.gpus = list(gpus)
        self.down = down
        self.inits = 0
        self.shutdowns = 0

    def nvmlInit(self) -> None:  # noqa: N802
        self.inits += 1
        self._check(self.down)

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.shutdowns += 1
        self._check(self.down)

    def nvmlSystemGetDriverVersion(self) -> str:  # noqa: N802
        self._check(self.down)
        return "580.65.06"

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        self._check(self.down)
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> FakeGpu:  # noqa: N802
        self._check(self.down or self.gpus[index].refuses.get("HandleByIndex"))
        return self.gpus[index]

    def nvmlDeviceGetMigDeviceHandleByIndex(self, gpu: FakeGpu, slot: int) -> FakeGpu:  # noqa: N802
        self._check(None if slot < len(gpu.instances) else pynvml.NVML_ERROR_NOT_FOUND)
        return gpu.instances[slot]

    def nvmlDeviceGetMemoryInfo(self, gpu: FakeGpu, version: int | None = None) -> FakeMemory:  # noqa: N802
        self._check(gpu.refuses.get("MemoryInfo") or (gpu.refuses.get("MemoryInfo_v2") if version else None))
        assert version in {None, MEMORY_V2}
        return gpu.memory

    def __getattr__(self, name: str) -> Callable[..., object]:
        answers: dict[str, Callable[[FakeGpu], object]] = {
            "UUID": lambda gpu: gpu.uuid,
            "Name": lambda gpu: gpu.name,
            "UtilizationRates": lambda gpu: FakeUtilization(gpu.utilization),
            "Temperature": lambda _: 71,
            "PowerUsage": lambda _: 612_000,
            "EnforcedPowerLimit": lambda _: 700_000,
            "ComputeRunningProcesses_v3": lambda gpu: gpu.processes,
            "MigMode": lambda gpu: [int(bool(gpu.instances)), int(bool(gpu.instances))],
            "MaxMigDeviceCount": lambda _: 7,
        }
        short = name.removeprefix("nvmlDeviceGet")

        def call(gpu: FakeGpu, *_: object) -> object:
            self._check(self.down or gpu.refuses.get(short))
            return answers[short](gpu)

        return call

    @staticmethod
    def _check(code: int | None) -> None:
        if code:
            raise pynvml.NVMLError(code)


def reader_of(fake: FakeNvml, environ: dict[str, str] | None = None, clock: Callable[[], float] = float) -> NvmlReader:
    return NvmlReader(load=lambda: cast("Nvml", fake), clock=clock, environ=environ or {}, machine_memory=lambda: 128)


def test_our_constants_are_the_librarys() -> None:
    theirs = {code: getattr(pynvml, f"NVML_ERROR_{code.name}") for code in Code}
    assert theirs == {code: code.value for code in Code}
    assert pynvml.nvmlMemory_v2 == MEMORY_V2
    assert pynvml.NVML_TEMPERATURE_GPU == TEMPERATURE_OF_CHIP
    assert pynvml.NVML_DEVICE_MIG_ENABLE == MIG_ENABLED


def test_the_library_has_every_function_we_call() -> None:
    ours = [name for name in vars(Nvml) if name.startswith("nvml")]
    assert len(ours) == 16
    assert [name for name in ours if not callable(getattr(pynvml, name, None))] == []


def test_a_healthy_gpu_is_read_in_full() -> None:
    reader = reader_of(FakeNvml(FakeGpu(processes=[FakeProcess(41, 60 * GIB), FakeProcess(42, None)])))
    (gpu,) = reader.read()
    assert (gpu.index, gpu.uuid, gpu.name) == (0, "GPU-6e1f0000-aaaa", "NVIDIA H200")
    assert (gpu.utilisation, gpu.memory_used, gpu.memory_total) == (98.0, 61 * GIB, 141 * GIB)
    assert (gpu.temperature_c, gpu.power_w, gpu.power_limit_w) == (71.0, 612.0, 700.0)
    assert gpu.processes == (GpuProcess(pid=41, memory=60 * GIB), GpuProcess(pid=42, memory=None))
    assert (gpu.mig, gpu.ours, gpu.unified, gpu.stale) == (False, True, False, False)
    assert reader.driver == "NVIDIA 580.65.06"
    assert reader.problem == ""


@pytest.mark.parametrize(
    ("call", "attribute"),
    [
        ("UtilizationRates", "utilisation"),
        ("Temperature", "temperature_c"),
        ("PowerUsage", "power_w"),
        ("EnforcedPowerLimit", "power_limit_w"),
        ("ComputeRunningProcesses_v3", "processes"),
    ],
)
@pytest.mark.parametrize(
    "code",
    [
        pynvml.NVML_ERROR_NOT_SUPPORTED,
        pynvml.NVML_ERROR_NO_PERMISSION,
        pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
        pynvml.NVML_ERROR_UNKNOWN,
        pynvml.NVML_ERROR_TIMEOUT,
    ],
)
def test_a_refused_figure_is_none_and_the_others_stay(call: str, attribute: str, code: int) -> None:
    reader = reader_of(FakeNvml(FakeGpu(refuses={call: code})))
    (gpu,) = reader.read()
    assert getattr(gpu, attribute) is None
    others = {"utilisation", "temperature_c", "power_w", "power_limit_w", "processes"} - {attribute}
    assert all(getattr(gpu, other) is not None for other in others)
    assert gpu.memory_used == 61 * GIB
    assert reader.problem == ""


def test_refused_names_and_mig_questions_do_not_matter() -> None:
    refused = dict.fromkeys(("UUID", "Name", "MigMode"), pynvml.NVML_ERROR_NOT_SUPPORTED)
    (gpu,) = reader_of(FakeNvml(FakeGpu(refuses=refused))).read()
    assert (gpu.uuid, gpu.name, gpu.utilisation) == ("", "", 98.0)


def test_names_in_bytes_are_decoded() -> None:
    (gpu,) = reader_of(FakeNvml(FakeGpu(name=b"Tesla \xff V100"))).read()
    assert gpu.name == "Tesla \ufffd V100"


def test_memory_of_an_old_driver_comes_from_the_first_version_of_the_call() -> None:
    (gpu,) = reader_of(FakeNvml(FakeGpu(refuses={"MemoryInfo_v2": pynvml.NVML_ERROR_FUNCTION_NOT_FOUND}))).read()
    assert (gpu.memory_used, gpu.memory_total, gpu.unified) == (61 * GIB, 141 * GIB, False)


def test_memory_that_may_not_be_read_is_none() -> None:
    (gpu,) = reader_of(FakeNvml(FakeGpu(refuses={"MemoryInfo": pynvml.NVML_ERROR_NO_PERMISSION}))).read()
    assert (gpu.memory_used, gpu.memory_total, gpu.unified) == (None, None, False)


@pytest.mark.parametrize(
    ("processes", "used"), [([], 0), ([FakeProcess(1, 5), FakeProcess(2, 6)], 11), ([FakeProcess(1, None)], None)]
)
def test_unified_memory_is_the_machines_and_used_is_what_processes_hold(
    processes: list[FakeProcess], used: int | None
) -> None:
    gpu = FakeGpu(processes=processes, refuses={"MemoryInfo": pynvml.NVML_ERROR_NOT_SUPPORTED})
    (sample,) = reader_of(FakeNvml(gpu)).read()
    assert (sample.memory_used, sample.memory_total, sample.unified) == (used, 128, True)


@pytest.mark.parametrize("call", ["HandleByIndex", "UtilizationRates", "MemoryInfo", "MigMode"])
@pytest.mark.parametrize("code", [pynvml.NVML_ERROR_GPU_IS_LOST, pynvml.NVML_ERROR_RESET_REQUIRED])
def test_a_lost_gpu_keeps_its_name_and_spares_the_others(call: str, code: int) -> None:
    fake = FakeNvml(FakeGpu(), FakeGpu(uuid="GPU-2"))
    reader = reader_of(fake)
    reader.read()
    fake.gpus[0].refuses[call] = code
    lost, well = reader.read()
    assert (lost.name, lost.uuid, lost.utilisation, lost.memory_used) == (
        "NVIDIA H200",
        "GPU-6e1f0000-aaaa",
        None,
        None,
    )
    assert (well.index, well.utilisation) == (1, 98.0)
    assert reader.problem.startswith("GPU 0 cannot be read: ")
    assert fake.shutdowns == 0
    fake.gpus[0].refuses.clear()
    assert reader.read()[0].utilisation == 98.0
    assert reader.problem == ""


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, "No GPU: no NVIDIA driver is loaded."),
        (pynvml.NVML_ERROR_DRIVER_NOT_LOADED, "No GPU: no NVIDIA driver is loaded."),
        (pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, "was upgraded"),
        (pynvml.NVML_ERROR_NO_PERMISSION, "refuses this user"),
        (pynvml.NVML_ERROR_UNKNOWN, "answers: Unknown Error."),
    ],
)
def test_an_absent_driver_is_looked_for_again_every_ten_seconds(
    code: int, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    fake = FakeNvml(FakeGpu(), down=code)
    reader = reader_of(fake, clock=lambda: now)
    assert [reader.read() for _ in range(5)] == [()] * 5
    assert fake.inits == 1
    assert words in reader.problem
    now, fake.down = PROBE_EVERY_S - 0.1, None
    assert reader.read() == ()
    now = PROBE_EVERY_S
    assert len(reader.read()) == 1
    assert (reader.problem, reader.driver) == ("", "NVIDIA 580.65.06")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "code",
    [
        pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
        pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
        pynvml.NVML_ERROR_UNINITIALIZED,
        pynvml.NVML_ERROR_UNKNOWN,
    ],
)
def test_a_driver_that_goes_away_is_let_go_and_found_again(code: int) -> None:
    now = 0.0
    fake = FakeNvml(FakeGpu())
    reader = reader_of(fake, clock=lambda: now)
    assert len(reader.read()) == 1
    fake.down = code
    assert reader.read() == ()
    assert (fake.shutdowns, reader.driver) == (1, "")
    assert reader.problem != ""
    now, fake.down = PROBE_EVERY_S, None
    assert len(reader.read()) == 1
    assert fake.inits == 2


def test_a_driver_that_goes_away_between_two_calls_ends_the_session() -> None:
    fake = FakeNvml(FakeGpu(refuses={"Temperature": pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH}))
    reader = reader_of(fake)
    assert reader.read() == ()
    assert fake.shutdowns == 1
    assert "upgraded" in reader.problem


def test_without_the_package_there_is_a_sentence() -> None:
    def absent() -> Nvml:
        raise ModuleNotFoundError("pynvml")

    reader = NvmlReader(load=absent)
    assert reader.read() == ()
    assert "nvidia-ml-py is not installed" in reader.problem


def test_a_driver_without_gpus_says_so() -> None:
    reader = reader_of(FakeNvml())
    assert reader.read() == ()
    assert reader.problem == "The NVIDIA driver is loaded but shows no GPU."


def test_mig_instances_take_the_place_of_their_gpu() -> None:
    instance = FakeGpu(
        name="NVIDIA H200 MIG 1g.18gb", uuid="MIG-1", memory=FakeMemory(2, 18), processes=[FakeProcess(7, 2)]
    )
    other = FakeGpu(name="NVIDIA H200 MIG 3g.71gb", uuid="MIG-2", memory=FakeMemory(1, 71))
    samples = reader_of(FakeNvml(FakeGpu(instances=[instance, other]), FakeGpu(uuid="GPU-2"))).read()
    assert [(gpu.index, gpu.uuid, gpu.mig) for gpu in samples] == [
        (0, "MIG-1", True),
        (0, "MIG-2", True),
        (1, "GPU-2", False),
    ]
    first = samples[0]
    assert (first.utilisation, first.power_w, first.power_limit_w) == (None, None, None)
    assert (first.memory_used, first.memory_total, first.temperature_c) == (2, 18, 71.0)
    assert first.processes == (GpuProcess(pid=7, memory=2),)


@pytest.mark.parametrize(
    ("listed", "ours"),
    [
        ("0", [True, False]),
        ("1,0", [True, True]),
        ("", [False, False]),
        ("-1", [False, False]),
        ("1,-1,0", [False, True]),
        ("GPU-2", [False, True]),
        ("gpu-6e1f", [True, False]),
        ("GPU-absent", [False, False]),
    ],
)
def test_cuda_visible_devices_tells_which_are_ours(listed: str, ours: list[bool]) -> None:
    reader = reader_of(FakeNvml(FakeGpu(), FakeGpu(uuid="GPU-2")), {"CUDA_VISIBLE_DEVICES": listed})
    assert [gpu.ours for gpu in reader.read()] == ours


@pytest.mark.parametrize(("listed", "ours"), [("MIG-2", [False, True]), ("0", [True, True]), ("1", [False, False])])
def test_mig_instances_are_ours_by_their_own_name_or_their_gpus(listed: str, ours: list[bool]) -> None:
    cut = FakeGpu(instances=[FakeGpu(uuid="MIG-1"), FakeGpu(uuid="MIG-2")])
    reader = reader_of(FakeNvml(cut), {"CUDA_VISIBLE_DEVICES": listed})
    assert [gpu.ours for gpu in reader.read()] == ours
