"""One small process per run: starts the command, keeps its limits, writes its folder, and leaves nothing behind.

It is started as `python -I -m mlrcopilot_tui.runs.supervisor FOLDER`, outlives its starter, and imports no more than
the standard library, psutil and msgspec, because every run waits for it.
"""

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import psutil

from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.runs.bounds import Bounds, amount
from mlrcopilot_tui.runs.contention import Contention
from mlrcopilot_tui.runs.disk_bound import DiskBound
from mlrcopilot_tui.runs.divergence import Divergence
from mlrcopilot_tui.runs.evaluation import Command, evaluation, heading, make_tree, obstacle, training
from mlrcopilot_tui.runs.fence import FAILED
from mlrcopilot_tui.runs.file_tail import FileTail
from mlrcopilot_tui.runs.memory_bound import KillCount, MemoryBound
from mlrcopilot_tui.runs.metrics import SOURCES, MetricReader, Reading
from mlrcopilot_tui.runs.process_tree import ProcessTree
from mlrcopilot_tui.runs.recorder import Recorder
from mlrcopilot_tui.runs.sandbox import failure_of, sandbox_of
from mlrcopilot_tui.runs.short_paths import shortened
from mlrcopilot_tui.runs.spec import METRICS_VARIABLE, STOP_FILE, Outcome, RunSpec, RunStatus, read_spec
from mlrcopilot_tui.runs.watch import Cut, Limits, Signals, Watch

STATUS_EVERY_S: Final = 1.0
FIRST_WORDS: Final = 400


