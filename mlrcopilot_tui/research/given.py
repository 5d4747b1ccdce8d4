"""What no replayed loop brings about: a replay takes these events as the recording has them."""

from collections.abc import Sequence
from typing import Final

from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.model_events import ConsentGiven
from mlrcopilot_tui.session.records import Record
from mlrcopilot_tui.session.run_events import RunFinished, RunPlanned, RunStarted, RunStopped, StopSuggested


def given(records: Sequence[Record]) -> set[int]:
    """The indices of what no replayed loop brings about: what commands wrote while no copilot ran, what the researcher
    agreed to once, and branches of their own that they had made."""
    found: set[int] = set()
    running, consents, agreed = False, set[str](), set[str]()
    for index, record in enumerate(records):
        event = record.event
        if isinstance(event, ev.GateOpened) and event.gate.kind in {"consent", "sandbox"}:
            consents.add(event.gate.id)
            found.add(index)
        elif isinstance(event, ev.GateAnswered) and event.gate in consents:
            agreed.add(event.decision)
            found.add(index)
        elif (
            isinstance(event, ev.UnknownEvent | ConsentGiven)
            or (isinstance(event, ev.DecisionApplied) and event.decision.id in agreed)
            or (isinstance(event, ev.CopilotStopped) and event.vanished)
            or (isinstance(event, ev.DecisionApplied | ev.DecisionRefused) and event.decision.kind == "promote")
            or isinstance(event, StopSuggested)
            or is_found(event)
            or (isinstance(event, ev.WarningRaised | ev.DecisionRefused) and event.about)
            or (isinstance(event, RunStopped) and event.by == "curve")
            or (not running and isinstance(event, _OF_COMMANDS) and not _of_decision(records, index))
        ):
            found.add(index)
        if isinstance(event, ev.CopilotStarted | ev.CopilotStopped):
            running = isinstance(event, ev.CopilotStarted)
    return found


def is_found(event: ev.Event) -> bool:
    """Whether an event tells of an edit of the researcher's that nobody announced."""
    return (isinstance(event, ev.PatchCommitted) and event.attempt.aside) or (
        isinstance(event, ev.GateAnswered) and event.answer == "edit" and not event.decision
    )


_OF_COMMANDS: Final = (
    ev.SessionStarted, ev.SettingsChanged, ev.PaperRead, ev.WarningRaised,
    RunPlanned, RunStarted, RunFinished,
)  # fmt: skip


def _of_decision(records: Sequence[Record], index: int) -> bool:
    """Whether an event was written in one go with the word that a decision was applied."""
    for record in records[index + 1 :]:
        if record.time != records[index].time:
            return False
        if isinstance(record.event, ev.DecisionApplied):
            return True
    return False
