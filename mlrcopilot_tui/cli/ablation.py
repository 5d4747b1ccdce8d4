"""`ablate`: the champion without each kept patch, by the copilot where one is at work, else in this process."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from mlrcopilot_tui.cli.arguments import Commands, add_command, count_of, folder_of
from mlrcopilot_tui.cli.output import columns, counted, say, say_json
from mlrcopilot_tui.errors import InputError, RefusedError

if TYPE_CHECKING:
    from mlrcopilot_tui.cli.reading import ReadSession
    from mlrcopilot_tui.workspace.layout import Layout

SIGNALLED = 128
PATIENCE_S = 60.0
POLL_S = 0.1


def add(commands: Commands) -> None:
    """Adds the command."""
    parser = add_command(
        commands, "ablate", ablate, "what each kept patch gives: the champion without it", in_session=True
    )
    parser.add_argument("--seeds", metavar="N", type=count_of, help="over seeds 0 to N-1 (default: the champion's)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--last", action="store_true", help="print the newest table again; nothing runs")
    what.add_argument("--stop", action="store_true", help="end the one that is under way; what it measured stays")
    what.add_argument("--asked", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="the table as JSON")


def ablate(arguments: argparse.Namespace) -> int:
    """Has the ablation done, or goes on with one that broke off, and prints its table."""
    from mlrcopilot_tui.cli.reading import read_session  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.research.ablation_view import seeds_under_way  # noqa: PLC0415
    from mlrcopilot_tui.research.deliver import deliver, new_decision  # noqa: PLC0415

    read = read_session(folder_of(arguments), arguments.session)
    session = read.state.session
    if arguments.asked:
        return _do_what_waits(read.layout, session)
    if arguments.last:
        return _print(read, as_json=arguments.json)
    if arguments.stop:
        say(deliver(read.layout, session, new_decision("ablate.stop")))
        return 0
    said = "The copilot goes on with the ablation that was asked for."
    if not read.state.ablating:
        draft = {"seeds": arguments.seeds} if arguments.seeds else {}
        try:
            said = deliver(read.layout, session, new_decision("ablate", draft=draft))
        except RefusedError:  # of one asked for before and killed, the decision may have waited in the inbox
            now = read_session(read.layout.root, session).state
            if not now.ablating or arguments.seeds not in {None, *seeds_under_way(now)}:
                raise
    elif arguments.seeds not in {None, *seeds_under_way(read.state)}:
        raise RefusedError(
            "The ablation that was asked for before is not done.",
            "`mlrcopilot ablate` goes on with it; `mlrcopilot ablate --stop` ends it.",
        )
    ended = _carry_out(read.layout, session, as_json=arguments.json)
    if ended is None:
        if arguments.json:
            return _print(read, as_json=True)
        say(f"{said} `mlrcopilot ablate --last` prints the table.")
        return 0
    _print(read_session(read.layout.root, session), as_json=arguments.json)
    return ended


def _do_what_waits(layout: Layout, session: str) -> int:
    """Takes what a screen left in the inbox, and does the ablation that was asked for, if one was."""
    from mlrcopilot_tui.cli.reading import read_session  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.research.deliver import apply_waiting  # noqa: PLC0415
    from mlrcopilot_tui.session.lock import SessionHeldError  # noqa: PLC0415

    try:
        apply_waiting(layout, session)
    except SessionHeldError:
        return 0  # who holds it takes it
    if not read_session(layout.root, session).state.ablating:
        return 0
    return _carry_out(layout, session, as_json=False) or 0


def _carry_out(layout: Layout, session: str, *, as_json: bool) -> int | None:
    """Does it here and returns the exit status; None where a copilot is at work, whose it is to do.

    Another command that holds the session for a moment is waited for: it would do none of it.

    Raises:
        RefusedError: a budget was spent before it began.
        SessionHeldError: somebody who is no copilot does not let the session go.
    """
    from mlrcopilot_tui.cli.reading import read_session  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.session.lock import SessionHeldError  # noqa: PLC0415

    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return _do_it_here(layout, session, as_json=as_json)
        except SessionHeldError:
            read = read_session(layout.root, session)
            if not read.state.ablating or _is_copilot_s(read):
                return None
            if time.monotonic() >= deadline:
                raise
        time.sleep(POLL_S)


def _is_copilot_s(read: ReadSession) -> bool:
    """Whether it is a copilot that holds the session."""
    holder, copilot = read.holder, read.state.copilot
    return holder is not None and copilot is not None and holder.pid == copilot.pid


def _do_it_here(layout: Layout, session: str, *, as_json: bool) -> int:
    import asyncio  # noqa: PLC0415 - `--help` needs none of this

    from mlrcopilot_tui.cli.headless import EventPrinter  # noqa: PLC0415
    from mlrcopilot_tui.research.begin import open_bench  # noqa: PLC0415
    from mlrcopilot_tui.research.copilot import Copilot  # noqa: PLC0415
    from mlrcopilot_tui.research.unfenced import refuse_unfenced  # noqa: PLC0415
    from mlrcopilot_tui.workspace.opening import open_workspace  # noqa: PLC0415

    with open_bench(open_workspace(layout.root), session) as bench:
        refuse_unfenced(bench)
        copilot = Copilot(bench, errand="ablation")
        if not as_json:
            printer = EventPrinter(bench, json=False, unheard=copilot.let_go)
            bench.session.listeners.append(printer.event)
        reason = asyncio.run(copilot.run())
        if copilot.out_of_budget and not bench.state.ablation:
            raise RefusedError(reason, "`mlrcopilot set` gives it more.")
        return SIGNALLED + copilot.signalled if copilot.signalled is not None else 0


def _print(read: ReadSession, *, as_json: bool) -> int:
    from mlrcopilot_tui.research.ablation_view import HEAD, cells, newest_table, remarks, table_view  # noqa: PLC0415

    table = newest_table(read.state)
    if table is None and not (as_json and read.state.ablating):
        raise InputError("There was no ablation yet.", "`mlrcopilot ablate` does one.")
    if table is None or as_json:
        say_json(table_view(read.state, table) if table is not None else None)
        return 0
    metric = read.state.started.metric if read.state.started else "the metric"
    say(f"\nWhat {table.champion[:10]} owes to each kept patch, in {metric} over {counted(len(table.seeds), 'seed')}:")
    say(columns(cells([*table.rows, *([table.whole] if table.whole else [])]), head=HEAD))
    for remark in remarks(read.state, table):
        say(remark)
    return 0
