"""Delivering a decision: to the copilot that runs the session, or, where none does, by applying it here."""

import asyncio
import contextlib
import time
from typing import Any

import msgspec

from mlrcopilot_tui.errors import EnvironmentLackError, RefusedError
from mlrcopilot_tui.session.inbox import Inbox, new_decision_id
from mlrcopilot_tui.session.journal import JournalReader
from mlrcopilot_tui.session.lock import SessionHeldError, current_holder
from mlrcopilot_tui.session.model import Decision
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.layout import Layout

PATIENCE_S = 60.0
PATIENCE_WITH_A_MODEL_S = 900.0
"""For what an IdeaAgent has to think about: a model takes minutes, and its faults are waited out."""
THOUGHT_ABOUT = frozenset({"idea.add", "idea.edit", "idea.more", "idea.revise", "idea.split", "idea.merge"})
POLL_S = 0.02


def new_decision(kind: str, **values: Any) -> Decision:  # noqa: ANN401 - the fields of Decision, checked on conversion
    """A decision of the researcher's with a fresh id; text that a shell passed as it came is made readable."""
    readable = {
        name: value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value
        for name, value in values.items()
    }
    return msgspec.convert({"id": new_decision_id(), "kind": kind, **readable}, Decision)


def deliver(layout: Layout, session: str, decision: Decision) -> str:
    """Hands the decision over, waits for what becomes of it, and returns that as a sentence.

    Whoever holds the session takes it from the inbox: its copilot, else this process, else the next copilot.

    Raises:
        RefusedError: the decision was refused; the sentence says why.
        EnvironmentLackError: the copilot does not react.
    """
    folder = layout.session(session)
    inbox = Inbox(folder / "inbox")
    inbox.drop(decision)
    state, reader = SessionState(), JournalReader(layout.journal(session))
    patience = PATIENCE_WITH_A_MODEL_S if decision.kind in THOUGHT_ABOUT else PATIENCE_S
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if current_holder(folder) is None:
            try:
                with contextlib.suppress(SessionHeldError):  # another command or a copilot was quicker
                    apply_waiting(layout, session)
            except BaseException:
                inbox.discard(decision)  # who is told of an error does not expect it to happen later
                raise
        for record in reader.poll():
            state.apply(record)
        if decision.id in state.decisions:
            return _result(state, decision)
        time.sleep(POLL_S)
    raise EnvironmentLackError(
        "The copilot has not reacted yet.",
        "The decision waits in its inbox; `mlrcopilot status` tells when it is taken.",
    )


def apply_waiting(layout: Layout, session: str) -> None:
    """Applies every decision that waits for a session that no copilot runs.

    Raises:
        SessionHeldError: one does.
    """
    from mlrcopilot_tui.research.begin import open_bench  # noqa: PLC0415 - only where no copilot does the work
    from mlrcopilot_tui.research.desk import DecisionDesk  # noqa: PLC0415
    from mlrcopilot_tui.research.keeping import Keeper  # noqa: PLC0415
    from mlrcopilot_tui.research.measure import Laboratory  # noqa: PLC0415
    from mlrcopilot_tui.workspace.opening import open_workspace  # noqa: PLC0415

    async def apply() -> None:
        async with contextlib.AsyncExitStack() as held:
            held.push_async_callback(bench.engine.close)
            laboratory = await held.enter_async_context(Laboratory(bench))
            await laboratory.recover()
            await Keeper(bench).recover()
            desk = DecisionDesk(bench, laboratory)
            for waiting in bench.session.inbox.waiting():
                await desk.apply(waiting)
                bench.session.inbox.discard(waiting)

    with open_bench(open_workspace(layout.root), session) as bench:
        asyncio.run(apply())


def _result(state: SessionState, decision: Decision) -> str:
    said = state.decisions[decision.id]
    if decision.id in state.refused:
        raise RefusedError(said)
    return said
