"""What can be done in the idea tree."""

from functools import partial
from typing import Final

from mlrcopilot_tui.tui import decisions, idea_decisions, navigation
from mlrcopilot_tui.tui.actions.action import Action, started
from mlrcopilot_tui.tui.projector.situation import Situation


def _approvable(s: Situation) -> bool:
    if s.idea is None:
        return s.ideas_gate is not None
    return s.idea.status == "proposed"


def _untried(s: Situation) -> bool:
    return s.idea is not None and s.idea.status in {"proposed", "approved"}


def _queued(s: Situation) -> bool:
    return _untried(s) and len(s.state.queue()) > 1


_a = partial(Action, context="ideas")

IDEAS: Final = (
    _a(
        id="idea.open",
        keys=("enter",),
        label="open",
        help="Show this idea in every pane; on the first row, what is live.",
        do=navigation.open_row,
        when=started,
        rank=12,
    ),
    _a(
        id="idea.approve",
        keys=("a",),
        label="approve",
        help="Let this idea be implemented; on the first row, all that are proposed.",
        do=idea_decisions.approve_idea,
        when=_approvable,
        rank=10,
        naming=lambda s: "approve all" if s.idea is None else "approve",
    ),
    _a(
        id="idea.new",
        keys=("n",),
        label="new",
        help="Add an idea of your own.",
        do=idea_decisions.add_idea,
        when=started,
        rank=14,
    ),
    _a(
        id="idea.edit",
        keys=("e",),
        label="edit",
        help="Rewrite the hypothesis of this idea.",
        do=idea_decisions.edit_idea,
        when=_untried,
        rank=18,
    ),
    _a(
        id="idea.prune",
        keys=("d",),
        label="prune",
        help="Take this idea out of the queue.",
        do=idea_decisions.prune_idea,
        when=_untried,
        rank=16,
    ),
    _a(
        id="idea.down",
        keys=("J",),
        label="later",
        help="Try this idea one place later.",
        do=idea_decisions.move_idea_down,
        when=_queued,
    ),
    _a(
        id="idea.up",
        keys=("K",),
        label="order",
        help="Try this idea one place earlier.",
        do=idea_decisions.move_idea_up,
        when=_queued,
        rank=30,
        shown="J K",
    ),
    _a(
        id="idea.more",
        keys=("R",),
        label="more ideas",
        help="Ask the IdeaAgent for more ideas.",
        do=idea_decisions.more_ideas,
        when=started,
        rank=24,
    ),
    _a(
        id="idea.revise",
        keys=("r",),
        label="revise",
        help="Have this idea revised by what you say; with nothing said it is thought through anew.",
        do=idea_decisions.revise_idea,
        when=_untried,
        rank=19,
    ),
    _a(
        id="idea.split",
        keys=("S",),
        label="split",
        help="Have this idea split into smaller ones.",
        do=idea_decisions.split_idea,
        when=_untried,
        rank=27,
    ),
    _a(
        id="idea.mark",
        keys=("space",),
        label="mark",
        help="Mark this idea, to merge it with others, or take the mark away.",
        do=idea_decisions.mark_idea,
        when=_queued,
        rank=26,
        naming=lambda s: "unmark" if s.cursor in s.marked else "mark",
    ),
    _a(
        id="idea.merge",
        keys=("M",),
        label="merge",
        help="Have the marked ideas merged into one.",
        do=idea_decisions.merge_ideas,
        when=lambda s: len(s.marked) > 1,
        rank=11,
    ),
    _a(
        id="idea.branch",
        keys=("b",),
        label="branch",
        help="Add an idea that starts from this one's patch.",
        do=idea_decisions.branch_idea,
        when=lambda s: s.idea is not None,
        rank=22,
    ),
    _a(
        id="idea.feedback",
        keys=("f",),
        label="feedback",
        help="Say something to the agents about this idea.",
        do=decisions.revise_patch,
        when=started,
        rank=34,
    ),
    _a(
        id="idea.revert",
        keys=("u",),
        label="revert",
        help="Take this idea's patch back; it can be redone.",
        do=decisions.revert,
        when=lambda s: s.kept,
        rank=20,
    ),
    _a(
        id="idea.redo",
        keys=("ctrl+r",),
        label="redo",
        help="Put this idea's reverted patch back.",
        do=decisions.redo,
        when=lambda s: s.reverted,
        rank=20,
    ),
)
