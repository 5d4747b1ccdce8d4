"""The ExperimentAgent that asks a model: it reads, edits and tries the code in steps, and hands in one patch."""

from collections.abc import Sequence
from dataclasses import replace

from mlrcopilot_tui.agents.base import Assignment, Brief, Proposal, Withdrawal
from mlrcopilot_tui.agents.claude.actions import ACTIONS
from mlrcopilot_tui.agents.claude.actions.action import Action, Workbench
from mlrcopilot_tui.agents.claude.experiment.assignment import earlier_ideas, opening
from mlrcopilot_tui.agents.claude.experiment.conversation import Conversation
from mlrcopilot_tui.agents.claude.experiment.fact_check import KnownNumbers
from mlrcopilot_tui.agents.claude.experiment.steps import Limits, Steps
from mlrcopilot_tui.agents.claude.turns import Model
from mlrcopilot_tui.session.model import Idea
from mlrcopilot_tui.session.words import Words


class ClaudeExperimentAgent:
    """Implements `ExperimentAgent` over a model.

    Args:
        model: is asked for every step.
        actions: what the agent can do; those that end an attempt among them.
        limits: how far one attempt may go.
    """

    def __init__(self, model: Model, actions: Sequence[Action] = ACTIONS, limits: Limits | None = None) -> None:
        self._model = model
        self._actions = tuple(actions)
        self._limits = limits or Limits()

    def takes(self, idea: Idea) -> bool:  # noqa: ARG002 - the protocol's
        """Any idea: words are enough."""
        return True

    async def implement(self, brief: Brief, assignment: Assignment) -> Proposal | Withdrawal:
        """Edits the tree in steps; see the module.

        Raises:
            ModelFaultError: the model cannot be asked any more; the attempt can be taken up again.
            BudgetSpentError: the next turn does not fit the budget.
        """
        log = earlier_ideas(brief.state, assignment.idea.number)
        words = brief.host.words(brief.host.heard(assignment.attempt, 1))
        assignment = _as_it_began(assignment, words)
        standing = [said for said in words if not said.idea]
        first = opening(brief, assignment, standing, log)
        bench = Workbench(brief, assignment, self._model, _known_numbers(brief, assignment, first), log)
        conversation = Conversation(first, opening(brief, assignment, standing, log, with_files=False))
        return await Steps(bench, self._actions, conversation, self._limits, words).walk()


def _as_it_began(assignment: Assignment, words: Sequence[Words]) -> Assignment:
    """It with what held when the attempt began; what changed since is told at the step at which it was heard."""
    unplaced = (said for said in assignment.feedback if not said.seq)
    return replace(assignment, feedback=(*unplaced, *(said for said in words if said.idea)))


def _known_numbers(brief: Brief, assignment: Assignment, first: str) -> KnownNumbers:
    numbers = KnownNumbers(brief.metric)
    numbers.journaled(brief.state)
    numbers.read(first)
    if assignment.failure is not None:
        numbers.measured(assignment.failure.log_tail)
    return numbers
