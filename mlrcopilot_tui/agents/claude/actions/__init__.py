"""Every action of the ExperimentAgent, in the order in which the model is told of them."""

from mlrcopilot_tui.agents.claude.actions import finishing
from mlrcopilot_tui.agents.claude.actions.action import Action

ACTIONS: tuple[Action, ...] = (*finishing.ACTIONS,)
