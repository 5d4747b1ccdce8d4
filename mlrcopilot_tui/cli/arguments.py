"""What many commands share: where the workspace is, which session is meant, and how a command is added."""

import argparse
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

Command = Callable[[argparse.Namespace], int]
Commands = Any
"""What `add_subparsers` gives; argparse keeps its type to itself."""


def add_command(
    commands: Commands,
    name: str,
    run: Command,
    help_text: str,
    *,
    positional_dir: bool = False,
    in_session: bool = False,
) -> argparse.ArgumentParser:
    """Adds a command with `-C DIR`, with DIR as a positional where asked, and `--session` where it is about one."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help_text, description=help_text[0].upper() + help_text[1:] + "."
    )
    parser.add_argument(
        "-C", dest="directory", metavar="DIR", default=argparse.SUPPRESS, help="the workspace (default: here)"
    )
    parser.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    if positional_dir:
        parser.add_argument("positional", metavar="DIR", nargs="?", default=None, help="the workspace (default: here)")
    if in_session:
        parser.add_argument("--session", metavar="ID", help="a session of the workspace (default: the latest)")
    parser.set_defaults(run=run)
    return parser


def folder_of(arguments: argparse.Namespace) -> Path:
    """The folder that the arguments name, absolute; the current one by default."""
    named = getattr(arguments, "positional", None) or arguments.directory
    return Path(named).expanduser().absolute() if named else Path.cwd()


def count_of(text: str) -> int:
    """A whole number of at least 1, as an option's value."""
    with contextlib.suppress(ValueError):
        if (value := int(text)) >= 1:
            return value
    raise argparse.ArgumentTypeError("wants a whole number of at least 1")


def amount_of(text: str) -> float:
    """A number of at least 0, as an option's value."""
    with contextlib.suppress(ValueError):
        if 0 <= (value := float(text)) < float("inf"):
            return value
    raise argparse.ArgumentTypeError("wants a number of at least 0")


def length_of(text: str) -> float:
    """A number above 0, as an option's value."""
    with contextlib.suppress(ValueError):
        if 0 < (value := float(text)) < float("inf"):
            return value
    raise argparse.ArgumentTypeError("wants a number above 0")
