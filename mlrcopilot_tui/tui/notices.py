"""What was said to the researcher: shown in passing, kept with its details."""

from dataclasses import dataclass, field
from datetime import datetime

from mlrcopilot_tui.tui.views import Document, Paragraph, Span, text

KEPT = 200


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence, how to mend it, and whether something went wrong."""

    at: datetime
    sentence: str
    mend: str = ""
    wrong: bool = False
    details: str = ""


@dataclass(slots=True)
class Notices:
    """The newest notices, oldest first."""

    kept: list[Notice] = field(default_factory=list)

    def add(self, notice: Notice) -> None:
        """Keeps one more."""
        self.kept.append(notice)
        del self.kept[:-KEPT]

    def document(self) -> Document:
        """All of them, the newest first."""
        if not self.kept:
            return (text("Nothing was said yet.", "muted"),)
        parts: list[Paragraph] = []
        for notice in reversed(self.kept):
            lead = (Span(f"{notice.at:%H:%M:%S}  ", "muted"),)
            parts.append(Paragraph((Span(notice.sentence, "error" if notice.wrong else "plain"),), lead))
            more = [line for line in (notice.mend, *notice.details.splitlines()) if line]
            parts += [text(line, "muted", lead=" " * 10) for line in more]
        return tuple(parts)
