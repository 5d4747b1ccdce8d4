"""The IdeaAgent that asks a model: what it says is checked against the paper, the code and the journal."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mlrcopilot_tui.agents.base import Brief, IdeaDraft, Understanding
from mlrcopilot_tui.agents.claude.fences import cleaned
from mlrcopilot_tui.agents.claude.forms import Question, filled
from mlrcopilot_tui.agents.claude.ideas.context import (
    findings,
    heeded,
    in_detail,
    read_code,
    researcher,
    workspace,
)
from mlrcopilot_tui.agents.claude.ideas.drafts import Sieve, flaws
from mlrcopilot_tui.agents.claude.ideas.forms import IdeasForm
from mlrcopilot_tui.agents.claude.ideas.paper_text import PAPER_CHARS, shown_paper
from mlrcopilot_tui.agents.claude.ideas.prompts import (
    DRAFT,
    MERGE,
    PROPOSE,
    REFLECT,
    REVISE,
    REVISE_ANEW,
    REVISE_WORDS,
    SPLIT,
    SUMMARIZE,
    SYSTEM,
)
from mlrcopilot_tui.agents.claude.ideas.quoting import QuoteIndex
from mlrcopilot_tui.agents.claude.ideas.summaries import SummaryForm, false_quotes, summary_of
from mlrcopilot_tui.agents.claude.turns import Model
from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.papers.model import Paper
from mlrcopilot_tui.session.model import Summary
from mlrcopilot_tui.session.words import Words
from mlrcopilot_tui.text import one_line

MOST_CHILDREN = 2
_THOUGHT_CELLS = 600


@dataclass(frozen=True, slots=True)
class _Task:
    """One thing to ask for ideas.

    Attributes:
        words: the task in words.
        parent: what the new ideas grow from.
        about: numbers of the ideas that are shown in detail.
        replaces: numbers of the ideas that the new ones take the place of.
        wanted: the researcher asked for this very idea: none is left out for being alike or hard to prove wrong.
        resumable: whether a copilot that starts again may take the answer that its predecessor paid for.
    """

    purpose: str
    words: str
    parent: int | None = None
    about: Sequence[int] = ()
    replaces: Collection[int] = ()
    wanted: bool = False
    idea: int = 0
    resumable: bool = False


class ClaudeIdeaAgent:
    """Implements `IdeaAgent` over a `Model`.

    Args:
        model: answers.
        name: the engine's, for what its summaries say of themselves.
    """

    def __init__(self, model: Model, name: str = "claude") -> None:
        self._model, self._name = model, name

    async def summarize(self, paper: Paper, brief: Brief) -> Summary:
        """The model's reading of the paper; every quote in it stands in the paper, on its page and in its words."""
        brief.say("action", f"Reading {one_line(paper.title or paper.source, 120)}.")
        index = await asyncio.to_thread(QuoteIndex, paper)
        whole = await asyncio.to_thread(shown_paper, paper)
        if not whole.text:
            raise RefusedError("The paper holds no text that can be read.", "A scan needs text recognition first.")
        if whole.left_out:
            brief.say(
                "note", f"The paper is longer than the model is shown; left out: {one_line(whole.left_out, 400)}."
            )

        def show(size: float) -> Sequence[str]:
            shown = whole if size == 1.0 else shown_paper(paper, int(PAPER_CHARS * size))
            missing = f"Not shown, for want of room: {shown.left_out}." if shown.left_out else ""
            return _joined(shown.text, missing), _joined(researcher(heeded(brief)), f"# Your task\n{SUMMARIZE}")

        question = Question(
            "summarize",
            SYSTEM,
            show,
            SummaryForm,
            lambda f: false_quotes(f, index),
            resumable=True,
            words=lambda: _places(heeded(brief)),
        )
        form = await filled(self._model, brief.host, question)
        _say_thought(brief, form.thought)
        if false := len(false_quotes(form, index)):
            brief.say("note", f"Left out, for it does not stand in the paper where it should: {false} of the quotes.")
        summary = summary_of(form, index, self._name)
        found = len(summary.gaps)
        brief.say("observation", f"{found} gap{'s' * (found != 1)}, each quoting a sentence that stands in the paper.")
        return summary

    async def propose(self, brief: Brief, count: int) -> Sequence[IdeaDraft]:
        """Ideas that fit the code and the gaps; those that repeat one of the tree are left out."""
        words = PROPOSE.format(count=count)
        return (await self._ideas(brief, _Task("propose", words, resumable=True)))[:count]

    async def reflect(self, brief: Brief, idea: int) -> Sequence[IdeaDraft]:
        """What follows from how the idea ended; often nothing."""
        words = REFLECT.format(number=idea, count=MOST_CHILDREN)
        task = _Task("reflect", words, parent=idea, about=(idea,), idea=idea, resumable=True)
        return (await self._ideas(brief, task))[:MOST_CHILDREN]

    async def draft(self, brief: Brief, words: str, parent: int | None) -> IdeaDraft | None:
        """The researcher's words worked out; it stands even where the tree holds something alike."""
        about = (parent,) if parent is not None and parent in brief.state.ideas else ()
        task = _Task("draft", DRAFT.format(words=cleaned(words)), parent=parent, about=about, wanted=True)
        return next(iter(await self._ideas(brief, task)), None)

    async def revise(self, brief: Brief, idea: int, words: str) -> IdeaDraft | None:
        """The idea with the researcher's words heeded, or without words another one in its place."""
        now, said = brief.state.ideas[idea].idea, cleaned(words).strip()
        words = REVISE.format(number=idea, wish=REVISE_WORDS.format(words=said) if said else REVISE_ANEW)
        task = _Task("revise", words, parent=now.parent, about=(idea,), wanted=bool(said), idea=idea)
        old = (now.title, now.hypothesis, now.plan)
        drafts = await self._ideas(brief, task)
        return next((draft for draft in drafts if (draft.title, draft.hypothesis, draft.plan) != old), None)

    async def split(self, brief: Brief, idea: int) -> Sequence[IdeaDraft]:
        """Ideas with one change each."""
        words = SPLIT.format(number=idea)
        return await self._ideas(brief, _Task("split", words, parent=idea, about=(idea,), replaces={idea}, idea=idea))

    async def merge(self, brief: Brief, ideas: Sequence[int]) -> IdeaDraft | None:
        """One idea about the joint effect."""
        words = MERGE.format(numbers=", ".join(map(str, ideas)))
        task = _Task("merge", words, parent=min(ideas), about=tuple(ideas), replaces=set(ideas), wanted=True)
        return next(iter(await self._ideas(brief, task)), None)

    async def understand(self, brief: Brief, words: str, idea: int) -> Understanding:  # noqa: ARG002 - the protocol's
        """No model is asked for this: the agents read the words themselves."""
        if idea:
            return Understanding(said=f"The agents read this at their next turn on idea {idea}.")
        return Understanding(said="The agents read this at every turn for the rest of the session.", instruction=words)

    async def _ideas(self, brief: Brief, task: _Task) -> list[IdeaDraft]:
        """The model's ideas made sound."""
        code = await asyncio.to_thread(read_code, brief.tree, brief.command)

        def show(size: float) -> Sequence[str]:
            details = [in_detail(brief.state.ideas[number]) for number in task.about]
            words = researcher(heeded(brief, task.about))
            told = _joined(findings(brief.state, size), *details, words, f"# Your task\n{task.words}")
            return workspace(brief, code, size), told

        question = Question(
            task.purpose,
            SYSTEM,
            show,
            IdeasForm,
            flaws,
            idea=task.idea,
            resumable=task.resumable,
            words=lambda: _places(heeded(brief, task.about)),
        )
        form = await filled(self._model, brief.host, question)
        _say_thought(brief, form.thought)
        sieve = Sieve(brief.state, code, task.replaces)
        drafts = sieve.drafts(form.ideas, parent=task.parent, all_of_them=task.wanted)
        for note in sieve.notes:
            brief.say("note", note)
        return drafts


def _places(words: Sequence[Words]) -> tuple[int, ...]:
    return tuple(said.seq for said in words)


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _say_thought(brief: Brief, thought: str) -> None:
    if said := one_line(thought, _THOUGHT_CELLS):
        brief.say("thought", said)
