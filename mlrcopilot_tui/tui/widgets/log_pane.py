"""The output of a run, straight from its file: a million lines cost no memory, and new ones never move the view."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from mlrcopilot_tui.text import one_line
from mlrcopilot_tui.tui.widgets.log_file import LogFile
from mlrcopilot_tui.tui.widgets.painting import Span, occurrences, paint
from mlrcopilot_tui.tui.widgets.searching import SearchFinished, SearchRequested

_TICK_BYTES: Final = 8 << 20  # read and counted in 8 ms on a 2 vCPU Xeon VM, from the page cache
_TICK_PAGES: Final = 128  # searched in one tick, as many bytes
_COPIED_LINES: Final = 10_000
_SIDE_STEP: Final = 8
_NOWHERE: Final = 1 << 62


class LogPane(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows a text file that grows.

    The app's tick calls `refresh_from_disk`; nothing here has a timer or a thread of its own. At the end of the file
    the view follows new output; scrolled up it stays where it is.
    """

    DEFAULT_CSS = """
    LogPane {
        scrollbar-size: 0 1;
        & > .log-pane--empty { color: $muted; text-style: $muted-style; }
        & > .log-pane--match { color: $match; background: $match-background; }
        & > .log-pane--current { text-style: bold underline; }
        & > .log-pane--selection { background: $screen-selection-background; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log-pane--empty",
        "log-pane--match",
        "log-pane--current",
        "log-pane--selection",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "line(1)", "Down", show=False, id="log.down"),
        Binding("k,up", "line(-1)", "Up", show=False, id="log.up"),
        Binding("ctrl+d", "half_page(1)", "Half a page down", show=False, id="log.half_page_down"),
        Binding("ctrl+u", "half_page(-1)", "Half a page up", show=False, id="log.half_page_up"),
        Binding("pagedown", "half_page(2)", "Page down", show=False, id="log.page_down"),
        Binding("pageup", "half_page(-2)", "Page up", show=False, id="log.page_up"),
        Binding("g,home", "top", "Beginning", show=False, id="log.top"),
        Binding("G,end", "bottom", "Follow", id="log.bottom"),
        Binding("h,left", "sideways(-1)", "Left", show=False, id="log.left"),
        Binding("l,right", "sideways(1)", "Right", show=False, id="log.right"),
        Binding("slash", "search", "Search", id="log.search"),
        Binding("n", "again", "Next match", show=False, id="log.next_match"),
        Binding("N", "again(True)", "Match before", show=False, id="log.previous_match"),
    ]

    def __init__(
        self,
        *,
        empty: str = "The output of the run appears here.",
        id: str | None = None,  # noqa: A002 -- Textual's own name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._empty = empty
        self._file: LogFile | None = None
        self._generation = 0
        self._following = True
        self._seeking_top = False
        self._placing = False
        self._widest = 0
        self._strips: LRUCache[int, Strip] = LRUCache(512)
        self._pattern = ""
        self._match: int | None = None
        self._searching: Iterator[int | None] | None = None

    @property
    def following(self) -> bool:
        """Whether the view goes along with new output."""
        return self._following

    @property
    def line_count(self) -> int:
        """Lines known so far; the beginning of a huge file becomes known tick by tick."""
        return self._file.last - self._file.first if self._file else 0

    def show(self, path: Path | None) -> None:
        """Show another file from its end, or nothing; the file may not exist yet."""
        if self._file is not None:
            self._file.close()
        self._file = LogFile(path) if path is not None else None
        self._begin_anew()
        self.refresh_from_disk()
        self.refresh()

    def refresh_from_disk(self) -> bool:
        """Take note of new output; call it with each tick. Returns whether anything on the screen may have changed."""
        searched = self._continue_search()
        file = self._file
        if file is None:
            return searched
        first = file.first
        if not file.refresh(_TICK_BYTES):
            return searched
        if file.generation != self._generation:
            self._begin_anew()
            first = file.first
        shift = 0 if self._seeking_top else first - file.first
        self._seeking_top = self._seeking_top and not file.complete
        self._place(shift)
        self.refresh()
        return True

    def search(self, pattern: str, *, backwards: bool = False) -> None:
        """Go to the next line that holds the pattern, around the end of the file if need be, and mark every match.

        Lower case finds both cases. A large file is searched a part with each tick; `SearchFinished` tells the result.
        An empty pattern removes the marks.
        """
        file = self._file
        again = pattern == self._pattern
        self._pattern = pattern
        self._strips.clear()
        self.refresh()
        self._searching = None
        if file is None or not pattern or not self.line_count:
            self._match = None
            return
        step = -1 if backwards else 1
        here = self._match if again and self._match is not None else file.first + self.scroll_offset.y - step
        needle = pattern.encode(errors="replace")
        edge = file.last - 1 if backwards else file.first
        self._searching = chain(
            file.candidates(needle, here + step, backwards=backwards),
            file.candidates(needle, edge, backwards=backwards),
        )
        self._continue_search()

    def visible_text(self) -> str:
        """The lines on the screen."""
        top = self.scroll_offset.y
        return "\n".join(self._text(row) for row in range(top, min(self.line_count, top + self.size.height)))

    def selected_text(self) -> str:
        """What the mouse has selected, empty if nothing."""
        selection = self.text_selection
        found = self.get_selection(selection) if selection is not None else None
        return found[0] if found else ""

    def copied(self) -> str:
        """What the mouse has selected, else what is on the screen."""
        return self.selected_text() or self.visible_text()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Give the selected text, ten thousand lines of it at most, for Textual's own copying."""
        top = selection.start.y if selection.start else 0
        bottom = selection.end.y if selection.end else self.line_count - 1
        rows = range(max(0, top), min(self.line_count, bottom + 1, top + _COPIED_LINES))
        if not rows:
            return None
        spans = ((self._text(row), selection.get_span(row) or (0, 0)) for row in rows)
        return "\n".join(text[start : None if stop < 0 else stop] for text, (start, stop) in spans), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002 -- Textual's signature
        """Draw the selection anew."""
        self._strips.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        """Forget strips that were drawn in another theme."""
        super().notify_style_update()
        self._strips.clear()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Stop following when the person scrolls up, and go on when the end is reached again."""
        super().watch_scroll_y(old_value, new_value)
        if not self._placing:
            self._following = new_value >= self.max_scroll_y
            self._seeking_top = False

    def on_resize(self, _: events.Resize) -> None:
        """Stay at the end where the view follows."""
        self._place(0)

    def on_unmount(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        width = self.scrollable_content_region.width
        row = self.scroll_offset.y + y
        if self._file is None or row >= self.line_count:
            return self._render_empty(y, width)
        strip = self._strip(self._file, row)
        if strip.cell_length > self._widest:
            self._widest = strip.cell_length
            self.call_later(self._place, 0)
        left = self.scroll_offset.x
        return strip.crop_extend(left, left + width, self.rich_style).apply_offsets(left, row)

    def move(self, lines: int) -> None:
        """Scroll down by so many lines, up where negative."""
        self._scroll(self.scroll_offset.y + lines)

    def page(self, halves: int) -> None:
        """Scroll down by so many half pages, up where negative."""
        self.move(halves * max(1, self.size.height // 2))

    def to_start(self) -> None:
        """Go to the beginning, and stay there while the beginning of a huge file is still being found."""
        self._scroll(0)
        self._following = False
        self._seeking_top = self._file is not None and not self._file.complete

    def to_end(self) -> None:
        """Go to the end and follow."""
        self._following = True
        self._place(0)

    action_line, action_half_page, action_top, action_bottom = move, page, to_start, to_end

    def action_sideways(self, direction: int) -> None:
        """Scroll sideways."""
        self.scroll_to(x=self.scroll_offset.x + direction * _SIDE_STEP, animate=False, force=True)

    def action_search(self) -> None:
        """Ask the app for a pattern."""
        self.post_message(SearchRequested(self))

    def action_again(self, backwards: bool = False) -> None:
        """Go to the next match, or the one before."""
        self.search(self._pattern, backwards=backwards)

    def _begin_anew(self) -> None:
        self._generation = self._file.generation if self._file else 0
        self._following = True
        self._seeking_top = False
        self._searching = self._match = None
        self._widest = 0
        self._strips.clear()
        self._place(0)

    def _scroll(self, y: int) -> None:
        # Forced, because Textual allows scrolling only once a layout has shown the scrollbar.
        self.scroll_to(y=y, animate=False, force=True)

    def _place(self, shift: int) -> None:
        """Fit the scroll range to the lines known; follow the end, or keep the view on its lines.

        Args:
            shift: lines that came to be known above the view.
        """
        self._placing = True
        top = self.scroll_offset.y
        size = Size(self._widest, self.line_count)
        if size != self.virtual_size:
            # As a reactive it would lay the whole screen out on every tick: twice the paint, half as much CPU again.
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)
        if self._following and not self.is_vertical_scrollbar_grabbed:
            self._scroll(self.max_scroll_y)
        elif shift:
            self._scroll(top + shift)
        self._placing = False

    def _text(self, row: int) -> str:
        return self._file.line(self._file.first + row) if self._file else ""

    def _strip(self, file: LogFile, row: int) -> Strip:
        number = file.first + row
        strip = self._strips.get(number)
        if strip is None:
            text = file.line(number)
            spans = [*occurrences(text, self._pattern, "log-pane--match")]
            if number == self._match:
                spans.append((0, len(text), "log-pane--current"))
            spans += self._selection_span(row, text)
            strip = Strip(paint(self, text, (), spans))
            # The last line may still be written to.
            if number < file.last - 1:
                self._strips[number] = strip
        return strip

    def _selection_span(self, row: int, text: str) -> list[Span]:
        selection = self.text_selection
        span = selection.get_span(row) if selection is not None else None
        if span is None:
            return []
        return [(span[0], len(text) if span[1] < 0 else span[1], "log-pane--selection")]

    def _render_empty(self, y: int, width: int) -> Strip:
        if y or self.line_count:
            return Strip.blank(width, self.rich_style)
        text = one_line(self._empty, width)
        return Strip(paint(self, text, ("log-pane--empty",))).extend_cell_length(width, self.rich_style)

    def _continue_search(self) -> bool:
        """Search as many pages as one tick allows; say whether the search came to its end."""
        file, searching = self._file, self._searching
        if file is None or searching is None:
            return False
        for _ in range(_TICK_PAGES):
            number = next(searching, _NOWHERE)
            if number == _NOWHERE:
                self._finish_search(None)
                return True
            # Bytes may match where nothing is seen: in an escape sequence, or a state of a progress bar since redrawn.
            if number is not None and occurrences(file.line(number), self._pattern, ""):
                self._finish_search(number)
                return True
        return False

    def _finish_search(self, number: int | None) -> None:
        self._searching = None
        self._match = number
        self._strips.clear()
        if number is not None and self._file is not None:
            row = number - self._file.first
            if not 0 <= row - self.scroll_offset.y < self.size.height:
                self._scroll(row - self.size.height // 2)
        self.post_message(SearchFinished(self, self._pattern, found=number is not None))
        self.refresh()
