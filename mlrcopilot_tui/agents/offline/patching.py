"""Applies an idea's recipe to the tree's files, takes parts of it back, and leaves out what the researcher left out."""

import difflib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mlrcopilot_tui.agents.base import SourceTree
from mlrcopilot_tui.agents.offline.catalogue import technique_by_id
from mlrcopilot_tui.agents.offline.catalogue.edits import Edit
from mlrcopilot_tui.agents.offline.catalogue.soundness import sound, undefined_names
from mlrcopilot_tui.agents.offline.knobs import Knob, find_knobs, set_knobs
from mlrcopilot_tui.agents.offline.literals import Setting
from mlrcopilot_tui.agents.offline.recipe import ImportPart, KnobPart, Part, Recipe, TechniquePart, Undo
from mlrcopilot_tui.agents.offline.source import SourceFile, load_sources, parse


@dataclass(slots=True)
class Desk:
    """The files of one attempt while it is being made; nothing is written until the agent is done.

    Attributes:
        original: each file as the idea found it.
        texts: each file as it is to become.
        order: the run's script first.
        others: files that the run reaches and that are not to be edited.
    """

    original: dict[str, str]
    texts: dict[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def source(self, path: str) -> SourceFile | None:
        """The file as it stands on the desk."""
        return parse(path, self.texts[path], self.others) if path in self.texts else None

    def sources(self) -> tuple[SourceFile, ...]:
        """Every file on the desk that parses."""
        return tuple(source for path in self.order if (source := self.source(path)) is not None)

    def knobs(self, command: str) -> tuple[Knob, ...]:
        """What can be turned in the files as they stand on the desk."""
        return find_knobs(self.sources(), command)

    def set(self, values: Mapping[str, Setting]) -> bool:
        """Sets knobs; whether any text changed."""
        before = dict(self.texts)
        for path in self.order:
            source = self.source(path)
            if source is not None:
                self.texts[path] = set_knobs(source, values)
        return self.texts != before

    def apply(self, part: Part) -> bool:
        """Applies one part; whether any text changed."""
        if isinstance(part, KnobPart):
            return self.set({part.knob: part.to})
        if isinstance(part, ImportPart):
            return self._import(part)
        technique, source = technique_by_id(part.technique), self.source(part.path)
        change = technique.apply(source) if technique is not None and source is not None else None
        if change is None:
            return False
        self.texts[part.path] = change.text
        return True

    def _import(self, part: ImportPart) -> bool:
        before = dict(self.texts)
        for source in self.sources():
            if part.name in undefined_names(source.text):
                edit = Edit(source)
                edit.need(part.statement)
                change = edit.done()
                self.texts[source.path] = change.text if change is not None else source.text
        return self.texts != before


def open_desk(tree: SourceTree, command: str) -> Desk:
    """The tree's editable sources on the desk."""
    sources = load_sources(tree, command)
    texts = {source.path: source.text for source in sources}
    return Desk(dict(texts), dict(texts), tuple(texts), sources[0].others if sources else ())


def undone(desk: Desk, recipe: Recipe) -> Desk | None:
    """The desk as the idea found it, from the way back in its recipe; None where the files changed since then."""
    texts = dict(desk.texts)
    for undo in recipe.undo:
        if digest(texts.get(undo.path, "")) != undo.digest:
            return None
        lines = texts[undo.path].splitlines(keepends=True)
        for start, end, old in sorted(undo.blocks, reverse=True):
            lines[start:end] = old
        texts[undo.path] = "".join(lines)
    return Desk(desk.original, texts, desk.order, desk.others)


def way_back(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Undo, ...]:
    """How to come from the files `after` back to those `before`, as small as the difference."""
    undos = []
    for path, text in after.items():
        old, new = before[path].splitlines(keepends=True), text.splitlines(keepends=True)
        matcher = difflib.SequenceMatcher(a=new, b=old, autojunk=False)
        blocks = tuple((i1, i2, tuple(old[j1:j2])) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal")
        if blocks:
            undos.append(Undo(path=path, digest=digest(text), blocks=blocks))
    return tuple(undos)


def digest(text: str) -> str:
    """A short digest that tells one text from another."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def leave_out(desk: Desk, diff: str) -> list[str]:
    """Takes back what the diff, the hunks that the researcher left out, would add again; the files it was found in."""
    left: list[str] = []
    for path, blocks in _hunks(diff).items():
        text = desk.texts.get(path)
        if text is None:
            continue
        for removed, added in blocks:
            new, old = "".join(added), "".join(removed)
            if added and new in text and sound(text, candidate := text.replace(new, old, 1), path):
                text = candidate
                left.append(path)
        desk.texts[path] = text
    return left


def _hunks(diff: str) -> dict[str, list[tuple[list[str], list[str]]]]:
    """The (removed, added) runs of lines of a unified diff, by path."""
    found: dict[str, list[tuple[list[str], list[str]]]] = {}
    path = ""
    run: tuple[list[str], list[str]] | None = None
    for line in diff.splitlines(keepends=True):
        if line.startswith("+++ "):
            path, run = line[4:].split("\t")[0].strip().removeprefix("b/"), None
        elif line.startswith(("--- ", "@@", "diff ", "index ")) or not path:
            run = None
        elif line[:1] in "+-":
            if run is None:
                run = ([], [])
                found.setdefault(path, []).append(run)
            run[line[0] == "+"].append(line[1:])
        else:
            run = None
    return found


def applied(desk: Desk, parts: Iterable[Part], standing: Sequence[Part] = ()) -> tuple[list[Part], list[Part]]:
    """Applies the parts in order, those that stand already excepted; (those in effect then, the others).

    A technique without a file of its own goes to the first that it fits.
    """
    done: list[Part] = []
    failed: list[Part] = []
    for part in parts:
        placed = _placed(desk, part)
        (done if placed in standing or desk.apply(placed) else failed).append(placed)
    return done, failed


def _placed(desk: Desk, part: Part) -> Part:
    technique = technique_by_id(part.technique) if isinstance(part, TechniquePart) and not part.path else None
    fits = [source.path for source in desk.sources() if technique is not None and technique.apply(source) is not None]
    return TechniquePart(technique=technique.id, path=fits[0]) if technique is not None and fits else part


def in_effect(desk: Desk, part: Part) -> bool:
    """Whether the files on the desk have what the part would bring."""
    return not Desk(desk.original, dict(desk.texts), desk.order, desk.others).apply(part)


def taken_back(desk: Desk, part: Part) -> bool:
    """Takes a part back that stands in the files; whether that can be done without knowing how they were."""
    return isinstance(part, KnobPart) and desk.set({part.knob: part.was})


def named(part: Part) -> str:
    """The part in words."""
    if isinstance(part, TechniquePart):
        technique = technique_by_id(part.technique)
        return technique.claim.title.lower() if technique else part.technique
    if isinstance(part, ImportPart):
        return part.statement
    return f"{part.knob.partition(':')[2]} from {part.was} to {part.to}"
