"""The paper as its summary with quotes and pages, and as its own text."""

from collections.abc import Iterable, Sequence
from operator import itemgetter

from mlrcopilot_tui.papers.model import Paper
from mlrcopilot_tui.session.links import ideas_by_gap
from mlrcopilot_tui.session.model import Gap, Quote, Summary
from mlrcopilot_tui.session.state import IdeaState, SessionState
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.projector.words import WORDS, change, sign
from mlrcopilot_tui.tui.views import BLANK, Document, Paragraph, Span, text

_LABEL = 10
_MOST = 2
"""Sentences of each part but the gaps; the paper's own text is a tab further."""


def paper_document(state: SessionState, glyphs: Glyphs) -> Document:
    """The summary: the gaps in full, for ideas come from them; of the rest the first sentences."""
    if state.paper is None:
        return ()
    paper, summary = state.paper, state.summary
    parts = [
        Paragraph((Span(paper.title, "heading"),)),
        text(f"{paper.source} {glyphs.dot} {paper.pages} pages", "muted"),
    ]
    if summary is None:
        return (*parts, BLANK, text("Being read; its task and gaps will stand here.", "muted"))
    better = state.started.direction if state.started is not None else "min"
    way = "higher is better" if better == "max" else "lower is better"
    metric = state.started.metric if state.started is not None else ""
    parts += [
        BLANK,
        *_quotes("Task", summary.task[:1]),
        Paragraph((Span(metric, "strong"), Span(f" ({way})", "muted")), (Span(_label("Metric"), "muted"),)),
        *_gaps(state, summary, glyphs),
        *_quotes("Data", summary.datasets[:_MOST]),
        *_quotes("Method", summary.method[:_MOST]),
        *_quotes("Measures", summary.metrics[:_MOST]),
        *_quotes("Results", summary.results[:_MOST]),
        *_quotes("Future", summary.future_work[:_MOST]),
    ]
    if summary.keywords:
        parts.append(text(", ".join(summary.keywords), "muted", lead=_label("Keywords")))
    origin = "sentences of the paper, chosen by rule" if summary.engine == "offline" else f"read by {summary.engine}"
    parts += [BLANK, text(f"Summary: {origin}.", "muted")]
    return tuple(parts)


def paper_text(paper: Paper | None, summary: Summary | None = None) -> Document:
    """The paper's own text, section by section; the sentences that show a gap stand out and bear its id."""
    if paper is None:
        return ()
    parts: list[Paragraph] = [Paragraph((Span(paper.title, "heading"),))]
    parts += [text(warning, "waiting", lead="note ") for warning in paper.warnings]
    for section in paper.sections:
        parts += [BLANK, Paragraph((Span(section.title, "strong"), Span(f"  p.{section.page}", "muted")))]
        gaps = summary.gaps if summary is not None else ()
        parts += [told for paragraph in section.text.split("\n") for told in _told(paragraph, gaps)]
    return tuple(parts)


def gap_key(gap: str) -> str:
    """The key of what stands for a gap of the paper."""
    return f"gap:{gap}"


def gap_of(key: str | None) -> str | None:
    """The gap that a key names; None where it names something else."""
    kind, _, name = (key or "").partition(":")
    return name if kind == "gap" else None


def _told(paragraph: str, gaps: Sequence[Gap]) -> Iterable[Paragraph]:
    """A paragraph of the paper; a sentence that shows a gap stands on a line of its own, under the gap's id."""
    places = sorted(
        ((at, gap) for gap in gaps if (at := paragraph.find(gap.quote.text.strip())) >= 0), key=itemgetter(0)
    )
    done = 0
    for at, gap in places:
        if at < done:
            continue
        if before := paragraph[done:at].strip():
            yield text(before)
        done = at + len(gap.quote.text.strip())
        yield Paragraph((Span(f"{gap.id} ", "accent"), Span(paragraph[at:done], "strong")), key=gap_key(gap.id))
    if rest := paragraph[done:].strip():
        yield text(rest)


def _gaps(state: SessionState, summary: Summary, glyphs: Glyphs) -> Iterable[Paragraph]:
    """Each gap with its sentence and page, and the ideas that it gave with what became of them."""
    ideas = ideas_by_gap(state)
    for at, gap in enumerate(summary.gaps):
        label = (Span(_label("Gaps" if at == 0 else ""), "muted"),)
        key, below = gap_key(gap.id), (Span(_label("")),)
        page = Span(f" p.{gap.quote.page}", "muted")
        if gap.quote.text.strip() == gap.statement.strip():
            yield Paragraph((Span(f"{gap.id} ", "accent"), Span(gap.statement), page), label, key)
        else:
            yield Paragraph((Span(f"{gap.id} ", "accent"), Span(gap.statement)), label, key)
            yield Paragraph((Span(f"“{gap.quote.text}”", "muted"), page), below, key)
        if given := ideas[gap.id]:
            yield Paragraph((Span(f"{glyphs.arrow} ", "muted"), *_given(state, given, glyphs)), below, key)


def _given(state: SessionState, ideas: Sequence[IdeaState], glyphs: Glyphs) -> Iterable[Span]:
    """`2 ✓ -18 %, 5 ○`: the ideas of a gap by number, with how they stand."""
    for at, idea in enumerate(ideas):
        moved = change(idea.verdict.relative, state, glyphs) if idea.verdict is not None else ""
        yield Span(f"{', ' if at else ''}{idea.idea.number} ", "muted")
        yield Span(f"{sign(idea.status, glyphs)} {moved}".strip(), WORDS[idea.status][1])


def _quotes(label: str, quotes: tuple[Quote, ...]) -> Iterable[Paragraph]:
    for at, quote in enumerate(quotes):
        body = (Span(quote.text), Span(f" p.{quote.page}", "muted"))
        yield Paragraph(body, (Span(_label(label if at == 0 else ""), "muted"),))


def _label(name: str) -> str:
    return f"{name:<{_LABEL}}"
