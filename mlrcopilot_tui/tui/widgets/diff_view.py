"""A patch under review: every hunk and line can be taken in or out, and what is in is what gets approved."""

from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection as TextSelection
from textual.strip import Strip

from mlrcopilot_tui.text import one_line
from mlrcopilot_tui.tui.views import Notes
from mlrcopilot_tui.tui.widgets import diff_painter
from mlrcopilot_tui.tui.widgets.diff_page import CHOOSING, DiffPage
from mlrcopilot_tui.tui.widgets.diff_painter import DiffPainter, Look
from mlrcopilot_tui.tui.widgets.diff_rows import NOTHING_SAID, Layout
from mlrcopilot_tui.tui.widgets.painting import component_style, paint
from mlrcopilot_tui.tui.widgets.searching import SearchFinished, SearchRequested
from mlrcopilot_tui.workspace.patch import Patch, Selection

_SPLIT_FROM: Final = 100  # cells; below, old and new stand one below the other
_SIDE_STEP: Final = 8
_MARGIN: Final = 2  # rows kept in view above and below the cursor


def _command(keys: str, command: str, description: str, *, show: bool = False) -> Binding:
    return Binding(keys, f"perform('{command}')", description, show=show, id=f"diff.{command}")


class DiffView(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows a patch and lets a person choose what of it is taken; at first everything is."""

    DEFAULT_CSS = f"""
    DiffView {{
        scrollbar-size: 0 1;
        {diff_painter.CSS}
    }}
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = set(diff_painter.COMPONENTS)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="diff.down"),
        Binding("k,up", "move(-1)", "Up", show=False, id="diff.up"),
        Binding("ctrl+d", "page(1)", "Half a page down", show=False, id="diff.half_page_down"),
        Binding("ctrl+u", "page(-1)", "Half a page up", show=False, id="diff.half_page_up"),
        Binding("pagedown", "page(2)", "Page down", show=False, id="diff.page_down"),
        Binding("pageup", "page(-2)", "Page up", show=False, id="diff.page_up"),
        Binding("g,home", "to_start", "Beginning", show=False, id="diff.top"),
        Binding("G,end", "to_end", "End", show=False, id="diff.bottom"),
        _command("h,left,left_square_bracket", "previous_hunk", "Hunk before"),
        _command("l,right,right_square_bracket", "next_hunk", "Next hunk"),
        _command("K", "previous_file", "File before"),
        _command("J", "next_file", "Next file"),
        Binding("shift+left,less_than_sign", "sideways(-1)", "Left", show=False, id="diff.left"),
        Binding("shift+right,greater_than_sign", "sideways(1)", "Right", show=False, id="diff.right"),
        _command("space", "toggle", "Hunk in or out", show=True),
        _command("v", "range", "Mark lines", show=True),
        _command("escape", "unmark", "Unmark", show=True),
        _command("U", "undo", "Undo"),
        _command("ctrl+r", "redo", "Redo"),
        _command("w", "white_space", "White space", show=True),
        _command("s", "side_by_side", "Side by side", show=True),
        _command("left_curly_bracket", "less_context", "Less context"),
        _command("right_curly_bracket", "more_context", "More context"),
        Binding("slash", "search", "Search", id="diff.search"),
        Binding("n", "again", "Next match", show=False, id="diff.next_match"),
        Binding("N", "again(True)", "Match before", show=False, id="diff.previous_match"),
    ]

    class SelectionChanged(Message):
        """Something was taken in or out."""

        def __init__(self, view: "DiffView", selection: Selection) -> None:
            super().__init__()
            self.view = view
            self.selection = selection

        @property
        def control(self) -> "DiffView":
            """The diff."""
            return self.view

    def __init__(
        self,
        *,
        empty: str = "The patch to decide on appears here.",
        headline: bool = True,
        ascii_only: bool = False,
        id: str | None = None,  # noqa: A002 -- Textual's own name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._empty = empty
        self._top = int(headline)
        self._title = ""
        self._look = Look(bar=">", fold="...", divider="|", minus="-") if ascii_only else Look()
        self._page = DiffPage(Patch(), Layout())
        self._painter = DiffPainter(self, self._page.patch, self._page.choice, self._look)

    def show(
        self, patch: Patch | None, title: str = "", *, selectable: bool = True, notes: Notes = NOTHING_SAID
    ) -> None:
        """Show another patch from its first hunk, all of it taken; the one that is shown already stays as it is.

        Args:
            patch: what to show, None for nothing.
            title: whose patch it is, for the headline.
            selectable: whether hunks and lines can be taken in and out.
            notes: what is said of hunks and lines, shown below them.
        """
        patch = patch or Patch()
        self._title = title
        if patch != self._page.patch or selectable != self._look.selectable:
            self._look.selectable = selectable
            self._page = DiffPage(patch, self._page.layout, wide=self._page.wide, selectable=selectable, notes=notes)
            self._painter = DiffPainter(self, patch, self._page.choice, self._look, notes)
            self._fit()
            self.scroll_to(0, 0, animate=False, force=True)
            self._moved(range(0), jumped=True)
            self.refresh_bindings()
        elif notes != self._page.notes:
            self._painter.notes = notes
            self._page.say(notes)
            self._redraw()
            self._moved(range(0), jumped=True)
        self.refresh()

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
    def hunk_at_cursor(self) -> tuple[int, str] | None:
        """The number of the hunk under the cursor and the path of its file; None where the cursor is on no hunk."""
        hunk, file = self._page.hunk, self._page.file
        return (hunk.index, file.path) if hunk is not None and file is not None else None

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
        return " · ".join(part for part in parts if part)

    def perform(self, command: str) -> None:
        """Do one of `diff_page.COMMANDS`: toggle, range, undo, next_hunk, side_by_side, …"""
        page = self._page
        cursor, rows, chosen, active = page.cursor, page.rows, page.choice.state, page.active
        page.perform(command)
        if page.rows is not rows or page.choice.state is not chosen:
            self._redraw()
        if page.choice.state is not chosen:
            self.post_message(self.SelectionChanged(self, self.selection))
        self._moved(active, jumped=page.cursor != cursor)

    def move(self, lines: int) -> None:
        """Move the cursor down by so many rows, up where negative."""
        active = self._page.active
        self._page.move_to(self._page.cursor + lines)
        self._moved(active)

    def page(self, halves: int) -> None:
        """Move the cursor down by so many half pages, up where negative."""
        self.move(halves * max(1, (self.size.height - self._top) // 2))

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
        self._redraw()
        self._moved(active, jumped=found)
        if pattern:
            self.post_message(SearchFinished(self, pattern, found=found))

    def copied(self) -> str:
        """What the mouse has selected, else the marked lines or the one under the cursor, without signs."""
        selection = self.text_selection
        found = self.get_selection(selection) if selection is not None else None
        return found[0] if found else "\n".join(self._page.text(self._page.rows[at]) for at in self._page.active)

    action_perform, action_move, action_page, action_to_start, action_to_end = perform, move, page, to_start, to_end

    def action_sideways(self, direction: int) -> None:
        """Scroll long lines."""
        self.scroll_to(x=self.scroll_offset.x + direction * _SIDE_STEP, animate=False, force=True)

    def action_search(self) -> None:
        """Ask the app for a pattern."""
        self.post_message(SearchRequested(self))

    def action_again(self, backwards: bool = False) -> None:
        """Go to the next match, or the one before."""
        self.search(self._look.pattern, backwards=backwards)

    @property
    def marking(self) -> bool:
        """Whether lines are being marked, from where the range began to the cursor."""
        return self._page.anchor is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave escape to others while nothing is marked, and offer no choosing where there is nothing to choose."""
        if action != "perform":
            return True
        if parameters == ("unmark",):
            return self.marking
        return self._look.selectable or parameters[0] not in CHOOSING

    def get_selection(self, selection: TextSelection) -> tuple[str, str] | None:
        """Give the code that the mouse selected, without gutter and signs."""
        rows = self._page.rows
        if self._look.split or not rows:
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
        wide = self.size.width >= _SPLIT_FROM
        if wide != self._page.wide:
            self._page.lay_out(self._page.layout, wide=wide)
        self._redraw()
        self._moved(range(0), jumped=True)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; on a box, take its hunk or file in or out."""
        at = event.y - self._top + self.scroll_offset.y
        if event.y < self._top or at >= len(self._page.rows):
            return
        self.move(at - self._page.cursor)
        if self._page.rows[at].kind in {"file", "hunk"} and 1 <= event.x <= 3:
            self.perform("toggle")

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Draw from another column on."""
        super().watch_scroll_x(old_value, new_value)
        self._look.left = round(new_value)

    def render_line(self, y: int) -> Strip:
        """Draw the headline or one row."""
        page, width = self._page, self.scrollable_content_region.width
        self._look.width = width
        if y < self._top or not page.rows:
            text = one_line(self.headline if page.rows else self._empty, width) if y == 0 else ""
            names = ("diff--note",) if not page.rows else ()
            return Strip(paint(self, text, names)).extend_cell_length(width, component_style(self, names))
        at = y - self._top + self.scroll_offset.y
        if at >= len(page.rows):
            return Strip.blank(width, self.rich_style)
        selection = self.text_selection
        selected = selection.get_span(at) if selection is not None and not self._look.split else None
        widest = self._painter.widest
        strip = self._painter.paint(page.rows[at], active=at in page.active, selected=selected, y=at)
        if self._painter.widest > widest:
            self.call_later(self._fit)
        return strip

    def _redraw(self) -> None:
        self._painter.forget()
        self._fit()
        self.refresh()

    def _fit(self) -> None:
        self._look.width = self.scrollable_content_region.width
        self._look.split = self._page.split
        hidden = max(0, self._painter.widest - self._painter.room)
        self.virtual_size = Size(self._look.width + hidden, len(self._page.rows) + self._top)

    def _moved(self, before: range, *, jumped: bool = False) -> None:
        """Bring the cursor into view, of a hunk it jumped to as much as there is room for; draw only what changed."""
        page = self._page
        top, room = self.scroll_offset.y, self.size.height - self._top
        if room <= 0:
            return
        margin = min(_MARGIN, room // 4)
        last = page.cursor + margin
        if jumped and page.row is not None and page.row.kind == "hunk":
            ends = (at for at in range(page.cursor + 1, len(page.rows)) if page.rows[at].hunk != page.row.hunk)
            last = min(next(ends, len(page.rows)) - 1, page.cursor + room - 1)
        goal = min(max(top, last - room + 1), max(0, page.cursor - margin))
        if goal != top:
            self.scroll_to(y=goal, animate=False, force=True)
        for at in {*before, *page.active}:
            if goal <= at < goal + room:
                self.refresh(Region(0, at - goal + self._top, self.size.width, 1))
        self.refresh(Region(0, 0, self.size.width, self._top))
