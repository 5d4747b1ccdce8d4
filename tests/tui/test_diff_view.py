"""A patch under review: what the screen shows, what keys do, and that the selection is what is seen."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual import events
from textual.app import App, ComposeResult

from mlrcopilot_tui.tui.actions import ACTIONS
from mlrcopilot_tui.tui.themes import variable_defaults
from mlrcopilot_tui.tui.views import WHOLE, Span
from mlrcopilot_tui.tui.widgets.diff_choice import Choice
from mlrcopilot_tui.tui.widgets.diff_code import Code
from mlrcopilot_tui.tui.widgets.diff_page import COMMANDS, DiffPage
from mlrcopilot_tui.tui.widgets.diff_pairs import pairs
from mlrcopilot_tui.tui.widgets.diff_rows import CONTEXTS, Layout, rows_of
from mlrcopilot_tui.tui.widgets.diff_view import DiffView
from mlrcopilot_tui.tui.widgets.review import Review
from mlrcopilot_tui.tui.widgets.searching import SearchFinished
from mlrcopilot_tui.workspace.patch import Patch, parse
from mlrcopilot_tui.workspace.patch_selection import Selection, everything, only_hunks, only_lines, select
from mlrcopilot_tui.workspace.surroundings import Surroundings

TRAIN = """\
diff --git a/train.py b/train.py
index 1111111..2222222 100644
--- a/train.py
+++ b/train.py
@@ -1,7 +1,7 @@
 import numpy as np
\x20
 # settings
-RATE = 0.1
+RATE = 0.05
 EPOCHS = 40
\x20
\x20
@@ -20,6 +20,7 @@ def train():
     a = 1
     b = 2
     c = 3
-    return a
+        return a
+    return b
     d = 4
     e = 5
"""
OTHERS = """\
diff --git a/data.bin b/data.bin
new file mode 100644
index 0000000..3333333
Binary files /dev/null and b/data.bin differ
diff --git a/old.py b/new.py
similarity index 100%
rename from old.py
rename to new.py
diff --git a/end.txt b/end.txt
index 4444444..5555555 100644
--- a/end.txt
+++ b/end.txt
@@ -1 +1 @@
-a
+b
\\ No newline at end of file
"""
HOSTILE = """\
diff --git a/[/x].py b/[/x].py
index 1111111..2222222 100644
--- a/[/x].py
+++ b/[/x].py
@@ -1,3 +1,4 @@ [/bold]\x1b]52;c;aGk=\x07
 plain
-x = 1
+x = 1 # \u202e \u200b }
+print("\x1b]52;c;aGk=\x07\x1b[?1049l[/x]\udcff")
 y\t= 2\r
"""


MOVES: dict[str, Callable[[DiffView], None]] = {
    "move.down": lambda view: view.move(1),
    "move.up": lambda view: view.move(-1),
    "move.start": DiffView.to_start,
    "move.end": DiffView.to_end,
    "move.half-down": lambda view: view.page(1),
    "move.half-up": lambda view: view.page(-1),
    "diff.left": lambda view: view.sideways(-1),
    "diff.right": lambda view: view.sideways(1),
    "diff.open": lambda view: view.perform("unfold"),
}
KEYS = {key: action.id for action in ACTIONS.values() for key in action.keys if action.id.startswith(("diff.", *MOVES))}


class DiffApp(App[None]):
    """A diff alone, with the keys that it has in the patch pane."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        patch: Patch | None = None,
        *,
        selectable: bool = True,
        ascii_only: bool = False,
        around: Surroundings | None = None,
    ) -> None:
        super().__init__()
        self._patch = patch
        self._selectable = selectable
        self._ascii_only = ascii_only
        self._around = around
        self.searches: list[bool] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variable_defaults(self.current_theme)

    def compose(self) -> ComposeResult:
        yield Review(ascii_only=self._ascii_only)

    def on_mount(self) -> None:
        self.animation_level = "none"
        self.view.focus()
        if self._patch is not None:
            self.view.show(self._patch, "idea 4", around=self._around, selectable=self._selectable)

    def on_key(self, event: events.Key) -> None:
        if (action := KEYS.get(event.key)) is not None:
            if action in MOVES:
                MOVES[action](self.view)
            else:
                self.view.perform(action.removeprefix("diff."))

    @property
    def view(self) -> Review:
        return self.query_one(Review)

    def frame(self) -> list[str]:
        width = self.view.scrollable_content_region.width
        return [strip.text[:width].rstrip() for strip in self.screen._compositor.render_strips()]

    def on_search_finished(self, message: SearchFinished) -> None:
        self.searches.append(message.found)


