"""Growing and choosing ideas: from the paper, from verdicts, from the researcher's own words."""

from collections.abc import Collection, Sequence

import msgspec

from mlrcopilot_tui.agents.base import IdeaDraft
from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.papers.library import PaperLibrary
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.gates import Gatekeeper
from mlrcopilot_tui.research.turns import LOOP
from mlrcopilot_tui.session.events import IdeaApproved, IdeaProposed, IdeaReflected, PaperSummarized
from mlrcopilot_tui.session.model import Idea
from mlrcopilot_tui.session.state import ACTIVE_STATUSES, OPEN_STATUSES, IdeaState, SessionState

FIRST_IDEAS = 5
MORE_IDEAS = 3


class IdeaGrower:
    """Reads the paper, asks the IdeaAgent, numbers its ideas and picks the next one to try."""

    def __init__(self, bench: Bench, gates: Gatekeeper) -> None:
        self._bench = bench
        self._gates = gates

    async def summarize(self) -> None:
        """Lets the IdeaAgent read the session's paper, once; without a summary the session goes on all the same."""
        bench = self._bench
        if bench.state.paper is None or bench.state.summary is not None:
            return
        try:
            paper = PaperLibrary(bench.layout.papers(bench.state.session)).get(bench.state.paper.digest)
            work = bench.engine.ideas.summarize(paper, bench.brief(bench.code(), "IdeaAgent"))
            summary = await bench.asked("IdeaAgent", work)
        except (RefusedError, InputError) as error:
            bench.warn(f"The paper has no summary. {error.sentence}", error.mend)
        else:
            bench.session.record(PaperSummarized(summary=summary))

    async def propose(self, count: int) -> Sequence[IdeaDraft]:
        """Up to `count` more ideas of the IdeaAgent's; none, and a warning, where it fails."""
        bench = self._bench
        try:
            work = bench.engine.ideas.propose(bench.brief(bench.code(), "IdeaAgent"), count)
            return await bench.asked("IdeaAgent", work)
        except (RefusedError, InputError) as error:
            bench.warn(f"There are no new ideas. {error.sentence}", error.mend)
            return []

    async def reflect(self) -> None:
        """Grows the children that the ends of ideas suggest: of the last one, and of any that a crash cut off."""
        state = self._bench.state
        for idea in list(state.ideas.values()):
            if idea.started_at and not idea.reflected and has_ended(state, idea.idea.number):
                await self._reflect_on(idea.idea.number)

    async def _reflect_on(self, number: int) -> None:
        bench = self._bench
        drafts: Sequence[IdeaDraft] = []
        try:
            work = bench.engine.ideas.reflect(bench.brief(bench.code(), "IdeaAgent"), number)
            drafts = await bench.asked("IdeaAgent", work)
        except (RefusedError, InputError) as error:
            bench.warn(f"Nothing was learnt from idea {number}. {error.sentence}", error.mend)
        await bench.turn_of(LOOP)
        children = self.numbered(drafts)
        bench.session.record(*children, IdeaReflected(idea=number, children=len(children)))

    def numbered(
        self, drafts: Sequence[IdeaDraft], *, by: str = "engine", base: str | None = None
    ) -> list[IdeaProposed]:
        """The drafts as new nodes of the tree; to be journaled before anything else can grow."""
        first = max(self._bench.state.ideas, default=0) + 1
        fields = [{name: getattr(draft, name) for name in draft.__slots__} for draft in drafts]
        return [
            IdeaProposed(idea=msgspec.convert({**values, "number": number, "by": by, "base": base}, Idea))
            for number, values in enumerate(fields, first)
        ]

    def active(self, but: Collection[int] = ()) -> IdeaState | None:
        """The first idea at work, `but` those: an earlier process's, or one that has to beat another champion."""
        ideas = self._bench.state.ideas
        return next((idea for n, idea in ideas.items() if idea.status in ACTIVE_STATUSES and n not in but), None)

    async def replenish(self) -> bool:
        """Sees to it that there is an idea to try; False when none is left."""
        if self._queue():
            return True
        drafts = await self.propose(MORE_IDEAS if self._bench.state.ideas else FIRST_IDEAS)
        if drafts:
            await self._bench.turn_of(LOOP)
            self._bench.session.record(*self.numbered(drafts))
        return bool(self._queue())

    def next(self) -> IdeaState | None:
        """The next idea to try, approved by the researcher or by rule; None while the researcher is to be asked."""
        queue = self._queue()
        approved = next((idea for idea in queue if idea.status == "approved"), None)
        if approved is None and queue and self._bench.settings.ideas == "auto":
            approved = queue[0]
            self._bench.session.record(IdeaApproved(idea=approved.idea.number, by="rule"))
        return approved

    def _queue(self) -> list[IdeaState]:
        """The ideas not yet tried that this engine can carry out; another's wait for that one to come back."""
        takes = self._bench.engine.experiments.takes
        return [idea for idea in self._bench.state.queue() if takes(idea.idea)]


def has_ended(state: SessionState, number: int) -> bool:
    """Whether nothing more will come of an idea: what is kept but not on the line may have to beat another champion."""
    idea = state.ideas[number]
    if idea.status == "kept":
        return any(moved.commit == idea.verdicts[-1].commit for moved in state.line)
    return idea.status not in OPEN_STATUSES
