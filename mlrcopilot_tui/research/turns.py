"""Whose doing an event is, of the works that a session carries on side by side: its loop, and one for each idea."""

from collections.abc import Sequence
from typing import Final

from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.ablation_events import AblationEnded, AblationMeasured, AblationStarted
from mlrcopilot_tui.session.model import Gate
from mlrcopilot_tui.session.records import Record
from mlrcopilot_tui.session.run_events import ForecastMade, RunPlanned

LOOP: Final = 0
"""What stands for the loop where an idea's number stands for the work on that idea."""


def doers(records: Sequence[Record]) -> list[int | None]:
    """Who brings each event about: the work on the idea of that number, `LOOP`, or None for anybody else.

    Runs of ideas are planned beside the work that wants them, and count as nobody's here.
    """
    gates = {record.event.gate.id: record.event.gate for record in records if isinstance(record.event, ev.GateOpened)}
    judged: set[int] = set()
    found: list[int | None] = []
    for index, record in enumerate(records):
        event, following = record.event, records[index + 1].event if index + 1 < len(records) else None
        doer = _of_loop(event, judged, gates)
        found.append(_of_idea(event, following, judged, gates) if doer is None else doer)
        if isinstance(event, ev.VerdictReached):
            judged.add(event.idea)
    return found


def _of_loop(event: ev.Event, judged: set[int], gates: dict[str, Gate]) -> int | None:
    match event:
        case AblationStarted() | AblationMeasured() | AblationEnded():
            own = True
        case ev.IdeaReflected() | ev.ChampionMeasured() | ev.IdeaApproved(by="rule") | ev.AgentAsked(agent="IdeaAgent"):
            own = True
        case ev.IdeaProposed(idea=proposed):
            own = proposed.by == "engine"
        case ev.IdeaStarted(idea=idea):  # again after a verdict it is the idea's own, which has to beat a new champion
            own = idea not in judged
        case RunPlanned(idea=idea, purpose=purpose):
            own = idea == 0 and purpose in {"parent", "ablation"}
        case ev.GateOpened(gate=gate):
            own = gate.kind == "ideas"
        case ev.GateAnswered(by="rule", gate=name):
            own = name in gates and gates[name].kind == "ideas"
        case ev.SessionFinished(reason=reason):
            own = not reason.startswith("The budget of ")
        case _:
            own = False
    return LOOP if own else None


def _of_idea(event: ev.Event, following: ev.Event | None, judged: set[int], gates: dict[str, Gate]) -> int | None:
    idea = 0
    match event:
        case ev.VerdictReached() | ev.IdeaWithdrawn() | ForecastMade() | ev.AgentAsked():
            idea = event.idea
        case ev.ChampionChanged(reason="kept"):
            idea = event.idea
        case ev.PatchCommitted(attempt=attempt) if not attempt.aside:
            idea = attempt.idea
        case ev.IdeaEdited(idea=edited) if isinstance(following, ev.PatchCommitted):
            idea = edited.number
        case ev.IdeaStarted(idea=number) if number in judged:
            idea = number
        case ev.GateOpened(gate=gate):
            idea = gate.idea
        case ev.GateAnswered(by="rule", gate=name) if name in gates:
            idea = gates[name].idea
    return idea or None
