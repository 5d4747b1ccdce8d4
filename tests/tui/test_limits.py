"""Changing a limit from the screen: chosen in a list, asked for, sent as one decision."""

from pathlib import Path

import pytest

from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.research.settings_decisions import CHANGEABLE, changed
from mlrcopilot_tui.tui.limits import LIMITS, Limit, amount_of
from mlrcopilot_tui.tui.screens.picker import Picker
from tests.tui.doubles import staged
from tests.tui.story import up_to_gate
from tests.tui.text_frames import frame


async def test_a_limit_is_chosen_and_set(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits"), (80, 24)) as stage:
        await stage.press("L")
        assert isinstance(stage.app.screen, Picker)
        shown = frame(stage.app)
        assert "experiments" in shown
        assert "12" in shown, "what is in force stands beside each"
        assert "as in mlrcopilot.toml" in shown
        await stage.press("j", "j", "j", "enter")
        assert "After how many experiments" in frame(stage.app)
        await stage.press("backspace", "backspace")
        await stage.write("20")
        decision = stage.decision()
        assert (decision.kind, decision.draft) == ("settings", {"max_experiments": 20})


async def test_what_is_no_limit_is_not_sent(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("L", "enter")
        await stage.write("an hour")
        assert not stage.story.decisions()
        assert "cannot be the limit" in stage.sentences[-1]
        await stage.press("L", "escape")
        assert not stage.story.decisions()


async def test_what_becomes_of_runs_that_fall_behind_is_chosen_too(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits"), (80, 24)) as stage:
        await stage.press("L", *["j"] * len(LIMITS), "enter")
        assert "you are told, and may stop it" in frame(stage.app)
        await stage.press("j", "j", "enter")
        assert stage.decision().draft == {"early_stop": "auto"}


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_every_limit_is_one_that_the_copilot_takes(limit: Limit) -> None:
    assert limit.name in CHANGEABLE
    for words in ("3", "0", "0.5", "-1", "1e400", "nan", "x"):
        if (amount := amount_of(words, limit)) is not None:
            changed(Settings(), {limit.name: amount})
    assert amount_of("3", limit) == 3
