"""Upkeep: which checkouts are in use, and whether something still runs."""

from pathlib import Path

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.session.lock import current_holder
from mlrcopilot_tui.session.session import read_state
from mlrcopilot_tui.session.state import ACTIVE_STATUSES
from mlrcopilot_tui.workspace.layout import Layout


def trees_in_use(layout: Layout, session: str) -> list[Path]:
    """The checkouts that a session's live runs and open experiments work in."""
    state = read_state(layout.session(session))
    runs = [layout.run_tree(session, run.run) for run in state.live_runs]
    scratch = [layout.scratch(session, run.run) for run in state.live_runs]
    ideas = [
        layout.idea_tree(session, number) for number, idea in state.ideas.items() if idea.status in ACTIVE_STATUSES
    ]
    return [*runs, *scratch, *ideas]


def refuse_while_running(layout: Layout, sessions: list[str]) -> None:
    """Raises `RefusedError` while a copilot or a run of one of the sessions is alive."""
    for session in sessions:
        if (holder := current_holder(layout.session(session))) is not None:
            raise RefusedError(
                f"Session {session} is run by process {holder.pid} on {holder.host}.",
                f"Stop it first: `mlrcopilot stop --all -C {layout.root}`.",
            )
        if live := read_state(layout.session(session)).live_runs:
            raise RefusedError(
                f"{live[0].run} of session {session} may still be running.", "Run the session to its end."
            )
