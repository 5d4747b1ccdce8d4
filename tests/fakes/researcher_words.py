"""The researcher's words as the fold makes them, for agents under test."""

from collections.abc import Sequence
from itertools import count

from mlrcopilot_tui.session.subjects import Subject
from mlrcopilot_tui.session.words import Words

_PLACES = count(1_000)


def spoken(text: str, idea: int = 0, about: Subject | None = None) -> Words:
    """One thing that the researcher said, at a place of its own."""
    kind: Subject = about or Subject(kind="idea" if idea else "session", idea=idea)
    return Words(text, about=kind, seq=next(_PLACES), number=0 if idea else 1)


def texts(words: Sequence[Words]) -> tuple[str, ...]:
    """What was said, in words."""
    return tuple(each.text for each in words)
