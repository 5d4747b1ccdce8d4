"""`digest`: what happened since the researcher last looked, or since whenever they say."""

import argparse
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mlrcopilot_tui.cli.arguments import Commands, add_command, folder_of
from mlrcopilot_tui.cli.output import columns, say, say_json
from mlrcopilot_tui.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mlrcopilot_tui.research.digest_words import Line
    from mlrcopilot_tui.session.records import Record
    from mlrcopilot_tui.session.seen import Seen

_AGO = re.compile(r"(\d+(?:\.\d+)?)([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def add(commands: Commands) -> None:
    """Adds the command."""
    parser = add_command(
        commands, "digest", tell, "what happened while you were away", positional_dir=True, in_session=True
    )
    parser.add_argument(
        "--since",
        metavar="WHEN",
        default="last",
        help="a time (2026-01-31T18:00), how long ago (90m, 8h, 2d), an event's number, or `last` (the default): "
        "when the screen was last open",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


def tell(arguments: argparse.Namespace) -> int:
    """What happened since."""
    from mlrcopilot_tui.cli.reading import read_session  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.research.digest import digest  # noqa: PLC0415
    from mlrcopilot_tui.research.digest_words import digest_view, heading, told  # noqa: PLC0415
    from mlrcopilot_tui.session.journal import JournalReader, utc_now  # noqa: PLC0415

    read = read_session(folder_of(arguments), arguments.session)
    records = JournalReader(read.layout.journal(read.state.session)).poll()
    since = _since(arguments.since, records, read.layout.session(read.state.session))
    found = digest(records, since, utc_now(), alive=read.holder is not None)
    if arguments.json:
        say_json(digest_view(found))
        return 0
    say(f"{heading(found)}, session {read.state.session}:")
    say(columns([(f"  {line.about}", _with_answer(line)) for line in told(found)]))
    return 0


def _with_answer(line: "Line") -> str:
    from mlrcopilot_tui.cli.sessions import how_to_answer  # noqa: PLC0415 - see tell

    gate = line.gate
    return f"{line.text} {how_to_answer(gate.kind, gate.idea)}" if gate is not None else line.text


def _since(words: str, records: "Sequence[Record]", folder: "Path") -> "Seen":
    from mlrcopilot_tui.research.digest import seen_by  # noqa: PLC0415 - see tell
    from mlrcopilot_tui.session.seen import read_seen  # noqa: PLC0415

    if words == "last":
        return read_seen(folder) or seen_by(records, 0)
    if words.isdecimal():
        return seen_by(records, int(words))
    return seen_by(records, _time(words).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def _time(words: str) -> datetime:
    """A time in words; one that names no zone is local."""
    if ago := _AGO.fullmatch(words):
        return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: float(ago[1])})
    try:
        return datetime.fromisoformat(words).astimezone()
    except (ValueError, OverflowError):
        raise InputError(
            f"{words[:40]!r} is no time.", "Say 2026-01-31T18:00, 8h, an event's number, or `last`."
        ) from None
