"""Draws the rows of a diff: gutter, sign and code, with a sign or a box wherever a colour says something."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from rich.segment import Segment
from textual.cache import LRUCache
from textual.strip import Strip
from textual.widget import Widget

from mlrcopilot_tui.text import one_line
from mlrcopilot_tui.tui.views import Role
from mlrcopilot_tui.tui.widgets.diff_choice import Share
from mlrcopilot_tui.tui.widgets.diff_code import ROLES, Code, shown
from mlrcopilot_tui.tui.widgets.diff_page import DiffPage
from mlrcopilot_tui.tui.widgets.diff_rows import Row
from mlrcopilot_tui.tui.widgets.painting import Names, Span, component_style, occurrences, paint
from mlrcopilot_tui.workspace.patch import DiffLine

_NAMES: Final = (
    "add", "add-sign", "add-differs", "remove", "remove-sign", "remove-differs", "context", "out", "gutter",
    "file", "note", "hunk", "cursor", "match", "selected",
)  # fmt: skip
_SAYS: Final[dict[Role, str]] = {
    "plain": "",
    "muted": "color: $muted; text-style: $muted-style;",
    "strong": "text-style: bold;",
    "accent": "color: $champion;",
    "waiting": "color: $needs-you; text-style: bold;",
    "error": "color: $crashed; text-style: bold;",
}
"""How a remark looks, by the roles that remarks have."""
COMPONENTS: Final = frozenset(
    (*(f"diff--{name}" for name in (*_NAMES, *ROLES.values())), *(f"diff--says-{role}" for role in _SAYS))
)
CSS: Final = f"""
    {" ".join(f"& > .diff--says-{role} {{{look}}}" for role, look in _SAYS.items())}
    & > .diff--add {{ background: $diff-add-background; }}
    & > .diff--remove {{ background: $diff-remove-background; }}
    &:ansi > .diff--add {{ color: $diff-add; }}
    &:ansi > .diff--remove {{ color: $diff-remove; }}
    & > .diff--add-sign {{ color: $diff-add; text-style: bold; }}
    & > .diff--remove-sign {{ color: $diff-remove; text-style: bold; }}
    & > .diff--add-differs {{ background: $diff-add-emphasis; text-style: $diff-emphasis-style; }}
    & > .diff--remove-differs {{ background: $diff-remove-emphasis; text-style: $diff-emphasis-style; }}
    & > .diff--out {{ background: $background; color: $muted; text-style: $muted-style; }}
    & > .diff--gutter, & > .diff--note {{ color: $muted; text-style: $muted-style; }}
    & > .diff--file {{ text-style: bold; background: $panel; }}
    & > .diff--hunk {{ color: $diff-hunk; }}
    & > .diff--cursor {{ background: $diff-cursor-background; text-style: $diff-cursor-style; }}
    & > .diff--match {{ color: $match; background: $match-background; text-style: not dim; }}
    & > .diff--selected {{ background: $screen-selection-background; }}
    & > .diff--keyword {{ color: $syntax-keyword; }}
    & > .diff--string {{ color: $syntax-string; }}
    & > .diff--number {{ color: $syntax-number; }}
    & > .diff--comment {{ color: $syntax-comment; }}
    & > .diff--definition {{ color: $syntax-definition; }}
    & > .diff--builtin {{ color: $syntax-builtin; }}
"""
"""What each component looks like, to be put in the widget's own rule."""

Side = Literal["old", "new", "both"]
BOX: Final[dict[Share, str]] = {"all": "[x] ", "some": "[~] ", "none": "[ ] "}
_SIGN: Final = {"add": "+", "remove": "-", "context": " "}
_NO_NEWLINE: Final = "  (no newline at end of file)"
_ONE_NUMBER_BELOW: Final = 60  # cells; a narrow pane shows one line number a row


@dataclass(slots=True)
class Look:
    """How rows are drawn just now; whoever changes the pattern calls `DiffPainter.forget`."""

    width: int = 0
    left: int = 0
    pattern: str = ""
    bar: str = "▌"
    fold: str = "⋯"
    cut: str = "…"
    divider: str = "│"
    minus: str = "\u2212"
    dot: str = "·"


