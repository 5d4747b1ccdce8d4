"""What a run is told and what it answers: the values that cross between copilot, supervisor and screens."""

from pathlib import Path
from typing import Literal

import msgspec

SPEC_FILE = "spec.json"
STATUS_FILE = "status.json"
LOG_FILE = "output.log"
METRICS_FILE = "metrics.jsonl"
STOP_FILE = "stop"
SUPERVISOR_LOG_FILE = "supervisor.log"

RUN_VARIABLE = "MLRCOPILOT_RUN"
METRICS_VARIABLE = "MLRCOPILOT_METRICS"
SEED_VARIABLE = "MLRCOPILOT_SEED"

SandboxLevel = Literal["plain", "landlock", "bwrap"]
RunState = Literal["starting", "running", "finished"]
Outcome = Literal[
    "ok", "crashed", "timeout", "silent", "memory", "disk", "stopped", "smoked",
    "diverged", "no_metric", "lost", "not_started", "voided", "disturbed",
    "not_evaluated",
]  # fmt: skip
"""How a run ended. `diverged`: its metric is not finite; `memory`, `disk`: it used more than it may; `smoked`: a smoke
run came to its limit, all well up to there; `lost`: its supervisor vanished; `voided`: a protected file changed under
it, which the caller finds, or the supervisor before an evaluation; `disturbed`: somebody else changed its inputs, which
the caller finds; `not_evaluated`: we could not make the tree for its evaluation."""


class SandboxPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What a run may touch. All paths are absolute; an inner path's rule wins over an outer one's.

    `read_only` paths are visible and cannot be written, be they inside a writable tree or inside the home folder, which
    is empty otherwise; Landlock cannot keep them so inside a writable tree. `links` are symbolic links in the temporary
    folder that are to be seen too.
    """

    level: SandboxLevel = "plain"
    writable: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    network: bool = False

    @property
    def open_network(self) -> bool:
        """Whether a run has the network: it was granted, or nothing keeps it away."""
        return self.network or self.level == "plain"


class CleanTree(msgspec.Struct, frozen=True, kw_only=True):
    """How a run's tree is made anew for the evaluation, once nothing of the run is left.

    `maker` is a Python module of ours and its arguments; it puts a clean tree in the place of the run's, and tells of
    it by a `TreeMade` on its standard output. `hidden` is what a sandbox covers up beside the tree.
    """

    maker: tuple[str, ...]
    hidden: tuple[str, ...] = ()


class TreeMade(msgspec.Struct, frozen=True, kw_only=True):
    """What a maker of clean trees answers.

    `objection` is a sentence that says why the run is not to be measured; empty where it is. `read_only` is what the
    evaluation may read and not write; `hidden_shown` says that hidden files are there. `left` names, with a reason
    each, files of the run that were not taken over.
    """

    objection: str = ""
    read_only: tuple[str, ...] = ()
    hidden_shown: bool = False
    left: tuple[str, ...] = ()


class RunSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One run, complete: nothing else is looked up once its supervisor has started.

    `run` must be unique on the machine: it marks the run's processes. `tree` is the absolute working directory, `env`
    the complete environment. Durations are seconds; `silence_s` 0 turns that limit off. Each of the two commands gets
    the limits anew. The evaluation works where the run did: in a `clean_tree`, or in the very same one where that is
    None, and then what both write counts together; it never has a network. `stdin` is what the command reads; the
    evaluation reads nothing. `dies_with` is the id of the process that started the run and without which it ends; 0 for
    a run that outlives its starter.

    `memory_bytes` bounds the resident memory of the whole tree, `disk_bytes` what it may write; 0 leaves it what the
    machine can spare. `devices` are the UUIDs of the GPUs that it was given. In a `smoke` run the limit of time is no
    failure.
    """

    run: str
    argv: tuple[str, ...]
    evaluate_argv: tuple[str, ...] = ()
    clean_tree: CleanTree | None = None
    tree: str
    env: dict[str, str]
    seed: int
    metric: str
    timeout_s: float
    silence_s: float
    grace_s: float = 10.0
    memory_bytes: int = 0
    disk_bytes: int = 0
    devices: tuple[str, ...] = ()
    smoke: bool = False
    sandbox: SandboxPolicy
    stdin: str = ""
    dies_with: int = 0


class RunStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run stands, or how it ended.

    `reason` is one plain sentence; `value` the metric's last value by the most trusted source, `value_source` that
    source ("evaluate", "file", "stdout" or ""). JSON has no NaN: a diverged value is None here and its outcome says so.
    `cpu_s` and `peak_rss_bytes` are those of the whole process tree, the latter a sum of resident sizes sampled four
    times a second; where that is large, without pages of mapped files and with those that processes share counted once.
    `peak_gpu_bytes` is what the tree held on its GPUs at most; None where no driver tells. `contended_s` are the
    seconds in which others computed on what it was given, and `contention` says in a sentence who did; empty where
    nobody was seen. `evaluation_at` is the byte of the log at which the evaluation's part begins, which is for the
    researcher alone; None without one. `looked` says that hidden files were there for it.
    """

    run: str
    state: RunState
    supervisor_pid: int
    supervisor_created: float
    child_pid: int | None = None
    started_at: str
    ended_at: str | None = None
    wall_s: float = 0.0
    outcome: Outcome | None = None
    reason: str = ""
    exit_code: int | None = None
    signal: int | None = None
    value: float | None = None
    value_source: str = ""
    cpu_s: float = 0.0
    peak_rss_bytes: int = 0
    peak_gpu_bytes: int | None = None
    contended_s: float = 0.0
    contention: str = ""
    log_bytes: int = 0
    log_sha256: str = ""
    evaluation_at: int | None = None
    looked: bool = False
    sandbox: str = ""
    network: bool = False


def read_spec(folder: Path) -> RunSpec:
    """Read a run folder's `spec.json`.

    Raises:
        OSError: the file cannot be read.
        msgspec.DecodeError: it is not a RunSpec.
    """
    return msgspec.json.decode((folder / SPEC_FILE).read_bytes(), type=RunSpec)


def read_status(folder: Path) -> RunStatus | None:
    """Read a run folder's `status.json` as it stands; None where there is none, or only a torn one from a full disk."""
    try:
        return msgspec.json.decode((folder / STATUS_FILE).read_bytes(), type=RunStatus)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
