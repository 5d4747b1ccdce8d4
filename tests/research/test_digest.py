"""What is told to who comes back: what happened since, and where the time went."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.research.digest import Digest, digest, seen_by
from mlrcopilot_tui.research.digest_words import digest_view, told
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.events import Event
from mlrcopilot_tui.session.model import Baseline, Gate, Idea, Verdict
from mlrcopilot_tui.session.model_events import ModelCalled, Usage
from mlrcopilot_tui.session.records import Record
from mlrcopilot_tui.session.run_events import RunFinished, RunPlanned, RunStarted
from mlrcopilot_tui.session.seen import Seen

BEGIN = datetime(2026, 3, 9, 18, 0, tzinfo=UTC)
STARTED = ev.SessionStarted(
    format=1, session="3f2a91c4", engine="offline", model="", seed=0, base="b0", branch="main", config="",
    config_digest="", metric="val_error", direction="min", program="1",
)  # fmt: skip
COPILOT = ev.CopilotStarted(pid=1, host="here")
GATE = Gate(id="g1", kind="patch", question="May idea 1 run?", idea=1, commit="c1")


def at(minutes: float) -> str:
    return (BEGIN + timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def journal(*told: tuple[float, Event]) -> list[Record]:
    """Records at so many minutes after the beginning."""
    return [Record(seq, at(minutes), event) for seq, (minutes, event) in enumerate(told, 1)]


def run(name: str, minutes: float, *, ended: float, outcome: str = "ok", **facts: object) -> list[tuple[float, Event]]:
    finished = RunFinished(
        run=name, outcome=outcome, reason="", value=0.5 if outcome == "ok" else None, wall_s=60.0, log_sha256="",
        contended_s=float(str(facts.get("contended_s", 0))), looked=bool(facts.get("looked")),
    )  # fmt: skip
    return [
        (minutes, RunPlanned(run=name, commit="c1", seed=0, purpose="idea", key=name, idea=1, attempt=1)),
        (minutes, RunStarted(run=name, sandbox="bwrap", network=False)),
        (ended, finished),
    ]


def night() -> list[Record]:
    """An evening's session that finds a better champion over night, loses its copilot once, and then waits."""
    kept = Verdict(kind="keep", rule="", effect=0.02, relative=0.25, values={0: 0.06, 1: 0.06})
    return journal(
        (0, STARTED),
        (0, COPILOT),
        (0, ev.IdeaProposed(idea=Idea(number=1, title="scale the inputs", hypothesis="h"))),
        (1, ev.BaselineMeasured(baseline=Baseline(commit="b0", values={0: 0.08, 1: 0.08}, deterministic=False,
                                                  repeatable=True))),
        *run("r1", 2, ended=12),
        # from here on nobody looks (event 7, minute 12)
        *run("r2", 12, ended=32, contended_s=3.0, looked=True),
        *run("r3", 32, ended=42, outcome="lost"),
        (42, ev.VerdictReached(idea=1, attempt=1, commit="c1", parent="b0", verdict=kept)),
        (42, ev.ChampionChanged(commit="c1", reason="kept", idea=1)),
        (42, ModelCalled(purpose="step", model="m", role="main", usage=Usage(output_tokens=5), usd=0.25)),
        (52, ev.CopilotStopped(reason="It ended without a word.", vanished=True)),
        (72, COPILOT),
        (72, ev.WarningRaised(text="The disk is nearly full.", mend="Free some.")),
        (72, ev.IdeaProposed(idea=Idea(number=2, title="more of it", hypothesis="h"))),
        *run("r4", 72, ended=74, outcome="stopped"),
        (74, ev.GateOpened(gate=GATE)),
    )  # fmt: skip


def test_the_night_in_numbers() -> None:
    found = digest(night(), Seen(seq=7, time=at(12)), at(134), alive=True)
    assert [(each.idea, each.kind, each.relative) for each in found.verdicts] == [(1, "keep", 0.25)]
    assert found.champion == (0.08, 0.06)
    assert found.improvement == pytest.approx(0.25)
    assert found.runs == {"ok": 1, "lost": 1, "stopped": 1}
    assert found.contended == ["r2"]
    assert (found.looks, found.looks_in_all, found.calls, found.usd) == (1, 1, 1, 0.25)
    assert (found.deaths, found.starts, found.proposed) == (1, 1, 1)
    minutes = {name: seconds / 60 for name, seconds in found.times.items() if seconds}
    # Ten minutes before the death were perhaps work, and perhaps not: nobody can say that a dead copilot worked.
    assert minutes == {"worked": 32, "stopped": 30, "decision": 60}
    assert found.away_s == 122 * 60
    assert found.notable


