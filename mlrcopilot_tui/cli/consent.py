"""`consent`: what leaves this machine, for which endpoint, and agreeing to it or taking that back."""

import argparse
import sys
from typing import TYPE_CHECKING

from mlrcopilot_tui.cli.arguments import Commands, add_command, folder_of
from mlrcopilot_tui.cli.output import say
from mlrcopilot_tui.errors import InputError

if TYPE_CHECKING:
    from mlrcopilot_tui.workspace.layout import Layout
    from mlrcopilot_tui.workspace.opening import Workspace


def add(commands: Commands) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "consent",
        settle,
        "what leaves this machine, and whether it may",
        positional_dir=True,
        in_session=True,
    )
    parser.add_argument("--engine", metavar="NAME", help="default: the session's, else the workspace's")
    answer = parser.add_mutually_exclusive_group()
    answer.add_argument("--yes", action="store_true", help="agree without being asked")
    answer.add_argument("--withdraw", action="store_true", help="take back what was agreed for this workspace")


def settle(arguments: argparse.Namespace) -> int:
    """Says what leaves, and keeps the researcher's answer; 1 where it is no."""
    from mlrcopilot_tui.research import agreements, consent  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.workspace.opening import open_workspace  # noqa: PLC0415

    workspace = open_workspace(folder_of(arguments))
    layout = workspace.layout
    if arguments.withdraw:
        gone = agreements.withdraw(layout)
        say(f"Withdrawn: {', '.join(gone)}." if gone else "Nothing was agreed to.")
        return 0
    endpoint = _endpoint(workspace, arguments.session, arguments.engine)
    if not consent.needs_consent(endpoint):
        say(f"Nothing leaves this machine: {consent.origin(endpoint) or 'the offline engine asks no server'}.")
        return 0
    say(f"To {consent.origin(endpoint)} go {consent.LEAVES}.\n{consent.what_stays(endpoint)}")
    if consent.is_agreed(layout, endpoint):
        say("You agreed to that; `mlrcopilot consent --withdraw` takes it back.")
        return 0
    if not (arguments.yes or _says_yes()):
        say(f"Nothing is sent. {consent.OFFLINE}")
        return 1
    said = _answer_gate(layout, consent.question(endpoint))
    if said is None:
        consent.agree(layout, endpoint)
    say(said or "Agreed, for this workspace and this endpoint.")
    return 0


def _endpoint(workspace: "Workspace", session: str | None, engine: str | None) -> str:
    """Where `run` would send to: a session that goes on does so with the contract that it began with."""
    from mlrcopilot_tui.cli.reading import read_session  # noqa: PLC0415 - see settle
    from mlrcopilot_tui.research.begin import make_engine, unfinished_session  # noqa: PLC0415
    from mlrcopilot_tui.workspace.config import parse_config  # noqa: PLC0415

    layout, config = workspace.layout, workspace.contract.config.engine
    name: str = config.name
    if (session := session or unfinished_session(layout)) is not None:
        started = read_session(layout.root, session).state.started
        if started is not None:
            config, name = parse_config(started.config, layout.config).engine, started.engine
    return make_engine(engine or name, 0, config).endpoint


def _says_yes() -> bool:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InputError("Nobody is there to be asked.", "`mlrcopilot consent --yes` agrees without asking.")
    return input("Do you agree? [y/N] ").strip().lower() in {"y", "yes"}


def _answer_gate(layout: "Layout", question: str) -> str | None:
    """Answers the sessions that wait for this; what became of it in the last of them, None where none waits."""
    from mlrcopilot_tui.research.deliver import deliver, new_decision  # noqa: PLC0415 - see settle
    from mlrcopilot_tui.session.session import begun_sessions, read_state  # noqa: PLC0415

    said = None
    for session in begun_sessions(layout.sessions):
        for gate in read_state(layout.session(session)).open_gates.values():
            if gate.kind == "consent" and gate.question == question:
                said = deliver(layout, session, new_decision("approve", gate=gate.id))
    return said
