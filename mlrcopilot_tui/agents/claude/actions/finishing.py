"""The actions that end an attempt: hand the patch in, or give the idea up."""

from mlrcopilot_tui.agents.claude.actions.action import Action

ACTIONS: tuple[Action, ...] = ()
