"""What a technique of the catalogue is: when it applies, what it claims, and how it rewrites code."""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from mlrcopilot_tui.agents.offline.source import SourceFile


@dataclass(frozen=True, slots=True)
class Change:
    """A technique applied to one file.

    Attributes:
        text: the whole new file.
        line: where the change begins in the old file, counted from 1.
        found: what was found in this code; fills the placeholders of the technique's sentences.
    """

    text: str
    line: int
    found: dict[str, str] = field(default_factory=dict)


Codemod = Callable[[SourceFile], Change | None]
"""Rewrites a file; None where the code has not the shape, has the technique, or could not keep its meaning."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What a technique is called and claims; the table of them is `techniques.toml`.

    The sentences may hold `{metric}` and whatever names the codemod puts into `Change.found`.

    Attributes:
        id: stays for ever: recipes in journals name it.
        title: imperative, as a commit's subject begins.
        known_as: the field's own term for it.
        families: what it belongs to: "optimizer", "features", "data", "model", ... The first is its own: two of one
            family are not proposed at once; whoever wants a family left alone is spared all that belong to it.
        words: how people call it; feedback and drafts are matched against these.
        answers: regular expressions; a gap of the paper that one of them matches speaks for the technique.
        hypothesis, rationale, prediction: full sentences.
        plan: the steps that the codemod takes, in order.
        novelty, feasibility, effectiveness: 1 to 10, before any gap, cost or result is weighed in.
        cost: by what factor the run may become longer.
    """

    id: str
    title: str
    known_as: str
    families: tuple[str, ...]
    words: tuple[str, ...]
    answers: tuple[str, ...]
    hypothesis: str
    rationale: str
    plan: tuple[str, ...]
    prediction: str
    novelty: float
    feasibility: float
    effectiveness: float
    cost: float = 1.0


@dataclass(frozen=True, slots=True)
class Technique:
    """A known way to improve a model: what it claims, and the codemod that brings it into code of a known shape."""

    claim: Claim
    apply: Codemod

    @property
    def id(self) -> str:
        """The claim's."""
        return self.claim.id
