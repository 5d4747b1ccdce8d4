"""What crosses between this program and the child process that talks to the hub."""

from typing import Literal

import msgspec

Kind = Literal["model", "dataset"]


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for.

    Attributes:
        text: the need in words, as the card of what would meet it might put it.
        endpoint: the hub's address, without a slash at its end.
        most: how many candidates are wanted.
        max_bytes: larger ones are left out; 0 for no limit. One whose size the hub does not tell stays.
    """

    kind: Kind
    text: str
    endpoint: str
    most: int
    max_bytes: int


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A model or dataset that may meet a need. All its words are others' and not to be trusted.

    Attributes:
        size_bytes: of a model its weights, of a dataset what it takes on the hub; 0 where the hub does not tell.
        parameters: of a model, where the hub tells; else 0.
        downloads: of the last 30 days.
        tags: its task first, then what else it is filed under.
        card: the first lines of its card, without the header.
        score: likeness to the need times log10 of the downloads.
    """

    id: str
    size_bytes: int
    parameters: int
    downloads: int
    licence: str
    tags: tuple[str, ...]
    gated: bool
    card: str = ""
    score: float = 0.0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The candidates, best first; or why there are none."""

    candidates: tuple[Candidate, ...] = ()
    trouble: str = ""
