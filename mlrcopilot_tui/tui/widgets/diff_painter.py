"""Draws the rows of a diff: gutter, sign and code, with a sign or a box wherever a colour says something."""

from dataclasses import dataclass, field
from typing import Final

from rich.segment import Segment
from textual.cache import LRUCache
from textual.strip import Strip
from textual.widget import Widget

from mlrcopilot_tui.text import one_line
from mlrcopilot_tui.tui.views import Notes, Role
from mlrcopilot_tui.tui.widgets.diff_choice import Choice, Share
from mlrcopilot_tui.tui.widgets.diff_code import ROLES, Code, shown
from mlrcopilot_tui.tui.widgets.diff_rows import Row, note_of
from mlrcopilot_tui.tui.widgets.painting import Names, Span, component_style, occurrences, paint
from mlrcopilot_tui.workspace.patch import DiffLine, FileChange, Hunk, Patch

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
    & > .diff--match {{ color: $match; background: $match-background; }}
    & > .diff--selected {{ background: $screen-selection-background; }}
    & > .diff--keyword {{ color: $syntax-keyword; }}
    & > .diff--string {{ color: $syntax-string; }}
    & > .diff--number {{ color: $syntax-number; }}
    & > .diff--comment {{ color: $syntax-comment; }}
    & > .diff--definition {{ color: $syntax-definition; }}
    & > .diff--builtin {{ color: $syntax-builtin; }}
"""
"""What each component looks like, to be put in the widget's own rule."""

_BOX: Final[dict[Share, str]] = {"all": "[x] ", "some": "[~] ", "none": "[ ] "}
_SIGN: Final = {"add": "+", "remove": "-", "context": " "}
_NO_NEWLINE: Final = "  (no newline at end of file)"
_ONE_NUMBER_BELOW: Final = 60  # cells; a narrow pane shows one line number a row


@dataclass(slots=True)
class Look:
    """How rows are drawn just now; whoever changes it calls `DiffPainter.forget`."""

    width: int = 0
    left: int = 0
    split: bool = False
    pattern: str = ""
    selectable: bool = True
    bar: str = "▌"
    fold: str = "⋯"
    divider: str = "│"
    minus: str = "\u2212"


