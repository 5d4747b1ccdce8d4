"""Tags in the patch pane: said at the hunk and in the headline, one key away, and confirmed once before a yes."""

from pathlib import Path

from mlrcopilot_tui.session.model import Tag
from tests.tui.doubles import staged
from tests.tui.story import up_to_gate
from tests.tui.text_frames import frame

TAGS = (Tag(rule="seed", hunk=2, path="train.py", line=41, excerpt="SEED = 3", why="It fixes the seed."),)


async def test_a_tag_stands_at_its_hunk_and_a_key_leads_there(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits", TAGS)) as stage:
        await stage.press("3")
        assert "tagged seed" in frame(stage.app)
        await stage.press("T")
        shown = frame(stage.app)
        assert "hunk 2/2" in shown
        assert "! seed: It fixes the seed." in shown


async def test_approving_a_tagged_hunk_asks_once(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits", TAGS)) as stage:
        await stage.press("3", "a")
        assert "tagged seed (hunk 2)?" in frame(stage.app)
        await stage.press("n")
        assert stage.story.decisions() == []
        await stage.press("a", "y")
        assert stage.decision().kind == "approve"


async def test_without_the_tagged_hunk_one_key_approves(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits", TAGS)) as stage:
        await stage.press("3", "T", "space", "a")
        assert stage.decision().hunks == (1,)
