"""The workspace's contract, `mlrcopilot.toml`: read strictly, so that a slip is named and not passed over."""

import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.runs.environment import OWN_CREDENTIALS
from mlrcopilot_tui.workspace.command import split_command
from mlrcopilot_tui.workspace.config_errors import TomlSource, explain_mismatch, refuse_unknown_keys
from mlrcopilot_tui.workspace.globs import FileRules, Matcher
from mlrcopilot_tui.workspace.layout import CONFIG_NAME

Direction = Literal["min", "max"]
Answer = Literal["ask", "auto"]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Allowance = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]
GIB: Final = 1 << 30


class TaskConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be improved, in words."""

    name: str = ""
    description: str = ""


class RunConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How a run is started, what it may use, and when it is stopped.

    Attributes:
        silence_minutes: without output for so long it is stopped; 0 is no limit.
        grace_seconds: what a run gets to save its work when it is asked to end.
        memory_gb: GiB of memory of the whole process tree; 0 leaves it what the machine can spare.
        disk_gb: GiB that a run may write; 0 leaves it what the disk can spare.
        smoke_seconds: how long a patch is tried before it is put to the researcher; 0 for no smoke run.
        gpus: how many GPUs one run gets where there are any; 0 keeps them from it.
        parallel: how many runs go on side by side; 0 for as many as there are GPUs to lease, one where there is none.
        time_boxed: a run trains for a fixed time, so that whoever computes beside it changes its result.
    """

    command: str
    python: str = ""
    timeout_minutes: Positive = 10
    silence_minutes: Allowance = 5
    grace_seconds: Allowance = 10
    memory_gb: Allowance = 0
    disk_gb: Allowance = 0
    smoke_seconds: Allowance = 20
    gpus: Count = 1
    parallel: Count = 0
    time_boxed: bool = False
    env: dict[str, str] = {}
    pass_env: tuple[str, ...] = ()

    @property
    def memory_bytes(self) -> int:
        """`memory_gb` in bytes."""
        return int(self.memory_gb * GIB)

    @property
    def disk_bytes(self) -> int:
        """`disk_gb` in bytes."""
        return int(self.disk_gb * GIB)


class MetricConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The number that decides, and whether less or more of it is better."""

    name: str
    direction: Direction


class FilesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Globs that say what may be done with each file; see `FileRules`."""

    editable: tuple[str, ...]
    protected: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()


