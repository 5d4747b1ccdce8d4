"""A model's reading of a paper: the form it fills in, and the check that every quote stands where it says."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import msgspec

from mlrcopilot_tui.agents.claude.ideas.quoting import QuoteIndex
from mlrcopilot_tui.session.model import Gap, Quote, Summary
from mlrcopilot_tui.text import one_line, printable

MOST_QUOTES: Final = 6
MOST_GAPS: Final = 12
MOST_KEYWORDS: Final = 12
NEAR: Final = 1
"""Pages by which a model may miscount: a sentence runs over a page's end, printed numbers differ from the file's."""

_Sentence = Annotated[str, msgspec.Meta(description="one sentence of the paper, copied word for word")]
_Page = Annotated[int, msgspec.Meta(description="the page that its data block names")]


class QuoteForm(msgspec.Struct, kw_only=True):
    """A sentence of the paper."""

    sentence: _Sentence
    page: _Page


class GapForm(msgspec.Struct, kw_only=True):
    """What the paper leaves open."""

    statement: Annotated[str, msgspec.Meta(description="what is missing, in your own words, in one sentence")]
    sentence: _Sentence
    page: _Page


class SummaryForm(msgspec.Struct, kw_only=True):
    """What a paper is about."""

    thought: Annotated[str, msgspec.Meta(description="what matters most in this paper, in one or two sentences")] = ""
    task: Annotated[list[QuoteForm], msgspec.Meta(description="what problem it works on")]
    datasets: list[QuoteForm] = []
    metrics: list[QuoteForm] = []
    method: list[QuoteForm] = []
    results: list[QuoteForm] = []
    gaps: Annotated[list[GapForm], msgspec.Meta(description="limitations, untested assumptions, open questions")]
    future_work: list[QuoteForm] = []
    keywords: list[str] = []


_FIELDS: Final = ("task", "datasets", "metrics", "method", "results", "future_work")


def false_quotes(form: SummaryForm, index: QuoteIndex) -> list[str]:
    """What is wrong with the form's quotes, a sentence each, for the model to mend."""
    return [flaw for quote in _quotes(form) if (flaw := _flaw(quote, index))]


def summary_of(form: SummaryForm, index: QuoteIndex, engine: str) -> Summary:
    """The summary with the quotes that stand in the paper, in the paper's own wording and on their true pages."""
    parts = {name: _true(getattr(form, name), index) for name in _FIELDS}
    gaps: list[Gap] = []
    for gap in form.gaps:
        quote, statement = _checked(gap, index), " ".join(printable(gap.statement).split())[:400]
        if quote is not None and statement and all(quote != known.quote for known in gaps) and len(gaps) < MOST_GAPS:
            gaps.append(Gap(id=f"g{len(gaps) + 1}", statement=statement, quote=quote))
    keywords = dict.fromkeys(keyword for word in form.keywords if (keyword := one_line(word, 60)))
    return Summary(engine=engine, gaps=tuple(gaps), keywords=tuple(keywords)[:MOST_KEYWORDS], **parts)


def _quotes(form: SummaryForm) -> Iterator[QuoteForm | GapForm]:
    for name in _FIELDS:
        yield from getattr(form, name)
    yield from form.gaps


def _flaw(quote: QuoteForm | GapForm, index: QuoteIndex) -> str:
    """Why the quote does not count; empty where it does."""
    if _checked(quote, index) is not None:
        return ""
    found, shown = index.nearest(quote.sentence, quote.page), one_line(quote.sentence, 200)
    if found is not None:
        return f"“{shown}” does not stand on page {quote.page}, but on page {found.quote.page}."
    return (
        f"“{shown}” does not stand in the paper in these words: copy a whole sentence exactly as its data block has "
        "it, or leave the entry out."
    )


def _checked(quote: QuoteForm | GapForm, index: QuoteIndex) -> Quote | None:
    """The quote as the paper has it; None where it does not stand on that page or the next to it."""
    found = index.nearest(quote.sentence, quote.page)
    return found.quote if found is not None and found.away(quote.page) <= NEAR else None


def _true(quotes: Sequence[QuoteForm], index: QuoteIndex) -> tuple[Quote, ...]:
    checked = dict.fromkeys(found for quote in quotes if (found := _checked(quote, index)) is not None)
    return tuple(checked)[:MOST_QUOTES]
