"""An engine whose ideas and edits are a script: everything around the agents is real."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from mlrcopilot_tui.agents.base import (
    Assignment,
    Brief,
    IdeaDraft,
    Proposal,
    Understanding,
    Withdrawal,
)
from mlrcopilot_tui.papers.model import Paper
from mlrcopilot_tui.session.model import Gap, Idea, PlanClaim, Quote, Summary

TRAIN = PurePosixPath("train.py")


@dataclass
class FakeEngine:
    """Proposes `edits` in turn: each a title and the attempts' (old, new) replacements in train.py."""

    edits: list[tuple[str, list[tuple[str, str]]]]
    name: str = "offline"
    label: str = "a script"
    model: str = ""
    endpoint: str = ""
    assignments: list[Assignment] = field(default_factory=list)
    beyond: tuple[str, ...] = ()
    proposed: int = 0
    claims: tuple[PlanClaim, ...] = ()

    @property
    def ideas(self) -> "FakeEngine":
        return self

    @property
    def experiments(self) -> "FakeEngine":
        return self

    async def summarize(self, paper: Paper, brief: Brief) -> Summary:
        quote = Quote(text=paper.abstract[:40], page=1)
        return Summary(engine=self.name, task=(quote,), gaps=(Gap(id="g1", statement="untried", quote=quote),))

    async def propose(self, brief: Brief, count: int) -> Sequence[IdeaDraft]:
        drafts = [self._draft(title, at) for at, (title, _) in enumerate(self.edits)]
        return drafts[len([i for i in brief.state.ideas.values() if i.idea.by == "engine"]) :][:count]

    async def reflect(self, brief: Brief, idea: int) -> Sequence[IdeaDraft]:
        return []

    async def draft(self, brief: Brief, words: str, parent: int | None) -> IdeaDraft | None:
        at = next((at for at, (title, _) in enumerate(self.edits) if title in words), None)
        return None if at is None else self._draft(words, at)

    async def revise(self, brief: Brief, idea: int, words: str) -> IdeaDraft | None:
        return await self.draft(brief, words, None)

    async def split(self, brief: Brief, idea: int) -> Sequence[IdeaDraft]:
        """Each edit that the idea's title names."""
        title = brief.state.ideas[idea].idea.title
        return [self._draft(name, at) for at, (name, _) in enumerate(self.edits) if name in title and name != title]

    async def merge(self, brief: Brief, ideas: Sequence[int]) -> IdeaDraft | None:
        """The edit that is called by all of the ideas' titles, with "and" between them."""
        title = " and ".join(brief.state.ideas[number].idea.title for number in ideas)
        at = next((at for at, (name, _) in enumerate(self.edits) if name == title), None)
        return None if at is None else self._draft(title, at)

    async def understand(self, brief: Brief, words: str, idea: int) -> Understanding:
        return Understanding(said=f"heard: {words}", instruction=words)

    def takes(self, idea: Idea) -> bool:
        return idea.title not in self.beyond

    async def implement(self, brief: Brief, assignment: Assignment) -> Proposal | Withdrawal:
        self.assignments.append(assignment)
        attempts = self.edits[assignment.idea.recipe["at"]][1]
        if assignment.attempt > len(attempts):
            return Withdrawal("The script has no further attempt.")
        old, new = attempts[assignment.attempt - 1]
        text = brief.tree.read(TRAIN)
        brief.say("action", f"replace {old!r}")
        brief.tree.write(TRAIN, text.replace(old, new))
        subject = f"Try {new.strip().splitlines()[0] if new.strip() else 'nothing'}"
        return Proposal(subject=subject, claims=self.claims)

    async def close(self) -> None:
        return

    @staticmethod
    def _draft(title: str, at: int) -> IdeaDraft:
        return IdeaDraft(
            title=title,
            hypothesis=f"{title} lowers the error.",
            rationale="",
            plan=("edit", "run"),
            prediction="the error falls",
            evidence=(),
            scores={"effectiveness": 9.0 - at},
            recipe={"at": at},
        )
