"""What panes show, as plain values: text with its meaning attached, no colours, no widgets, nothing of Textual."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

PaneName = Literal["paper", "ideas", "patch", "run"]
PANES: tuple[PaneName, ...] = ("paper", "ideas", "patch", "run")
"""The panes in the order of their numbers."""

TABS: dict[PaneName, tuple[str, ...]] = {
    "paper": ("Paper", "Idea", "Text"),
    "ideas": ("Ideas",),
    "patch": ("Patch", "History"),
    "run": ("Run", "Curve", "Agent"),
}
"""The inner tabs of each pane."""

Role = Literal[
    "plain", "muted", "strong", "heading", "accent", "key",
    "kept", "discarded", "running", "waiting", "inconclusive", "error",
]  # fmt: skip
"""What a piece of text means; a theme decides how each looks."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text with one meaning; the text may be untrusted, for only the widget boundary shows it."""

    text: str
    role: Role = "plain"


WHOLE: Final = -1
"""Instead of a line's position: what is said of its hunk as a whole."""
Notes = Mapping[tuple[int, int], tuple[Span, ...]]
"""What is said of a patch under review, one line of text each, by the number of a hunk and the position of a line in
it, or `WHOLE`."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text that is wrapped to the pane; wrapped lines stand under the body, right of `lead`.

    `key` names what it stands for, so that it can be followed from there: `gap:g1`, `idea:3`, `attempt:3.2`.
    """

    body: tuple[Span, ...] = ()
    lead: tuple[Span, ...] = ()
    key: str = ""


Document = tuple[Paragraph, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list: `left` is cut where it meets `right`. `key` stays with what the row stands for.

    `more` stands before `right` where there is room for all of it.
    """

    key: str
    left: tuple[Span, ...]
    right: tuple[Span, ...] = ()
    more: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a status line; where room is short, the highest `rank` is dropped first."""

    text: str
    role: Role = "plain"
    rank: int = 0
    right: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """What the researcher chose to look at; None follows what is live.

    `against` is the commit that the attempt is held against instead of its parent.
    """

    idea: int | None = None
    attempt: int | None = None
    run: str | None = None
    against: str = ""


Order = Literal["newest", "oldest", "best", "idea"]
STARTER: Final = "0.0"
"""The key of the starter among the rows of the history, where an attempt's is its name."""


@dataclass(frozen=True, slots=True)
class HistoryChoice:
    """How the history is listed: what was typed to filter it, the order, and the row that is marked."""

    typed: str = ""
    order: Order = "newest"
    marked: str = ""


def text(body: str, role: Role = "plain", *, lead: str = "", lead_role: Role = "muted") -> Paragraph:
    """A paragraph of one meaning, after an optional label."""
    return Paragraph(body=(Span(body, role),), lead=(Span(lead, lead_role),) if lead else ())


BLANK = Paragraph()