def patch() -> Patch:
    return parse(TRAIN + OTHERS)


def long_patch(lines: int) -> Patch:
    body = "".join(f"+line_{n} = {n}\n" for n in range(lines))
    return parse(f"diff --git a/big.py b/big.py\n--- a/big.py\n+++ b/big.py\n@@ -0,0 +1,{lines} @@\n{body}")


WIDE = TRAIN.replace("@@ -1,7 +1,7 @@", "@@ -1,29 +1,30 @@").replace(
    "@@ -20,6 +20,7 @@ def train():\n", "".join(f" between {n}\n" for n in range(8, 20))
) + "".join(f" after {n}\n" for n in range(26, 30))


# What is shown


async def test_the_whole_screen_at_80_columns() -> None:
    app = DiffApp(patch())
    async with app.run_test(size=(80, 36), notifications=True) as pilot:
        await pilot.pause()
        assert "\n".join(app.frame()).rstrip() == (
            "idea 4 · train.py · +4 \N{MINUS SIGN}3 · hunk 1/3\n"
            " [x] train.py +3 \N{MINUS SIGN}2\n"
            "▌[x] @@ -1,7 +1,7 @@                                                        1/3\n"
            "    1   1   import numpy as np\n"
            "    2   2\n"
            "    3   3   # settings\n"
            "    4     - RATE = 0.1\n"
            "        4 + RATE = 0.05\n"
            "    5   5   EPOCHS = 40\n"
            "    6   6\n"
            "    7   7\n"
            " [x] @@ -20,6 +20,7 @@ def train():                                         2/3\n"
            "   20  20       a = 1\n"
            "   21  21       b = 2\n"
            "   22  22       c = 3\n"
            "   23     -     return a\n"
            "       23 +         return a\n"
            "       24 +     return b\n"
            "   24  25       d = 4\n"
            "   25  26       e = 5\n"
            " [x] data.bin added\n"
            "     binary, its content is not shown\n"
            " [x] new.py renamed\n"
            "     renamed from old.py\n"
            " [x] end.txt +1 \N{MINUS SIGN}1\n"
            " [x] @@ -1 +1 @@                                                            3/3\n"
            "    1     - a\n"
            "        1 + b  (no newline at end of file)"
        )


async def test_side_by_side_only_where_there_is_room() -> None:
    app = DiffApp(patch())
    async with app.run_test(size=(110, 20), notifications=True) as pilot:
        await pilot.pause()
        assert not any("│" in line for line in app.frame()), "unasked only where it reads well"
        await pilot.press("s")
        await pilot.pause()
        frame = app.frame()
        assert frame[6].split("│") == [
            "    4 - RATE = 0.1".ljust(54),
            "   4 + RATE = 0.05",
        ]
        assert frame[14].split("│")[1].strip() == "23 +         return a"
        assert frame[15].split("│") == [" " * 54, "  24 +     return b"]
        await pilot.resize_terminal(70, 20)
        await pilot.pause()
        assert app.frame()[6] == "    4     - RATE = 0.1"
        await pilot.resize_terminal(110, 20)
        await pilot.pause()
        assert "│" in app.frame()[6]
        await pilot.press("s")
        await pilot.resize_terminal(140, 20)
        await pilot.pause()
        assert "│" not in app.frame()[6], "a choice holds for every width"


