"""What can be done with a patch and in the history of patches."""

from functools import partial
from typing import Final

from mlrcopilot_tui.tui import decisions, navigation
from mlrcopilot_tui.tui.actions.action import Action, started
from mlrcopilot_tui.tui.actions.diff import DIFF, due, shown
from mlrcopilot_tui.tui.actions.search import matches

_a = partial(Action, context="patch")


PATCH: Final = (
    _a(
        id="patch.approve",
        keys=("a",),
        label="approve",
        help="Approve what is selected of this patch; it is then run.",
        do=decisions.approve_patch,
        when=due,
        rank=10,
    ),
    _a(
        id="patch.reject",
        keys=("r",),
        label="reject",
        help="Reject this patch, with a reason that the agent reads.",
        do=decisions.reject_patch,
        when=due,
        rank=11,
    ),
    _a(
        id="patch.network",
        keys=("O",),
        label="approve with network",
        help="Approve all of this patch and open the network to its runs alone; you are asked once more.",
        do=decisions.approve_with_network,
        when=due,
    ),
    _a(
        id="patch.edit",
        keys=("e",),
        label="edit",
        help="Edit the patch's files in $EDITOR; what you save becomes a new attempt.",
        do=decisions.edit_patch,
        when=due,
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
        id="diff.open",
        keys=("enter",),
        label="open",
        help="In a patch, show the unchanged lines above the hunk, what is folded, or fold it; in the history, show "
        "the attempt.",
        do=navigation.open_in_patch,
        when=lambda s: s.tab == "History" or shown(s),
        rank=10,
        naming=lambda s: "open" if s.tab == "History" else "",
    ),
    *DIFF,
    *matches("patch"),
)
