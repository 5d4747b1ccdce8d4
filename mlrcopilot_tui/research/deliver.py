"""Delivering a decision: to the copilot that runs the session, or, where none does, by applying it here."""

import asyncio
import time
from typing import Any

import msgspec

from mlrcopilot_tui.errors import EnvironmentLackError, RefusedError
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.session.inbox import Inbox, new_decision_id
from mlrcopilot_tui.session.journal import JournalReader
from mlrcopilot_tui.session.lock import current_holder
from mlrcopilot_tui.session.model import Decision
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.layout import Layout

PATIENCE_S = 30.0
POLL_S = 0.02


def new_decision(kind: str, **values: Any) -> Decision:  # noqa: ANN401 - the fields of Decision, checked on conversion
    """A decision of the researcher's with a fresh id."""
    return msgspec.convert({"id": new_decision_id(), "kind": kind, **values}, Decision)


def deliver(layout: Layout, session: str, decision: Decision) -> str:
    """Hands the decision over, waits for what becomes of it, and returns that as a sentence.

    Raises:
        RefusedError: the decision was refused; the sentence says why.
        EnvironmentLackError: the copilot does not react.
    """
    folder = layout.session(session)
    if current_holder(folder) is None:
        return _apply_here(layout, session, decision)
    Inbox(folder / "inbox").drop(decision)
    state, reader = SessionState(), JournalReader(layout.journal(session))
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for record in reader.poll():
            state.apply(record)
        if decision.id in state.decisions:
            return _result(state, decision)
        if current_holder(folder) is None:
            return _apply_here(layout, session, decision)
        time.sleep(POLL_S)
    raise EnvironmentLackError(
        "The copilot has not reacted yet.",
        "The decision waits in its inbox; `mlrcopilot status` tells when it is taken.",
    )


def _apply_here(layout: Layout, session: str, decision: Decision) -> str:
    from mlrcopilot_tui.research.begin import open_bench  # noqa: PLC0415 - only where no copilot does the work
    from mlrcopilot_tui.research.desk import make_desk  # noqa: PLC0415
    from mlrcopilot_tui.workspace.opening import open_workspace  # noqa: PLC0415

    with open_bench(open_workspace(layout.root), session, Options()) as bench:
        desk = make_desk(bench)
        for waiting in [*bench.session.inbox.waiting(), decision]:
            asyncio.run(desk.apply(waiting))
            bench.session.inbox.discard(waiting)
        return _result(bench.state, decision)


def _result(state: SessionState, decision: Decision) -> str:
    said = state.decisions[decision.id]
    if decision.id in state.refused:
        raise RefusedError(said)
    return said
