"""GPUs that are not there, for whoever lends or shows them."""

from dataclasses import dataclass, field

from mlrcopilot_tui.hardware.samples import GpuProcess, GpuSample

GIB = 2**30


def gpu(index: int, *, used: int = 0, busy: bool = False, model: str = "NVIDIA H200", mig: bool = False) -> GpuSample:
    """A GPU with 100 GiB, on which a stranger computes where it is busy."""
    return GpuSample(
        index=index,
        uuid=f"{'MIG' if mig else 'GPU'}-{index}",
        name=model,
        memory_used=used * GIB,
        memory_total=100 * GIB,
        processes=(GpuProcess(pid=4242, memory=used * GIB),) if busy else (),
        mig=mig,
    )


@dataclass
class FakeGpus:
    """A reader whose GPUs change as a test likes."""

    gpus: list[GpuSample] = field(default_factory=list)
    driver: str = "NVIDIA 580.65.06"
    problem: str = ""

    def read(self) -> tuple[GpuSample, ...]:
        return tuple(self.gpus)
