"""Growing and choosing ideas: from the paper, from verdicts, from the researcher's own words."""

from collections.abc import Sequence

import msgspec

from mlrcopilot_tui.agents.base import IdeaDraft
from mlrcopilot_tui.papers.library import PaperLibrary
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.gates import Gatekeeper
from mlrcopilot_tui.session.events import GateAnswered, IdeaApproved, IdeaProposed, PaperRead, PaperSummarized
from mlrcopilot_tui.session.model import Idea
from mlrcopilot_tui.session.state import ACTIVE_STATUSES, IdeaState

FIRST_IDEAS = 5
MORE_IDEAS = 3


class IdeaGrower:
    """Reads the paper, asks the IdeaAgent, numbers its ideas and picks the next one to try."""

    def __init__(self, bench: Bench, gates: Gatekeeper) -> None:
        self._bench = bench
        self._gates = gates

    async def read(self, library: PaperLibrary, digest: str) -> None:
        """Summarises the parsed paper `digest`, once."""
        bench = self._bench
        if bench.state.summary is not None:
            return
        paper = library.get(digest)
        if bench.state.paper is None:
            bench.session.record(
                PaperRead(digest=paper.digest, title=paper.title, pages=paper.page_count, source=paper.source)
            )
        summary = await bench.engine.ideas.summarize(paper, bench.brief(bench.code(), "IdeaAgent"))
        bench.session.record(PaperSummarized(summary=summary))

    async def propose(self, count: int) -> int:
        """Asks for up to `count` more ideas; how many came."""
        bench = self._bench
        drafts = await bench.engine.ideas.propose(bench.brief(bench.code(), "IdeaAgent"), count)
        return self.add(drafts)

    async def reflect(self, number: int) -> int:
        """Asks for the children that the verdict on an idea suggests; how many came."""
        bench = self._bench
        drafts = await bench.engine.ideas.reflect(bench.brief(bench.code(), "IdeaAgent"), number)
        return self.add(drafts)

    def add(self, drafts: Sequence[IdeaDraft], *, by: str = "engine", base: str | None = None) -> int:
        """Numbers the drafts and puts them into the tree."""
        for draft in drafts:
            number = max(self._bench.state.ideas, default=0) + 1
            idea = msgspec.convert(
                {**{name: getattr(draft, name) for name in draft.__slots__}, "number": number, "by": by, "base": base},
                Idea,
            )
            self._bench.session.record(IdeaProposed(idea=idea))
        return len(drafts)

    def active(self) -> IdeaState | None:
        """The idea that an earlier process was at work on."""
        return next((idea for idea in self._bench.state.ideas.values() if idea.status in ACTIVE_STATUSES), None)

    async def pick(self) -> IdeaState | None:
        """The next idea to try, approved by the researcher or by rule; None when there is nothing left to try."""
        state = self._bench.state
        while True:
            queue = state.queue()
            approved = next((idea for idea in queue if idea.status == "approved"), None)
            if approved is not None:
                self._close_gates()
                return approved
            if not queue:
                if await self.propose(FIRST_IDEAS if not state.ideas else MORE_IDEAS) == 0:
                    return None
                continue
            if self._bench.settings.ideas == "auto":
                self._bench.session.record(IdeaApproved(idea=queue[0].idea.number, by="rule"))
                continue
            self._gates.open("ideas", "Which idea may be tried next?")
            await self._gates.change()

    def _close_gates(self) -> None:
        """An approval that came without naming the open question answers it all the same."""
        state = self._bench.state
        for gate in state.gates.values():
            if gate.kind == "ideas" and gate.id not in state.answers:
                self._bench.session.record(GateAnswered(gate=gate.id, answer="approve", by="researcher"))