async def test_a_wide_pane_has_old_and_new_side_by_side_unasked() -> None:
    app = DiffApp(patch())
    async with app.run_test(size=(116, 20), notifications=True) as pilot:
        await pilot.pause()
        assert "│" in app.frame()[6]
        await pilot.press("s")
        await pilot.pause()
        assert app.frame()[6] == "    4     - RATE = 0.1"
        await pilot.press("s")
        app.view.show(long_patch(30))
        await pilot.pause()
        assert "│" in app.frame()[6], "what was asked for stays"
    app = DiffApp(long_patch(30))
    async with app.run_test(size=(116, 20), notifications=True) as pilot:
        await pilot.pause()
        assert "│" not in app.frame()[6], "there is nothing to stand beside"


async def test_narrow_panes_show_one_number() -> None:
    app = DiffApp(patch(), ascii_only=True)
    async with app.run_test(size=(40, 12), notifications=True) as pilot:
        await pilot.pause()
        assert app.frame()[6:8] == ["    4 - RATE = 0.1", "    4 + RATE = 0.05"]
        assert app.frame()[2].startswith(">[x]")


async def test_white_space_alone_is_one_line_with_a_tilde_when_ignored() -> None:
    text = TRAIN.replace("+    return b\n", "").replace("+20,7", "+20,6")
    app = DiffApp(parse(text))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("w")
        await pilot.pause()
        assert "   23  23 ~         return a" in app.frame()
        assert not any("- " in line and "return a" in line for line in app.frame())
        await pilot.press("w")
        await pilot.pause()
        assert "   23     -     return a" in app.frame()


async def test_context_folds_and_unfolds() -> None:
    app = DiffApp(patch())
    async with app.run_test(size=(80, 40), notifications=True) as pilot:
        await pilot.press("left_curly_bracket")
        await pilot.pause()
        assert "     ⋯ 2 unchanged lines" in app.frame()
        await pilot.press("left_curly_bracket", "left_curly_bracket")
        await pilot.pause()
        assert "     ⋯ 3 unchanged lines" in app.frame()
        assert not any("import numpy" in line for line in app.frame())
        await pilot.press(*["right_curly_bracket"] * 3)
        await pilot.pause()
        assert not any("unchanged" in line for line in app.frame())


async def test_lines_around_hunks_unfold() -> None:
    the_patch = parse(TRAIN)
    app = DiffApp(the_patch, around=Surroundings(the_patch, WIDE))
    async with app.run_test(size=(80, 50), notifications=True) as pilot:
        await pilot.press("l")
        await pilot.pause()
        assert any("@@ -20,6" in line and "⋯ 12 above" in line for line in app.frame())
        assert "     ⋯ 4 unchanged lines" in app.frame()
        await pilot.press("enter")
        await pilot.pause()
        frame = app.frame()
        at = next(n for n, line in enumerate(frame) if "@@ -20,6" in line)
        assert frame[at].startswith("▌")
        assert "above" not in frame[at]
        assert frame[at + 1] == "    8   8   between 8"
        assert frame[at + 12 : at + 14] == ["   19  19   between 19", "   20  20       a = 1"]
        await pilot.press("j")
        assert app.view.place == ("train.py", 8)
        assert app.view.copied() == "between 8"
        await pilot.press("enter")
        await pilot.pause()
        assert next(line for line in app.frame() if line.startswith("▌")).endswith("⋯ 12 above  2/2")
        await pilot.press("G", "enter")
        await pilot.pause()
        assert any(line.endswith("29  30   after 29") for line in app.frame())
        await pilot.press("right_curly_bracket")
        await pilot.pause()
        frame = app.frame()
        assert any("⋯ 6 above" in line for line in frame)
        assert "    8   8   between 8" in frame
        await pilot.press("right_curly_bracket")
        await pilot.pause()
        assert not any("above" in line for line in app.frame())
        assert app.view.selection == everything(the_patch), "what is seen changes nothing in what is taken"
        app.view.search("between 15")
        await pilot.pause()
        assert next(line for line in app.frame() if line.startswith("▌")).endswith("between 15")


async def test_code_is_coloured_and_differences_stand_out() -> None:
    app = DiffApp(patch())
    async with app.run_test(size=(80, 30), notifications=True) as pilot:
        await pilot.pause()
        looks = {s.text.strip(): s.style for y in range(20) for s in app.view.render_line(y) if s.style}
        assert looks["import"].color != looks["numpy"].color
        assert looks["+"].color != looks["-"].color
        added = {s.text: s.style.bgcolor for s in app.view.render_line(7) if s.style}
        assert added["05"] != added["RATE = "], "what differs within the line has a ground of its own"
        assert added["RATE = "] != looks["import"].bgcolor