class Supervisor:
    """The life of one run, from its spec to its finished status."""

    def __init__(self, folder: Path, spec: RunSpec) -> None:
        self._folder = folder
        self._spec = spec
        self._signals = Signals()
        self._tree = ProcessTree(spec.run)
        self._recorder = Recorder(folder)
        self._output = MetricReader(spec.metric, "stdout")
        self._appended = MetricReader(spec.metric, "file")
        self._metrics_file = FileTail(_emptied(spec.env.get(METRICS_VARIABLE, "")))
        self._last: dict[str, Reading] = {}
        self._began = time.monotonic()
        self._noted = -math.inf
        self._memory = MemoryBound(spec.memory_bytes)
        self._bounds = Bounds((self._memory, self._disk_bound()))
        self._divergence = Divergence(evaluated=bool(spec.evaluate_argv))
        self._kills = KillCount()
        self._contention = Contention(spec.devices)
        self._evaluating = False
        self._first_words = b""
        self._status = RunStatus(
            run=spec.run,
            state="starting",
            supervisor_pid=os.getpid(),
            supervisor_created=psutil.Process().create_time(),
            started_at=_now(),
            sandbox=spec.sandbox.level,
            network=spec.sandbox.open_network,
        )

    def supervise(self) -> RunStatus:
        """Run the command, then the evaluation if there is one, and write how it ended."""
        try:
            cut = self._run(training(self._spec))
            if cut is None and self._spec.evaluate_argv and self._tree.wait_status == 0:
                cut = self._evaluate()
            self._finish(cut or self._judge())
        except BaseException as error:
            self._tree.sweep()
            self._finish(Cut("lost", f"Its supervisor failed: {type(error).__name__}: {error}."))
            raise
        if self._recorder.failure:
            sys.stderr.write(f"{self._recorder.failure}.\n")
        return self._status

    def hear(self, output: bytes) -> None:
        """Log what the command printed and note what it reports."""
        self._first_words += output[: FIRST_WORDS - len(self._first_words)]
        self._recorder.record_output(output)
        self._note(self._output.feed(output, self._elapsed()))

    def tick(self) -> bool:
        """Follow the metrics file; once a second take a sample and write the status."""
        alive = False
        for chunk in self._metrics_file.read():
            alive = True
            self._note(self._appended.feed(chunk, self._elapsed()))
        self._bounds.look()
        if time.monotonic() - self._noted >= STATUS_EVERY_S:
            self._write_status()
        return alive

    @property
    def tick_s(self) -> float:
        """Seconds between ticks, fewer when a bound is near."""
        return self._bounds.tick_s

    def objection(self) -> Cut | None:
        """A request to stop, a bound that was passed, a metric that is lost, a folder that cannot be written."""
        if self._recorder.failure:
            outcome: Outcome = "disk" if self._recorder.full else "stopped"
            return Cut(outcome, f"{self._recorder.failure}, so the run was stopped.")
        if self._signals.stop_requested or (self._folder / STOP_FILE).exists():
            return Cut("stopped", "It was stopped on request.")
        if self._spec.dies_with and os.getppid() != self._spec.dies_with:
            return Cut("stopped", "What started it has ended.")
        return self._bounds.excess or self._divergence.cut

    def is_pressing(self) -> bool:
        """Whether the machine cannot wait for the command's end."""
        return self._bounds.pressing

    def _disk_bound(self) -> DiskBound:
        spec = self._spec
        return DiskBound(spec.sandbox.writable, str(self._folder), spec.disk_bytes, lambda: self._recorder.log_bytes)

    def _evaluate(self) -> Cut | None:
        self._contention.close()
        self._evaluating, self._first_words = True, b""
        made = make_tree(self._spec, self._tree, self._asked_while_making)
        if isinstance(made, Cut):
            return made
        if self._spec.clean_tree:  # whose files were all written just now, and not by the evaluation
            self._bounds = Bounds((self._memory, self._disk_bound()))
        self._status = msgspec.structs.replace(
            self._status, evaluation_at=self._recorder.log_bytes, looked=made.hidden_shown
        )
        self._recorder.record_output(heading(self._spec, made))
        self._output = MetricReader(self._spec.metric, "evaluate")
        self._metrics_file = FileTail("")
        return self._run(evaluation(self._spec, made))

    def _asked_while_making(self) -> Cut | None:
        """Only a stop ends the making of a tree: what else does has the run's files looked at, which are half made."""
        if time.monotonic() - self._noted >= STATUS_EVERY_S:
            self._write_status()
        cut = self.objection()
        return cut if cut and cut.outcome == "stopped" else None

    def _run(self, command: Command) -> Cut | None:
        if cut := self.objection() or obstacle(command):
            return cut
        spec = self._spec
        try:
            wrapped = sandbox_of(command.sandbox.level).wrap(command.argv, command.sandbox)
            with _readable(command.stdin) as file:
                pipe = self._tree.start(wrapped, env=command.env, cwd=command.tree, stdin=file)
        except (OSError, CopilotError) as error:
            return Cut("not_started", f"The command could not be started: {error}")
        self._status = msgspec.structs.replace(self._status, state="running", child_pid=self._tree.root)
        self._write_status()
        limits = Limits(spec.timeout_s, spec.silence_s, spec.grace_s, spec.smoke)
        watch = Watch(self._tree, limits, self, self._signals.wake_up)
        watch.follow(pipe, sandboxed=spec.sandbox.level == "bwrap")
        self._note(self._output.close(self._elapsed()) + self._appended.close(self._elapsed()))
        if watch.resisting:
            return Cut("crashed", f"{watch.resisting} of its processes could not be ended; they hang in the kernel.")
        return watch.cut or self.objection()

    def _judge(self) -> Cut:
        """How a run ended that nobody cut short."""
        exit_code, number = _exit_of(self._tree.wait_status, self._spec.sandbox.level == "bwrap")
        metric, reading, what = self._spec.metric, self._counting(), "evaluation" if self._evaluating else "command"
        if number is not None:
            name, killed = signal.Signals(number).name, number == signal.SIGKILL
            if killed and self._kills.grown:
                held = amount(max(self._memory.peak, self._tree.largest_rss()))
                return Cut("memory", f"The system ended the {what}, which held {held}, for want of memory.")
            hint = ", perhaps by the system for want of memory" if killed else ""
            return Cut("crashed", f"The {what} was ended by {name}{hint}.")
        failure = failure_of(self._spec.sandbox.level)
        if failure and exit_code in {1, FAILED} and self._first_words.startswith(failure.encode()):
            said = self._first_words.splitlines()[0].decode(errors="replace").removeprefix(failure)
            # What an evaluation prints, and be it in a sandbox's words, goes to the researcher's log only.
            about = " for the evaluation" if self._evaluating else f": {said}"
            return Cut("not_started", f"The sandbox could not be set up{about}.")
        if exit_code:
            return Cut("crashed", f"The {what} ended with exit code {exit_code}.")
        if reading is None:
            return Cut("no_metric", f"It ended well but reported no {metric}: print a line such as `{metric}: 0.5`.")
        if not math.isfinite(reading.value):
            return Cut("diverged", f"The last {metric} is {reading.value}.")
        return Cut("ok", f"It ended well with {metric} {reading.value:.6g}.")

    def _counting(self) -> Reading | None:
        """The reading that counts: the last one of the most trusted source; with an evaluation, only what that says."""
        sources = ("evaluate",) if self._spec.evaluate_argv else SOURCES
        return next((self._last[source] for source in sources if source in self._last), None)

    def _note(self, readings: list[Reading]) -> None:
        self._recorder.record_readings(readings)
        if not self._evaluating:
            self._divergence.note(readings)
        self._last |= {reading.source: reading for reading in readings}

    def _finish(self, end: Cut) -> None:
        exit_code, number = _exit_of(self._tree.wait_status, self._spec.sandbox.level == "bwrap")
        self._status = msgspec.structs.replace(
            self._status,
            state="finished",
            ended_at=_now(),
            outcome=end.outcome,
            reason=end.reason,
            exit_code=exit_code,
            signal=number,
            log_sha256=self._recorder.log_sha256,
        )
        self._write_status()

    def _write_status(self) -> None:
        self._noted = time.monotonic()
        reading, cpu_s = self._counting(), self._tree.cpu_s()
        if self._tree.root and not self._evaluating:
            self._contention.look(self._noted, cpu_s, self._memory.pids)
        self._status = msgspec.structs.replace(
            self._status,
            wall_s=round(self._elapsed(), 3),
            value=reading.value if reading else None,
            value_source=reading.source if reading else "",
            cpu_s=round(cpu_s, 3),
            peak_rss_bytes=max(self._memory.peak, self._tree.largest_rss()),
            peak_gpu_bytes=self._contention.peak_gpu_bytes,
            contended_s=round(self._contention.seconds, 3),
            contention=self._contention.sentence,
            log_bytes=self._recorder.log_bytes,
        )
        self._recorder.record_status(self._status)

    def _elapsed(self) -> float:
        return round(time.monotonic() - self._began, 3)