def test_what_was_seen_is_not_told_again() -> None:
    records = night()
    found = digest(records, Seen(seq=len(records), time=at(80)), at(90), alive=True)
    assert not found.notable
    assert found.times["decision"] == 600
    assert found.waiting == (GATE,)
    assert (found.verdicts, found.warnings, found.calls, found.champion) == ([], [], 0, (0.06, 0.06))


def test_what_waits_and_what_went_wrong_is_said() -> None:
    lines = told(digest(night(), Seen(seq=7, time=at(12)), at(134), alive=True))
    words = [f"{line.about}: {line.text}" for line in lines]
    assert words[0] == "waits: May idea 1 run?"
    assert lines[0].gate == GATE
    assert "verdict: idea 1 scale the inputs: kept, 25.0% better than its parent" in words
    assert "champion: val_error 0.08 -> 0.06, 25.0% better than the starter" in words
    assert "runs: 1 finished, 1 lost, 1 stopped" in words
    assert "time: 32 min of work" in words
    assert "idle: 60 min nothing ran, because it waited for your decision" in words
    assert "idle: 30 min nothing ran, because no copilot was at work" in words
    assert "money: $0.25 for 1 call to the model" in words
    assert "copilot: the copilot died, and was started again" in words
    assert "warning: The disk is nearly full. Free some." in words


def test_a_copilot_that_is_gone_now_is_told_of_with_the_run_that_goes_on() -> None:
    records = journal((0, STARTED), (0, COPILOT), *run("r1", 1, ended=99)[:2])
    found = digest(records, Seen(seq=2, time=at(0)), at(60), alive=False)
    assert ("copilot", "was not at work any more; r1 went on by itself") in [
        (line.about, line.text) for line in told(found)
    ]
    assert found.times["worked"] == 3600, "the run works on"


def test_a_finished_session_is_neither_idle_nor_without_a_copilot() -> None:
    records = journal((0, STARTED), (0, COPILOT), (5, ev.SessionFinished(reason="All done.")),
                      (5, ev.CopilotStopped(reason="All done.")))  # fmt: skip
    found = digest(records, Seen(seq=2, time=at(0)), at(600), alive=False)
    assert found.times["finished"] == 595 * 60
    abouts = [line.about for line in told(found)]
    assert "finished" in abouts
    assert "idle" not in abouts
    assert "copilot" not in abouts


def test_since_a_time_or_an_event() -> None:
    records = night()
    assert seen_by(records, at(12)).seq == 9, "what was planned in that very moment was seen"
    assert seen_by(records, 7) == Seen(seq=7, time=at(12))
    assert seen_by(records, 0) == Seen(seq=0, time=at(0))
    assert seen_by([], 0) == Seen(seq=0, time="")
    assert digest([], Seen(seq=0, time=""), at(1), alive=False).away_s == 0


@given(st.integers(0, 30), st.floats(0, 200), st.booleans())
def test_time_is_booked_once_wherever_one_left(seq: int, now: float, alive: bool) -> None:
    records = night()
    since = seen_by(records, seq)
    found = digest(records, since, at(max(now, 74)), alive=alive)
    begun = datetime.fromisoformat(since.time)
    assert found.away_s == pytest.approx((datetime.fromisoformat(at(max(now, 74))) - begun).total_seconds(), abs=0.01)
    assert min(found.times.values()) >= 0
    assert isinstance(digest_view(found), dict)


@given(st.lists(st.floats(-60, 60), min_size=20, max_size=20))
def test_a_clock_that_jumps_books_no_time_twice(jumps: list[float]) -> None:
    moved = [
        Record(record.seq, at(index + jump), record.event)
        for index, (record, jump) in enumerate(zip(night(), jumps, strict=False))
    ]
    found: Digest = digest(moved, Seen(seq=2, time=moved[1].time), at(200), alive=True)
    assert found.away_s <= (200 - 1 + 60) * 60 + 1