async def test_hostile_patches_are_shown_as_they_read() -> None:
    app = DiffApp(parse(HOSTILE))
    async with app.run_test(size=(90, 12), notifications=True) as pilot:
        for key in ("j", "s", "space", "w", "J", "v", "G", "space"):
            await pilot.press(key)
        app.view.search("[/x]")
        await pilot.pause()
        frame = "\n".join(app.frame())
        assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in frame.replace("\n", ""))
        for seen in ("[/x].py", "⟦U+202E⟧ ⟦U+200B⟧ }", 'print("␛]52;c;aGk=␇␛[?1049l[/x]\ufffd")', "␍"):
            assert seen in frame


# What keys do


def hostile_files() -> str:
    """What a patch can hold that is no plain text."""
    wide = "a\u0301\u4e2d\u6587" * 300
    lines = [
        "+" + "x" * 1_000_000,
        "+\ttab\tstop",
        f"+{wide}",
        "-\x1b]52;c;aGk=\x07",
        "+\x00\u202e\u200b\r",
        "-\udcff\r",
    ]
    head = "diff --git a/h.py b/h.py\n--- a/h.py\n+++ b/h.py\n@@ -1,2 +1,4 @@\n" + "\n".join(lines)
    tail = "\n\\ No newline at end of file\n"
    modes = "".join(f"diff --git a/m{n} b/m{n}\nold mode 100644\nnew mode 100755\n" for n in range(2000))
    return head + tail + OTHERS + modes


@pytest.mark.parametrize("ascii_only", [False, True])
async def test_every_patch_can_be_gone_through(ascii_only: bool) -> None:
    app = DiffApp(parse(hostile_files()), ascii_only=ascii_only)
    async with app.run_test(size=(120, 20), notifications=True) as pilot:
        for size in ((120, 20), (50, 10), (20, 5)):
            await pilot.resize_terminal(*size)
            for key in ("g", "G", "l", "j", "s", "w", "greater_than_sign", "enter", "enter", "K", "space", "U"):
                await pilot.press(key)
                await pilot.pause()
                rows = app.screen._compositor.render_strips()
                assert {row.cell_length for row in rows} == {size[0]}, "no character puts others out of their columns"
                text = "".join(row.text for row in rows)
                assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u200b" for c in text)
        app.view.search("tab")
        await pilot.pause()
        assert app.searches == [True]
        assert len(app.view.files()) == 2004


async def test_the_cursor_goes_by_rows_hunks_and_files() -> None:
    app = DiffApp(patch())
    async with app.run_test(size=(80, 12), notifications=True) as pilot:
        await pilot.pause()

        async def row_after(*keys: str) -> str:
            await pilot.press(*keys)
            await pilot.pause()
            return next(line for line in app.frame() if line.startswith("▌"))[1:].strip()

        assert (await row_after()).startswith("[x] @@ -1,7")
        assert await row_after("j") == "1   1   import numpy as np"
        assert (await row_after("l")).startswith("[x] @@ -20,6")
        assert (await row_after("j", "j", "h")).startswith("[x] @@ -20,6")
        assert (await row_after("left_square_bracket")).startswith("[x] @@ -1,7")
        assert (await row_after("right_square_bracket", "right_square_bracket")).startswith("[x] @@ -1 +1")
        assert (await row_after("right_square_bracket")).startswith("[x] @@ -1 +1")
        assert await row_after("K", "K") == "[x] new.py renamed"
        assert await row_after("J") == "[x] end.txt +1 \N{MINUS SIGN}1"
        assert await row_after("g") == "[x] train.py +3 \N{MINUS SIGN}2"
        assert await row_after("G") == "1 + b  (no newline at end of file)"
        assert (await row_after("k", "up")).startswith("[x] @@ -1 +1 @@")
        assert await row_after("ctrl+u") == "[x] data.bin added"
        assert await row_after("pageup", "home", "ctrl+d") == "4     - RATE = 0.1"


