"""What an idea's recipe says to this engine: an ordered list of parts, each a knob's new value or a technique."""

from typing import Any

import msgspec

from mlrcopilot_tui.agents.offline.literals import Setting


class KnobPart(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="knob"):
    """Sets the knob of that id from one value to another."""

    knob: str
    was: Setting
    to: Setting


class TechniquePart(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="technique"):
    """Applies the technique of that id to a file; an empty path is the first file that it fits."""

    technique: str
    path: str


class ImportPart(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="import"):
    """Adds an import that a failed run lacked, to the files that read the name."""

    name: str
    statement: str


Part = KnobPart | TechniquePart | ImportPart


class Undo(msgspec.Struct, frozen=True, kw_only=True):
    """How to take a part back: in the text with digest `digest`, lines [start, end) were `old`."""

    path: str
    digest: str
    blocks: tuple[tuple[int, int, tuple[str, ...]], ...]


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """An idea as this engine implements it.

    Attributes:
        parts: applied in order.
        undo: for each file as the newest attempt left it, the way back to the file as the idea found it.
        brings: ids of the knobs that the parts added to the code.
        asked: the researcher's words that the idea comes from, if any.
    """

    parts: tuple[Part, ...] = ()
    undo: tuple[Undo, ...] = ()
    brings: tuple[str, ...] = ()
    asked: str = ""

    @property
    def knobs(self) -> tuple[KnobPart, ...]:
        """The parts that set knobs."""
        return tuple(part for part in self.parts if isinstance(part, KnobPart))

    @property
    def techniques(self) -> tuple[TechniquePart, ...]:
        """The parts that apply techniques."""
        return tuple(part for part in self.parts if isinstance(part, TechniquePart))

    @property
    def subjects(self) -> frozenset[str]:
        """What the recipe works on: knobs and techniques, whatever the values."""
        return frozenset(part.knob for part in self.knobs) | {part.technique for part in self.techniques}

    def key(self) -> frozenset[str]:
        """What makes two recipes the same experiment, whatever the values it started from."""
        return frozenset(
            f"{part.knob}={part.to}" if isinstance(part, KnobPart) else f"{part.technique}@{part.path}"
            for part in self.parts
            if not isinstance(part, ImportPart)
        )


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as an idea carries it through the journal."""
    made: dict[str, Any] = msgspec.to_builtins(recipe)
    return {name: value for name, value in made.items() if value}


def from_dict(data: dict[str, Any]) -> Recipe:
    """The recipe of an idea; empty for one that another engine or a researcher's hand wrote."""
    try:
        return msgspec.convert(data, Recipe)
    except msgspec.ValidationError:
        return Recipe()
