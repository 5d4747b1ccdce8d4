"""What can be done with a patch and in the history of patches."""

from functools import partial
from typing import Final

from mlrcopilot_tui.tui import decisions, navigation
from mlrcopilot_tui.tui.actions.action import Action, started
from mlrcopilot_tui.tui.actions.search import matches
from mlrcopilot_tui.tui.desk import Desk
from mlrcopilot_tui.tui.projector.situation import Situation


def _shown(s: Situation) -> bool:
    return s.tab == "Patch" and s.attempt is not None


def _due(s: Situation) -> bool:
    return s.tab == "Patch" and s.patch_gate is not None


def _perform(desk: Desk, action: str) -> None:
    desk.perform(action)


_a = partial(Action, context="patch")


def _diff(
    name: str, keys: tuple[str, ...], label: str, help_: str, action: str, *, due: bool = False, rank: int | None = None
) -> Action:
    """An action of the diff itself; `due`: only while a decision on the patch waits."""
    return Action(
        f"diff.{name}", "patch", keys, label, help_, partial(_perform, action=action), _due if due else _shown, rank
    )


PATCH: Final = (
    *matches("patch"),
    _a(
        id="patch.approve",
        keys=("a",),
        label="approve",
        help="Approve what is selected of this patch; it is then run.",
        do=decisions.approve_patch,
        when=_due,
        rank=10,
    ),
    _a(
        id="patch.reject",
        keys=("r",),
        label="reject",
        help="Reject this patch, with a reason that the agent reads.",
        do=decisions.reject_patch,
        when=_due,
        rank=11,
    ),
    _diff("toggle", ("space",), "hunk", "Take the hunk, or the marked lines, in or out.", "toggle", due=True, rank=12),
    _a(
        id="patch.edit",
        keys=("e",),
        label="edit",
        help="Edit the patch's files in $EDITOR; what you save becomes a new attempt.",
        do=decisions.edit_patch,
        when=_due,
        rank=13,
    ),
    _a(
        id="patch.feedback",
        keys=("f",),
        label="feedback",
        help="Say what should be different; the agent revises the patch.",
        do=decisions.revise_patch,
        when=started,
        rank=14,
    ),
    _a(
        id="patch.revert",
        keys=("u",),
        label="revert",
        help="Take this patch back from the session's line; it can be redone.",
        do=decisions.revert,
        when=lambda s: s.kept,
        rank=16,
    ),
    _a(
        id="patch.redo",
        keys=(),
        label="redo",
        help="Put this reverted patch back on the session's line.",
        do=decisions.redo,
        when=lambda s: s.reverted,
    ),
    _a(
        id="history.open",
        keys=("enter",),
        label="open",
        help="Show the attempt under the cursor of the history.",
        do=navigation.open_row,
        when=lambda s: s.tab == "History",
        rank=10,
    ),
    _diff(
        "range",
        ("v",),
        "range",
        "Mark lines from here on, to take them in or out together.",
        "range",
        due=True,
        rank=30,
    ),
    _diff("previous", ("h", "left", "left_square_bracket"), "hunk before", "To the hunk before.", "previous_hunk"),
    _diff("next", ("l", "right", "right_square_bracket"), "next hunk", "To the next hunk.", "next_hunk"),
    _diff("next-file", ("J",), "next file", "To the next file.", "next_file"),
    _diff("previous-file", ("K",), "file before", "To the file before.", "previous_file"),
    _diff("undo", ("U",), "undo", "Undo the last change of the selection.", "undo", due=True),
    _diff("redo", ("ctrl+r",), "redo", "Redo it.", "redo", due=True),
    _diff(
        "side-by-side",
        ("s",),
        "side by side",
        "Old and new beside each other, or below each other.",
        "side_by_side",
        rank=62,
    ),
    _diff("white-space", ("w",), "white space", "Show or ignore changes of white space.", "white_space"),
    _diff("less", ("left_curly_bracket",), "less context", "Show fewer unchanged lines.", "less_context"),
    _diff("more", ("right_curly_bracket",), "more context", "Show more unchanged lines.", "more_context"),
)
