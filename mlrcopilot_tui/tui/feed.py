"""What a run's folder tells beyond the journal: its readings as they come, and those of its parent's runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlrcopilot_tui.runs.curve import read_readings, trusted_readings
from mlrcopilot_tui.runs.metrics import Reading
from mlrcopilot_tui.runs.spec import LOG_FILE, RunStatus, read_status
from mlrcopilot_tui.tui.projector.run import Curve, Live, as_curve


@dataclass(slots=True)
class _Followed:
    """One run's readings, read on from where the last look ended."""

    folder: Path
    offset: int = 0
    readings: list[Reading] = field(default_factory=list)

    def read_on(self) -> bool:
        try:
            new, self.offset = read_readings(self.folder, self.offset)
        except OSError:
            return False
        self.readings += new
        return bool(new)

    def curve(self) -> Curve:
        trusted = trusted_readings(self.readings)
        return as_curve([(reading.step, reading.value) for reading in trusted if reading.step is not None])


class RunFeed:
    """Follows one run; `poll` reads only what is new."""

    def __init__(self) -> None:
        self.live = Live()
        self._run: _Followed | None = None
        self._parents: list[_Followed] = []

    @property
    def log(self) -> Path | None:
        """The followed run's output."""
        return self._run.folder / LOG_FILE if self._run is not None else None

    def follow(self, run: Path | None, parents: Sequence[Path]) -> bool:
        """Follows another run; says whether that changed anything."""
        folders = [parent.folder for parent in self._parents]
        if (self._run.folder if self._run is not None else None) == run and folders == list(parents):
            return False
        if self._run is None or self._run.folder != run:
            self._run = _Followed(run) if run is not None else None
        self._parents = [_Followed(parent) for parent in parents]
        for parent in self._parents:
            parent.read_on()
        self._gather()
        return True

    def poll(self) -> bool:
        """Reads what was reported since the last call; says whether there was anything."""
        if self._run is None or not self._run.read_on():
            return False
        self._gather()
        return True

    def status(self) -> RunStatus | None:
        """Where the run stands by its own account, with the process that does the work."""
        try:
            return read_status(self._run.folder) if self._run is not None else None
        except OSError:
            return None

    def _gather(self) -> None:
        if self._run is None:
            self.live = Live()
            return
        if self._run.offset == 0:
            self._run.read_on()
        readings = self._run.readings
        parents = tuple(curve for parent in self._parents if (curve := parent.curve()))
        self.live = Live(
            curve=self._run.curve(),
            parents=parents,
            last=readings[-1].value if readings else None,
            total=next((reading.total for reading in reversed(readings) if reading.total), None),
        )
