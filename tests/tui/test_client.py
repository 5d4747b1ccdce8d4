"""The screen's side of a session: reading on, deciding, and hearing what became of it."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.widget import Widget

from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.tui.client import SessionClient, latest_session
from tests.tui.doubles import FakeClock, staged
from tests.tui.story import Story, up_to_gate
from tests.tui.text_frames import frame, settle


def test_a_torn_line_is_left_for_the_next_look(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path)
    client = SessionClient(story.layout, story.session)
    assert client.poll()
    assert not client.poll()
    journal = story.layout.journal(story.session)
    whole = journal.read_bytes()
    story.tell(ev.SessionPaused(by="researcher"))
    line = journal.read_bytes()[len(whole) :]
    journal.write_bytes(whole + line[:20])
    assert not client.poll()
    assert not client.state.paused
    journal.write_bytes(whole + line)
    assert client.poll()
    assert client.state.paused


def test_a_decision_is_followed_to_its_end(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path)
    client = SessionClient(story.layout, story.session)
    client.poll()
    decision = client.decide("approve", gate="g1", idea=4)
    client.drop(decision)
    assert story.decisions() == [decision]
    assert client.is_answering("g1")
    assert client.settled() == []
    story.tell(ev.DecisionApplied(decision=decision, said="Idea 4 may run."))
    client.poll()
    (settled,) = client.settled()
    assert (settled.said, settled.refused) == ("Idea 4 may run.", False)
    assert not client.is_answering("g1")
    assert client.settled() == []


def test_two_clients_see_each_other_s_decisions(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path)
    one, two = SessionClient(story.layout, story.session), SessionClient(story.layout, story.session)
    first, second = one.decide("approve", gate="g1"), two.decide("reject", gate="g1", text="no")
    story.tell(
        ev.GateAnswered(gate="g1", answer="approve", by="researcher", decision=first.id),
        ev.DecisionRefused(decision=second, reason="researcher answered that first: approve."),
    )
    for client in (one, two):
        client.poll()
    assert [settled.refused for settled in one.settled()] == [False]
    assert [settled.refused for settled in two.settled()] == [True]


def test_grace_begins_when_a_question_appears(tmp_path: Path) -> None:
    clock = FakeClock()
    client = SessionClient(up_to_gate(tmp_path).layout, "3f2a91c4", clock=clock)
    client.poll()
    assert client.in_grace("g1")
    clock.seconds += 0.51
    assert not client.in_grace("g1")
    assert not client.in_grace("unknown")


def test_the_latest_session_is_the_one_written_to_last(tmp_path: Path) -> None:
    assert latest_session(Story(tmp_path).layout) is None
    Story(tmp_path, session="aaaaaaaa").begin()
    Story(tmp_path, session="bbbbbbbb").begin()
    Story(tmp_path, session="aaaaaaaa", seq=3).tell(ev.SessionPaused(by="researcher"))
    assert latest_session(Story(tmp_path).layout) == "aaaaaaaa"


def test_a_client_without_a_session_waits(tmp_path: Path) -> None:
    story = Story(tmp_path)
    client = SessionClient(story.layout)
    assert not client.poll()
    assert client.copilot_alive() is None
    story.begin()
    client.open(story.session)
    assert client.poll()
    assert client.state.session == story.session


def test_a_run_of_a_bad_name_has_no_folder(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path)
    client = SessionClient(story.layout, story.session)
    assert client.run_folder("../../etc") is None
    assert client.run_folder("r1") == story.folder / "runs" / "r1"


async def test_the_copilot_is_started_after_the_first_frame_and_its_session_opened(tmp_path: Path) -> None:
    other = Story(tmp_path / "digits", session="0badcafe")
    other.begin()
    story = Story(tmp_path / "digits")
    started: list[str] = []

    def ensure(_: Sequence[str]) -> str:
        started.append("now")
        return other.session

    async with staged(story, ensure=ensure) as stage:
        assert started == ["now"]
        await stage.catch_up()
        assert "session 0bad" in frame(stage.app)


async def test_a_copilot_that_does_not_start_is_told(tmp_path: Path) -> None:
    def ensure(_: Sequence[str]) -> str:
        raise CopilotError("The copilot does not start.", "Its output is in copilot.log.")

    async with staged(up_to_gate(tmp_path / "digits"), ensure=ensure) as stage:
        await settle(stage.pilot)
        assert "The copilot does not start." in stage.sentences
        assert "gradient features" in frame(stage.app)


async def test_a_second_screen_on_the_same_session_sees_the_same(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    async with staged(story) as one:
        await one.press("3", "a")
        async with staged(story) as two:
            story.tell(ev.DecisionApplied(decision=one.decision(), said="Idea 4 may run."))
            story.tell(ev.GateAnswered(gate="g1", answer="approve", by="researcher"))
            for stage in (one, two):
                await stage.catch_up()
                assert "needs you" not in frame(stage.app)
            assert "Idea 4 may run." in one.sentences
            assert two.sentences == []


async def test_the_bell_rings_once_for_a_question(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    async with staged(story) as stage:
        rung: list[None] = []
        stage.app.bell = lambda: rung.append(None)  # type: ignore[method-assign]
        await stage.catch_up()
        assert rung == []
        story.tell(ev.GateAnswered(gate="g1", answer="reject", by="researcher"))
        story.ask_about(5, story.implement(5))
        await stage.catch_up()
        await stage.catch_up()
        assert len(rung) == 1


async def test_an_idle_tick_draws_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        for _ in range(35):
            stage.screen.tick()
        await settle(stage.pilot)
        drawn: list[object] = []
        for widget in stage.screen.walk_children(Widget):
            monkeypatch.setattr(widget, "refresh", lambda *args, **_: drawn.append(args))
        for _ in range(35):
            stage.screen.tick()
        await settle(stage.pilot)
        assert drawn == []


async def test_what_happens_elsewhere_is_told_once(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    async with staged(story) as stage:
        story.tell(ev.GateAnswered(gate="g1", answer="approve", by="researcher"))
        story.judge(4, (0.046, 0.047, 0.045), (0.077, 0.076, 0.079), "keep")
        story.tell(ev.WarningRaised(text="The disk is nearly full.", mend="Free some."))
        story.tell(ev.SessionFinished(reason="12 experiments."))
        await stage.catch_up()
        await stage.catch_up()
        assert stage.sentences == [
            "Idea 4 gradient features: keep \u221241 %",
            "The disk is nearly full.",
            "The session is finished: 12 experiments.",
        ]
