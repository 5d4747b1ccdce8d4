"""The state: which time counts as work."""

from datetime import UTC, datetime, timedelta

from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session import records
from mlrcopilot_tui.session.model import Decision, Gate
from mlrcopilot_tui.session.model_events import ModelFaulted
from mlrcopilot_tui.session.run_events import RunFinished, RunPlanned
from mlrcopilot_tui.session.state import SessionState

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """Folds events that happen so many seconds after the one before."""

    def __init__(self) -> None:
        self.state = SessionState()
        self.at = 0.0

    def after(self, seconds: float, event: ev.Event) -> float:
        self.at += seconds
        self.state.apply(records.Record(self.state.seq + 1, self.time(), event))
        return self.state.active_s

    def time(self, ahead: float = 0.0) -> str:
        return (BEGIN + timedelta(seconds=self.at + ahead)).isoformat().replace("+00:00", "Z")


def copilot() -> ev.CopilotStarted:
    return ev.CopilotStarted(pid=1, host="box")


def planned() -> RunPlanned:
    return RunPlanned(run="r1", commit="c", seed=0, purpose="baseline", key="k")


def finished() -> RunFinished:
    return RunFinished(run="r1", outcome="ok", reason="", value=1.0, wall_s=1.0, log_sha256="")


def test_waiting_for_the_researcher_costs_nothing_unless_something_runs() -> None:
    clock = Clock()
    assert clock.after(0, copilot()) == 0
    assert clock.after(10, ev.GateOpened(gate=Gate(id="g1", kind="patch", question="?"))) == 10
    assert clock.after(1000, ev.WarningRaised(text="any event while it waits")) == 10
    assert clock.after(1000, ev.GateAnswered(gate="g1", answer="approve", by="me")) == 10
    assert clock.after(5, planned()) == 15
    assert clock.after(5, ev.SessionPaused(by="me")) == 20
    assert clock.after(60, finished()) == 80, "a run goes on in a pause"
    assert clock.after(1000, ev.SessionResumed(by="me")) == 80


def test_a_long_run_counts_before_its_end() -> None:
    clock = Clock()
    clock.after(0, copilot())
    clock.after(0, planned())
    assert clock.state.worked_s(clock.time(ahead=90)) == 90
    assert clock.state.active_s == 0


def test_nobody_works_after_the_copilot_ended_or_died() -> None:
    clock = Clock()
    clock.after(0, copilot())
    assert clock.after(10, ev.CopilotStopped(reason="told")) == 10
    assert clock.after(1000, ev.WarningRaised(text="a decision from a shell")) == 10
    clock.after(0, copilot())
    assert clock.after(7, planned()) == 17
    assert clock.after(1000, ev.CopilotStopped(reason="gone", vanished=True)) == 17
    clock.after(1000, copilot())
    assert clock.after(1000, copilot()) == 17, "an older program told of no death"


def test_why_the_copilot_ended_stands_until_another_begins() -> None:
    clock = Clock()
    clock.after(0, copilot())
    clock.after(1, ev.CopilotStopped(reason="The endpoint cannot be reached."))
    assert clock.state.stopped == "The endpoint cannot be reached."
    clock.after(1, copilot())
    assert clock.state.stopped == ""


def test_an_interruption_lasts_until_the_session_is_resumed() -> None:
    clock = Clock()
    seen = []
    for event in (
        ev.SessionPaused(by="me"),
        ev.DecisionApplied(decision=Decision(id="1", kind="interrupt"), said="Interrupted."),
        ev.SessionResumed(by="me"),
    ):
        clock.after(0, event)
        seen.append(clock.state.interrupted)
    assert seen == [False, True, False]


def test_the_engine_is_the_newest_copilots() -> None:
    clock = Clock()
    clock.after(0, ev.CopilotStarted(pid=1, host="box", engine="claude"))
    clock.after(0, ModelFaulted(purpose="step", fault="credentials", sentence="No key."))
    faults = [clock.state.model_fault]
    clock.after(0, ev.CopilotStarted(pid=2, host="box", engine="offline"))
    faults.append(clock.state.model_fault)
    assert clock.state.engine == "offline"
    assert [fault is not None for fault in faults] == [True, False], "the fault went with its engine"
