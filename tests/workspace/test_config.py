"""The contract: what is read, what is refused, and how the refusal reads."""

import hashlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.workspace.config import (
    BudgetConfig,
    EngineConfig,
    EvaluateConfig,
    FilesConfig,
    MetricConfig,
    MinEffect,
    RunConfig,
    TaskConfig,
    VerdictConfig,
    WorkspaceConfig,
    load_config,
    parse_config,
    parse_min_effect,
)
from mlrcopilot_tui.workspace.config_text import render_config

SMALL = """\
[run]
command = "python train.py"
[metric]
name = "val_error"
direction = "min"
[files]
editable = ["train.py"]
"""


def refusal(text: str) -> str | None:
    try:
        parse_config(text, Path("mlrcopilot.toml"))
    except InputError as error:
        return str(error)
    return None


def test_the_least_contract_gets_the_documented_defaults() -> None:
    config = parse_config(SMALL, Path("mlrcopilot.toml"))
    assert (config.run.timeout_minutes, config.run.silence_minutes) == (10, 5)
    assert (config.verdict.seeds, config.verdict.min_effect) == (5, 0)
    assert (config.approval.ideas, config.approval.patches) == ("ask", "ask")
    assert (config.budget.usd, config.budget.minutes, config.budget.gpu_minutes) == (5, 0, 0)
    assert (config.engine.name, config.engine.profile) == ("offline", "full")
    assert config.files == FilesConfig(editable=("train.py",))


def test_loading_gives_the_digest_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "mlrcopilot.toml").write_text(SMALL)
    loaded = load_config(tmp_path)
    assert loaded.digest == hashlib.sha256(SMALL.encode()).hexdigest()
    assert loaded.text == SMALL


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("command =", "comand =", "toml:2: run.comand is not a key of this file. Did you mean `run.command`?"),
        ("[files]", "[file]", "mlrcopilot.toml:6: file is not a key of this file. Did you mean `files`?"),
        ("[run]\n", "[run]\nseeds = 3\n", "toml:2: run.seeds is not a key of this file. Did you mean `verdict.seeds`?"),
        ("[run]\n", "[run]\nxyzzy = 3\n", "Known here: command, python, timeout_minutes"),
        ('"min"', '"lower"', "mlrcopilot.toml:5: metric.direction cannot be 'lower'. Write \"min\" or \"max\"."),
        ('["train.py"]', '"train.py"', "mlrcopilot.toml:7: files.editable must be a list, not text."),
        ('["train.py"]', "[1]", "files.editable must hold text, not a whole number."),
        ('["train.py"]', "[]", "files.editable is empty, so no agent could change anything."),
        ('["train.py"]', '["../train.py"]', "the glob '../train.py', which leads out of the workspace."),
        ('["train.py"]', '["/etc/passwd"]', "which is not a relative path"),
        ('["train.py"]', '["~/x"]', "which is not a relative path"),
        ('["train.py"]', '["."]', "which names nothing"),
        ('["train.py"]', '["[z-a]"]', "which has a set in brackets that is not valid"),
        ('"python train.py"', '""', "mlrcopilot.toml:2: run.command is empty."),
        ('"python train.py"', '"a && b"', "run.command has '&&', but no shell runs it."),
        ('"python train.py"', '"A=1 python train.py"', "run.command sets a variable, which needs a shell."),
        ('"python train.py"', "'python \"train.py'", "run.command cannot be split into words"),
        ('command = "python train.py"\n', "", "mlrcopilot.toml:1: run.command is missing."),
        ("[files]", "[verdict]\nseeds = 0\n[files]", "verdict.seeds must be at least 1."),
        ("[files]", "[verdict]\nseeds = 1.5\n[files]", "verdict.seeds must be a whole number, not a number."),
        ("[files]", '[verdict]\nmin_effect = "ten"\n[files]', "verdict.min_effect cannot be 'ten'."),
        ("[files]", "[verdict]\nmin_effect = -1.0\n[files]", "verdict.min_effect cannot be -1.0."),
        ("[files]", "[verdict]\nmin_effect = nan\n[files]", "verdict.min_effect cannot be nan."),
        ("[files]", "[budget]\nusd = -1\n[files]", "budget.usd must be at least 0."),
        ("[files]", '[run.env]\n"A B" = "x"\n[files]', "run.env cannot set 'A B'."),
        ("[files]", "[engine]\nname = 'gpt'\n[files]", 'Write "offline" or "claude".'),
        ("[run]\n", "[run]\ntimeout_minutes = 0\n", "run.timeout_minutes must be more than 0."),
        ('"val_error"', '" "', "metric.name is empty or has spaces around it."),
        ("[files]", "[files", "mlrcopilot.toml is not valid TOML:"),
    ],
)  # fmt: skip
def test_a_slip_is_named_with_file_line_key_and_mend(old: str, new: str, said: str) -> None:
    assert old in SMALL
    assert said in str(refusal(SMALL.replace(old, new)))


