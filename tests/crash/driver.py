"""The real `run --headless --auto` with a script for an engine and a researcher, which ends itself where it is told to.

`python -m tests.crash.driver WORKSPACE [PLAN]`: a plan, as JSON, names an event and a side of it.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

import msgspec

from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.research import begin
from mlrcopilot_tui.runs.sandbox import PlainSandbox
from mlrcopilot_tui.session import journal
from mlrcopilot_tui.session.events import (
    BaselineMeasured,
    ChampionMeasured,
    CopilotStarted,
    Event,
    GateOpened,
    VerdictReached,
)
from mlrcopilot_tui.session.inbox import Inbox
from mlrcopilot_tui.session.journal import JournalWriter
from mlrcopilot_tui.session.model import Decision
from mlrcopilot_tui.session.records import Record, encode_record
from mlrcopilot_tui.session.session import read_state
from tests.fakes.scripted_engine import FakeEngine

IDEAS: Final = [
    ("lower", [("LEVEL = 1.0", "LEVEL = undefined"), ("LEVEL = undefined", "LEVEL = 0.5")]),
    ("higher", [("LEVEL = 0.5", "LEVEL = 1.5")]),
]
"""The first crashes, is mended and kept; the second is worse."""
LAST_IDEA: Final = 2
BALLAST: Final = "ballast"

Side = Literal["before", "after", "half", "all but the last"]
Append = Callable[..., list[Record]]


class Plan(msgspec.Struct, frozen=True):
    """Where the process ends: at its `nth` event called `event`.

    `half` writes half of the bytes that were to be written; `all but the last` writes the lines of the events but the
    last one, and half of that.
    """

    event: str = ""
    nth: int = 1
    side: Side = "before"
    clock_ahead_s: float = 0.0
    """So many seconds the clock is ahead, from the start on."""
    instead: Literal["die", "set the clock back", "fill the disk"] = "die"
    """What happens there; a clock is set back by an hour, a disk is full from then on."""


def die() -> NoReturn:
    """Ends this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody survives that")


def dying(append: Append, plan: Plan) -> Append:
    """An `append` that ends the process where the plan says, or does to it what it says instead."""
    seen = 0

    def append_and_die(writer: JournalWriter, *events: Event) -> list[Record]:
        nonlocal seen
        before = seen
        seen += sum(event.type == plan.event for event in events)
        here = before < plan.nth <= seen
        if here and plan.instead == "set the clock back":
            _set_clock(-3600)
        if plan.instead != "die":
            records = append(writer, *events)
            if here and plan.instead == "fill the disk":
                fill(writer.reader.path.parents[2])
            return records
        if here and plan.side == "before":
            die()
        if here and plan.side != "after":
            _write_part(writer, events, plan.side)
            die()
        records = append(writer, *events)
        if here:
            die()
        return records

    return append_and_die


def fill(folder: Path) -> None:
    """Leaves no byte free where `folder` lies."""
    with (folder / BALLAST).open("ab", buffering=0) as file, contextlib.suppress(OSError):
        for size in (1 << 16, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size):
                    pass


def _set_clock(ahead_s: float) -> None:
    """What tells the time of day here tells another one from now on."""
    seconds, nanoseconds = time.time, time.time_ns
    vars(time)["time"] = lambda: seconds() + ahead_s
    vars(time)["time_ns"] = lambda: nanoseconds() + int(ahead_s * 1e9)
    vars(journal)["datetime"] = SetClock


class SetClock:
    """What the journal asks for the time."""

    @staticmethod
    def now(zone: tzinfo) -> datetime:
        """The time as this process has it."""
        return datetime.fromtimestamp(time.time(), zone)


def _write_part(writer: JournalWriter, events: tuple[Event, ...], side: Side) -> None:
    now, count = journal.utc_now(), len(events)
    lines = [encode_record(Record(writer._seq + at, now, event, at < count)) for at, event in enumerate(events, 1)]
    whole = b"".join(lines)
    length = len(whole) // 2 if side == "half" else len(whole) - len(lines[-1]) // 2
    os.pwrite(writer._fd, whole[:length], writer._end)


def deciding(append: Append) -> Append:
    """An `append` beside which a researcher decides: approves each patch, sets a limit, at the end reverts and redoes.

    What they decide is neither forgotten nor made twice, wherever the process ends.
    """

    def drop_and_append(writer: JournalWriter, *events: Event) -> list[Record]:
        folder = writer.reader.path.parent
        for event in events:
            if isinstance(event, BaselineMeasured):
                _drop(folder, "a", kind="settings", draft={"minutes": 60})
            elif isinstance(event, VerdictReached) and event.idea == LAST_IDEA:
                champion = read_state(folder).champion
                assert champion is not None
                _drop(folder, "b", kind="revert", commit=champion.commit)
            elif isinstance(event, ChampionMeasured):
                _drop(folder, "d", kind="redo", commit=read_state(folder).line[0].commit)
        records = append(writer, *events)
        if any(isinstance(event, GateOpened | CopilotStarted) for event in events):
            for gate in read_state(folder).open_gates.values():
                _drop(folder, f"c{gate.id}", kind="approve", gate=gate.id, idea=gate.idea, commit=gate.commit)
        return records

    return drop_and_append


def _drop(folder: Path, name: str, **values: Any) -> None:  # noqa: ANN401 - the fields of Decision
    decision = {"id": f"{'0' * 16}-{name}", **values}
    Inbox(folder / "inbox").drop(msgspec.convert(decision, Decision))


def play(plan: Plan) -> None:
    """Puts the script, the researcher and the end of this process in place."""
    vars(begin)["make_engine"] = lambda *_: FakeEngine(IDEAS)
    vars(begin)["best_sandbox"] = PlainSandbox
    if plan.clock_ahead_s:
        _set_clock(plan.clock_ahead_s)
    append = deciding(dying(JournalWriter.append, plan))
    JournalWriter.append = append  # type: ignore[method-assign]  # this process is the test's own


if __name__ == "__main__":
    play(msgspec.json.decode(sys.argv[2], type=Plan) if len(sys.argv) > 2 else Plan())
    sys.exit(main(["run", sys.argv[1], "--headless"]))
