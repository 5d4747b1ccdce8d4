"""The palette's ways to take the champion apart and home: asked once, sent as decisions, shown as they come about."""

from pathlib import Path

import pytest

from mlrcopilot_tui.session.ablation_events import (
    AblationAsked,
    AblationEnded,
    AblationMeasured,
    AblationStarted,
    LeftOut,
)
from mlrcopilot_tui.session.model import Verdict
from mlrcopilot_tui.tui.screens.reader import Reader
from tests.tui.doubles import staged
from tests.tui.story import BASE, START, Story, up_to_gate
from tests.tui.text_frames import check_frame, frame

SEEDS = (0, 1, 2)


def begun(story: Story) -> None:
    parts = (
        LeftOut(idea=1, of=story.commits[1, 1], needing=(4,), commit="1" * 40),
        LeftOut(idea=2, of=story.commits[2, 1], refusal="It cannot be taken back."),
        LeftOut(idea=4, of=story.commits[4, 1], commit="4" * 40),
        LeftOut(idea=0, commit=BASE),
    )
    story.tell(AblationStarted(champion=story.commits[4, 1], seeds=SEEDS, parts=parts))


def measured(idea: int, effect: float, low: float) -> AblationMeasured:
    verdict = Verdict(
        kind="keep" if low > 0 else "inconclusive",
        rule="paired",
        effect=effect,
        interval=(low, 2 * effect - low),
        values=dict(enumerate(START)),
        parent_values=dict(enumerate(START)),
    )
    return AblationMeasured(idea=idea, verdict=verdict, runs=(), reused=2)


async def test_an_ablation_is_asked_for_once_with_what_it_takes_and_its_table_fills(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        stage.screen.action_perform("session.ablate")
        await stage.press()
        assert "That takes 3 runs" in " ".join(frame(stage.app).split())
        await stage.press("n")
        assert not stage.story.decisions()
        stage.screen.action_perform("session.ablate")
        await stage.press("y")
        assert stage.decision().kind == "ablate"
        stage.story.tell(AblationAsked(by="researcher"))
        begun(stage.story)
        stage.story.tell(measured(1, 0.0173, 0.0121))
        await stage.catch_up()
        reader = stage.app.screen
        assert isinstance(reader, Reader)
        reader.renew()
        await stage.press()
        assert "2 of 4 measured" in frame(stage.app)
        stage.story.tell(measured(4, -0.0005, -0.003), measured(0, 0.0168, -0.001), AblationEnded())
        await stage.catch_up()
        reader.renew()
        await stage.press()
        assert "The ablation is over: 1 holds, 1 cannot be left out, 1 not proven." in stage.sentences
        stage.app.clear_notifications()
        await stage.press()
        check_frame(stage.app, "ablation-120x40")


@pytest.mark.parametrize("size", [(80, 24), (60, 15)])
async def test_a_small_screen_wraps_the_table(tmp_path: Path, size: tuple[int, int]) -> None:
    story = up_to_gate(tmp_path / "digits")
    begun(story)
    story.tell(measured(1, 0.0173, 0.0121))
    async with staged(story, size) as stage:
        stage.screen.action_perform("session.ablation")
        await stage.press()
        shown = " ".join(frame(stage.app).split())
        assert "1 with 4" in shown
        assert "holds" in shown


async def test_one_that_is_under_way_is_shown_and_can_be_ended(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    story.tell(AblationAsked(by="researcher"))
    async with staged(story) as stage:
        stage.screen.action_perform("session.ablate")
        await stage.press()
        assert "An ablation is asked for." in frame(stage.app)
        await stage.press("escape")
        stage.screen.action_perform("session.ablate-stop")
        await stage.press()
        assert stage.decision().kind == "ablate.stop"


async def test_promoting_asks_for_a_branch_and_offers_one(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        stage.screen.action_perform("session.promote")
        await stage.press("enter")
        decision = stage.decision()
        assert (decision.kind, decision.text) == ("promote", "results/classify-digits")


async def test_without_a_copilot_one_is_had_that_does_this_and_no_more(tmp_path: Path) -> None:
    settled: list[str] = []
    story = up_to_gate(tmp_path / "digits")
    async with staged(story, settle_session=lambda: settled.append("settled")) as stage:
        stage.screen.action_perform("session.promote")
        await stage.press("enter")
        assert settled == ["settled"]
        assert stage.sentences == []