async def test_space_takes_hunks_files_and_lines_in_and_out() -> None:
    app = DiffApp(patch())
    whole = everything(patch())
    async with app.run_test(size=(80, 36), notifications=True) as pilot:
        await pilot.pause()
        assert app.view.selection == whole
        assert bool(app.view.partial) is False
        await pilot.press("j", "j", "space")
        assert app.view.selection.hunks == {2, 3}
        assert bool(app.view.partial) is True
        await pilot.press("l", "j", "j", "j", "j", "j", "v", "j", "space")
        await pilot.pause()
        assert app.view.selection.hunks == {3}
        assert app.view.selection.lines == {(2, 3)}
        frame = app.frame()
        assert frame[0] == "idea 4 · train.py · +4 \N{MINUS SIGN}3 · hunk 2/3 · 3 of 7 lines in"
        assert " [~] train.py +3 \N{MINUS SIGN}2" in frame
        assert " [ ] @@ -1,7 +1,7 @@                                                        1/3" in frame
        assert " x 23     -     return a" in frame
        await pilot.press("J", "space")
        assert "data.bin" not in app.view.selection.files
        await pilot.press("K", "K", "space")
        assert app.view.selection.hunks == {1, 2, 3}, "a file that is in only partly is taken in"
        await pilot.press("U", "U", "U", "U")
        assert app.view.selection == whole
        assert bool(app.view.partial) is False
        await pilot.press("ctrl+r", "ctrl+r")
        assert app.view.selection.lines == {(2, 3)}
        assert parse(TRAIN + OTHERS).hunks[1].lines[3].text == "    return a"


async def test_what_is_said_of_hunks_and_lines_stands_below_them() -> None:
    app = DiffApp(patch())
    async with app.run_test(size=(100, 36), notifications=True) as pilot:
        await pilot.press("l", "j", "j", "j", "j")
        assert app.view.hunk_at_cursor == (2, "train.py")
        notes = {
            (2, WHOLE): (Span("tag: sleeps", "waiting"), Span("touches [/x] the clock\x1b[2J", "muted")),
            (2, 4): (Span("here", "error"),),
        }
        app.view.show(patch(), "idea 4", notes=notes)
        await pilot.pause()
        frame = app.frame()
        at = next(n for n, line in enumerate(frame) if "@@ -20,6" in line)
        assert frame[at + 1 : at + 3] == ["     tag: sleeps", "     touches [/x] the clock"]
        at = next(n for n, line in enumerate(frame) if "23 +" in line)
        assert frame[at + 1] == "     here"
        assert app.view.copied() == "    return a", "the cursor stays on its line"
        train, *others = app.view.files()
        assert "1 tagged " in [span.text for span in train.right]
        assert not any("tagged" in span.text for row in others for span in row.right)
        await pilot.press("s")
        await pilot.pause()
        assert sum(line.strip() == "here" for line in app.frame()) == 1
        await pilot.press("K", "K", "K")
        assert app.view.hunk_at_cursor is None


async def test_the_first_hunk_is_in_view_behind_many_files_without_hunks() -> None:
    binary = OTHERS[: OTHERS.index("diff --git a/old.py")]
    app = DiffApp(parse("".join(binary.replace("data", f"data{n}") for n in range(20)) + TRAIN))
    async with app.run_test(size=(80, 14), notifications=True) as pilot:
        await pilot.pause()
        assert any(line.startswith("▌[x] @@ -1,7") for line in app.frame())
        assert "    7   7" in app.frame(), "with all of the hunk that there is room for"


async def test_what_is_out_loses_its_colour() -> None:
    app = DiffApp(patch())
    async with app.run_test(size=(80, 30), notifications=True) as pilot:
        await pilot.pause()
        before = [s.style for s in app.view.render_line(7)]
        await pilot.press("space")
        await pilot.pause()
        after = [s.style for s in app.view.render_line(7)]
        assert len(after) < len(before)


async def test_marked_lines_can_be_forgotten() -> None:
    app = DiffApp(patch())
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("j", "v", "j", "j")
        await pilot.pause()
        assert sum(line.startswith("▌") for line in app.frame()) == 3
        assert app.view.marking is True
        app.view.perform("unmark")
        await pilot.pause()
        assert sum(line.startswith("▌") for line in app.frame()) == 1
        assert app.view.marking is False


