"""What of an event a replay has to bring about, by which the event is known in the recording."""

import re
from collections.abc import Callable

import msgspec

from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.model_events import ModelCalled, ModelFaulted
from mlrcopilot_tui.session.records import Record, encode_record
from mlrcopilot_tui.session.run_events import ForecastMade, RunStarted, RunStopped


def essence(event: ev.Event, root: str) -> bytes:
    """What of an event a replay has to bring about: all but what was measured, and where the workspace lies."""
    if unmeasured := _MEASURED.get(type(event)):
        event = unmeasured(event)
    line = encode_record(Record(0, "", event))
    quoted = msgspec.json.encode(root)[1:-1]
    return re.sub(re.escape(quoted) + rb"(?![\w.-])", b"<workspace>", line) if quoted in line else line


_Unmeasured = Callable[[ev.Event], ev.Event]
_MEASURED: dict[type[ev.Event], _Unmeasured] = {
    ev.CopilotStarted: lambda e: msgspec.structs.replace(e, pid=0, host="", program=""),
    ev.GateOpened: lambda e: msgspec.structs.replace(
        e, gate=msgspec.structs.replace(e.gate, forecast="")  # type: ignore[attr-defined] # it is a GateOpened
    ),
    ev.PatchCommitted: lambda e: msgspec.structs.replace(
        e, attempt=msgspec.structs.replace(e.attempt, tags=())  # type: ignore[attr-defined] # it is a PatchCommitted
    ),
    ev.ChampionChanged: lambda e: msgspec.structs.replace(e, builds_on=None),
    ForecastMade: lambda e: ForecastMade(idea=e.idea, commit=e.commit),  # type: ignore[attr-defined] # it is one
    RunStopped: lambda e: msgspec.structs.replace(e, saves_s=0.0),
    RunStarted: lambda e: msgspec.structs.replace(e, sandbox="", network=False, devices=()),
    ev.DecisionApplied: lambda e: msgspec.structs.replace(e, after=0),
    ev.DecisionRefused: lambda e: msgspec.structs.replace(e, after=0),
    ModelCalled: lambda e: msgspec.structs.replace(e, wall_s=0.0, usd=None, exchange="", after=0, words=()),
    ModelFaulted: lambda e: msgspec.structs.replace(
        e, after=0, retry_in_s=None if e.retry_in_s is None else 0.0  # type: ignore[attr-defined] # it is a ModelFaulted
    ),
}  # fmt: skip
"""Takes out of an event what hangs on the clock and the machine, or on the version of the rules that tag patches."""
