"""Cassettes: `export` records a session as one file, `run --replay` plays it."""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mlrcopilot_tui.cli.arguments import Commands, add_command, folder_of
from mlrcopilot_tui.cli.output import counted, say, say_json

if TYPE_CHECKING:
    from mlrcopilot_tui.session.state import SessionState


def add(commands: Commands) -> None:
    """Adds `export`."""
    export = add_command(commands, "export", export_cassette, "write a session as one file that can be played again")
    export.add_argument("session", metavar="SESSION", nargs="?", help="its id (default: the latest)")
    export.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="the file")
    export.add_argument("--force", action="store_true", help="replace the file where it is there")
    export.add_argument("--json", action="store_true", help="as JSON")


def export_cassette(arguments: argparse.Namespace) -> int:
    """A session as one file."""
    from mlrcopilot_tui.cli.reading import read_session  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.research.export import export_session  # noqa: PLC0415
    from mlrcopilot_tui.workspace.opening import open_workspace  # noqa: PLC0415

    read = read_session(folder_of(arguments), arguments.session)
    target = arguments.output.expanduser().absolute()
    manifest = export_session(open_workspace(read.layout.root), read.state.session, target, force=arguments.force)
    size = target.stat().st_size
    if arguments.json:
        told = {"session": manifest.session, "events": manifest.events, "live": manifest.live, "bytes": size}
        say_json({"file": str(target), **told})
        return 0
    events = counted(manifest.events, "event")
    say(f"{target} holds session {manifest.session}: {events}, {size / 1e6:.1f} MB.")
    if manifest.live:
        say("The session is being written to: what is here is its beginning.")
    say("Look through it before you give it away: it holds the paper, code, what runs printed, and what you said.")
    return 0


def play_headless(file: Path, folder: Path, arguments: argparse.Namespace) -> int:
    """Plays a cassette into a folder and tells what came of it."""
    from mlrcopilot_tui.cli.headless import summary_line, where  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.workspace.layout import Layout  # noqa: PLC0415

    began = time.monotonic()
    state = play(file, folder)
    if arguments.json:
        sys.stdout.buffer.write(Layout(folder).journal(state.session).read_bytes())
        sys.stdout.flush()
        return 0
    took = time.monotonic() - began
    counts = f"{counted(state.seq, 'event')}, {counted(len(state.runs), 'run')}"
    calls = f", {counted(state.spending.calls, 'call')} of a model" if state.spending.calls else ""
    say(f"Session {state.session} was played in {took:.1f} s: {counts}{calls}, each as it was recorded.")
    say(summary_line(state))
    say(f"Look at it with `mlrcopilot log{where(folder)}`.")
    return 0


def play(file: Path, folder: Path) -> "SessionState":
    """Plays a cassette into a folder."""
    from mlrcopilot_tui.research.replay import replay  # noqa: PLC0415 - `--help` needs none of this

    return replay(file.expanduser().absolute(), folder)


def replay_folder(arguments: argparse.Namespace) -> Path:
    """Where a cassette is played to: the named folder, else one here that is called like the file."""
    if arguments.positional or arguments.directory:
        return folder_of(arguments)
    file: Path = arguments.replay
    return Path.cwd() / (file.stem if file.suffix else f"{file.name}-played")
