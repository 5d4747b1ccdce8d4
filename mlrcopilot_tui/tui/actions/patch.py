"""What can be done with a patch and in the history of patches."""

from functools import partial
from typing import Final

from mlrcopilot_tui.session.state import ACTIVE_STATUSES
from mlrcopilot_tui.tui import decisions, looking_back, navigation, reviewing
from mlrcopilot_tui.tui.actions.action import Action, started
from mlrcopilot_tui.tui.actions.diff import DIFF, due, shown
from mlrcopilot_tui.tui.actions.search import matches
from mlrcopilot_tui.tui.projector.situation import Situation
from mlrcopilot_tui.tui.views import STARTER

_a = partial(Action, context="patch")


def _tagged(s: Situation) -> bool:
    return shown(s) and s.attempt is not None and bool(s.attempt.tags)


def _editable(s: Situation) -> bool:
    """Whether the shown attempt is the newest of an idea that is not decided."""
    return s.idea is not None and s.idea.status in ACTIVE_STATUSES and s.attempt is s.idea.attempt


def _compares_marked(s: Situation) -> bool:
    """Whether the attempt under the cursor would be held against the marked one."""
    return bool(s.row and s.history.marked) and s.row != s.history.marked


def _looking_back(s: Situation) -> bool:
    return s.tab == "History"


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
        id="patch.tagged",
        keys=("T",),
        label="tagged",
        help="To the next hunk that touches what the number rests on: the seed, the metric, the data.",
        do=reviewing.to_tagged,
        when=_tagged,
        rank=12,
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
        help="Edit the patch's files in $EDITOR; what you save becomes a new attempt. Any other editor will do.",
        do=decisions.edit_patch,
        when=shown,
        rank=13,
        naming=lambda s: "edit" if _editable(s) else "",
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
        id="patch.note",
        keys=("semicolon",),
        label="note",
        help="Note something on this hunk, or on its marked lines; it goes along with your decision.",
        do=reviewing.note_hunk,
        when=due,
        rank=15,
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
    _a(
        id="patch.compare",
        keys=("c",),
        label="compare",
        help="Hold this attempt against another: an earlier one, the champion, the starter, the marked one; and back.",
        do=looking_back.compare,
        when=lambda s: s.attempt is not None or bool(s.row),
        rank=20,
        naming=lambda s: "patch itself" if s.comparing else "compare",
        foremost=_compares_marked,
    ),
    _a(
        id="patch.branch",
        keys=("b",),
        label="branch",
        help="Add an idea that starts from this attempt, kept or not; in the history also from the starter.",
        do=looking_back.branch,
        when=lambda s: s.attempt is not None or s.row == STARTER,
        rank=22,
    ),
    _a(
        id="history.mark",
        keys=("m",),
        label="mark",
        help="Mark the attempt under the cursor, to compare another with it, or take the mark away.",
        do=looking_back.mark,
        when=lambda s: bool(s.row),
        rank=19,
        naming=lambda s: "unmark" if s.row == s.history.marked else "mark",
    ),
    _a(
        id="history.filter",
        keys=("F",),
        label="filter",
        help="List attempts by fate, by idea, or by words that they or their patches hold; escape lists all.",
        do=looking_back.filter_attempts,
        when=_looking_back,
        rank=18,
    ),
    _a(
        id="history.sort",
        keys=("S",),
        label="sort",
        help="List the history in another order: newest, oldest, best, by idea.",
        do=looking_back.sort_attempts,
        when=_looking_back,
        rank=40,
    ),
    *DIFF,
    *matches("patch"),
)