class EvaluateConfig(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation after the run, outside the agents' reach; its metric is the one that counts."""

    command: str = ""


class VerdictConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How many seeds at most, and the smallest effect worth keeping (a number, or "10%" of the parent).

    `early_stop` says what becomes of a run whose curve has left its parent's band for the worse: `suggest` tells the
    researcher, `auto` ends it.
    """

    seeds: Annotated[int, msgspec.Meta(ge=1)] = 5
    min_effect: float | str = 0.0
    early_stop: Literal["off", "suggest", "auto"] = "suggest"


class ApprovalConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which gates wait for the researcher."""

    ideas: Answer = "ask"
    patches: Answer = "ask"


class BudgetConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a session may use; 0 is no limit."""

    usd: Allowance = 5.0
    minutes: Allowance = 0
    gpu_minutes: Allowance = 0


class EngineConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What supplies the agents."""

    name: Literal["offline", "claude"] = "offline"
    model: str = ""
    fast_model: str = ""
    base_url: str = ""
    profile: Literal["full", "plain"] = "full"


class WorkspaceConfig(msgspec.Struct, frozen=True, kw_only=True):
    """All of `mlrcopilot.toml`."""

    run: RunConfig
    metric: MetricConfig
    files: FilesConfig
    task: TaskConfig = TaskConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    verdict: VerdictConfig = VerdictConfig()
    approval: ApprovalConfig = ApprovalConfig()
    budget: BudgetConfig = BudgetConfig()
    engine: EngineConfig = EngineConfig()


class LoadedConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The contract with the text that it was read from and that text's SHA-256."""

    config: WorkspaceConfig
    digest: str
    text: str

    @property
    def rules(self) -> FileRules:
        """What may be done with each file."""
        return FileRules(self.config.files)


@dataclass(frozen=True, slots=True)
class MinEffect:
    """The smallest improvement that counts: in the metric's unit, or as a fraction of the parent's value."""

    value: float
    relative: bool


def parse_min_effect(written: float | str) -> MinEffect:
    """`0.01` is absolute, `"10%"` relative (0.1); raises ValueError for anything else or below zero."""
    if not isinstance(written, str):
        effect = MinEffect(float(written), relative=False)
    elif found := re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*%\s*", written):
        effect = MinEffect(float(found[1]) / 100, relative=True)
    else:
        raise ValueError(written)
    if not 0 <= effect.value < float("inf"):
        raise ValueError(written)
    return effect


def load_config(workspace: Path) -> LoadedConfig:
    """Reads and checks a workspace's `mlrcopilot.toml`.

    Raises:
        InputError: it is missing or wrong; the sentence names file, line, key and the nearest valid key.
    """
    path = workspace / CONFIG_NAME
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except FileNotFoundError as error:
        mend = "Adopt a git repository with `mlrcopilot init`, or begin with `mlrcopilot demo`."
        raise InputError(f"{workspace} has no {CONFIG_NAME}.", mend) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InputError(f"{path} cannot be read: {reason}.") from error
    return LoadedConfig(config=parse_config(text, path), digest=hashlib.sha256(data).hexdigest(), text=text)


def parse_config(text: str, path: Path) -> WorkspaceConfig:
    """Checks the text of a `mlrcopilot.toml`; `path` is what errors name."""
    source = TomlSource(text, path, WorkspaceConfig)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {error}.") from error
    refuse_unknown_keys(tables, WorkspaceConfig, source)
    try:
        config = msgspec.convert(tables, WorkspaceConfig)
    except msgspec.ValidationError as error:
        raise explain_mismatch(error, source) from error
    for key, sentence, mend in _slips(config):
        raise source.error(key, sentence, mend)
    return config


def _slips(config: WorkspaceConfig) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """What types cannot say: (key, sentence, mend) for each thing that is wrong."""
    commands = {("run", "command"): config.run.command, ("evaluate", "command"): config.evaluate.command}
    for key, command in commands.items():
        if command.strip() or key[0] == "run":
            try:
                split_command(command)
            except InputError as error:
                yield key, error.sentence, error.mend
    yield from _environment_slips(config.run)
    if not re.fullmatch(r"\S(?:.*\S)?", config.metric.name):
        yield ("metric", "name"), "is empty or has spaces around it.", "Write the name as the run prints it."
    if not config.files.editable:
        yield ("files", "editable"), "is empty, so no agent could change anything.", 'Name a file, as in ["train.py"].'
    for name in ("editable", "protected", "hidden", "shared"):
        for glob in getattr(config.files, name):
            if slip := _glob_slip(glob):
                yield ("files", name), f"has the glob {glob!r}, which {slip}.", "Write it relative to the workspace."
    try:
        parse_min_effect(config.verdict.min_effect)
    except ValueError:
        yield ("verdict", "min_effect"), f"cannot be {config.verdict.min_effect!r}.", 'Write 0.01, or "10%".'


def _environment_slips(run: RunConfig) -> Iterator[tuple[tuple[str, ...], str, str]]:
    for name, value in run.env.items():
        if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or "\0" in value:
            yield ("run", "env"), f"cannot set {name!r}.", "Use letters, digits and _ in the name."
    if own := OWN_CREDENTIALS & set(run.pass_env):
        yield (
            ("run", "pass_env"),
            f"names {min(own)}, which would hand the copilot's own key to code that agents write.",
            "Give runs a key of their own under another name.",
        )


def _glob_slip(glob: str) -> str | None:
    parts = glob.split("/")
    if not glob.strip("./ "):
        return "names nothing"
    if glob.startswith(("/", "~", "!")) or "\\" in glob or "\0" in glob:
        return "is not a relative path with forward slashes"
    if ".." in parts:
        return "leads out of the workspace"
    try:
        Matcher([glob])
    except re.error:
        return "has a set in brackets that is not valid"
    return None
