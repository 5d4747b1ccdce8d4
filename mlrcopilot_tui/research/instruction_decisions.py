"""Decisions about the standing instructions: put other words in the place of one, or drop it."""

from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.effects import Effect, Handler
from mlrcopilot_tui.research.idea_decisions import understood
from mlrcopilot_tui.session.model import Decision
from mlrcopilot_tui.session.words import Words
from mlrcopilot_tui.session.words_events import InstructionDropped, InstructionRewritten


class InstructionDecisions:
    """Works out what decisions about a session's standing instructions do; words for the session give one."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def handlers(self) -> dict[str, Handler]:
        """By kind of decision."""
        return {"instruction.rewrite": self._rewrite, "instruction.drop": self._drop}

    async def _rewrite(self, decision: Decision) -> Effect:
        standing, text = self._standing(decision.number), decision.text.strip()
        if not text:
            raise InputError("Nothing was said.", f"`mlrcopilot instruct --drop {decision.number}` drops it.")
        if text == standing.text:
            return Effect(f"Instruction {standing.number} says so already.")
        taken = await understood(self._bench, text, standing.about)
        number = self._standing(decision.number).number
        rewritten = InstructionRewritten(number=number, text=text, understood=taken.understood, by=decision.by)
        return Effect(taken.understood, (rewritten,))

    async def _drop(self, decision: Decision) -> Effect:
        number = self._standing(decision.number).number
        said = f"Instruction {number} holds no more; no turn from now on is told of it."
        return Effect(said, (InstructionDropped(number=number, by=decision.by),))

    def _standing(self, number: int) -> Words:
        standing = self._bench.state.instruction(number)
        if standing is not None:
            return standing
        given = any(said.number == number for said in self._bench.state.words.values())
        mend = "`mlrcopilot instructions` lists those that hold."
        if given:
            raise RefusedError(f"Instruction {number} was dropped already.", mend)
        raise InputError(f"There is no instruction {number}.", mend)
