"""The paper as its summary with quotes and pages, and as its own text."""

from collections.abc import Iterable

from mlrcopilot_tui.papers.model import Paper
from mlrcopilot_tui.session.model import Quote, Summary
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.tui.glyphs import Glyphs
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
        *_gaps(summary),
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


def paper_text(paper: Paper | None) -> Document:
    """The paper's own text, section by section."""
    if paper is None:
        return ()
    parts: list[Paragraph] = [Paragraph((Span(paper.title, "heading"),))]
    parts += [text(warning, "waiting", lead="note ") for warning in paper.warnings]
    for section in paper.sections:
        parts += [BLANK, Paragraph((Span(section.title, "strong"), Span(f"  p.{section.page}", "muted")))]
        parts += [text(paragraph) for paragraph in section.text.split("\n") if paragraph.strip()]
    return tuple(parts)


def _gaps(summary: Summary) -> Iterable[Paragraph]:
    for at, gap in enumerate(summary.gaps):
        label = (Span(_label("Gaps" if at == 0 else ""), "muted"),)
        page = Span(f" p.{gap.quote.page}", "muted")
        if gap.quote.text.strip() == gap.statement.strip():
            yield Paragraph((Span(f"{gap.id} ", "accent"), Span(gap.statement), page), label)
        else:
            yield Paragraph((Span(f"{gap.id} ", "accent"), Span(gap.statement)), label)
            yield Paragraph((Span(f"“{gap.quote.text}”", "muted"), page), (Span(_label("")),))


def _quotes(label: str, quotes: tuple[Quote, ...]) -> Iterable[Paragraph]:
    for at, quote in enumerate(quotes):
        body = (Span(quote.text), Span(f" p.{quote.page}", "muted"))
        yield Paragraph(body, (Span(_label(label if at == 0 else ""), "muted"),))


def _label(name: str) -> str:
    return f"{name:<{_LABEL}}"
