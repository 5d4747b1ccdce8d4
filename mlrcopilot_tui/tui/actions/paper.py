"""What can be done in the paper pane."""

from typing import Final

from mlrcopilot_tui.tui import decisions, links
from mlrcopilot_tui.tui.actions.action import Action, started
from mlrcopilot_tui.tui.actions.search import matches
from mlrcopilot_tui.tui.projector.situation import Situation


def _leads_on(s: Situation) -> bool:
    return s.state.summary is not None


PAPER: Final = (
    Action(
        id="paper.feedback",
        context="paper",
        keys=("f",),
        label="feedback",
        help="Say something to the agents about the shown idea, or about the session.",
        do=decisions.revise_patch,
        when=started,
        rank=20,
    ),
    Action(
        id="paper.link-previous",
        context="paper",
        keys=("left_square_bracket", "h", "left"),
        label="gaps",
        help="Mark the gap before, or whatever leads on from here.",
        do=links.previous_link,
        when=_leads_on,
        rank=30,
        shown="[ ]",
    ),
    Action(
        id="paper.link-next",
        context="paper",
        keys=("right_square_bracket", "l", "right"),
        label="next gap",
        help="Mark the next gap, or whatever leads on from here.",
        do=links.next_link,
        when=_leads_on,
    ),
    *matches("paper"),
)
