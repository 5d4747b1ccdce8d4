"""What can be done in the run pane."""

from functools import partial
from typing import Final

from mlrcopilot_tui.tui import decisions, navigation, talking
from mlrcopilot_tui.tui.actions.action import Action, answering, started
from mlrcopilot_tui.tui.actions.search import matches
from mlrcopilot_tui.tui.projector.situation import Situation


def _several(s: Situation) -> bool:
    return len(s.state.runs) > 1


_a = partial(Action, context="run")

RUN: Final = (
    _a(
        id="run.answer",
        keys=("a",),
        label="answer",
        help="Answer the agent's question, or agree to what leaves the machine.",
        do=talking.answer,
        when=lambda s: s.question is not None or s.called,
        rank=10,
        naming=answering,
    ),
    _a(
        id="run.previous",
        keys=("left_square_bracket", "h", "left"),
        label="runs",
        help="Show the run before.",
        do=navigation.previous_run,
        when=_several,
        rank=20,
        shown="[ ]",
    ),
    _a(
        id="run.next",
        keys=("right_square_bracket", "l", "right"),
        label="next run",
        help="Show the next run.",
        do=navigation.next_run,
        when=_several,
    ),
    _a(
        id="run.feedback",
        keys=("f",),
        label="feedback",
        help="Say something to the agents about the shown run, or its verdict once there is one.",
        do=decisions.speak_of_run,
        when=started,
        rank=30,
    ),
    *matches("run"),
)
