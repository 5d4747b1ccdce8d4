"""How soon a decision acts: from the moment a client drops it to the event by which the copilot answers."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.measuring import NotMeasuredError, Result, milliseconds, spread
from benchmarks.stage import CHECKOUT, real_workspace
from mlrcopilot_tui.session.events import Event, GateAnswered, GateOpened
from mlrcopilot_tui.session.inbox import Inbox, new_decision_id
from mlrcopilot_tui.session.journal import JOURNAL_NAME, JournalReader
from mlrcopilot_tui.session.model import Decision
from tests.research.conftest import CONTRACT

_TIMES = 12
_PATIENCE_S = 60.0
_LOOK_S = 0.0005
_CALM_S = 0.3
"""After a gate has opened: a person reads before they decide, and the copilot has come to rest."""


def measure(place: Path) -> Iterator[Result]:
    """Patches are rejected at their gates, one after the other; in between the two writes that this takes at least."""
    acting: list[float] = []
    writing: list[float] = []
    workspace = real_workspace(place / "work", CONTRACT.replace('patches = "auto"', 'patches = "ask"'))
    with _copilot(workspace.layout.root, ideas=_TIMES), (place / "bare.jsonl").open("ab") as bare:
        journal = _journal(workspace.layout.sessions)
        inbox = Inbox(journal.path.parent / "inbox")
        for _ in range(_TIMES):
            gate = _next(journal, lambda event: isinstance(event, GateOpened))
            assert isinstance(gate, GateOpened)
            time.sleep(_CALM_S)
            decision = Decision(id=new_decision_id(), kind="reject", gate=gate.gate.id, text="Another one, please.")
            writing.append(milliseconds(partial(_write_both, Inbox(place / "bare"), bare.fileno(), decision)))
            acting.append(milliseconds(partial(_decide, inbox, journal, decision)))
    measured = spread(acting)
    yield Result(
        name="decision to action",
        unit="ms",
        samples=measured,
        reference=spread(writing),
        reference_name="the two writes alone",
        figure=measured.median,
        figure_unit="ms",
        target=100.0,
    )


@contextlib.contextmanager
def _copilot(workspace: Path, ideas: int) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.scripted_copilot", str(workspace), str(ideas)]
    output = workspace.parent / "copilot.log"
    with output.open("wb") as log:
        process = subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield
    except NotMeasuredError as error:
        raise NotMeasuredError(f"{error}; it said: {output.read_text('utf-8', 'replace')[-300:].strip()}") from error
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE_S)


def _journal(sessions: Path) -> JournalReader:
    deadline = time.monotonic() + _PATIENCE_S
    while not (found := list(sessions.glob(f"*/{JOURNAL_NAME}"))):
        if time.monotonic() > deadline:
            raise NotMeasuredError("the copilot began no session")
        time.sleep(0.05)
    return JournalReader(found[0])


def _next(journal: JournalReader, wanted: Callable[[Event], bool]) -> Event:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        for record in journal.poll():
            if wanted(record.event):
                return record.event
        time.sleep(_LOOK_S)
    raise NotMeasuredError(f"the copilot is silent; its last event is number {journal.seq}")


def _decide(inbox: Inbox, journal: JournalReader, decision: Decision) -> None:
    inbox.drop(decision)
    _next(journal, lambda event: isinstance(event, GateAnswered) and event.decision == decision.id)


def _write_both(inbox: Inbox, journal: int, decision: Decision) -> None:
    inbox.drop(decision)
    os.write(journal, b'{"type":"gate.answered"}\n')
    os.fsync(journal)