def ascii_look() -> Look:
    """How rows are drawn where only ASCII can be."""
    return Look(bar=">", fold="...", cut=">", divider="|", minus="-", dot="|")


@dataclass(slots=True)
class DiffPainter:
    """Draws the rows of one page for one widget; texts are remembered until `forget`."""

    widget: Widget
    page: DiffPage
    look: Look
    widest: int = 0
    """Cells of the longest line drawn so far."""
    _code: Code = field(init=False)
    _digits: int = 3
    _counts: dict[int, str] = field(default_factory=dict)
    _texts: LRUCache[tuple[int, int, bool, bool], Strip] = field(default_factory=lambda: LRUCache(1024))

    def __post_init__(self) -> None:
        self._code = Code(self.page.around)
        ends = (max(hunk.old_start + hunk.old_count, hunk.new_start + hunk.new_count) for hunk in self.page.hunks)
        self._digits = max(3, len(str(max(ends, default=0))))

    @property
    def gutter(self) -> int:
        """Cells left of the code, in one half where old and new stand side by side."""
        numbers = self._digits + 1
        return 2 + numbers * (1 if self._one_number else 2) + 2

    @property
    def room(self) -> int:
        """Cells for the code, in one half where old and new stand side by side."""
        width = self.look.width // 2 if self.page.split else self.look.width
        return max(0, width - self.gutter)

    @property
    def _one_number(self) -> bool:
        return self.page.split or self.look.width < _ONE_NUMBER_BELOW

    def forget(self) -> None:
        """Draw everything anew."""
        self._texts.clear()

    def paint(self, row: Row, *, active: bool, selected: tuple[int, int] | None = None, y: int = 0) -> Strip:
        """Draw one row.

        Args:
            row: what to draw.
            active: the cursor stands on it, or it is in the marked range.
            selected: characters of its text that the mouse marked.
            y: the row's number, for the mouse.
        """
        base: Names = ("diff--cursor",) if active else ()
        bar = self.look.bar if active else " "
        if row.kind in {"line", "around"}:
            return self._line(row, bar, base, selected, y)
        text = self.page.text(row)
        if row.kind == "file":
            return self._whole(bar, self._file_text(row.file), "", ("diff--file", *base))
        if row.kind == "hunk":
            box = self._box(self.page.choice.of_hunk(row.hunk))
            above = f"{self.look.fold} {row.right} above  " if row.right > 0 else ""
            return self._whole(bar, box + text, f"  {above}{row.hunk}/{len(self.page.hunks)} ", ("diff--hunk", *base))
        name = "diff--note"
        if row.kind == "remark":
            role = self.page.notes[row.hunk, row.left][row.right].role
            name = f"diff--says-{role if role in _SAYS else 'plain'}"
        elif row.kind in {"fold", "rest"}:
            text = f"{self.look.fold} {row.right} unchanged lines"
        return self._whole(f"{bar}    ", text, "", (name, *base))

    def _whole(self, lead: str, text: str, right: str, names: Names) -> Strip:
        width = self.look.width
        style = component_style(self.widget, names)
        left = lead + one_line(text, width - len(lead) - len(right))
        strip = Strip([Segment(left, style)]).extend_cell_length(width - len(right), style)
        return Strip([*strip, Segment(right, style)]).adjust_cell_length(width, style)

    def _file_text(self, at: int) -> str:
        file = self.page.patch.files[at]
        if at not in self._counts:
            added, removed = file.counts
            self._counts[at] = f" +{added} {self.look.minus}{removed}" if file.hunks else ""
        kind = f" {file.kind}" if file.kind != "modified" else ""
        closed = f" {self.look.fold}" if at in self.page.layout.closed else ""
        return f"{self._box(self.page.choice.of_file(file))}{file.path}{self._counts[at]}{kind}{closed}"

    def _box(self, share: Share) -> str:
        return BOX[share] if self.page.selectable else ""

    def _line(self, row: Row, bar: str, base: Names, selected: tuple[int, int] | None, y: int) -> Strip:
        if not self.page.split:
            return self._half(row, row.right if row.right >= 0 else row.left, "both", bar, base, selected, y)
        half = self.look.width // 2
        left = self._half(row, row.left, "old", bar, base, None, y)
        right = self._half(row, row.right, "new", self.look.divider, base, None, y)
        edge = component_style(self.widget, base)
        return Strip.join([left.adjust_cell_length(half, edge), right.adjust_cell_length(self.look.width - half, edge)])

    def _half(
        self, row: Row, place: int, side: Side, bar: str, base: Names, selected: tuple[int, int] | None, y: int
    ) -> Strip:
        line = self.page.line_at(row, place)
        if line is None:
            empty = component_style(self.widget, base)
            return Strip([Segment(bar, empty)]).extend_cell_length(self.gutter + self.room, empty)
        spaced = self.page.only_spaced(row)
        takes = self.page.choice.takes
        taken = not self.page.selectable or line.kind == "context" or takes(row.hunk, place)
        ground = "diff--context" if spaced else f"diff--{line.kind}"
        names: Names = (ground, *base) if taken else (ground, "diff--out", *base)
        gutter = self._gutter(row, line, side, bar, names, taken=taken, spaced=spaced)
        # A line is drawn in another way under the cursor or the mouse, and that is not worth remembering.
        key = (~row.file if row.kind == "around" else row.hunk, place, taken, spaced)
        text = None if base or selected else self._texts.get(key)
        if text is None:
            text = self._text(row, place, line, names, selected, taken=taken)
            if not base and not selected:
                self._texts[key] = text
        self.widest = max(self.widest, text.cell_length)
        return Strip.join([gutter, self._cropped(text, names, y)])

    def _cropped(self, text: Strip, names: Names, y: int) -> Strip:
        left, room = self.look.left, self.room
        cropped = text.crop_extend(left, left + room, component_style(self.widget, names))
        if text.cell_length > left + room > left:
            mark = Segment(self.look.cut, component_style(self.widget, (*names, "diff--gutter")))
            cropped = Strip([*cropped.crop(0, room - 1), mark])
        return cropped.apply_offsets(left, y)

    def _gutter(
        self, row: Row, line: DiffLine, side: Side, bar: str, names: Names, *, taken: bool, spaced: bool
    ) -> Strip:
        partly = line.kind != "context" and self.page.selectable and self.page.choice.of_hunk(row.hunk) == "some"
        mark = "x" if partly and taken else " "
        numbers: tuple[int | None, ...] = (line.old_no if side == "old" else line.new_no or line.old_no,)
        if not self._one_number:
            other = self.page.line_at(row, row.left) if spaced else line
            numbers = (other.old_no if other else None, line.new_no)
        columns = "".join(f"{number or '':>{self._digits}} " for number in numbers)
        sign = "~" if spaced else _SIGN[line.kind]
        ink = (f"diff--{line.kind}-sign",) if line.kind != "context" and not spaced else ()
        return Strip(
            [
                Segment(bar + mark + columns, component_style(self.widget, (*names, "diff--gutter"))),
                Segment(f"{sign} ", component_style(self.widget, (*names, *ink))),
            ]
        )

    def _text(
        self,
        row: Row,
        place: int,
        line: DiffLine,
        names: Names,
        selected: tuple[int, int] | None,
        *,
        taken: bool,
    ) -> Strip:
        text = shown(line)
        spans: list[Span] = []
        # With sixteen colours a changed line is its sign's colour throughout, as git has it.
        if taken and (line.kind == "context" or not self.widget.app.native_ansi_color):
            spans += ((a, b, f"diff--{role}") for a, b, role in self._roles(row, place))
        if taken and line.kind != "context":
            differing = self._code.differences(self.page.hunks[row.hunk - 1], place)
            spans += ((a, b, f"diff--{line.kind}-differs") for a, b, _ in differing)
        spans += occurrences(text, self.look.pattern, "diff--match")
        if selected:
            start, stop = selected
            spans.append((start, len(text) if stop < 0 else stop, "diff--selected"))
        segments = paint(self.widget, text, names, spans)
        if not line.newline:
            segments.append(Segment(_NO_NEWLINE, component_style(self.widget, (*names, "diff--note"))))
        return Strip(segments)

    def _roles(self, row: Row, place: int) -> Sequence[Span]:
        file = self.page.patch.files[row.file]
        if row.kind == "around":
            return self._code.roles_around(row.file, file, place)
        return self._code.roles(file, self.page.hunks[row.hunk - 1], place)
