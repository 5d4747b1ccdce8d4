"""What is folded in a diff: what a key opens or closes at a row, and where the cursor goes when rows come and go."""

from dataclasses import replace
from typing import Final

from mlrcopilot_tui.tui.widgets.diff_rows import ABOVE, BELOW, Layout, Row
from mlrcopilot_tui.workspace.patch import Hunk

_STEP: Final = 20  # unchanged lines that are unfolded at once; a few more are not left over
_FAR: Final = 1 << 30


def refolded(layout: Layout, row: Row, hunk: Hunk | None) -> Layout:
    """Give the layout with what is folded at this row shown, or with what was unfolded there folded again.

    Args:
        layout: how rows are laid out.
        row: an unchanged line, a fold, the head of a hunk (for what is above it), or a row of a file.
        hunk: the row's hunk; without one the whole file is folded.
    """
    if hunk is None:
        return replace(layout, closed=layout.closed ^ {row.file})
    if row.kind == "remark":
        return layout
    opened = dict(layout.opened)
    place = (row.hunk, _fold_of(row, hunk))
    if row.kind in {"hunk", "rest"} and row.right > 0:
        more = _STEP if row.right > _STEP * 3 // 2 else row.right
        opened[place] = opened.get(place, 0) + more
    elif opened.pop(place, 0) == 0 and row.kind == "fold":
        opened[place] = 1
    return replace(layout, opened=opened)


def distance(row: Row, here: Row) -> tuple[int, int]:
    """How far two rows are apart, by file and hunk first; a fold is as near as its first line."""
    if (row.file, row.hunk) != (here.file, here.hunk):
        return (abs(row.hunk - here.hunk) + 1, row.file != here.file)
    if _in_hunk(row) and _in_hunk(here):
        return (0, abs(_position(row) - _position(here)))
    if row.kind == "around":
        # Below the last hunk a fold gives way to the lines that it hid.
        return (0, abs(row.right - here.right) if here.kind == "around" else _FAR - row.right)
    return (0, 0 if row.kind == here.kind else _FAR)


def _fold_of(row: Row, hunk: Hunk) -> int:
    """What the row would open or close: a side of its hunk, or the run of unchanged lines that begins there."""
    if not _in_hunk(row):
        below = row.kind == "rest" or (row.kind == "around" and row.right > hunk.new_start)
        return BELOW if below else ABOVE
    at = row.left
    while at > 0 and hunk.lines[at - 1].kind == "context":
        at -= 1
    return at


def _in_hunk(row: Row) -> bool:
    return row.kind in {"line", "fold"}


def _position(row: Row) -> int:
    return row.left if row.kind == "fold" else max(row.left, row.right)
