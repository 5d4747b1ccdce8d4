"""A scripted engine that asks a model, as one with a key does, before it edits; the model's port is a script too."""

from dataclasses import dataclass, field

from mlrcopilot_tui.agents.base import Assignment, Brief, Proposal, Withdrawal
from mlrcopilot_tui.agents.claude.books.asking import MeteredModel, Models
from mlrcopilot_tui.agents.claude.books.exchanges import ExchangeLog
from mlrcopilot_tui.agents.claude.books.prices import Price, Prices
from mlrcopilot_tui.agents.claude.turns import Request
from tests.fakes.model_port import FakePort
from tests.fakes.scripted_engine import FakeEngine

PRICES = Prices({"m": Price(input=4, output=20), "cheap": Price(input=0.4, output=2)})


@dataclass
class FakePaidEngine(FakeEngine):
    """Asks `port` once for each implementation; `waits` are the seconds before each new try after a fault."""

    port: FakePort = field(default_factory=FakePort)
    waits: tuple[float, ...] = ()
    model: str = "m"

    async def implement(self, brief: Brief, assignment: Assignment) -> Proposal | Withdrawal:
        model = MeteredModel(
            self.port,
            Models(self.model),
            lambda _, tries: self.waits[tries - 1] if tries <= len(self.waits) else None,
            prices=PRICES,
            open_log=ExchangeLog,
        )

        def build() -> Request:
            words = "\n".join([assignment.idea.title, *(said.text for said in brief.host.words())])
            return Request("step", "", [{"role": "user", "content": words}], 4000, idea=assignment.idea.number)

        await model.ask(build, brief.host)
        return await super().implement(brief, assignment)
