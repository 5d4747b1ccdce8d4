"""What a run leaves in the journal: that it was planned and foretold, how it was started, and how it ended."""

from typing import Literal

from mlrcopilot_tui.session.events import Event


class RunPlanned(Event, frozen=True, kw_only=True, tag="run.planned"):
    """A run's intent, written before its folder is made, so that nothing runs twice.

    `key` digests everything that a result depends on: tree, commands, seed, protected and shared files, interpreter
    and packages, device, thread count, limits.
    """

    run: str
    commit: str
    seed: int
    purpose: Literal["baseline", "smoke", "idea", "parent", "verify", "ablation"]
    key: str
    idea: int = 0
    attempt: int = 0


class RunStarted(Event, frozen=True, kw_only=True, tag="run.started"):
    """The run's supervisor was started; `devices` are the UUIDs of the GPUs that it was given."""

    run: str
    sandbox: str
    network: bool
    devices: tuple[str, ...] = ()


class RunStopped(Event, frozen=True, kw_only=True, tag="run.stopped"):
    """A live run was asked to end: by the researcher, whose word on it that is, by a limit of the session, or because
    its curve had left its parent's band; `saves_s` is how long it would still have taken."""

    run: str
    by: Literal["researcher", "budget", "curve"]
    saves_s: float = 0.0


class StopSuggested(Event, frozen=True, kw_only=True, tag="stop.suggested"):
    """A live run's curve has left its parent's band for the worse, at step `since`; it would still take `saves_s`."""

    run: str
    step: int
    reason: str
    saves_s: float = 0.0
    since: int = 0


class ForecastMade(Event, frozen=True, kw_only=True, tag="forecast.made"):
    """What running an attempt will take, told before it is approved.

    Attributes:
        run: the smoke run that it rests on; empty where it rests on what the parent's runs took.
        tried_s: seconds that the smoke run took; `whole` says that it came to its end by itself, and `reported` that
            the metric appeared in it.
        wall_s: seconds that one run takes, most likely, and `range_s` hardly fewer or more than these; `like_parent`
            says that they are the parent's.
        runs: how many a verdict takes at the least and at the most, and `total_s` what is still to be run for them.
        memory_bytes, gpu_bytes: what one run needs at its peak; None where nobody can tell.
        memory_free, memory_total: what the machine had of it then; `gpu_total` what the run's `gpus` devices have.
        lacks: what there is too little of: time within the limit of a run, memory, minutes for this attempt, minutes
            in the budget for any experiment, or a network, for want of which the smoke run failed.
        obstacle: why it cannot run, as a sentence; empty where it fits.
    """

    idea: int
    commit: str
    run: str = ""
    tried_s: float = 0.0
    whole: bool = False
    reported: bool = False
    wall_s: float | None = None
    range_s: tuple[float, float] | None = None
    like_parent: bool = False
    runs: tuple[int, int] = (0, 0)
    total_s: tuple[float, float] | None = None
    memory_bytes: int | None = None
    memory_free: int | None = None
    memory_total: int | None = None
    gpu_bytes: int | None = None
    gpu_total: int | None = None
    gpus: int = 0
    lacks: Literal["", "time", "memory", "minutes", "budget", "network"] = ""
    obstacle: str = ""


class RunFinished(Event, frozen=True, kw_only=True, tag="run.finished"):
    """The run ended; every number here was read by the supervisor from what the run printed or wrote.

    `contended_s` are the seconds in which others computed on what it was given, and `contention` says who did.
    `looked` says that its evaluation saw the hidden files: a look at the test set.
    """

    run: str
    outcome: str
    reason: str
    value: float | None
    wall_s: float
    log_sha256: str
    exit_code: int | None = None
    peak_rss_bytes: int = 0
    cpu_s: float = 0.0
    peak_gpu_bytes: int | None = None
    contended_s: float = 0.0
    contention: str = ""
    looked: bool = False
