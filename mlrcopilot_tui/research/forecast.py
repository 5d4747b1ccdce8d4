"""Forecasts: what running an attempt takes in time and memory, whether that fits, and how that is said."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal

import msgspec

from mlrcopilot_tui.hardware.leases import device_name
from mlrcopilot_tui.hardware.samples import GpuSample, MachineSample
from mlrcopilot_tui.research.pace import Course, Estimate, Progress, like_parents, whole_run
from mlrcopilot_tui.session.model import Attempt
from mlrcopilot_tui.session.run_events import ForecastMade
from mlrcopilot_tui.session.state import RunState, SessionState
from mlrcopilot_tui.text import size, span

CERTAIN: Final = 1.5
"""A range whose ends are further apart than this factor is said as a range."""
_MINUTE_S: Final = 60.0

Lack = Literal["", "time", "memory", "minutes", "budget", "network"]


@dataclass(frozen=True, slots=True)
class Tried:
    """A run, and how far it was when."""

    run: RunState
    progress: Progress

    @property
    def course(self) -> Course:
        """Its progress up to its end."""
        return Course(self.progress, self.run.wall_s)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an experiment may take.

    Attributes:
        runs: how many runs of the attempt a verdict takes at the least and at the most, as many as seeds.
        timeout_s: the limit of one run.
        memory_bytes: what one run may use; 0 for all that the machine has.
        left_s: seconds that are left in the session's budget; None where it has none.
        gpus: how many devices one run gets, where there are any.
    """

    runs: tuple[int, int]
    timeout_s: float
    memory_bytes: int = 0
    left_s: float | None = None
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that a run takes at its peak, as far as anybody knows; 0 where nobody does."""

    memory: int = 0
    gpu: int = 0


def forecast(
    attempt: Attempt, tried: Tried | None, parents: Sequence[Tried], bounds: Bounds, machine: MachineSample
) -> ForecastMade:
    """What running `attempt` takes, from its smoke run, if there is one, and from its parent's runs that ended well."""
    whole = tried is not None and tried.run.outcome == "ok"
    one, like_parent = _wall(tried, parents, whole=whole)
    need = _need(tried, parents, whole=whole)
    devices = _devices(tried, bounds, machine) if need.gpu else []
    made = ForecastMade(
        idea=attempt.idea,
        commit=attempt.commit,
        run=tried.run.run if tried else "",
        tried_s=tried.run.wall_s if tried else 0.0,
        whole=whole,
        reported=tried is not None and bool(tried.progress.points),
        wall_s=one.about if one else None,
        range_s=(one.low, one.high) if one else None,
        like_parent=like_parent,
        runs=bounds.runs,
        total_s=_total(one.about, bounds.runs, parents, whole=whole) if one else None,
        memory_bytes=need.memory or None,
        memory_free=_free(machine),
        memory_total=machine.memory_total,
        gpu_bytes=need.gpu or None,
        gpu_total=_sum([gpu.memory_total for gpu in devices]),
        gpus=len(devices),
    )
    lacks, obstacle = _obstacle(made, tried, parents, bounds)
    return msgspec.structs.replace(made, lacks=lacks, obstacle=obstacle)


def in_words(made: ForecastMade, metric: str) -> str:
    """A forecast in words, as it stands beside the question whether the attempt may run."""
    least, most = made.runs
    runs = f"{least} to {most} runs" if most > least else f"{least} run{'s' * (least > 1)}"
    if made.wall_s is not None:
        runs += f" of {_wall_words(made)}{' each' * (most > 1)}"
        runs += ", as its parent's" * made.like_parent
    said = [runs]
    if made.total_s and made.total_s[1] >= _MINUTE_S:
        said.append(f"{_between(*made.total_s)} in all")
    if made.run and not made.reported and not made.whole:
        said.append(f"no {metric} within {span(made.tried_s)}")
    if made.memory_bytes:
        free = f" of {size(made.memory_free)} free" if made.memory_free is not None else ""
        said.append(f"{'' if made.whole else 'at least '}{size(made.memory_bytes)}{free}")
    if made.gpu_bytes:
        of = f" of {size(made.gpu_total)}" if made.gpu_total else ""
        said.append(f"{made.gpus or 1} GPU{'s' * (made.gpus > 1)}: {size(made.gpu_bytes)}{of}")
    return f"{made.obstacle} {'; '.join(said)}".strip()


def need_of(state: SessionState, commit: str) -> Need:
    """What a run of `commit` takes, from its forecast and from its runs so far."""
    runs = [run for run in state.runs.values() if run.commit == commit]
    made = state.forecasts.get(commit)
    memory = [run.peak_rss_bytes for run in runs] + [made.memory_bytes or 0 if made else 0]
    gpu = [run.peak_gpu_bytes or 0 for run in runs] + [made.gpu_bytes or 0 if made else 0]
    return Need(max(memory), max(gpu))


