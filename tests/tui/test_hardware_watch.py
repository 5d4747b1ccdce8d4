"""What the strip is told of a run's GPUs."""

from mlrcopilot_tui.tui.hardware_watch import gpus_held
from tests.fakes.gpus import gpu


def test_the_gpus_of_a_run_are_named_by_their_indices() -> None:
    gpus = (gpu(0), gpu(1), gpu(3))
    assert gpus_held(gpus, ("GPU-3", "GPU-0")) == "on GPU 0, 3  "
    assert gpus_held(gpus, ()) == ""
    assert gpus_held((gpu(2, mig=True),), ("MIG-2",)) == "on GPU 2  "
    assert gpus_held((), ("GPU-0",)) == "", "before the first look nothing is claimed"
