"""`paper`: a PDF as title, abstract and sections."""

import argparse
import sys
from pathlib import Path

from mlrcopilot_tui.cli.arguments import Commands, add_command
from mlrcopilot_tui.cli.output import say, say_json


def add(commands: Commands) -> None:
    """Adds the command."""
    paper = add_command(commands, "paper", read, "read a paper: title, abstract, sections with pages")
    paper.add_argument("file", metavar="FILE", type=Path, help="a PDF")
    paper.add_argument("--json", action="store_true", help="everything, as JSON")


def read(arguments: argparse.Namespace) -> int:
    """Parses the PDF and prints what it found."""
    from mlrcopilot_tui.papers.pdf import read_paper  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.papers.present import as_text  # noqa: PLC0415

    terminal = sys.stderr.isatty()

    def progress(done: int, total: int) -> None:
        if terminal:
            sys.stderr.write(f"\rpage {done}/{total}" if done < total else "\r\x1b[K")

    paper = read_paper(arguments.file, progress=progress)
    if arguments.json:
        say_json(paper)
    else:
        say(as_text(paper).rstrip("\n"))
    return 0
