"""What becomes of the researcher's words: standing instructions are rewritten and dropped, and turns take words in."""

from typing import Literal

from mlrcopilot_tui.session.events import Event


class InstructionRewritten(Event, frozen=True, kw_only=True, tag="instruction.rewritten"):
    """The researcher put other words in the place of a standing instruction; the old ones hold no more."""

    number: int
    text: str
    understood: str
    by: str


class InstructionDropped(Event, frozen=True, kw_only=True, tag="instruction.dropped"):
    """A standing instruction holds no more."""

    number: int
    by: str


class WordsHeard(Event, frozen=True, kw_only=True, tag="words.heard"):
    """An agent that asks no model took words in; those that a model reads are named by the call that it was asked in.

    `words` are the places in the journal where they were said, or rewritten.
    """

    agent: Literal["IdeaAgent", "ExperimentAgent"]
    task: str
    words: tuple[int, ...]
    idea: int = 0
    attempt: int = 0
