"""The loop as an agent sees it while it works on one session."""

import shlex
from typing import TYPE_CHECKING

import msgspec

from mlrcopilot_tui.agents.host import Allowance, Execution
from mlrcopilot_tui.research.consent import refuse_unagreed
from mlrcopilot_tui.research.trials import Trial, Trials
from mlrcopilot_tui.session.journal import LIVE_NAME
from mlrcopilot_tui.session.model_events import ModelCalled, ModelFaulted

if TYPE_CHECKING:
    from mlrcopilot_tui.research.bench import AgentName, Bench

DECIDE_YOURSELF = "Nobody is there to be asked: decide yourself."


class AgentHost:
    """What an agent is given besides its brief; see `Host` for what the methods promise."""

    def __init__(self, bench: "Bench", agent: "AgentName", idea: int) -> None:
        self._bench = bench
        self._agent = agent
        self._idea = idea
        self._asked_after = 0
        self.exchanges = bench.session_folder / "exchanges"

    def book(self, event: ModelCalled | ModelFaulted) -> None:
        """Journals what a call cost, or how it failed; what an exchange cost goes into the books once."""
        if isinstance(event, ModelCalled) and event.exchange in self._bench.state.booked:
            return
        self._bench.session.record(msgspec.structs.replace(event, after=self._asked_after))

    def allowance(self) -> Allowance:
        """The budget that is left and the models in force.

        Raises:
            EnvironmentLackError: nothing may be sent, because nobody agreed to that.
        """
        refuse_unagreed(self._bench)
        settings, spent = self._bench.settings, self._bench.state.spending.usd
        return Allowance(
            usd=max(0.0, settings.usd - spent) if settings.usd else None,
            model=settings.model,
            fast_model=settings.fast_model,
        )

    def live(self, text: str) -> None:
        """Shows the words of the turn in flight."""
        (self._bench.session_folder / LIVE_NAME).write_text(text, "utf-8", "replace")

    def words(self) -> tuple[str, ...]:
        """The researcher's words on the session and on this idea."""
        return tuple(said.text for said in self._bench.state.feedback if said.idea in {0, self._idea})

    async def unpaused(self) -> None:
        """Waits while the session is paused."""
        await self._bench.gates.unpaused()
        await self._bench.may_ask()
        self._asked_after = self._bench.state.seq

    async def interruption(self) -> None:
        """Waits for the researcher's interruption."""
        await self._bench.gates.interruption()

    async def ask(self, question: str) -> str:
        """Puts a question to the researcher, or to the rule where nobody is there."""
        if self._bench.settings.auto:
            return DECIDE_YOURSELF
        gate = self._bench.gates.open("question", question, idea=self._idea)
        return (await self._bench.gates.answer(gate)).text

    async def execute(self, argv: tuple[str, ...], *, limit_s: float, stdin: str = "") -> Execution:
        """Runs a command in a fenced copy of the agent's tree, as a trial; the researcher is told, and can cut it."""
        trials = Trials(self._bench)
        name = trials.reserve()
        what = shlex.join(argv) + (f" on {len(stdin.splitlines())} lines of its own" if stdin else "")
        self._bench.voice(self._agent, self._idea)("action", f"trial {name}, {limit_s:g} s at most: {what}")
        trial = Trial(self._snapshot, argv, limit_s, stdin)
        return await trials.carry_out(name, trial, self.interruption)

    def _snapshot(self) -> str:
        """The files as the agent sees them: the idea's as they stand, else the champion's."""
        if self._agent == "ExperimentAgent":
            return self._bench.idea_tree(self._bench.state.ideas[self._idea]).snapshot()
        return self._bench.champion.commit
