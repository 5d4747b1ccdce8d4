"""A patch decided on in the real screen: how many keys it takes, by mouse too, and how the pane looks."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from textual import events

from tests.tui.doubles import Stage, staged
from tests.tui.story import BASE, Story, up_to_gate
from tests.tui.text_frames import check_frame, frame, settle

THREE = "diff --git a/train.py b/train.py\n--- a/train.py\n+++ b/train.py\n" + "".join(
    f"@@ -{at},3 +{at},3 @@\n before\n-old {at}\n+new {at}\n after\n" for at in (10, 30, 50)
)


def three_hunks(root: Path) -> Story:
    """A session in which a patch of three hunks waits."""
    story = up_to_gate(root)
    folder = story.folder / "patches"
    (folder / f"{story.commits[4, 1]}.diff").write_text(THREE, "utf-8")
    (folder / f"{story.commits[4, 1]}.wide.diff").unlink()
    return story


async def asked_again(stage: Stage) -> None:
    """The decision is taken back, everything is in, and the focus is where it was when the program began."""
    await stage.take_back(stage.decision())
    await stage.press("U", "g", "l", "2")
    assert stage.screen.desk.chosen_patch().text == ""  # type: ignore[union-attr]  # all of it is in


async def test_keys_are_few(tmp_path: Path) -> None:
    """Counted are all keys from the moment a patch waits, wherever the focus is: 3 goes to the patch. A sentence
    counts as one thing, the key that sends it as another."""
    async with staged(three_hunks(tmp_path / "digits")) as stage:
        assert stage.screen.deck.focused == "ideas", "where the focus is when the program begins"

        async def take(*keys: str) -> Sequence[int]:
            assert len(keys) <= 4
            await stage.press(*keys)
            decision = stage.decision()
            assert decision.kind == "approve"
            assert bool(decision.patch) == bool(decision.hunks)
            return decision.hunks

        assert await take("3", "a") == (), "one key approves, and one goes there"
        await asked_again(stage)
        assert await take("3", "space", "a") == (2, 3)
        await asked_again(stage)
        assert await take("3", "l", "space", "a") == (1, 3)
        await asked_again(stage)
        assert await take("3", "G", "space", "a") == (1, 2)
        await asked_again(stage)
        await stage.press("3", "r")
        await stage.pilot.press(*"slow")
        assert stage.story.decisions() == []
        await stage.press("enter")
        assert (stage.decision().kind, stage.decision().text) == ("reject", "slow")


async def test_what_is_taken_is_still_so_after_a_look_elsewhere(tmp_path: Path) -> None:
    story = three_hunks(tmp_path / "digits")
    folder = story.folder / "comparisons"
    folder.mkdir()
    (folder / f"{story.commits[1, 1]}-{story.commits[4, 1]}.diff").write_text(THREE, "utf-8")
    (folder / f"{BASE}-{story.commits[4, 1]}.diff").write_text(THREE.replace("new 50", "newer"), "utf-8")
    async with staged(story) as stage:
        await stage.press("3", "l", "space")
        headline = stage.screen.desk.review.headline
        assert headline == "train.py · +3 \u22123 · hunk 2/3 · 4 of 6 lines in"
        await stage.press("2", "g", "j", "j", "enter", "0")  # another idea, and back
        assert stage.screen.desk.review.headline == headline
        await stage.press("3", "G", "k", "enter", "0")  # another attempt, from the history
        assert stage.screen.desk.review.headline == headline
        await stage.press("c", "G", "enter")
        assert "against" in frame(stage.app)
        await stage.press("c")
        assert stage.screen.desk.review.headline == headline
        await stage.press("a")
        assert stage.decision().hunks == (1, 3)


async def test_the_mouse_takes_hunks_and_unfolds(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits"), (120, 50)) as stage:
        await stage.press("3", "Z")

        async def click(words: str, x: int) -> None:
            y = next(y for y, line in enumerate(frame(stage.app).splitlines()) if words in line)
            await stage.pilot.click(offset=(x, y))
            await settle(stage.pilot)

        await click("@@ -38,8", 4)
        assert stage.screen.desk.review.selection.hunks == {1}
        assert "[ ] @@ -38,8" in frame(stage.app)
        await click("30 above", 105)
        assert "above" not in frame(stage.app)
        assert "def softmax(scores):" in frame(stage.app)
        review = stage.screen.desk.review
        before = review.scroll_offset.y
        await stage.pilot._post_mouse_events([events.MouseScrollDown], offset=(60, 20), button=0)
        await settle(stage.pilot)
        assert review.scroll_offset.y > before
        await stage.press("G")
        await click("unchanged lines", 20)
        assert "unchanged lines" not in frame(stage.app)


async def test_the_list_of_files_goes_to_one(tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    diff = story.folder / "patches" / f"{story.commits[4, 1]}.diff"
    more = (
        "diff --git a/gone.txt b/gone.txt\ndeleted file mode 100644\n--- a/gone.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
        "diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n"
        "diff --git a/w.bin b/w.bin\nnew file mode 100644\nindex 0..1\nBinary files /dev/null and b/w.bin differ\n"
        + THREE
    )
    diff.write_text(diff.read_text("utf-8") + more.replace("train.py", "deep/er/model.py"), "utf-8")
    async with staged(story, (80, 24)) as stage:
        await stage.press("3", "space", "o")
        check_frame(stage.app, "files-80x24", footer=False)
        await stage.press("G", "enter")
        assert stage.screen.desk.review.place[0] == "deep/er/model.py"
        assert "deep/er/model.py" in frame(stage.app)
        await stage.press("enter")
        assert "[x] deep/er/model.py +3 \N{MINUS SIGN}3 ⋯" in frame(stage.app), "enter on a file's name folds it"


PARTLY = ("3", "l", *"jjjj", "v", "j", "space")


@pytest.mark.parametrize(
    ("name", "size", "keys"),
    [
        ("patch-80x24", (80, 24), PARTLY),
        ("patch-120x40", (120, 40), (*PARTLY, "Z", "h", "l", "enter")),
        ("patch-200x50", (200, 50), (*PARTLY, "right_curly_bracket", "G")),
        ("patch-80x24-side-by-side", (80, 24), (*PARTLY, "s")),
    ],
)
async def test_a_patch_as_it_is_seen(tmp_path: Path, name: str, size: tuple[int, int], keys: Iterable[str]) -> None:
    async with staged(up_to_gate(tmp_path / "digits"), size) as stage:
        await stage.press(*keys)
        check_frame(stage.app, name, footer=False)


async def test_side_by_side_says_what_it_takes(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3", "s")
        assert stage.sentences == ["Side by side takes 80 columns."]
