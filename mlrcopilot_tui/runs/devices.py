"""Holds what GPUs a fenced run can use against what can be used outside: a fence that hides them says nothing itself.

A GPU that CUDA cannot reach is no error to most training code: it trains on the CPU, a hundred times slower.
"""

import asyncio
import contextlib
import os
import re
import signal
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from mlrcopilot_tui.runs.environment import run_environment
from mlrcopilot_tui.runs.executor import LocalExecutor
from mlrcopilot_tui.runs.spec import LOG_FILE, RunSpec, RunStatus, SandboxLevel, SandboxPolicy
from mlrcopilot_tui.runs.visible import gpu_nodes

QUICK_S: Final = 60.0
WITH_TORCH_S: Final = 300.0
"""Limits on one look: a first `import torch` from a network disk takes a minute."""

WORDS: Final = {"cuda": "CUDA", "child": "CUDA, in a process that a run starts,", "hip": "HIP", "torch": "torch"}
RESISTS_S: Final = 2.0

REPORT: Final = "Runs there would train on the CPU: please report it with what `mlrcopilot doctor --gpu --json` says."
CHILD_MEND: Final = (
    "Behind Landlock only a run's first process may name its threads, which NVIDIA's driver insists on: have the run "
    "command start python itself, with no shell, launcher or workers that use a GPU, or install bubblewrap."
)
ANSWER: Final = re.compile(rb'^\{"way": .*\}$', re.MULTILINE)


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One GPU, as one way to it shows it; `problem` says in words why it cannot be used."""

    name: str
    uuid: str = ""
    problem: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What one way to the GPUs showed.

    `way` is "cuda" (the driver), "child" (the driver, in a process that the run starts), "hip", "torch", or "nodes",
    whose `closed` names the device nodes that cannot be opened, each with the reason.
    """

    way: str
    version: str = ""
    devices: tuple[Device, ...] = ()
    problem: str = ""
    closed: dict[str, str] = {}

    @property
    def usable(self) -> tuple[Device, ...]:
        """Those that can be used."""
        return tuple(device for device in self.devices if not device.problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All answers of one look; `failure` says why there are none, or not all."""

    answers: Mapping[str, Answer] = field(default_factory=dict)
    failure: str = ""

    @property
    def best(self) -> Answer | None:
        """The way that shows most: torch before the driver, where both show as many."""
        shown = [self.answers[way] for way in ("torch", "cuda", "hip") if way in self.answers]
        return max(shown, key=lambda answer: len(answer.usable), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One way by which fewer GPUs can be used inside than outside, and why."""

    way: str
    inside: int
    outside: int
    reason: str

    @property
    def sentence(self) -> str:
        """As a person reads it."""
        sees = "sees none" if not self.inside else f"sees {self.inside}"
        return f"{WORDS[self.way]} {sees} of {self.outside} {'GPU' if self.outside == 1 else 'GPUs'}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looker:
    """Looks for GPUs as a run of a workspace would.

    Args:
        python: the workspace's interpreter.
        extra, passed: the variables that the contract sets and lets through.
        torch: whether torch is asked too.
        shown: folders that the fence shows besides.
    """

    python: str
    extra: Mapping[str, str] = field(default_factory=dict)
    passed: Sequence[str] = ()
    torch: bool = False
    shown: tuple[str, ...] = ()

    async def outside(self) -> View:
        """What can be used without a fence, from here.

        It comes first: the driver makes nodes that are not there yet, from which a fence would keep it.
        """
        with _place() as place:
            with (place / "said").open("wb") as said:
                try:
                    process = await asyncio.create_subprocess_exec(
                        *self._argv(),
                        env=self._env(f"devices-{uuid.uuid4()}", place),
                        cwd=place,
                        stdin=asyncio.subprocess.DEVNULL,
                        stdout=said,
                        stderr=said,
                        start_new_session=True,
                    )
                except OSError as error:
                    return View(failure=f"{self.python} cannot be started: {error.strerror}")
            failure = await _end_of(process, self._limit_s)
            return view_of((place / "said").read_bytes(), failure)

    async def inside(self, level: SandboxLevel) -> View:
        """What a run behind that fence can use: it is a run, with a supervisor and all."""
        with _place() as place:
            tree, folder, run = place / "tree", place / "run", f"devices-{uuid.uuid4()}"
            tree.mkdir()
            executor = LocalExecutor()
            spec = RunSpec(
                run=run,
                argv=self._argv(),
                tree=str(tree),
                env=self._env(run, tree),
                seed=0,
                metric="devices",
                timeout_s=self._limit_s,
                silence_s=0.0,
                grace_s=1.0,
                sandbox=SandboxPolicy(level=level, writable=(str(tree),), read_only=self.shown),
                dies_with=os.getpid(),
            )
            executor.start(spec, folder)
            try:
                status = await executor.wait(folder)
            finally:
                executor.stop(folder)
            return view_of((folder / LOG_FILE).read_bytes(), _failure(status))

    @property
    def _limit_s(self) -> float:
        return WITH_TORCH_S if self.torch else QUICK_S

    def _argv(self) -> tuple[str, ...]:
        code = Path(__file__).with_name("device_probe.py").read_text("utf-8")
        return (self.python, "-c", code, *(["torch"] if self.torch else []), *_leaves(gpu_nodes()))

    def _env(self, run: str, folder: Path) -> dict[str, str]:
        return run_environment(
            os.environ,
            extra={**self.extra, "TMPDIR": str(folder)},
            passed=self.passed,
            seed=0,
            metrics_file=str(folder / "metrics.jsonl"),
            run=run,
        )


def view_of(output: bytes, failure: str = "") -> View:
    """What the probe printed, among whatever else was printed."""
    answers = [msgspec.json.decode(line, type=Answer) for line in ANSWER.findall(output)]
    return View(answers={answer.way: answer for answer in answers}, failure=failure)


def losses(outside: View, inside: View) -> list[Loss]:
    """The ways by which fewer GPUs can be used inside; empty where all is as outside."""
    found = []
    for way in WORDS:
        before, after = outside.answers.get(way), inside.answers.get(way, Answer(way=way))
        if before and len(after.usable) < len(before.usable):
            reason = _reason(after, before, outside, inside)
            found.append(Loss(way=way, inside=len(after.usable), outside=len(before.usable), reason=reason))
    return found


def mend_of(level: SandboxLevel, lost: Sequence[Loss]) -> str:
    """What to do about GPUs that a fence hides."""
    return CHILD_MEND if level == "landlock" and {loss.way for loss in lost} == {"child"} else REPORT


def _reason(after: Answer, before: Answer, outside: View, inside: View) -> str:
    """Why that answer shows fewer; the nodes that a fence closes explain more than a driver's error does."""
    broken = next((f"{device.name}: {device.problem}" for device in after.devices if device.problem), "")
    said = after.problem or broken
    if after.way not in inside.answers:
        said = inside.failure or "its library is not found inside"
    shown = {device.uuid or device.name for device in after.devices}
    absent = ", ".join(device.name for device in before.usable if (device.uuid or device.name) not in shown)
    said = said or f"it does not list {absent}"
    closed = inside.answers.get("nodes", Answer(way="nodes")).closed
    open_outside = closed.keys() - outside.answers.get("nodes", Answer(way="nodes")).closed.keys()
    nodes = ", ".join(f"{path} ({closed[path]})" for path in sorted(open_outside)[:3])
    return f"{said}; closed inside: {nodes}." if nodes else f"{said.rstrip('.')}."


def _failure(status: RunStatus) -> str:
    """Why a look ended early; that it reports no metric is as it should be."""
    return "" if status.outcome in {"ok", "no_metric"} else status.reason.rstrip(".")


def _leaves(nodes: Iterable[str]) -> list[str]:
    """The nodes, and with those that are folders what is in them."""
    inside = [str(path) for node in nodes if Path(node).is_dir() for path in Path(node).glob("*") if not path.is_dir()]
    return sorted({*nodes, *inside})


async def _end_of(process: asyncio.subprocess.Process, limit_s: float) -> str:
    """Waits for the end of a look, and says what was wrong with it; nothing of it is left."""
    try:
        async with asyncio.timeout(limit_s):
            code = await process.wait()
    except TimeoutError:
        return f"no answer came within {limit_s:g} s"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):  # one that hangs in a sick driver cannot be killed
            async with asyncio.timeout(RESISTS_S):
                await process.wait()
    if code < 0:
        return f"the look was ended by {signal.Signals(-code).name}"
    return f"the look ended with exit code {code}" if code else ""


@contextlib.contextmanager
def _place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mlrcopilot-devices-", ignore_cleanup_errors=True) as place:
        yield Path(os.path.realpath(place))
