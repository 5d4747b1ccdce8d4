"""From the command in `mlrcopilot.toml` to the argv of a run; no shell takes part."""

import os
import re
import shlex
import sys
from pathlib import Path
from typing import Protocol

from mlrcopilot_tui.errors import InputError

PYTHONS = ("python", "python3")

_SHELL = {"|", "||", "&", "&&", ";", ">", ">>", "<", "<<", "2>", "2>&1", "&>"}


class NamesPython(Protocol):
    """The part of `[run]` that names an interpreter."""

    @property
    def python(self) -> str:
        """A path, relative to the workspace or absolute, or empty."""


def split_command(command: str) -> tuple[str, ...]:
    """The words of a command.

    Raises:
        InputError: it is empty, its quotes do not match, or it needs a shell.
    """
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise InputError(f"cannot be split into words: {str(error).lower()}.", "Check its quotes.") from error
    if not words or not words[0].strip():
        raise InputError("is empty.", 'Write how a run is started, as in "python train.py".')
    if re.match(r"\w+=", words[0]):
        raise InputError("sets a variable, which needs a shell.", "Put the variable into run.env.")
    if shell := next((word for word in words if word in _SHELL or word.endswith(";")), None):
        raise InputError(f"has {shell!r}, but no shell runs it.", "Put the commands into a script and name that.")
    if any("\0" in word for word in words):
        raise InputError("has a NUL character.")
    return words


def resolve_python(run: NamesPython, workspace: Path) -> str:
    """The interpreter of a workspace: `run.python`, else .venv, else $VIRTUAL_ENV, else the one that runs this.

    Paths are not resolved through links, because a virtual environment is known by the path it is called by.

    Raises:
        InputError: `run.python` names no program.
    """
    if run.python:
        named = Path(os.path.abspath(workspace / Path(run.python).expanduser()))  # noqa: PTH100 - resolve() follows links
        if not (named.is_file() and os.access(named, os.X_OK)):
            mend = "Set run.python to an interpreter, or remove it."
            raise InputError(f"run.python names {named}, which is not a program.", mend)
        return str(named)
    places = [workspace.absolute() / ".venv"]
    if active := os.environ.get("VIRTUAL_ENV"):
        places.append(Path(active))
    for place in places:
        python = place / "bin" / "python"
        if python.is_file() and os.access(python, os.X_OK):
            return str(python)
    return sys.executable


def command_argv(command: str, *, seed: int, python: str) -> tuple[str, ...]:
    """The argv of one run: a leading `python` is `python`, every `{seed}` is the seed."""
    words = split_command(command)
    first = python if words[0] in PYTHONS else words[0]
    return tuple(word.replace("{seed}", str(seed)) for word in (first, *words[1:]))
