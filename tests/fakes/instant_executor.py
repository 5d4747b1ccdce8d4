"""An executor without processes: a run's script is executed here and has ended when `start` returns."""

import asyncio
import hashlib
import os
import re
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from mlrcopilot_tui.runs.recorder import write_status
from mlrcopilot_tui.runs.spec import LOG_FILE, METRICS_FILE, Outcome, RunSpec, RunStatus, read_status

SEED = 'os.environ["MLRCOPILOT_SEED"]'


@dataclass
class FakeExecutor:
    """Executes `train.py` of the run's tree with its seed; those that `holds` names run until `release` or a stop.

    `rivals` says for a run, in a sentence, who computed beside it all the time. Smoke runs that `cuts` names are cut
    after the steps that it returns, a second each, of `steps`; the other runs say that they took `wall_s`.
    """

    holds: Callable[[RunSpec], bool] = lambda _: False
    rivals: Callable[[RunSpec], str] = lambda _: ""
    cuts: Callable[[RunSpec], int | None] = lambda _: None
    steps: int = 50
    wall_s: float = 0.1
    started: list[RunSpec] = field(default_factory=list)
    held: dict[Path, RunSpec] = field(default_factory=dict)
    files: dict[Path, list[int]] = field(default_factory=dict)
    """What a supervisor would hold open as long as it lives."""

    def start(self, spec: RunSpec, folder: Path, held: Sequence[int] = ()) -> None:
        folder.mkdir(parents=True)
        self.started.append(spec)
        self.held[folder] = spec
        self.files[folder] = [os.dup(file) for file in held]
        self._tell(folder, spec, state="running", child_pid=1)
        if not self.holds(spec):
            self.release(folder)

    def release_all(self) -> None:
        """Lets all held runs come to their end, and holds none any more."""
        self.holds = lambda _: False
        for folder in list(self.held):
            self.release(folder)

    def release(self, folder: Path) -> None:
        """Lets a held run come to its end."""
        spec = self.held.pop(folder)
        if spec.smoke and (done := self.cuts(spec)) is not None:
            self._cut(folder, spec, done)
            return
        lines: list[str] = []
        source = (Path(spec.tree) / "train.py").read_text().replace(SEED, f"'{spec.seed}'")
        try:
            exec(  # noqa: S102 - the tests' own script
                compile(source, "train.py", "exec"), {"print": lambda line: lines.append(str(line)), "TREE": spec.tree}
            )
        except BaseException:  # noqa: BLE001 - whatever the script does is a crash of the script
            lines.append(traceback.format_exc())
            self._end(folder, spec, lines, "crashed", "The command ended with exit code 1.")
        else:
            self._end(folder, spec, lines, "ok", "It ended well.")

    def status(self, folder: Path) -> RunStatus | None:
        return read_status(folder)

    async def wait(self, folder: Path, on_status: Callable[[RunStatus], None] | None = None) -> RunStatus:
        while True:
            status = read_status(folder)
            if status is None:
                raise FileNotFoundError(folder)
            if status.state == "finished":
                return status
            await asyncio.sleep(0.005)

    def stop(self, folder: Path) -> None:
        if spec := self.held.pop(folder, None):
            self._end(folder, spec, [], "stopped", "It was stopped on request.")

    def vanish(self, folder: Path) -> None:
        """Ends a held run as if its supervisor had been killed."""
        self._end(folder, self.held.pop(folder), [], "lost", "Its supervisor vanished before the run ended.")

    def _cut(self, folder: Path, spec: RunSpec, done: int) -> None:
        readings = [
            {"name": spec.metric, "value": 0.5, "step": step, "total": self.steps, "t": float(step), "source": "stdout"}
            for step in range(1, done + 1)
        ]
        (folder / METRICS_FILE).write_bytes(b"".join(msgspec.json.encode(reading) + b"\n" for reading in readings))
        (folder / LOG_FILE).write_bytes(b"")
        reason = f"It ran well for {spec.timeout_s:g} s."
        self._tell(
            folder, spec, state="finished", child_pid=1, outcome="smoked", reason=reason, wall_s=spec.timeout_s,
            peak_rss_bytes=1 << 30,
        )  # fmt: skip

    def _end(self, folder: Path, spec: RunSpec, lines: list[str], outcome: Outcome, reason: str) -> None:
        for file in self.files.pop(folder, []):
            os.close(file)
        log = "".join(f"{line}\n" for line in lines).encode()
        (folder / LOG_FILE).write_bytes(log)
        found = re.findall(rf"{spec.metric}[:=] *(\S+)", log.decode())
        value = float(found[-1]) if found and outcome == "ok" else None
        if value is not None:
            reading = {"name": spec.metric, "value": value, "t": 0.1, "source": "stdout"}
            (folder / METRICS_FILE).write_bytes(msgspec.json.encode(reading) + b"\n")
        self._tell(
            folder, spec, state="finished", child_pid=1, outcome=outcome, reason=reason, value=value,
            wall_s=self.wall_s, log_sha256=hashlib.sha256(log).hexdigest(), looked=spec.clean_tree is not None,
            contention=self.rivals(spec), contended_s=self.wall_s if self.rivals(spec) else 0.0,
        )  # fmt: skip

    def _tell(self, folder: Path, spec: RunSpec, **facts: object) -> None:
        told = {"run": spec.run, "supervisor_pid": 1, "supervisor_created": 0.0, "started_at": "", "sandbox": "plain"}
        write_status(folder, msgspec.convert({**told, **facts}, RunStatus))
