"""The command line's front door: finds the command, runs it, and turns errors into one sentence and an exit code."""

import argparse
import contextlib
import errno
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

from mlrcopilot_tui import __version__
from mlrcopilot_tui.cli import (
    ablation,
    cassettes,
    consent,
    decisions,
    digest,
    history,
    machine,
    papers,
    results,
    running,
    sessions,
    tracing,
    undoing,
    words,
    workspaces,
)
from mlrcopilot_tui.cli.output import abandon_output
from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.text import printable

INTERRUPTED = 130
BROKEN = 70
"""An error of the program's own, as sysexits.h has it; nothing that a user did."""

GROUPS = (
    workspaces, running, sessions, history, tracing, digest, cassettes, decisions, undoing, consent, results, ablation,
    papers, machine, words,
)  # fmt: skip
"""Each adds its commands; none imports anything heavy before its command runs."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors read like all the others, and that guesses no option from its first letters."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Prints the error with the way to help, and exits 2."""
        self.exit(2, f"mlrcopilot: {message}. See `{self.prog} --help`.\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser with every command."""
    parser = Parser(
        prog="mlrcopilot",
        description="A terminal copilot for machine-learning research: from a paper to measured, reviewed commits.",
        epilog="Without a command: the screen on this workspace's latest session, or the start screen.",
    )
    parser.add_argument("--version", action="version", version=f"mlrcopilot {__version__}")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    parser.add_argument("-C", dest="directory", metavar="DIR", default=None, help="the workspace (default: here)")
    parser.add_argument("--theme", help=argparse.SUPPRESS)
    parser.add_argument("--plain", action="store_true", help="linear text without drawings, for screen readers")
    parser.set_defaults(run=running.open_screen)
    commands = parser.add_subparsers(metavar="COMMAND", title="commands", parser_class=Parser)
    for group in GROUPS:
        group.add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns its exit code."""
    if sys.platform == "win32":
        return _complain("Windows is not supported; use WSL.", 3)
    arguments = build_parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except KeyboardInterrupt:
        return _complain("Interrupted.", INTERRUPTED)
    except BrokenPipeError:  # the reader of a pipe went away: nobody is left to tell
        abandon_output()
        return 0
    except Exception as error:
        if arguments.debug:
            raise
        return _told(error)
    return code


def _told(error: Exception) -> int:
    """Says in a sentence what is wrong; the exit code that goes with it."""
    if isinstance(error, CopilotError):
        return _complain(str(error), error.exit_code)
    if isinstance(error, OSError):
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return _complain("The disk is full. Free some space and try again.", 3)
        name = f"{error.filename}: " if error.filename else ""
        return _complain(f"{name}{error.strerror or error}.", 3)
    if not sys.stderr.isatty():  # a log keeps what a person need not read
        traceback.print_exception(error)
    what = f"{type(error).__name__}: {error}".rstrip(". ")
    return _complain(f"an error of its own: {what}. Say --debug to see where, and please report it.", BROKEN)


def _complain(sentence: str, code: int) -> int:
    with contextlib.suppress(OSError):  # the terminal is gone
        sys.stderr.write(f"mlrcopilot: {printable(sentence)}\n")
        sys.stderr.flush()
    return code


if __name__ == "__main__":
    sys.exit(main())
