"""What can be done in the paper pane."""

from typing import Final

from mlrcopilot_tui.tui import decisions
from mlrcopilot_tui.tui.actions.action import Action, started
from mlrcopilot_tui.tui.actions.search import matches

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
    *matches("paper"),
)
