"""What happened while the researcher was away, as a document over the panes."""

from collections.abc import Callable

from mlrcopilot_tui.research.digest import Digest
from mlrcopilot_tui.research.digest_words import Line, heading, told
from mlrcopilot_tui.tui.projector.focus import ASKED, pane_of
from mlrcopilot_tui.tui.projector.words import time_of_day
from mlrcopilot_tui.tui.views import Document, Paragraph, Span

_LABEL = 11


def digest_document(digest: Digest, key: Callable[[str], str]) -> Document:
    """The digest's lines; what waits for a decision comes first, with the key that leads there."""
    return tuple(_paragraph(line, key) for line in told(digest))


def digest_title(digest: Digest, *, returned: bool) -> str:
    """How long one was away; for who was here all the time, since when it is told."""
    return heading(digest) if returned else f"Since {time_of_day(digest.since)}"


def in_passing(digest: Digest) -> str:
    """The digest in a sentence, for who comes back to a screen that stayed open."""
    kept = sum(judged.kind == "keep" for judged in digest.verdicts)
    count = len(digest.verdicts)
    judged = f"{count} verdict{'s' * (count != 1)}, {kept} kept" if count else "no verdict"
    needs = f", {len(digest.waiting)} waiting for you" if digest.waiting else ""
    return f"{heading(digest)}: {judged}{needs}."


def _paragraph(line: Line, key: Callable[[str], str]) -> Paragraph:
    body = [Span(line.text, line.tone)]
    if line.gate is not None:
        pane = pane_of(line.gate)
        asked = line.gate.kind in ASKED
        body.append(Span(f"  {key('agent.answer' if asked else f'pane.{pane}')} goes there", "key"))
    return Paragraph(tuple(body), (Span(f"{line.about:<{_LABEL}}", "muted"),))