@dataclass(slots=True)
class DiffPainter:
    """Draws rows for one widget; texts are remembered until `forget`."""

    widget: Widget
    patch: Patch
    choice: Choice
    look: Look
    notes: Notes = field(default_factory=dict)
    widest: int = 0
    """Cells of the longest line drawn so far."""
    _code: Code = field(default_factory=Code)
    _hunks: tuple[Hunk, ...] = ()
    _digits: int = 3
    _counts: dict[int, str] = field(default_factory=dict)
    _texts: LRUCache[tuple[int, int], Strip] = field(default_factory=lambda: LRUCache(1024))

    def __post_init__(self) -> None:
        self._hunks = self.patch.hunks
        ends = (max(hunk.old_start + hunk.old_count, hunk.new_start + hunk.new_count) for hunk in self._hunks)
        self._digits = max(3, len(str(max(ends, default=0))))

    @property
    def gutter(self) -> int:
        """Cells left of the code, in one half where old and new stand side by side."""
        numbers = self._digits + 1
        return 2 + numbers * (1 if self._one_number else 2) + 2

    @property
    def room(self) -> int:
        """Cells for the code, in one half where old and new stand side by side."""
        width = self.look.width // 2 if self.look.split else self.look.width
        return max(0, width - self.gutter)

    @property
    def _one_number(self) -> bool:
        return self.look.split or self.look.width < _ONE_NUMBER_BELOW

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
        if row.kind == "line":
            return self._line(row, bar, base, selected, y)
        file = self.patch.files[row.file]
        if row.kind == "file":
            return self._whole(bar, self._file_text(row.file), "", ("diff--file", *base))
        if row.kind == "hunk":
            hunk = self._hunks[row.hunk - 1]
            text = self._box(self.choice.of_hunk(hunk.index)) + hunk.header
            return self._whole(bar, text, f" {hunk.index}/{len(self._hunks)} ", ("diff--hunk", *base))
        if row.kind == "remark":
            said = self.notes[row.hunk, row.left][row.right]
            return self._whole(
                f"{bar}    ", said.text, "", (f"diff--says-{said.role if said.role in _SAYS else 'plain'}", *base)
            )
        text = note_of(file) if row.kind == "note" else f"{self.look.fold} {row.right} unchanged lines"
        return self._whole(f"{bar}    ", text, "", ("diff--note", *base))

    def _whole(self, lead: str, text: str, right: str, names: Names) -> Strip:
        width = self.look.width
        style = component_style(self.widget, names)
        left = lead + one_line(text, width - len(lead) - len(right))
        strip = Strip([Segment(left, style)]).extend_cell_length(width - len(right), style)
        return Strip([*strip, Segment(right, style)]).adjust_cell_length(width, style)

    def _file_text(self, at: int) -> str:
        file = self.patch.files[at]
        if at not in self._counts:
            kinds = [line.kind for hunk in file.hunks for line in hunk.lines]
            counts = f" +{kinds.count('add')} {self.look.minus}{kinds.count('remove')}"
            self._counts[at] = counts if kinds else ""
        kind = f" {file.kind}" if file.kind != "modified" else ""
        return f"{self._box(self.choice.of_file(file))}{file.path}{self._counts[at]}{kind}"

    def _box(self, share: Share) -> str:
        return _BOX[share] if self.look.selectable else ""

    def _line(self, row: Row, bar: str, base: Names, selected: tuple[int, int] | None, y: int) -> Strip:
        if not self.look.split:
            position = row.right if row.right >= 0 else row.left
            return self._half(row, position, bar, base, selected, y)
        half = self.look.width // 2
        left = self._half(row._replace(right=-1), row.left, bar, base, None, y)
        right = self._half(row._replace(left=-1), row.right, self.look.divider, base, None, y)
        edge = component_style(self.widget, base)
        return Strip.join([left.adjust_cell_length(half, edge), right.adjust_cell_length(self.look.width - half, edge)])

    def _half(self, row: Row, position: int, bar: str, base: Names, selected: tuple[int, int] | None, y: int) -> Strip:
        if position < 0:
            empty = component_style(self.widget, base)
            return Strip([Segment(bar, empty)]).extend_cell_length(self.gutter + self.room, empty)
        hunk = self._hunks[row.hunk - 1]
        line = hunk.lines[position]
        spaced = _is_spaced(row)
        taken = not self.look.selectable or line.kind == "context" or self.choice.takes(hunk.index, position)
        ground = "diff--context" if spaced else f"diff--{line.kind}"
        names: Names = (ground, *base) if taken else (ground, "diff--out", *base)
        gutter = self._gutter(hunk, row, position, bar, names)
        # A line is drawn in another way under the cursor or the mouse, and that is not worth remembering.
        key = (hunk.index, position)
        text = None if base or selected else self._texts.get(key)
        if text is None:
            text = self._text(self.patch.files[row.file], hunk, position, names, selected, taken=taken)
            if not base and not selected:
                self._texts[key] = text
        self.widest = max(self.widest, text.cell_length)
        left = self.look.left
        cropped = text.crop_extend(left, left + self.room, component_style(self.widget, names)).apply_offsets(left, y)
        return Strip.join([gutter, cropped])

    def _gutter(self, hunk: Hunk, row: Row, position: int, bar: str, names: Names) -> Strip:
        line = hunk.lines[position]
        partly = self.look.selectable and line.kind != "context" and self.choice.of_hunk(hunk.index) == "some"
        mark = "x" if partly and self.choice.takes(hunk.index, position) else " "
        old = hunk.lines[row.left].old_no if row.left >= 0 else None
        new = hunk.lines[row.right].new_no if row.right >= 0 else None
        numbers = (new or old,) if self._one_number else (old, new)
        columns = "".join(f"{number or '':>{self._digits}} " for number in numbers)
        spaced = _is_spaced(row)
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
        file: FileChange,
        hunk: Hunk,
        position: int,
        names: Names,
        selected: tuple[int, int] | None,
        *,
        taken: bool,
    ) -> Strip:
        line = hunk.lines[position]
        text = shown(line)
        spans: list[Span] = []
        if taken:
            # With sixteen colours a changed line is its sign's colour throughout, as git has it.
            plain = self.widget.app.native_ansi_color and line.kind != "context"
            spans += [] if plain else ((a, b, f"diff--{role}") for a, b, role in self._code.roles(file, hunk, position))
            spans += ((a, b, f"diff--{line.kind}-differs") for a, b, _ in self._differences(hunk, position, line))
        spans += occurrences(text, self.look.pattern, "diff--match")
        if selected:
            start, stop = selected
            spans.append((start, len(text) if stop < 0 else stop, "diff--selected"))
        segments = paint(self.widget, text, names, spans)
        if not line.newline:
            segments.append(Segment(_NO_NEWLINE, component_style(self.widget, (*names, "diff--note"))))
        return Strip(segments)

    def _differences(self, hunk: Hunk, position: int, line: DiffLine) -> list[Span]:
        return list(self._code.differences(hunk, position)) if line.kind != "context" else []


def _is_spaced(row: Row) -> bool:
    """Whether a row stands for a removed and an added line that differ in their white space only."""
    return row.left >= 0 and row.right >= 0 and row.left != row.right
