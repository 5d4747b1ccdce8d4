"""A patch under review: every hunk and line can be taken in or out, and what is in is what gets approved."""

from functools import partial
from typing import ClassVar, Final

from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection as TextSelection
from textual.strip import Strip
from textual.timer import Timer

from mlrcopilot_tui.text import one_line
from mlrcopilot_tui.tui.views import Notes
from mlrcopilot_tui.tui.widgets import diff_painter
from mlrcopilot_tui.tui.widgets.diff_page import DiffPage
from mlrcopilot_tui.tui.widgets.diff_painter import DiffPainter, Look
from mlrcopilot_tui.tui.widgets.diff_rows import NOTHING_SAID
from mlrcopilot_tui.tui.widgets.painting import component_style, paint
from mlrcopilot_tui.tui.widgets.searching import SearchFinished
from mlrcopilot_tui.workspace.patch import Patch
from mlrcopilot_tui.workspace.patch_selection import Selection
from mlrcopilot_tui.workspace.surroundings import Surroundings

_TOP: Final = 1  # rows of the headline
_SIDE_STEP: Final = 8
_IDLE_S: Final = 0.05  # after a movement, until what may come into view next is drawn


class DiffView(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows a patch and lets a person choose what of it is taken; at first everything is.

    It has no keys of its own: whoever shows it calls `perform` and the movements.
    """

    DEFAULT_CSS = f"""
    DiffView {{
        scrollbar-size: 0 1;
        {diff_painter.CSS}
    }}
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = set(diff_painter.COMPONENTS)

    def __init__(self, *, empty: str = "The patch to decide on appears here.", ascii_only: bool = False) -> None:
        super().__init__()
        self._empty = empty
        self._title = ""
        self._look = diff_painter.ascii_look() if ascii_only else Look()
        self._ahead: Timer | None = None
        self._left: DiffPage | None = None
        self._become(DiffPage(Patch()))

    def show(
        self,
        patch: Patch | None,
        title: str = "",
        *,
        around: Surroundings | None = None,
        selectable: bool = True,
        notes: Notes = NOTHING_SAID,
    ) -> None:
        """Show another patch from its first hunk, all of it taken; the one that is shown already stays as it is.

        The patch that was last being chosen from comes back as it was left: with what is taken, and at its line.

        Args:
            patch: what to show, None for nothing.
            title: whose patch it is, for the headline; of an empty one, why there is nothing.
            around: the unchanged lines around its hunks.
            selectable: whether hunks and lines can be taken in and out.
            notes: what is said of hunks and lines, shown below them.
        """
        patch, page = patch or Patch(), self._page
        self._title = title
        if patch != page.patch or selectable != page.selectable:
            self._left = page if page.selectable and page.patch.files else self._left
            resumed = self._resumed(patch, notes) if selectable else None
            self._become(resumed or DiffPage(patch, around, like=page, selectable=selectable, notes=notes))
            self._fit()
            self.scroll_to(0, 0, animate=False, force=True)
            self._moved(range(0), jumped=True)
        elif notes != page.notes:
            page.say(notes)
            self._redraw()
            self._moved(range(0), jumped=True)
        self.refresh()

    def _resumed(self, patch: Patch, notes: Notes) -> DiffPage | None:
        """The page of a patch that was being chosen from, laid out like the present one."""
        left = self._left
        if left is None or left.patch != patch:
            return None
        left.resume(self._page, notes)
        return left

    def _become(self, page: DiffPage) -> None:
        self._page = page
        self._painter = DiffPainter(self, page, self._look)

    @property
    def patch(self) -> Patch:
        """What is shown."""
        return self._page.patch

    @property
    def around(self) -> Surroundings:
        """What is around its hunks."""
        return self._page.around

    @property
    def selection(self) -> Selection:
        """What of the patch is taken."""
        return self._page.choice.selection

    @property
    def partial(self) -> bool:
        """Whether anything of the patch is not taken."""
        return self._page.choice.partial

    @property
    def place(self) -> tuple[str, int]:
        """The file under the cursor and the line in its new state, for an editor; ("", 0) without a patch."""
        return self._page.place

    @property
    def marked_lines(self) -> tuple[int, int]:
        """The first and the last marked line of the hunk under the cursor, counted from 1; 0, 0 where none is."""
        page = self._page
        if page.anchor is None or page.row is None:
            return 0, 0
        rows = [page.rows[at] for at in page.active]
        own = [row for row in rows if row.kind == "line" and row.hunk == page.row.hunk]
        places = [place + 1 for row in own for place in (row.left, row.right) if place >= 0]
        return (min(places), max(places)) if places else (0, 0)

    @property
    def headline(self) -> str:
        """Title, file, counts, hunk, and how much is taken."""
        page = self._page
        if page.row is None or page.file is None:
            return self._title
        added, removed, hunks = page.size
        parts = [self._title, page.file.path, f"+{added} {self._look.minus}{removed}"]
        if page.row.hunk:
            parts.append(f"hunk {page.row.hunk}/{hunks}")
        if page.choice.partial:
            parts.append(f"{page.choice.chosen_lines} of {page.choice.all_lines} lines in")
        return f" {self._look.dot} ".join(part for part in parts if part)

    def perform(self, command: str) -> None:
        """Do one of `diff_page.COMMANDS`: toggle, range, undo, next_hunk, side_by_side, …"""
        page = self._page
        cursor, rows, chosen, active = page.cursor, page.rows, page.choice.state, page.active
        page.perform(command)
        if page.rows is not rows or page.choice.state is not chosen:
            self._redraw()
        self._moved(active, jumped=page.cursor != cursor)

    def move(self, lines: int) -> None:
        """Move the cursor down by so many rows, up where negative."""
        active = self._page.active
        self._page.move_to(self._page.cursor + lines)
        self._moved(active)

    def page(self, halves: int) -> None:
        """Move the cursor down by so many half pages, up where negative."""
        self.move(halves * max(1, (self.size.height - _TOP) // 2))

    def to_start(self) -> None:
        """Go to the first row."""
        self.move(-len(self._page.rows))

    def to_end(self) -> None:
        """Go to the last row."""
        self.move(len(self._page.rows))

    def search(self, pattern: str, *, backwards: bool = False) -> None:
        """Go to the next row that holds the pattern, around the end if need be, and mark every match.

        Lower case finds both cases; `SearchFinished` tells the result; an empty pattern removes the marks.
        """
        self._look.pattern = pattern
        active = self._page.active
        found = bool(pattern) and self._page.find(pattern, -1 if backwards else 1)
        self._painter.forget()
        self._redraw()
        self._moved(active, jumped=found)
        if pattern:
            self.post_message(SearchFinished(self, pattern, found=found))

    def copied(self) -> str:
        """What the mouse has selected, else the marked lines or the one under the cursor, without signs."""
        selection = self.text_selection
        found = self.get_selection(selection) if selection is not None else None
        return found[0] if found else "\n".join(self._page.text(self._page.rows[at]) for at in self._page.active)

    def sideways(self, direction: int) -> None:
        """Scroll long lines."""
        self.scroll_to(x=self.scroll_offset.x + direction * _SIDE_STEP, animate=False, force=True)

    @property
    def marking(self) -> bool:
        """Whether lines are being marked, from where the range began to the cursor."""
        return self._page.anchor is not None

    def get_selection(self, selection: TextSelection) -> tuple[str, str] | None:
        """Give the code that the mouse selected, without gutter and signs."""
        rows = self._page.rows
        if self._page.split or not rows:
            return None
        top = selection.start.y if selection.start else 0
        bottom = selection.end.y if selection.end else len(rows) - 1
        spans = ((self._page.text(rows[at]), selection.get_span(at) or (0, 0)) for at in range(top, bottom + 1))
        return "\n".join(text[start : None if stop < 0 else stop] for text, (start, stop) in spans), "\n"

    def selection_updated(self, selection: TextSelection | None) -> None:  # noqa: ARG002 -- Textual's signature
        """Draw what the mouse selected anew."""
        self.refresh()

    def notify_style_update(self) -> None:
        """Forget what was drawn in another theme."""
        super().notify_style_update()
        self._painter.forget()

    def on_resize(self, _: events.Resize) -> None:
        """Leave or enter side by side where the room for it went or came."""
        self._page.fit(self.scrollable_content_region.width)
        self._redraw()
        self._moved(range(0), jumped=True)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; on a box, take its hunk or file in or out; unfold what is folded."""
        at = event.y - _TOP + self.scroll_offset.y
        if event.y < _TOP or at >= len(self._page.rows):
            return
        self.move(at - self._page.cursor)
        row = self._page.rows[at]
        if row.kind in {"file", "hunk"} and 1 <= event.x <= 3:
            self.perform("toggle")
        elif row.kind in {"fold", "rest"} or (row.kind == "hunk" and row.right > 0 and event.x > self.size.width // 2):
            self.perform("unfold")

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Draw from another column on."""
        super().watch_scroll_x(old_value, new_value)
        self._look.left = round(new_value)

    def render_line(self, y: int) -> Strip:
        """Draw the headline or one row."""
        page, width = self._page, self.scrollable_content_region.width
        self._look.width = width
        if y < _TOP or not page.rows:
            text = one_line(self.headline or self._empty, width) if y == 0 else ""
            names = ("diff--note",) if not page.rows else ()
            return Strip(paint(self, text, names)).extend_cell_length(width, component_style(self, names))
        at = y - _TOP + self.scroll_offset.y
        if at >= len(page.rows):
            return Strip.blank(width, self.rich_style)
        selection = self.text_selection
        selected = selection.get_span(at) if selection is not None and not self._page.split else None
        widest = self._painter.widest
        strip = self._painter.paint(page.rows[at], active=at in page.active, selected=selected, y=at)
        if self._painter.widest > widest:
            self.call_later(self._fit)
        return strip

    def _redraw(self) -> None:
        self._fit()
        self.refresh()

    def _fit(self) -> None:
        self._look.width = self.scrollable_content_region.width
        hidden = max(0, self._painter.widest - self._painter.room)
        self.virtual_size = Size(self._look.width + hidden, len(self._page.rows) + _TOP)

    def _moved(self, before: range, *, jumped: bool = False) -> None:
        """Bring the cursor into view, of a hunk it jumped to as much as there is room for; draw only what changed."""
        page = self._page
        top, room = self.scroll_offset.y, self.size.height - _TOP
        if room <= 0:
            return
        goal = page.in_view(top, room, jumped=jumped)
        if goal != top:
            self.scroll_to(y=goal, animate=False, force=True)
        for at in {*before, *page.active}:
            if goal <= at < goal + room:
                self.refresh(Region(0, at - goal + _TOP, self.size.width, 1))
        self.refresh(Region(0, 0, self.size.width, _TOP))
        if self._ahead is not None:
            self._ahead.stop()
        self._ahead = self.set_timer(_IDLE_S, partial(self._paint_ahead, range(goal - room // 2, goal + room * 3 // 2)))

    def _paint_ahead(self, rows: range) -> None:
        """Draw what half a page up or down would bring into view: reading code takes longer than all the rest."""
        for row in self._page.rows[max(0, rows.start) : rows.stop]:
            self._painter.paint(row, active=False)
