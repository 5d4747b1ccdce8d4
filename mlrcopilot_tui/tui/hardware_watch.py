"""The hardware's samples on their way to the strip: begun after the first frame, shown once a second."""

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from mlrcopilot_tui.hardware.leases import device_name
from mlrcopilot_tui.hardware.samples import GpuSample
from mlrcopilot_tui.tui.presenter import Presenter
from mlrcopilot_tui.tui.views import Role
from mlrcopilot_tui.tui.widgets.hardware_parts import QUIET
from mlrcopilot_tui.tui.widgets.hardware_strip import HardwareStrip

if TYPE_CHECKING:
    from mlrcopilot_tui.hardware.monitor import Monitor

_STYLES: dict[Role, str] = {"error": "$error bold", "waiting": "$warning bold"}


class HardwareWatch:
    """Samples while it is on.

    Args:
        make: makes what samples; None where there is no strip at all.
    """

    def __init__(self, make: "Callable[[], Monitor] | None", strip: HardwareStrip) -> None:
        self.possible = make is not None
        self._make = make
        self._strip = strip
        self._monitor: Monitor | None = None

    def start(self) -> None:
        """Begins to sample; call it in a thread, for it imports."""
        if self._make is not None and self._monitor is None:
            monitor = self._make()
            monitor.start()
            self._monitor = monitor

    def stop(self) -> None:
        """Ends sampling."""
        if self._monitor is not None:
            self._monitor.stop()

    def show(self, presenter: Presenter) -> None:
        """Shows the newest samples, with those of the live run's processes."""
        if self._monitor is None:
            return
        status = presenter.feed.status() if presenter.live else None
        pid = status.child_pid if status is not None else None
        tree = self._monitor.tree(pid) if pid else None
        note = presenter.sandbox_note()
        samples = self._monitor.history()
        held = gpus_held(samples[-1].gpus if samples else (), presenter.devices)
        self._strip.show(samples, tree, f"{held}{note.text}", _STYLES.get(note.role, QUIET))


def gpus_held(gpus: Sequence[GpuSample], devices: Collection[str]) -> str:
    """`on GPU 0, 3  `: which GPUs a run has for itself; empty where it has none."""
    indices = dict.fromkeys(str(gpu.index) for gpu in gpus if device_name(gpu) in devices)
    return f"on GPU {', '.join(indices)}  " if indices else ""