async def test_nothing_can_be_chosen_where_nothing_is_to_be_decided() -> None:
    app = DiffApp(patch(), selectable=False)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("space", "v", "j", "space", "U")
        await pilot.pause()
        assert app.view.selection == everything(patch())
        assert not any("[x]" in line for line in app.frame())


async def test_showing_the_same_patch_again_keeps_what_was_chosen() -> None:
    app = DiffApp(patch())
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("space", "j", "j")
        app.view.show(parse(TRAIN + OTHERS), "idea 4, still")
        await pilot.pause()
        assert app.view.selection.hunks == {2, 3}
        assert app.frame()[0].startswith("idea 4, still · train.py")
        app.view.show(parse(TRAIN), "idea 5")
        assert app.view.selection == everything(parse(TRAIN))
        app.view.show(None)
        await pilot.pause()
        assert app.frame()[0] == "The patch to decide on appears here."
        await pilot.press(*"jkglhJKvU", "space", "G", "s", "w", "n", "left_curly_bracket", "ctrl+r")
        assert app.view.selection == Selection()
        assert app.view.place == ("", 0)


async def test_search_goes_around_and_marks_rows() -> None:
    app = DiffApp(patch())
    async with app.run_test(size=(80, 10), notifications=True) as pilot:
        app.view.search("return")
        for backwards in (False, False, False, True):
            app.view.search("return", backwards=backwards)
        await pilot.pause()
        assert next(line for line in app.frame() if line.startswith("▌")).strip("▌ ") == "24 +     return b"
        app.view.search("absent")
        await pilot.pause()
        assert app.searches == [True] * 5 + [False]


async def test_the_mouse_moves_the_cursor_and_takes_boxes_in_and_out() -> None:
    app = DiffApp(patch())
    async with app.run_test(size=(80, 30), notifications=True) as pilot:
        await pilot.click(DiffView, offset=(30, 5))
        await pilot.pause()
        assert app.frame()[5].startswith("▌")
        await pilot.click(DiffView, offset=(2, 11))
        assert app.view.selection.hunks == {1, 3}
        await pilot.click(DiffView, offset=(30, 0))
        await pilot.mouse_down(DiffView, offset=(12, 6))
        await pilot.hover(DiffView, offset=(15, 7))
        await pilot.mouse_up(DiffView, offset=(15, 7))
        assert app.view.copied() == "RATE = 0.1\nRATE"


async def test_copying_and_editing_know_the_line() -> None:
    app = DiffApp(patch())
    async with app.run_test(size=(80, 30), notifications=True) as pilot:
        assert app.view.place == ("train.py", 1)
        await pilot.press("l", "j", "j", "j", "j")
        assert app.view.place == ("train.py", 23)
        assert app.view.copied() == "    return a"
        await pilot.press("v", "j", "j")
        assert app.view.copied() == "    return a\n        return a\n    return b"
        app.view.perform("unmark")
        await pilot.press("J", "J")
        assert app.view.place == ("new.py", 1)


async def test_long_lines_scroll_sideways_beside_a_gutter_that_stays() -> None:
    text = TRAIN.replace("+RATE = 0.05", "+RATE = " + "0123456789" * 20)
    app = DiffApp(parse(text))
    async with app.run_test(size=(60, 20), notifications=True) as pilot:
        await pilot.pause()
        await pilot.press("shift+right", "greater_than_sign")
        await pilot.pause()
        assert app.frame()[7].startswith("        4 + 9012345")
        await pilot.press("shift+left", "less_than_sign")
        await pilot.pause()
        assert app.frame()[7].startswith("        4 + RATE")


async def test_ten_thousand_lines_draw_only_what_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    inner = Code.roles

    def counting(self: Code, file: object, hunk: object, position: int) -> object:
        read.append(position)
        return inner(self, file, hunk, position)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(Code, "roles", counting)
    app = DiffApp(long_patch(10_000))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("G")
        await pilot.pause()
        assert app.frame()[-1] == "▌       10000 + line_9999 = 9999"
        assert len(set(read)) < 100


