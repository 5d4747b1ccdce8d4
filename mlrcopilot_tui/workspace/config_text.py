"""The text of a new `mlrcopilot.toml`: every key with its value and a word on what it does."""

import json
from collections.abc import Mapping

import msgspec

from mlrcopilot_tui.workspace.config import WorkspaceConfig

_ORDER = ("task", "run", "metric", "files", "evaluate", "verdict", "approval", "budget", "engine")
_REMARKS = {
    "task.description": "what is to be improved, in a paragraph",
    "run.command": "started without a shell, at the top of the repository; {seed} is replaced, MLRCOPILOT_SEED set",
    "run.python": "what a leading `python` is; empty: .venv, $VIRTUAL_ENV or the one that runs mlrcopilot",
    "run.silence_minutes": "no output for so long: stopped",
    "run.grace_seconds": "to save its work when it is asked to end",
    "run.memory_gb": "GiB of the whole process tree; 0: what the machine can spare",
    "run.disk_gb": "GiB that a run may write; 0: what the disk can spare",
    "run.smoke_seconds": "a patch is tried for so long before you are asked; 0: not at all",
    "run.gpus": "GPUs that one run gets where there are any",
    "run.parallel": "runs side by side; 0: one a leased GPU, one where there is none",
    "run.time_boxed": "it trains for a fixed time, so that others on the machine change its result",
    "run.env": "set for the run",
    "run.pass_env": "names let through; else anything like KEY, TOKEN, SECRET, PASSWORD is kept out",
    "metric.name": "as the run reports it, matched as a whole word",
    "files.editable": "globs; everything else is read-only to the agents",
    "files.protected": "must not change while a run is on",
    "files.hidden": "never shown to an agent, absent from a run",
    "files.shared": "inputs that are not in git",
    "evaluate.command": "optional: after the run, out of the agents' reach; its metric is the one that counts",
    "verdict.seeds": "at most; starts with 2, adds one while undecided",
    "verdict.min_effect": 'in the metric\'s unit; "10%" is relative',
    "verdict.early_stop": "off | suggest | auto, once the curve has left its parent's band",
    "approval.ideas": "ask | auto",
    "approval.patches": "ask | auto",
    "budget.usd": "0 is no limit",
    "engine.name": "offline | claude",
    "engine.profile": "full | plain (for servers that know only the core of the protocol)",
}


def render_config(config: WorkspaceConfig) -> str:
    """The contract as commented TOML; reading it back gives an equal contract."""
    lines = ["# What mlrcopilot may do here. Read when a session starts; no agent can change this file."]
    for table in _ORDER:
        lines += ["", f"[{table}]"]
        values = getattr(config, table)
        for field in msgspec.structs.fields(values):
            setting = f"{field.name} = {_value(getattr(values, field.name))}"
            remark = _REMARKS.get(f"{table}.{field.name}")
            lines.append(f"{setting}  # {remark}" if remark else setting)
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # TOML's basic strings are JSON's, but for DEL, which TOML wants escaped too.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_value(str(key))} = {_value(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value)
