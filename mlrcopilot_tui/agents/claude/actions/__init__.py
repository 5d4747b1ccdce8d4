"""Every action of the ExperimentAgent, in the order in which the model is told of them."""

from mlrcopilot_tui.agents.claude.actions import (
    asking,
    edits,
    files,
    finishing,
    knowledge,
    retrieval,
    running,
    searching,
)
from mlrcopilot_tui.agents.claude.actions.action import Action

ACTIONS: tuple[Action, ...] = (
    *files.ACTIONS,
    *searching.ACTIONS,
    *edits.ACTIONS,
    *running.ACTIONS,
    *knowledge.ACTIONS,
    *retrieval.ACTIONS,
    *asking.ACTIONS,
    *finishing.ACTIONS,
)
