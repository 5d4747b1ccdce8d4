"""From a written command to an argv."""

import os
import sys
from pathlib import Path

import pytest

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.workspace.command import command_argv, resolve_python
from mlrcopilot_tui.workspace.config import RunConfig


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_a_leading_python_and_the_seed_are_replaced() -> None:
    argv = command_argv("python3 train.py --seed={seed} 'a b' {seed}", seed=7, python="/venv/bin/python")
    assert argv == ("/venv/bin/python", "train.py", "--seed=7", "a b", "7")


def test_another_program_stays_as_it_is() -> None:
    assert command_argv("./run.sh python", seed=0, python="/p") == ("./run.sh", "python")


def test_what_a_shell_would_expand_stays_text() -> None:
    assert command_argv("python x.py '$(id)' `id` *", seed=0, python="/p") == ("/p", "x.py", "$(id)", "`id`", "*")


def test_the_interpreter_is_found_in_the_documented_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunConfig(command="python train.py")
    assert resolve_python(run, tmp_path) == sys.executable
    active = program(tmp_path / "active/bin/python")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "active"))
    assert resolve_python(run, tmp_path) == str(active)
    beside = program(tmp_path / ".venv/bin/python")
    assert resolve_python(run, tmp_path) == str(beside)
    named = program(tmp_path / "other/python")
    assert resolve_python(RunConfig(command="python", python="other/python"), tmp_path) == str(named)


def test_an_environment_is_called_by_its_own_path_not_by_what_it_links_to(tmp_path: Path) -> None:
    place = tmp_path / ".venv/bin"
    place.mkdir(parents=True)
    (place / "python").symlink_to(sys.executable)
    assert resolve_python(RunConfig(command="python"), tmp_path) == os.path.join(tmp_path, ".venv/bin/python")  # noqa: PTH118 - as text


def test_a_named_interpreter_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"run.python names .*, which is not a program"):
        resolve_python(RunConfig(command="python", python="nowhere/python"), tmp_path)
