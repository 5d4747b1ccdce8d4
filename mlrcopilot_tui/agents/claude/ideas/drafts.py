"""A model's ideas made sound: evidence that exists, scores in range, likeness measured, repetitions left out."""

import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from mlrcopilot_tui.agents.base import IdeaDraft
from mlrcopilot_tui.agents.claude.ideas.context import Code, as_evidence
from mlrcopilot_tui.agents.claude.ideas.forms import EvidenceForm, IdeaForm, IdeasForm
from mlrcopilot_tui.agents.claude.ideas.likeness import Gist, similarity
from mlrcopilot_tui.session.model import Evidence, PlanDesign, Summary
from mlrcopilot_tui.session.state import OPEN_STATUSES, SessionState
from mlrcopilot_tui.text import one_line, printable

SIMILARITY: Final = "paper.similarity"
_TITLE: Final = 72
_TEXT: Final = 1_500
_STEPS: Final = 12
_PLACE: Final = re.compile(r"(?P<path>.+?):(?P<first>\d{1,6})(?:-(?P<last>\d{1,6}))?")
_LINES: Final = 6
"""Lines of code that one piece of evidence quotes at most."""


@dataclass(slots=True)
class Sieve:
    """Turns forms into drafts, and remembers what it left out and why.

    Args:
        state: the session.
        code: the files that evidence may point to.
        apart_from: ideas that the new ones are to replace, which they may therefore resemble.
    """

    state: SessionState
    code: Code
    apart_from: Collection[int] = ()
    notes: list[str] = field(default_factory=list)

    def drafts(self, forms: Sequence[IdeaForm], *, parent: int | None = None, all_of_them: bool) -> list[IdeaDraft]:
        """The ideas in their order: those that are new and can be wrong, or all that say something."""
        made: list[IdeaDraft] = []
        known = list(self._known())
        for form in forms:
            draft = self._draft(form, parent)
            gist = Gist.of(draft.title, draft.hypothesis)
            wrong = flaw(form) or next((said for other, said in known if gist.same(other)), "")
            if _says_something(form) and (all_of_them or not wrong):
                made.append(draft)
                known.append((gist, "it stands in the same reply already."))
            else:
                self.notes.append(f"Left out “{draft.title}”: {wrong}")
        return made

    def _draft(self, form: IdeaForm, parent: int | None) -> IdeaDraft:
        title, plan = one_line(form.title, _TITLE), form.plan
        hypothesis, steps = _plain(form.hypothesis), tuple(_plain(step) for step in plan.steps[:_STEPS] if step.strip())
        scores = dict(_scores(form))
        if self.state.summary is not None:
            text = f"{title} {hypothesis} {' '.join(steps)}"
            scores[SIMILARITY] = round(similarity(text, said_by(self.state.summary)), 3)
        return IdeaDraft(
            title=title,
            hypothesis=hypothesis,
            rationale=_plain(form.rationale),
            plan=steps,
            prediction=_plain(plan.prediction),
            evidence=tuple(self._evidence(form.evidence)),
            scores=scores,
            recipe={},
            parent=parent,
            design=PlanDesign(
                dataset=_plain(plan.dataset),
                metric=_plain(plan.metric),
                baseline=_plain(plan.baseline),
                runs=min(max(plan.runs, 0), 1_000),
                minutes=min(max(plan.minutes_per_run, 0.0), 100_000.0) if math.isfinite(plan.minutes_per_run) else 0.0,
            ),
        )

    def _known(self) -> Iterator[tuple[Gist, str]]:
        for number, idea in self.state.ideas.items():
            if number not in self.apart_from:
                yield Gist.of(idea.idea.title, idea.idea.hypothesis), f"idea {number} is the same, and {idea.status}."

    def _evidence(self, forms: Sequence[EvidenceForm]) -> Iterator[Evidence]:
        """What stands up: the words are the paper's, the code's and the journal's; only knowledge is the model's."""
        for form in forms:
            found = self._checked(form)
            if found is None:
                self.notes.append(f"Left out evidence that points to nothing: {one_line(form.ref or form.text, 80)}")
            else:
                yield found

    def _checked(self, form: EvidenceForm) -> Evidence | None:
        ref = form.ref.strip().removeprefix("./")
        if form.kind == "knowledge":
            return Evidence(kind="knowledge", text=_plain(form.text)) if form.text.strip() else None
        if form.kind == "gap":
            gaps = self.state.summary.gaps if self.state.summary is not None else ()
            return next((Evidence(kind="gap", text=gap.quote.text, ref=gap.id) for gap in gaps if gap.id == ref), None)
        if form.kind == "code":
            return self._place(ref)
        named = re.fullmatch(r"(?:idea\s*)?(\d{1,6})", ref, re.IGNORECASE)
        idea = self.state.ideas.get(int(named[1])) if named else None
        return as_evidence(idea) if idea is not None and idea.status not in OPEN_STATUSES else None

    def _place(self, ref: str) -> Evidence | None:
        place = _PLACE.fullmatch(ref)
        if place is None:
            return None
        first, last = int(place["first"]), int(place["last"] or place["first"])
        lines = self.code.lines(place["path"], first, last).strip()
        if not lines:
            return None
        return Evidence(kind="code", text=printable("\n".join(lines.splitlines()[:_LINES])), ref=ref)


def flaw(form: IdeaForm) -> str:
    """Why the idea cannot be tested as it stands, as a sentence; empty where it can."""
    if not _says_something(form):
        return "it has no title or no hypothesis."
    if not any(step.strip() for step in form.plan.steps):
        return "its plan has no step."
    if not re.search(r"\d", form.plan.prediction):
        return "its prediction names no number, so nothing could prove it wrong."
    return ""


def _says_something(form: IdeaForm) -> bool:
    return bool(form.title.strip() and form.hypothesis.strip())


def flaws(form: IdeasForm) -> list[str]:
    """What the model is to put right."""
    return [f"Idea “{one_line(idea.title, _TITLE)}”: {flaw(idea)}" for idea in form.ideas if flaw(idea)]


def said_by(summary: Summary) -> Iterator[str]:
    """The sentences in which the paper says what it does, misses and plans: what an idea may merely repeat."""
    for gap in summary.gaps:
        yield gap.statement
        yield gap.quote.text
    for quote in (*summary.method, *summary.future_work):
        yield quote.text


def _scores(form: IdeaForm) -> Iterator[tuple[str, float]]:
    groups = (("", form.scores), ("hypothesis.", form.hypothesis_scores), ("plan.", form.plan_scores))
    for prefix, group in groups:
        for name, score in msgspec.structs.asdict(group).items() if group is not None else ():
            if math.isfinite(score):
                yield f"{prefix}{name}", round(min(max(score, 1.0), 10.0), 1)


def _plain(text: str) -> str:
    return " ".join(printable(text).split())[:_TEXT]
