"""A stand-in for a GPU driver and for torch on top of it, built with the C compiler that is here."""

import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from mlrcopilot_tui.runs.devices import Looker

SOURCE = Path(__file__).with_name("fake_cuda.c")
TORCH = """
    import ctypes, types
    __version__ = "2.9.0"
    version = types.SimpleNamespace(cuda="13.0", hip=None)
    _driver = ctypes.CDLL("libcuda.so.1")

    class cuda:
        @staticmethod
        def device_count():
            found = ctypes.c_int()
            return found.value if _driver.cuInit(0) == 0 and _driver.cuDeviceGetCount(ctypes.byref(found)) == 0 else 0

        @staticmethod
        def get_device_name(index):
            return f"Fake {index}"

    class _Ones:
        def __matmul__(self, other):
            return self
        def sum(self):
            return 4096.0

    def ones(*shape, device):
        return _Ones()
"""


class Graphics:
    """A stand-in for the driver, whose GPUs are the files in `nodes`."""

    def __init__(self, folder: Path) -> None:
        self.library, self.nodes = folder / "lib", folder / "nodes"
        if not shutil.which("cc"):
            pytest.skip("There is no C compiler to build the stand-in for a GPU driver with.")
        self.library.mkdir()
        self.nodes.mkdir()
        (self.library / "torch.py").write_text(dedent(TORCH))
        for number in range(2):
            (self.nodes / f"gpu{number}").touch()
        compiled = subprocess.run(
            ["cc", "-shared", "-fPIC", "-w", "-o", self.library / "libcuda.so.1", SOURCE],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if compiled.returncode:
            pytest.skip(f"The C compiler cannot build a shared library here: {compiled.stderr[-200:]}")

    def become_reachable(self) -> None:
        """Makes the nodes devices that every fence lets runs use; the folder has still to be shown."""
        for name, device in {"gpu0": "/dev/null", "gpu1": "/dev/zero"}.items():
            (self.nodes / name).unlink()
            (self.nodes / name).symlink_to(device)

    def looker(self, *, torch: bool = False, shown: tuple[Path, ...] = (), **variables: str) -> Looker:
        """Looks with this driver; `shown` is what a fence shows besides its library."""
        variables |= {
            "FAKE_CUDA_NODES": str(self.nodes),
            "LD_LIBRARY_PATH": str(self.library),
            "PYTHONPATH": str(self.library),
        }
        return Looker(
            python=sys.executable, extra=variables, torch=torch, shown=tuple(map(str, (self.library, *shown)))
        )