def fits_now(need: Need, machine: MachineSample, promised: int = 0, devices: Collection[str] = ()) -> str:
    """What a run has to wait for, as a sentence; empty where it fits.

    What the whole machine could not hold is never waited for.

    Args:
        need: what the run takes.
        machine: as it is now.
        promised: bytes of memory that live runs have yet to take.
        devices: the GPUs that it is to get, as drivers call them.
    """
    free = _free(machine)
    if free is not None and free - promised < need.memory <= (machine.memory_total or 0):
        left = size(max(0, free - promised))
        return f"A run waits for memory: it takes at least {size(need.memory)}, and {left} are free."
    given = [gpu for gpu in machine.gpus if device_name(gpu) in devices]
    total, used = _sum([gpu.memory_total for gpu in given]), _sum([gpu.memory_used for gpu in given])
    if total is not None and used is not None and total - used < need.gpu <= total:
        left = size(total - used)
        return f"A run waits for GPU memory: it takes at least {size(need.gpu)}, and {left} are free."
    return ""


def _wall(tried: Tried | None, parents: Sequence[Tried], *, whole: bool) -> tuple[Estimate | None, bool]:
    """How long one run takes, and whether only its parent's runs tell."""
    courses = [parent.course for parent in parents]
    if tried is None:
        return like_parents(None, courses), True
    if whole:
        wall = tried.run.wall_s
        return Estimate(wall, wall, wall), False
    if (found := whole_run(tried.course, courses)) is not None:
        return found, False
    return like_parents(tried.course, courses), True


def _need(tried: Tried | None, parents: Sequence[Tried], *, whole: bool) -> Need:
    """The peak of a whole run is what a run takes; of one that was cut, or not made, the parent's tell too."""
    runs = [tried.run] if tried and whole else [*([tried.run] if tried else []), *(one.run for one in parents)]
    memory = max((run.peak_rss_bytes for run in runs), default=0)
    return Need(memory, max((run.peak_gpu_bytes or 0 for run in runs), default=0))


def _devices(tried: Tried | None, bounds: Bounds, machine: MachineSample) -> list[GpuSample]:
    """The GPUs that the run had, else as many as a run gets."""
    ours = [gpu for gpu in machine.gpus if gpu.ours]
    had = [gpu for gpu in ours if tried is not None and device_name(gpu) in tried.run.devices]
    return had or ours[: bounds.gpus]


def _total(
    wall_s: float, runs: tuple[int, int], parents: Sequence[Tried], *, whole: bool = False
) -> tuple[float, float]:
    """Seconds of the runs that are still to be made, the parent's at seeds that it has not seen yet included."""
    seen = {parent.run.seed for parent in parents}
    parent_s = median(parent.run.wall_s for parent in parents) if parents else 0.0
    least, most = (
        max(0, count - whole) * wall_s + len(set(range(count)) - seen) * parent_s for count in runs
    )  # fmt: skip
    return least, most


def _obstacle(made: ForecastMade, tried: Tried | None, parents: Sequence[Tried], bounds: Bounds) -> tuple[Lack, str]:
    """What keeps the attempt from running, and that in a sentence; the lower end of an estimate has to say so."""
    if made.wall_s is not None and made.range_s and made.run and not made.whole:
        limit = bounds.timeout_s
        if made.range_s[0] > limit:
            return "time", f"One run would take {_wall_words(made)}; the limit is {span(limit)}."
    room = min(filter(None, (bounds.memory_bytes, made.memory_total)), default=0)
    peak = tried.run.peak_rss_bytes if tried else 0
    if room and peak > room:
        return "memory", f"One run takes at least {size(peak)} of memory; it may use {size(room)}."
    gpu_peak = (tried.run.peak_gpu_bytes or 0) if tried else 0
    if made.gpu_total and gpu_peak > made.gpu_total:
        return "memory", f"One run takes at least {size(gpu_peak)} of GPU memory; it gets {size(made.gpu_total)}."
    return _lack_of_minutes(made, parents, bounds)


def _lack_of_minutes(made: ForecastMade, parents: Sequence[Tried], bounds: Bounds) -> tuple[Lack, str]:
    """Whether the budget's minutes suffice for the attempt, and if not, for one that is as quick as its parent."""
    if bounds.left_s is None or made.range_s is None or made.wall_s is None:
        return "", ""
    least, _ = _total(made.range_s[0], made.runs, parents, whole=made.whole)
    if least <= bounds.left_s:
        return "", ""
    usual = median(parent.run.wall_s for parent in parents) if parents else made.wall_s
    for_any, _ = _total(min(usual, made.wall_s), made.runs, parents)
    about, _ = _total(made.wall_s, made.runs, parents, whole=made.whole)
    said = f"A verdict would take at least {span(about)}; {span(bounds.left_s)} of the budget are left."
    return ("budget" if for_any > bounds.left_s else "minutes"), said


def _wall_words(made: ForecastMade) -> str:
    about = f"about {span(max(1.0, made.wall_s or 0.0))}"
    low, high = made.range_s or (0.0, 0.0)
    return _between(low, high) if high > CERTAIN * max(low, 1.0) and not made.like_parent else about


def _between(low: float, high: float) -> str:
    """`8 to 20 min`, `40 s to 3 min`, `about 8 min`."""
    first, last = span(max(1.0, low)), span(max(1.0, high))
    if first == last:
        return f"about {first}"
    number, _, unit = first.partition(" ")
    return f"{number} to {last}" if last.endswith(f" {unit}") and unit.isalpha() else f"{first} to {last}"


def _free(machine: MachineSample) -> int | None:
    if machine.memory_total is None or machine.memory_used is None:
        return None
    return machine.memory_total - machine.memory_used


def _sum(parts: Sequence[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known and len(known) == len(parts) else None
