"""Decisions about what a session has come to: its champion taken apart, and taken home."""

import asyncio
from typing import Annotated, Final

import msgspec

from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.research.ablation import NOTHING_KEPT, stop_runs
from mlrcopilot_tui.research.ablation_view import foretold
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.effects import Effect, Handler
from mlrcopilot_tui.research.gains import standing
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.research.results import promote_session, promoted_in_words
from mlrcopilot_tui.session.ablation_events import AblationAsked, AblationEnded
from mlrcopilot_tui.session.model import Decision

MOST_SEEDS: Final = 1000
_Seeds = Annotated[int, msgspec.Meta(ge=0, le=MOST_SEEDS)]


class ResultDecisions:
    """Works out what decisions about ablations and promoting do.

    Args:
        bench: the session.
        laboratory: stops runs.
        alone: whether no loop is there that would stop them.
    """

    def __init__(self, bench: Bench, laboratory: Laboratory, *, alone: bool) -> None:
        self._bench = bench
        self._laboratory = laboratory
        self._alone = alone

    def handlers(self) -> dict[str, Handler]:
        """By kind of decision."""
        return {"ablate": self._ablate, "ablate.stop": self._stop, "promote": self._promote}

    async def _ablate(self, decision: Decision) -> Effect:
        state = self._bench.state
        try:
            seeds = msgspec.convert(decision.draft.get("seeds", 0), _Seeds)
        except msgspec.ValidationError as error:
            raise InputError("That is no number of seeds.", f"Give one from 1 to {MOST_SEEDS}.") from error
        if not standing(state):
            raise RefusedError(NOTHING_KEPT)
        if state.ablating:
            raise RefusedError("An ablation is under way already.", "`mlrcopilot ablate --last` tells how far it is.")
        said = f"The ablation comes after the experiment that is at work: {foretold(state, seeds)}."
        return Effect(said, (AblationAsked(by=decision.by, seeds=seeds),))

    async def _stop(self, _: Decision) -> Effect:
        bench = self._bench
        if not bench.state.ablating:
            raise RefusedError("No ablation is under way.")
        if self._alone:
            await stop_runs(bench, self._laboratory)
        said = "The ablation has ended; what it measured stays."
        return Effect(said, (AblationEnded(reason="You ended it."),))

    async def _promote(self, decision: Decision) -> Effect:
        bench, branch = self._bench, decision.text
        tip = await asyncio.to_thread(promote_session, bench.repository, bench.state, branch)
        return Effect(promoted_in_words(bench.state, branch, tip))
