"""The copilot's own key reaches no run, whatever the workspace says."""

from pathlib import Path

import pytest

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.runs.environment import run_environment
from mlrcopilot_tui.workspace.config import parse_config

CONTRACT = """
[run]
command = "python train.py"
pass_env = [{names}]
[metric]
name = "val_error"
direction = "min"
[files]
editable = ["train.py"]
"""
OWN = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS")
BASE = {**dict.fromkeys(OWN, "secret-of-the-copilot"), "ANTHROPIC_BASE_URL": "u", "HF_TOKEN": "hf", "PATH": "/bin"}


@pytest.mark.parametrize("name", OWN)
def test_a_workspace_that_asks_for_it_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"pass_env names {name}, which would hand the copilot's own key"):
        parse_config(CONTRACT.format(names=f'"HF_TOKEN", "{name}"'), Path("mlrcopilot.toml"))
    assert parse_config(CONTRACT.format(names='"HF_TOKEN"'), Path("mlrcopilot.toml")).run.pass_env == ("HF_TOKEN",)


@pytest.mark.parametrize("passed", [(), ("HF_TOKEN",), (*OWN, "HF_TOKEN")])
def test_it_is_dropped_where_runs_get_their_environment(passed: tuple[str, ...]) -> None:
    env = run_environment(BASE, extra={}, passed=passed, seed=0, metrics_file="m", run="r")
    assert not {*OWN, "ANTHROPIC_BASE_URL"} & env.keys()
    assert ("HF_TOKEN" in env) == ("HF_TOKEN" in passed)
    assert env["PATH"] == "/bin"
