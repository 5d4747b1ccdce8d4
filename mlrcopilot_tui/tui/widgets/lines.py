"""Text by the line, and lists with a cursor; only visible lines are drawn."""

from collections.abc import Sequence
from typing import ClassVar, overload

from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection as TextSelection
from textual.strip import Strip
from textual.style import Style
from textual.visual import Visual

from mlrcopilot_tui.text import printable
from mlrcopilot_tui.tui.views import Row
from mlrcopilot_tui.tui.widgets.roles import between, content, style_of
from mlrcopilot_tui.tui.widgets.searching import SearchFinished

_WIDEST_ROW = 110


class LinesView(ScrollView, can_focus=True):
    """Lines that scroll, with search; what they say comes from a subclass's `lay_out`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"lines--cursor", "lines--match"}
    DEFAULT_CSS = """
    LinesView {
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
        scrollbar-gutter: stable;
        & > .lines--cursor { background: $block-cursor-blurred-background; text-style: bold; }
        &:ansi > .lines--cursor { background: ansi_default; }
        &:focus:nocolor > .lines--cursor { text-style: bold underline; }
        &:focus > .lines--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
        & > .lines--match { background: $match-background; color: $match; }
    }
    """

    def __init__(self, *, id: str | None = None, empty: str = "") -> None:  # noqa: A002 -- Textual's own parameter
        super().__init__(id=id)
        self.empty = empty
        """What stands here while there is nothing, and what begins it."""
        self._lines: Sequence[Content] = ()
        self._laid_out_for = -1
        self._pattern = ""
        self._matches: list[int] = []

    @property
    def cursor(self) -> int | None:
        """The line that keys act on; None where lines have no cursor."""
        return None

    def is_current(self, at: int) -> bool:
        """Whether a line is what keys act on."""
        return at == self.cursor

    def lay_out(self, width: int) -> Sequence[Content]:
        """The lines at this width."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Lays out anew, now if it can be seen, else when it will be."""
        self._laid_out_for = -1
        if self.display and self.size.width:
            self._ensure_laid_out()
            self.refresh()

    def on_resize(self, _: events.Resize) -> None:
        """Wraps to the new width."""
        self._ensure_laid_out()

    def on_show(self, _: events.Show) -> None:
        """Catches up with what changed while it was hidden."""
        self._ensure_laid_out()

    def _ensure_laid_out(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0 or width == self._laid_out_for:
            return
        self._laid_out_for = width
        self._lines = self.lay_out(width) or [
            *([Content("")] if self.empty else []),
            *(
                line.pad_left(1)
                for line in Content.styled(printable(self.empty), style_of("muted")).wrap(max(1, width - 2))
            ),
        ]
        self._fit(Size(width, len(self._lines)))
        self._find()

    def _fit(self, size: Size) -> None:
        """Takes the lines' new extent."""
        self.virtual_size = size

    def render_line(self, y: int) -> Strip:
        """One visible line."""
        width = self.scrollable_content_region.width
        at = y + self.scroll_offset.y
        if at >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        line, style = self._lines[at], self.visual_style
        if self.is_current(at):
            style = self.get_visual_style("lines--cursor")
            # In one colour: no theme can make all its meanings legible on the cursor's ground.
            line = line.without_spans if self.has_focus else line
        line = self._marked(line, at)
        strip = Visual.to_strips(self, line, width, 1, style, apply_selection=False, pad=True)[0]
        return strip.apply_offsets(0, at)

    def _marked(self, line: Content, at: int) -> Content:
        if self._pattern and at in self._matches:
            style = self.get_visual_style("lines--match")
            start = line.plain.lower().find(self._pattern)
            while start >= 0:
                line = line.stylize(style, start, start + len(self._pattern))
                start = line.plain.lower().find(self._pattern, start + len(self._pattern))
        if (selection := self.text_selection) is not None and (span := selection.get_span(at)) is not None:
            start, end = span
            chosen = Style.from_styles(self.screen.get_component_styles("screen--selection"))
            line = line.stylize(chosen, start, len(line) if end == -1 else end)
        return line

    def get_selection(self, selection: TextSelection) -> tuple[str, str] | None:
        """The text that the mouse marked."""
        return selection.extract("\n".join(line.plain for line in self._lines)), "\n"

    def move(self, lines: int) -> None:
        """Down by so many lines, up where negative."""
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False)

    def page(self, halves: int) -> None:
        """Down by so many half pages, up where negative."""
        self.move(halves * max(1, self.size.height // 2))

    def to_start(self) -> None:
        """To the first line."""
        self.move(-len(self._lines))

    def to_end(self) -> None:
        """To the last line."""
        self.move(len(self._lines))

    def search(self, pattern: str, *, backwards: bool = False) -> None:
        """Marks the lines that hold `pattern` in either case and goes to the next one, or says that there is none."""
        again = pattern.lower() == self._pattern
        self._pattern = pattern.lower()
        self._find()
        if self._matches:
            self.go_to(self._next_match(-1 if backwards else 1, including=not again))
        self.refresh()
        if pattern:
            self.post_message(SearchFinished(self, pattern, found=bool(self._matches)))

    def _next_match(self, step: int, *, including: bool) -> int:
        here = self.cursor if self.cursor is not None else self.scroll_offset.y
        ahead = [at for at in self._matches if (at - here) * step > 0 or (including and at == here)]
        if not ahead:
            return self._matches[0 if step > 0 else -1]
        return min(ahead) if step > 0 else max(ahead)

    def go_to(self, line: int) -> None:
        """Brings a line into view."""
        self.scroll_to(y=line, animate=False)

    def copied(self) -> str:
        """What `y` copies: the marked text, else the line under the cursor, else all of it."""
        if self.cursor is not None and self._lines:
            return self._lines[self.cursor].plain.strip()
        return "\n".join(line.plain.rstrip() for line in self._lines)

    def _find(self) -> None:
        pattern = self._pattern
        self._matches = [at for at, line in enumerate(self._lines) if pattern in line.plain.lower()] if pattern else []


class RowList(LinesView):
    """Rows with a cursor that stays on its row when others come or go."""

    class Moved(Message):
        """The cursor stands on another row."""

        def __init__(self, rows: "RowList", key: str) -> None:
            super().__init__()
            self.rows = rows
            self.key = key

    class Chosen(Moved):
        """A row was clicked while the cursor stood on it."""

    def __init__(self, *, id: str | None = None, empty: str = "") -> None:  # noqa: A002 -- Textual's own parameter
        super().__init__(id=id, empty=empty)
        self._rows: tuple[Row, ...] = ()
        self._at = 0

    @property
    def cursor(self) -> int | None:
        """The row that keys act on."""
        return self._at if self._rows else None

    @property
    def key(self) -> str | None:
        """The key of the row under the cursor."""
        return self._rows[self._at].key if self._rows else None

    def show(self, rows: Sequence[Row]) -> None:
        """Shows other rows; the cursor stays on the row of its key, or as near as it was."""
        new = tuple(rows)
        if new == self._rows:
            return
        key = self.key
        self._rows = new
        keys = [row.key for row in new]
        self._at = keys.index(key) if key in keys else max(0, min(self._at, len(new) - 1))
        self.redraw()

    def lay_out(self, width: int) -> Sequence[Content]:
        """A line a row; on a wide screen the eye must still find the right end of a row."""
        return _LaidOutRows(self._rows, min(width, _WIDEST_ROW))

    def move(self, lines: int) -> None:
        """Moves the cursor."""
        self.go_to(self._at + lines)

    def go_to(self, line: int) -> None:
        """Puts the cursor on a row and brings it into view."""
        if not self._rows:
            return
        self._at = max(0, min(line, len(self._rows) - 1))
        self.scroll_to_region(Region(0, self._at, 1, 1), animate=False, x_axis=False)
        self.refresh()
        self.post_message(self.Moved(self, self._rows[self._at].key))

    def to_key(self, key: str) -> None:
        """Puts the cursor on the row of this key, if there is one."""
        for at, row in enumerate(self._rows):
            if row.key == key:
                self.go_to(at)

    def on_click(self, event: events.Click) -> None:
        """Moves the cursor to the clicked row; a click on the cursor's row chooses it."""
        line = event.y + self.scroll_offset.y
        if line >= len(self._rows):
            return
        chosen = line == self._at and self.has_focus
        self.go_to(line)
        if chosen:
            self.post_message(self.Chosen(self, self._rows[line].key))


class _LaidOutRows(Sequence[Content]):
    """Rows as lines, each laid out when it is first looked at: of a thousand, thirty are seen."""

    def __init__(self, rows: Sequence[Row], width: int) -> None:
        self._rows = rows
        self._width = width
        self._lines: dict[int, Content] = {}

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> Content: ...

    @overload
    def __getitem__(self, at: slice) -> list[Content]: ...

    def __getitem__(self, at: int | slice) -> Content | list[Content]:
        if isinstance(at, slice):
            return [self[index] for index in range(*at.indices(len(self)))]
        if at not in self._lines:
            self._lines[at] = _laid_out(self._rows[at], self._width)
        return self._lines[at]


def _laid_out(row: Row, width: int) -> Content:
    left, right, more = content(row.left), content(row.right), content(row.more)
    if more and left.cell_length + more.cell_length + right.cell_length + 4 <= width:
        right = more + "  " + right
    return between(left, right, width)