# What is chosen


@given(
    st.lists(
        st.sampled_from(["toggle", "range", "undo", "redo", "next_hunk", "previous_hunk", "next_file", "down", "up"]),
        max_size=40,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_keys_leave_a_selection_that_git_can_take(keys: list[str]) -> None:
    page = DiffPage(patch())
    states = [page.choice.selection]
    for key in keys:
        if key in {"down", "up"}:
            page.move_to(page.cursor + (1 if key == "down" else -1))
        else:
            page.perform(key)
        states.append(page.choice.selection)
        assert page.choice.partial == (page.choice.selection != states[0])
    chosen = page.choice.selection
    part = select(page.patch, chosen)
    assert part.added + part.removed == page.choice.chosen_lines
    while page.choice.undo():
        pass
    assert page.choice.selection == states[0]


@given(st.booleans(), st.booleans(), st.integers(0, len(CONTEXTS) - 1))
def test_every_changed_line_has_exactly_one_place_in_every_layout(split: bool, white_space: bool, context: int) -> None:
    the_patch = patch()
    rows = rows_of(the_patch, Layout(split=split, white_space=white_space, context=context), Surroundings(the_patch))
    placed = [(row.hunk, at) for row in rows if row.kind == "line" for at in {row.left, row.right} - {-1}]
    changed = [(hunk.index, at) for hunk in the_patch.hunks for at in hunk.changed]
    assert sorted(place for place in placed if place in changed) == changed
    folded = sum(row.right for row in rows if row.kind == "fold")
    assert len(placed) + folded == sum(len(hunk.lines) for hunk in the_patch.hunks)


def test_the_cursor_stays_on_its_line_in_every_layout() -> None:
    page = DiffPage(patch())
    page.fit(100)
    while page.text(page.rows[page.cursor]) != "    return b":
        page.move_to(page.cursor + 1)
    for command in ("side_by_side", "less_context", "white_space", "more_context", "side_by_side"):
        page.perform(command)
        assert page.row is not None
        assert page.text(page.row) == "    return b"


def test_lines_stand_beside_what_they_took_the_place_of() -> None:
    text = """\
diff --git a/a.py b/a.py
--- a/a.py
+++ b/a.py
@@ -1,3 +1,5 @@
 x
-def features(x):
-    return x
+def gradients(x):
+    return sobel(x)
+def features(x):
+    return np.hstack([x])
"""
    the_patch = parse(text)
    lines = the_patch.hunks[0].lines
    assert pairs(lines) == {1: 5, 5: 1} | {2: 6, 6: 2}
    rows = rows_of(the_patch, Layout(split=True), Surroundings(the_patch))
    assert [(row.left, row.right) for row in rows if row.kind == "line"] == [(0, 0), (-1, 3), (-1, 4), (1, 5), (2, 6)]


def test_a_new_choice_leaves_nothing_to_redo() -> None:
    choice = Choice(patch())
    choice.toggle_hunk(1)
    assert choice.undo()
    choice.toggle_hunk(2)
    assert not choice.redo()
    assert choice.selection.hunks == {1, 3}


def test_choices_match_selections_made_by_number() -> None:
    choice = Choice(patch())
    choice.toggle_hunk(1)
    choice.toggle_hunk(3)
    choice.toggle_file(patch().files[1])
    choice.toggle_file(patch().files[2])
    assert choice.selection == only_hunks(patch(), [2])
    choice.toggle_lines([(2, 0), (2, 4)])
    assert choice.selection == only_lines(patch(), [(2, 3), (2, 5)])
    choice.toggle_lines([(2, 0)])
    assert choice.selection == only_lines(patch(), [(2, 3), (2, 5)]), "context cannot be chosen"


def test_every_command_can_be_given() -> None:
    table = {action.id.removeprefix("diff.") for action in ACTIONS.values() if action.id.startswith("diff.")}
    # Escape and enter are everybody's; they come to the diff by other actions.
    assert set(COMMANDS) - table == {"unmark", "unfold"}
    assert table - set(COMMANDS) == {"files", "left", "right", "open"}
