"""What can be done within a diff: going through it, and taking hunks and lines in or out."""

from collections.abc import Callable
from functools import partial
from typing import Final

from mlrcopilot_tui.tui import decisions
from mlrcopilot_tui.tui.actions.action import Action
from mlrcopilot_tui.tui.desk import Desk
from mlrcopilot_tui.tui.projector.situation import Situation


def shown(s: Situation) -> bool:
    """A patch is in view."""
    return s.tab == "Patch" and s.attempt is not None


def due(s: Situation) -> bool:
    """A patch is in view and a decision on it waits."""
    return s.tab == "Patch" and s.patch_gate is not None


def _perform(desk: Desk, command: str) -> None:
    desk.review.perform(command)


def _redo(desk: Desk) -> None:
    """The choice of hunks, or a patch that was reverted; no patch is both under review and reverted."""
    if desk.situation.reverted:
        decisions.redo(desk)
    else:
        desk.review.perform("redo")


def _to_a_file(desk: Desk) -> None:
    rows = desk.review.files()
    desk.choose(
        "1 file" if len(rows) == 1 else f"{len(rows)} files",
        rows,
        desk.review.to_file,
        chosen=desk.review.file_at_cursor,
    )


def _side_by_side(desk: Desk) -> None:
    if desk.review.has_room_for_two:
        desk.review.perform("side_by_side")
    else:
        desk.tell("Side by side takes 80 columns.", f"Zoom the pane with {desk.key('pane.zoom')}.")


def _choose(command: str, key: str, label: str, sentence: str, rank: int | None = None) -> Action:
    do = partial(_perform, command=command)
    return Action(f"diff.{command}", "patch", (key,), label, sentence, do, due, rank)


def _view(
    command: str,
    keys: str,
    label: str,
    sentence: str,
    rank: int | None = None,
    hint: str = "",
    do: Callable[[Desk], None] | None = None,
) -> Action:
    do = do or partial(_perform, command=command)
    return Action(f"diff.{command}", "patch", tuple(keys.split()), label, sentence, do, shown, rank, hint)


DIFF: Final = (
    _choose("toggle", "space", "hunk", "Take the hunk or the marked lines in or out.", 12),
    _choose("range", "v", "lines", "Mark lines from here on, to take them in or out together.", 15),
    _choose("undo", "U", "undo", "Undo the last change of what is taken."),
    Action(
        id="diff.redo",
        context="patch",
        keys=("ctrl+r",),
        label="redo",
        help="Redo it; a reverted patch is put back on the session's line.",
        do=_redo,
        when=lambda s: due(s) or s.reverted,
        rank=16,
        naming=lambda s: "redo" if s.reverted else "",
    ),
    _view("previous_hunk", "h left left_square_bracket", "hunks", "To the hunk before.", 30, "h l"),
    _view("next_hunk", "l right right_square_bracket", "next hunk", "To the next hunk."),
    _view("previous_file", "K", "files", "To the file before."),
    _view("next_file", "J", "next file", "To the next file."),
    _view("files", "o", "files", "List the files, with what happens to each, and go to one.", 61, do=_to_a_file),
    _view(
        "side_by_side",
        "s",
        "side by side",
        "Old and new beside each other, or one below the other; beside each other from 120 columns on.",
        62,
        do=_side_by_side,
    ),
    _view("white_space", "w", "white space", "Leave changes of white space out of view, or show them."),
    _view("less_context", "left_curly_bracket", "less context", "Show fewer unchanged lines."),
    _view("more_context", "right_curly_bracket", "more context", "Show more unchanged lines."),
    _view(
        "left",
        "less_than_sign shift+left",
        "left",
        "Scroll long lines to the left.",
        do=lambda desk: desk.review.sideways(-1),
    ),
    _view(
        "right",
        "greater_than_sign shift+right",
        "right",
        "Scroll long lines to the right.",
        do=lambda desk: desk.review.sideways(1),
    ),
)
