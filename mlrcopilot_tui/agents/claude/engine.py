"""The Claude engine: both agents over one model, and the endpoint, key, prices and records that the model needs."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping

from mlrcopilot_tui.agents.base import ExperimentAgent, IdeaAgent
from mlrcopilot_tui.agents.claude.books.asking import MeteredModel, Models
from mlrcopilot_tui.agents.claude.books.exchanges import ExchangeLog
from mlrcopilot_tui.agents.claude.books.prices import Prices
from mlrcopilot_tui.agents.claude.experiment_agent import ClaudeExperimentAgent
from mlrcopilot_tui.agents.claude.idea_agent import ClaudeIdeaAgent
from mlrcopilot_tui.agents.claude.turns import Model, ModelPort, Request, Turn
from mlrcopilot_tui.agents.claude.wire.client import AnthropicPort
from mlrcopilot_tui.agents.claude.wire.endpoint import Endpoint, find_credentials, find_endpoint, find_models, secrets
from mlrcopilot_tui.agents.claude.wire.retries import wait_before_retry
from mlrcopilot_tui.agents.host import Host
from mlrcopilot_tui.user_settings import UserSettings, load_settings
from mlrcopilot_tui.workspace.config import EngineConfig


class ClaudeEngine:
    """Supplies both agents over a model.

    Args:
        model: what they ask.
        main: the id of the model that is asked unless the researcher names another.
        endpoint: where it is asked; None where nothing is sent.
        close: lets go of what the model holds; None where it holds nothing.
    """

    name = "claude"

    def __init__(
        self,
        model: Model,
        main: str,
        endpoint: Endpoint | None = None,
        close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.model = main
        self.label = f"claude ({main} at {endpoint.host})" if endpoint else f"claude ({main}, as recorded)"
        self.endpoint = endpoint.base_url if endpoint else ""
        self._close = close
        self._ideas = ClaudeIdeaAgent(model, self.name)
        self._experiments = ClaudeExperimentAgent(model)

    @property
    def ideas(self) -> IdeaAgent:
        """The IdeaAgent."""
        return self._ideas

    @property
    def experiments(self) -> ExperimentAgent:
        """The ExperimentAgent."""
        return self._experiments

    async def close(self) -> None:
        """Lets go of connections."""
        if self._close is not None:
            await self._close()


class LateModel:
    """Implements `Model`: made by the first question, in a thread, because the key may have to be asked for.

    Args:
        make: makes what is asked, and the port that it asks through; may block.
    """

    def __init__(self, make: Callable[[], tuple[Model, ModelPort]]) -> None:
        self._make = make
        self._made: tuple[Model, ModelPort] | None = None
        self._making = asyncio.Lock()

    async def ask(self, build: Callable[[], Request], host: Host) -> Turn:
        """The turn that `build()` asks for; see `Model`."""
        async with self._making:
            if self._made is None:
                self._made = await asyncio.to_thread(self._make)
        return await self._made[0].ask(build, host)

    async def close(self) -> None:
        """Lets go of connections."""
        if self._made is not None:
            await self._made[1].close()
            self._made = None


def claude_engine(
    config: EngineConfig, mine: UserSettings | None = None, environ: Mapping[str, str] = os.environ
) -> ClaudeEngine:
    """The engine as workspace, user and environment settle it; the key is looked for by the first question.

    Raises:
        InputError: the endpoint's address, or the user's settings, are wrong.
    """
    mine = mine or load_settings()
    endpoint = find_endpoint(mine.engine, config.base_url, config.profile, environ)
    main, fast = find_models(config.model, config.fast_model, mine.engine)

    def make() -> tuple[Model, ModelPort]:
        credentials = find_credentials(endpoint, mine.engine, environ)
        redacted = secrets(credentials, environ)
        port = AnthropicPort(endpoint, credentials)
        model = MeteredModel(
            port,
            Models(main, fast),
            wait_before_retry,
            prices=Prices(mine.prices),
            open_log=lambda folder: ExchangeLog(folder, redacted),
        )
        return model, port

    model = LateModel(make)
    return ClaudeEngine(model, main, endpoint, model.close)
