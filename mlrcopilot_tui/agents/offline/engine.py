"""The offline engine: both agents by rules, with no model, no key and no network, and honest about it."""

from mlrcopilot_tui.agents.base import ExperimentAgent, IdeaAgent
from mlrcopilot_tui.agents.offline.experiment_agent import OfflineExperimentAgent
from mlrcopilot_tui.agents.offline.idea_agent import OfflineIdeaAgent


class OfflineEngine:
    """Supplies both agents by rules and search; the same seed and session give the same ideas.

    Args:
        seed: makes its choices repeatable, together with the seed of the brief.
    """

    name = "offline"
    label = "offline rules (no model)"
    model = ""
    endpoint = ""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._ideas = OfflineIdeaAgent(self.name, seed)
        self._experiments = OfflineExperimentAgent()

    @property
    def ideas(self) -> IdeaAgent:
        """The IdeaAgent."""
        return self._ideas

    @property
    def experiments(self) -> ExperimentAgent:
        """The ExperimentAgent."""
        return self._experiments

    async def close(self) -> None:
        """Nothing is held."""
