"""The loop as an agent sees it while it works on one session."""

import asyncio
import shlex
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from mlrcopilot_tui.agents.host import Allowance, Execution, ForeignEdit
from mlrcopilot_tui.research.consent import refuse_unagreed
from mlrcopilot_tui.research.trials import Trial, Trials, announcement
from mlrcopilot_tui.session.journal import LIVE_NAME
from mlrcopilot_tui.session.model import Attempt
from mlrcopilot_tui.session.model_events import ModelCalled, ModelFaulted
from mlrcopilot_tui.session.words import Words, holding
from mlrcopilot_tui.session.words_events import WordsHeard

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
        self._beyond = False
        """Whether the attempt has left the turns behind that an earlier process got."""
        self._asked: Counter[str] = Counter()
        self._edits: list[ForeignEdit] = []
        self._known = len(bench.state.ideas[idea].attempts) if idea in bench.state.ideas else 0
        self.exchanges = bench.session_folder / "exchanges"

    def book(self, event: ModelCalled | ModelFaulted) -> None:
        """Journals what a call cost, or how it failed; what an exchange cost goes into the books once."""
        if isinstance(event, ModelCalled) and event.exchange in self._bench.state.booked:
            return
        if isinstance(event, ModelCalled) and event.purpose == "step" and event.fault != "vanished":
            self._beyond = True
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

    def words(self, at: int | None = None) -> tuple[Words, ...]:
        """The researcher's words on the session and on this idea that hold, or held then."""
        return holding(self._bench.state.words.values(), {0, self._idea}, at)

    def heard(self, attempt: int, step: int) -> int | None:
        """Up to where an earlier process's turn for that step knew of words."""
        idea = self._bench.state.ideas.get(self._idea)
        return idea.asked_after.get((attempt, step)) if idea is not None and not self._beyond else None

    def took_in(self, task: str, words: Iterable[Words], *, idea: int, attempt: int = 0) -> None:
        """Journals what an agent that asks no model worked by, where there was anything."""
        if places := tuple(said.seq for said in words if said.seq):
            heard = WordsHeard(agent=self._agent, task=task, words=places, idea=idea, attempt=attempt)
            self._bench.session.record(heard)

    async def edits(self) -> tuple[ForeignEdit, ...]:
        """Keeps what the researcher has saved by now, and tells it all."""
        from mlrcopilot_tui.research.edits import Edits  # noqa: PLC0415 - what it works on holds this host

        idea = self._bench.state.ideas.get(self._idea)
        if idea is None or self._agent != "ExperimentAgent":
            return ()
        await Edits(self._bench).take_aside(idea)
        found = [attempt for attempt in idea.attempts[self._known :] if attempt.by == "researcher" and attempt.aside]
        for attempt in found[len(self._edits) :]:
            self._edits.append(await asyncio.to_thread(self._edit, attempt))
        return tuple(self._edits)

    def _edit(self, attempt: Attempt) -> ForeignEdit:
        diff = self._bench.repository.diff(attempt.edited_from, attempt.commit)
        return ForeignEdit(self._bench.repository.changed_paths(attempt.edited_from, attempt.commit), diff)

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
        answered = self._answers(question)
        self._asked[question] += 1
        if len(answered) >= self._asked[question]:  # to an earlier process, whose turns this one takes up
            return answered[self._asked[question] - 1]
        gates, nobody = self._bench.gates, self._bench.settings.auto
        if self._idea and not nobody and not gates.find("question", question, idea=self._idea, commit=self._standing()):
            await self._bench.turn_of(self._idea)
        gates.drop_questions(self._idea, but="" if nobody else question)
        if nobody:
            return DECIDE_YOURSELF
        gate = gates.open("question", question, idea=self._idea, commit=self._standing())
        return (await gates.answer(gate)).text

    def _answers(self, question: str) -> list[str]:
        """What the researcher answered to this question in this attempt, oldest first."""
        state, about = self._bench.state, ("question", self._idea, self._standing(), question)
        gates = (gate for gate in state.gates.values() if (gate.kind, gate.idea, gate.commit, gate.question) == about)
        answers = (state.answers.get(gate.id) for gate in gates)
        return [answer.text for answer in answers if answer is not None and answer.answer == "answer"]

    def _standing(self) -> str:
        """The commit of the attempt before this one, which tells attempts apart; empty in an idea's first."""
        idea = self._bench.state.ideas.get(self._idea)
        return idea.attempt.commit if idea is not None and idea.attempt is not None else ""

    async def execute(self, argv: tuple[str, ...], *, limit_s: float, stdin: str = "") -> Execution:
        """Runs a command in a fenced copy of the agent's tree, as a trial; the researcher is told, and can cut it."""
        trials = Trials(self._bench)
        name = trials.reserve()
        what = shlex.join(argv) + (f" on {len(stdin.splitlines())} lines of its own" if stdin else "")
        self._bench.voice(self._agent, self._idea)("action", announcement(name, limit_s, what))
        trial = Trial(self._snapshot, argv, limit_s, stdin)
        return await trials.carry_out(name, trial, self.interruption)

    def _snapshot(self) -> str:
        """The files as the agent sees them: the idea's as they stand, else the champion's."""
        if self._agent == "ExperimentAgent":
            return self._bench.recorded_tree(self._bench.state.ideas[self._idea]).snapshot()
        return self._bench.champion.commit
