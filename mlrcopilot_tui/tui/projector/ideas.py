"""The idea tree as rows, and one idea as a document."""

from mlrcopilot_tui.research.undo_words import since_undone
from mlrcopilot_tui.session.model import Evidence, PlanDesign, Verdict
from mlrcopilot_tui.session.model_events import PlanMark
from mlrcopilot_tui.session.state import IdeaState, SessionState
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.projector.paper import gap_key
from mlrcopilot_tui.tui.projector.spending import spent_on
from mlrcopilot_tui.tui.projector.words import WORDS, change, effect, number, short, sign, spread, time_of_day
from mlrcopilot_tui.tui.views import BLANK, Document, Paragraph, Role, Row, Span, text

ROOT = "root"
"""The key of the tree's first row: the champion, or the starter while nothing is kept."""

_LABEL = 12
_VERDICTS: dict[str, Role] = {
    "keep": "kept",
    "discard": "discarded",
    "inconclusive": "inconclusive",
    "crash": "error",
}


def tree(state: SessionState, glyphs: Glyphs, marked: frozenset[int] = frozenset()) -> tuple[Row, ...]:
    """The champion, then every idea under its parent, in the order in which they will be tried.

    Args:
        marked: the ideas that are marked to be merged.
    """
    if state.started is None or not (state.ideas or state.baseline):
        return ()
    rows = [_root(state, glyphs)]
    children: dict[int | None, list[IdeaState]] = {}
    for idea in _in_order(state):
        parent = idea.idea.parent if idea.idea.parent in state.ideas else None
        children.setdefault(parent, []).append(idea)
    pending = [(idea, "", idea is children[None][-1]) for idea in reversed(children.get(None, []))]
    while pending:
        idea, guide, last = pending.pop()
        mark = glyphs.marked if idea.idea.number in marked else " "
        rows.append(_row(state, idea, guide + (glyphs.last if last else glyphs.branch), mark, glyphs))
        below = children.pop(idea.idea.number, [])
        guide += "  " if last else f"{glyphs.through} "
        pending.extend((child, guide, child is below[-1]) for child in reversed(below))
    return tuple(rows)


def idea_of(key: str) -> int | None:
    """The idea that a row of the tree stands for; None for the root."""
    return int(key) if key.isdecimal() else None


def _in_order(state: SessionState) -> list[IdeaState]:
    queue = state.queue()
    queued = {idea.idea.number for idea in queue}
    return [idea for idea in state.ideas.values() if idea.idea.number not in queued] + queue


def _root(state: SessionState, glyphs: Glyphs) -> Row:
    champion = state.champion
    name = "champion" if champion is not None and (champion.idea or state.kept) else "starter"
    left = [Span(f"{glyphs.champion} ", "kept" if name == "champion" else "accent"), Span(name, "strong")]
    if champion is not None and champion.values:
        left.append(Span(f"  {spread(champion.values.values(), glyphs)}"))
    elif state.baseline is None:
        left.append(Span("  being measured", "muted"))
    elif champion is not None and champion.unmeasured:
        left.append(Span("  not measured yet", "muted"))
    gain = change(state.improvement(), state, glyphs) if name == "champion" else ""
    return Row(ROOT, tuple(left), (Span(gain, "kept"),) if gain else ())


def _row(state: SessionState, idea: IdeaState, guide: str, marked: str, glyphs: Glyphs) -> Row:
    word, role = WORDS[idea.status]
    is_champion = state.champion is not None and state.champion.idea == idea.idea.number
    mark = glyphs.champion if is_champion else sign(idea.status, glyphs)
    moved = ""
    if idea.verdict is not None and idea.status not in {"implementing", "waiting", "running"}:
        moved = change(idea.verdict.relative, state, glyphs)
    closed: Role = "muted" if idea.status in {"pruned", "withdrawn", "rejected", "reverted"} else "plain"
    return Row(
        key=str(idea.idea.number),
        left=(
            Span(guide, "muted"),
            Span(marked, "waiting"),
            Span(f"{mark} ", role),
            Span(f"{idea.idea.number} ", "muted"),
            Span(idea.idea.title, closed),
        ),
        # The figure alone says that an idea was discarded; its sign stands on the left.
        right=(Span(moved if moved and idea.status == "discarded" else f"{moved} {word}".strip(), role),),
    )