def _emptied(path: str) -> str:
    """Make the metrics file anew: what a commit brought along under its name is no reading, and a sandbox binds it."""
    if path:
        file = Path(path)
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
            file.touch(mode=0o600)
    return path


@contextlib.contextmanager
def _readable(text: str) -> Iterator[int]:
    """A file without a name that holds `text`: unlike a pipe it is never full."""
    if not text:
        yield subprocess.DEVNULL
        return
    import tempfile  # noqa: PLC0415  10 ms that no other run should wait for

    with tempfile.TemporaryFile() as file:
        file.write(text.encode())
        file.seek(0)
        yield file.fileno()


def _exit_of(wait_status: int | None, sandboxed: bool) -> tuple[int | None, int | None]:
    """Exit code and signal; bubblewrap reports its inmate's signal as 128 and more, like a shell."""
    if wait_status is None:
        return None, None
    code = os.waitstatus_to_exitcode(wait_status)
    if sandboxed and code - 128 in {number.value for number in signal.Signals}:
        code = 128 - code
    return (code, None) if code >= 0 else (None, -code)


def _now() -> str:
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z"


def main(arguments: list[str]) -> int:
    """Supervise the run whose folder is the only argument."""
    folder = Path(arguments[0])
    with shortened(read_spec(folder)) as spec:
        Supervisor(folder, spec).supervise()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
