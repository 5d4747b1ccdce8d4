"""The researcher's words as a model reads them: in plain text, for they instruct it; what they are about as data."""

from collections.abc import Iterable
from typing import Final

from mlrcopilot_tui.agents.claude.fences import cleaned, fenced, shortened
from mlrcopilot_tui.session.words import Words
from mlrcopilot_tui.text import one_line

WORDS_LIMIT: Final = 2_000
EXCERPT_LIMIT: Final = 2_000


def in_words(said: Words) -> str:
    """Some words with what they are about before them, and below them, fenced off, the code that they were said of."""
    text = shortened(cleaned(said.text), WORDS_LIMIT)
    if said.about.kind in {"session", "idea"}:
        return text
    told = f"On {one_line(said.about.told, 200)}: {text}"
    return (
        f"{told}\n{fenced('the lines it is about', said.about.excerpt, EXCERPT_LIMIT)}" if said.about.excerpt else told
    )


def listed(words: Iterable[Words]) -> str:
    """Words as a list, oldest first."""
    return "\n".join(f"- {in_words(said)}" for said in words)


def taken_back(said: Words) -> str:
    """What a model is told that has read words which hold no more."""
    return f"The researcher takes back what they said before, and it holds no more: {one_line(said.text, WORDS_LIMIT)}"