def idea_document(state: SessionState, idea: IdeaState | None, glyphs: Glyphs) -> Document:
    """Everything about one idea, the newest verdict first."""
    if idea is None:
        return ()
    what = idea.idea
    word, role = WORDS[idea.status]
    grew = f"grew from idea {what.parent}" if what.parent else "grew from the starter"
    by = "yours" if what.by == "researcher" else f"by the {state.started.engine if state.started else ''} engine"
    parts: list[Paragraph] = [
        Paragraph((Span(f"{what.number} {what.title}", "heading"),)),
        Paragraph((Span(word, role), Span(f" {glyphs.dot} {grew} {glyphs.dot} {by}", "muted"))),
    ]
    if idea.reason:
        parts.append(text(idea.reason, lead=_label("Reason")))
    if undone := since_undone(state, idea):
        parts.append(text(undone, lead=_label("Since then")))
    for judged in reversed(idea.verdicts):
        parts += [BLANK, *verdict_document(judged.verdict, judged.attempt, state, glyphs)]
    parts += [BLANK, text(what.hypothesis, lead=_label("Hypothesis"))]
    if what.prediction:
        parts.append(text(what.prediction, lead=_label("Prediction")))
    if what.rationale:
        parts.append(text(what.rationale, lead=_label("Rationale")))
    for at, evidence in enumerate(what.evidence):
        lead = Span(_label("Evidence" if at == 0 else ""), "muted")
        ref = (Span(f"{evidence.ref}  ", "accent"),) if evidence.ref else ()
        parts.append(Paragraph((*ref, Span(evidence.text)), (lead,), _leads_to(evidence)))
    parts += _plan(idea, glyphs)
    parts += _design(what.design)
    # Plain names take part in the search; those with a dot only inform.
    for label, informing in (("Scores", False), ("Rubric", True)):
        scores = [f"{name} {number(score)}" for name, score in what.scores.items() if ("." in name) is informing]
        if scores:
            parts.append(text(f" {glyphs.dot} ".join(scores), lead=_label(label)))
    if spent := spent_on(idea.spending, glyphs):
        parts.append(text(spent, lead=_label("Spent")))
    parts += _attempts(idea, glyphs)
    return tuple(parts)


def _leads_to(evidence: Evidence) -> str:
    """The key of what a piece of evidence can be followed to."""
    if evidence.kind == "gap":
        return gap_key(evidence.ref)
    number = evidence.ref.removeprefix("idea ")
    return f"idea:{number}" if evidence.kind == "result" and number.isdecimal() else ""


def _plan(idea: IdeaState, glyphs: Glyphs) -> list[Paragraph]:
    """The steps, and once an attempt was judged whether code and runs show each of them, and where."""
    marks = {mark.step: mark for mark in idea.plan_marks}
    parts = []
    for at, step in enumerate(idea.idea.plan, 1):
        label = Span(_label("Plan" if at == 1 else ""), "muted")
        mark = marks.get(at)
        if mark is None:
            parts.append(Paragraph((Span(f"{at}. {step}"),), (label,)))
        else:
            tick = Span(f"{glyphs.kept} ", "kept") if mark.done else Span(f"{glyphs.undone} ", "discarded")
            parts.append(Paragraph((Span(f"{at}. {step}"), Span(f"  {_found(mark)}", "muted")), (label, tick)))
    return parts


def _design(design: PlanDesign | None) -> list[Paragraph]:
    """What the plan settles besides its steps."""
    if design is None:
        return []
    settled = (
        ("Dataset", design.dataset),
        ("Metric", design.metric),
        ("Baseline", design.baseline),
        ("Budget", design.budget),
    )
    return [text(said, lead=_label(label)) for label, said in settled if said]


def _found(mark: PlanMark) -> str:
    """`done: train.py:41-52, run r3`."""
    shown = ", ".join(part for part in (mark.where, mark.run and f"run {mark.run}", mark.note) if part)
    word = "done" if mark.done else "not done"
    return f"{word}: {shown}" if shown else word


def verdict_document(verdict: Verdict, attempt: int, state: SessionState, glyphs: Glyphs) -> list[Paragraph]:
    """A verdict with its rule, its numbers and every seed that it rests on."""
    role = _VERDICTS[verdict.kind]
    head = [Span(verdict.kind, role)]
    if verdict.relative is not None:
        head.append(Span(f"  {change(verdict.relative, state, glyphs)}", role))
    if figure := effect(verdict, glyphs):
        head.append(Span(f"  better by {figure}"))
    parts = [
        Paragraph(tuple(head), (Span(_label(f"Verdict {attempt}"), "muted"),)),
        text(verdict.rule, "muted", lead=_label("Rule")),
    ]
    if verdict.values:
        parts.append(text("seed   parent    this", "muted", lead=_label("")))
    for seed, value in sorted(verdict.values.items()):
        parent = verdict.parent_values.get(seed)
        parts.append(
            text(f"{seed:>4}  {number(parent) if parent is not None else '':>7} {number(value):>7}", lead=_label(""))
        )
    return parts


def _attempts(idea: IdeaState, glyphs: Glyphs) -> list[Paragraph]:
    parts = []
    for at, attempt in enumerate(idea.attempts):
        lead = _label("Attempts" if at == 0 else "")
        files = f" {glyphs.dot} ".join(
            f"{file.path} +{file.added} {glyphs.minus}{file.removed}" for file in attempt.files
        )
        parts.append(
            Paragraph(
                (
                    Span(f"{attempt.number} {short(attempt.commit)} ", "accent"),
                    Span(f"{attempt.subject}  "),
                    Span(files, "muted"),
                ),
                (Span(lead, "muted"),),
                key=f"attempt:{idea.idea.number}.{attempt.number}",
            )
        )
    for taken in idea.feedback:
        about = f"on {taken.about.told}: " if taken.about.kind != "idea" else ""
        parts.append(Paragraph((Span(about, "muted"), Span(taken.text)), (Span(_label("Feedback"), "muted"),)))
        if taken.understood:
            parts.append(text(taken.understood, "muted", lead=_label("understood")))
        parts.append(text(taken.reached, "muted", lead=_label("")))
    parts += [text(line, lead=_label("Left out")) for line in idea.left_out]
    if idea.started_at:
        parts.append(text(time_of_day(idea.started_at), "muted", lead=_label("Begun")))
    return parts


def _label(name: str) -> str:
    return f"{name:<{_LABEL}}"
