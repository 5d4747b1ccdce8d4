"""A run that had better be stopped: the screen says so once, offers the key, and counts what was saved."""

from pathlib import Path

import pytest

from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.run_events import RunFinished, RunStopped, StopSuggested
from mlrcopilot_tui.tui.glyphs import ASCII, UNICODE, Glyphs
from mlrcopilot_tui.tui.widgets.curve import Curve
from tests.tui.doubles import staged
from tests.tui.story import Story, up_to_gate
from tests.tui.text_frames import frame

REASON = "val_error 0.3 at step 20 of 40 against the parent's 0.09 \u00b10.01, behind its band since step 9"
NOTE = "behind the parent's band since step 9; x stops it, saves ~12 min"


def behind(root: Path, last: float = 0.3) -> tuple[Story, str]:
    """The run of idea 4, half done."""
    story = up_to_gate(root)
    story.tell(ev.GateAnswered(gate="g1", answer="approve", by="researcher"))
    run = story.start_run(0, commit=story.commits[4, 1], number=4)
    story.train(run, 20, last)
    story.wait(30)
    return story, run


def suggest(story: Story, run: str) -> None:
    story.tell(StopSuggested(run=run, step=20, since=9, reason=REASON, saves_s=750.0))


async def test_the_suggestion_stands_above_the_log_and_rings_once(tmp_path: Path) -> None:
    story, run = behind(tmp_path / "digits")
    async with staged(story, (80, 24)) as stage:
        rung: list[None] = []
        stage.app.bell = lambda: rung.append(None)  # type: ignore[method-assign]
        await stage.press("4")
        assert "behind" in frame(stage.app)
        assert "stops it" not in frame(stage.app)
        suggest(story, run)
        for _ in range(3):
            await stage.catch_up()
        assert NOTE in frame(stage.app)
        assert [notice.sentence for notice in stage.screen.desk.notices.kept] == [f"Idea 4.1, seed 0: {REASON}."]
        assert stage.screen.desk.notices.kept[0].mend == "x stops it and saves about 12 min."
        assert len(rung) == 1
        await stage.press("4")
        assert "· x stops it" in frame(stage.app), "over the curve too"
        await stage.press("x", "y")
        assert [decision.run for decision in story.decisions()] == [run]


async def test_what_was_saved_stands_in_the_header(tmp_path: Path) -> None:
    story, run = behind(tmp_path / "digits")
    suggest(story, run)
    async with staged(story, (200, 50)) as stage:
        assert "saved" not in frame(stage.app).splitlines()[0]
        story.tell(RunStopped(run=run, by="curve", saves_s=720.0))
        await stage.catch_up()
        assert "behind the parent's band since step 9; stopping it" in frame(stage.app)
        story.tell(RunFinished(run=run, outcome="stopped", reason="asked", value=None, wall_s=31.0, log_sha256=""))
        await stage.catch_up()
        assert "12 min saved" in frame(stage.app).splitlines()[0]
        assert "stopped early at step 20  behind the parent's band since step 9" in frame(stage.app)


async def test_who_has_caught_up_is_not_told_to_stop(tmp_path: Path) -> None:
    story, run = behind(tmp_path / "digits", last=0.01)
    suggest(story, run)
    async with staged(story) as stage:
        assert "stops it" not in frame(stage.app)
        assert "ahead" in frame(stage.app)


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
async def test_the_curve_stands_apart_from_the_band(tmp_path: Path, glyphs: Glyphs) -> None:
    story, _ = behind(tmp_path / "digits")
    async with staged(story, glyphs=glyphs, theme="terminal") as stage:
        await stage.press("4", "4")
        curve = stage.screen.deck.run.query_one(Curve)
        band, line = curve.get_component_rich_style("curve--band"), curve.get_component_rich_style("curve--line")
        drawn = [segment for y in range(1, curve.size.height - 1) for segment in curve.render_line(y)]
        assert band.color != line.color
        assert any(segment.text.strip() and segment.style and segment.style.color == line.color for segment in drawn)
        inside = {part.text.strip() for part in drawn if part.style == curve.get_component_rich_style("curve--band")}
        hatch = {"-"} if not glyphs.unicode else {chr(0x2800 + bits) for bits in range(1, 256)}
        assert set("".join(inside)) & hatch