def test_a_missing_file_tells_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no mlrcopilot.toml. Adopt a git repository with `mlrcopilot init`"):
        load_config(tmp_path)


def test_a_file_that_is_not_text_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "mlrcopilot.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read: it is not UTF-8 text"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    ("written", "effect"),
    [
        (0.25, MinEffect(0.25, relative=False)),
        (1, MinEffect(1.0, relative=False)),
        ("10%", MinEffect(0.1, relative=True)),
        (" 2.5 % ", MinEffect(0.025, relative=True)),
    ],
)
def test_the_smallest_effect_is_absolute_or_relative(written: float | str, effect: MinEffect) -> None:
    assert parse_min_effect(written) == effect


TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
GLOBS = st.lists(st.from_regex(r"[a-z]{1,5}(/[a-z*?]{1,5}){0,2}", fullmatch=True), max_size=3).map(tuple)
CONFIGS = st.builds(
    WorkspaceConfig,
    task=st.builds(TaskConfig, name=TEXT, description=TEXT),
    run=st.builds(
        RunConfig,
        command=st.just("python train.py --seed {seed}"),
        timeout_minutes=st.floats(0.001, 1e6),
        silence_minutes=st.floats(0, 1e6),
        env=st.dictionaries(NAME, TEXT.filter(lambda text: "\0" not in text), max_size=3),
        pass_env=st.lists(TEXT, max_size=2).map(tuple),
    ),
    metric=st.builds(MetricConfig, name=NAME, direction=st.sampled_from(["min", "max"])),
    files=st.builds(FilesConfig, editable=GLOBS.filter(bool), protected=GLOBS, hidden=GLOBS, shared=GLOBS),
    evaluate=st.just(EvaluateConfig(command="python evaluate.py")),
    verdict=st.builds(
        VerdictConfig, seeds=st.integers(1, 99), min_effect=st.one_of(st.floats(0, 1e9), st.just("12.5%"))
    ),
    budget=st.builds(BudgetConfig, usd=st.floats(0, 1e9), minutes=st.floats(0, 1e9)),
    engine=st.builds(EngineConfig, name=st.sampled_from(["offline", "claude"]), model=TEXT, base_url=TEXT),
)


@given(CONFIGS)
def test_what_is_written_reads_back_equal(config: WorkspaceConfig) -> None:
    assert parse_config(render_config(config), Path("mlrcopilot.toml")) == config


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_in_a_sentence(text: str) -> None:
    assert str(refusal(text) or "mlrcopilot.toml").startswith("mlrcopilot.toml")


JSONISH = st.recursive(
    st.one_of(st.integers(-5, 5), st.text(max_size=5), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(NAME, inner, max_size=2)),
    max_leaves=4,
)


KEYS = [
    (table.name, field.name)
    for table in msgspec.structs.fields(WorkspaceConfig)
    for field in msgspec.structs.fields(table.type)
]


@given(st.sampled_from(KEYS), JSONISH)
def test_any_value_in_any_key_is_read_or_refused_in_a_sentence(place: tuple[str, str], value: object) -> None:
    tables: dict[str, dict[str, object]] = {
        "run": {"command": "python train.py"},
        "metric": {"name": "loss", "direction": "min"},
        "files": {"editable": ["train.py"]},
    }
    tables.setdefault(place[0], {})[place[1]] = value
    text = "\n".join(f"{name} = {_inline(table)}" for name, table in tables.items())
    said = refusal(text)
    assert said is None or f"{place[0]}.{place[1]}" in said


def _inline(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {_inline(item)}' for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    if isinstance(value, str):
        escaped = "".join(f"\\U{ord(char):08x}" for char in value if not 0xD800 <= ord(char) < 0xE000)
        return f'"{escaped}"'
    return str(value).lower()
