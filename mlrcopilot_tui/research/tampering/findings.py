"""What a rule finds in one version of a file; what of it a patch brings or takes away becomes a tag at its hunk."""

import ast
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlrcopilot_tui.session.model import Tag, TagRule
from mlrcopilot_tui.text import one_line
from mlrcopilot_tui.workspace.patch import FileChange, Hunk

EXCERPT = 80


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that a rule looks at.

    Attributes:
        key: what the place says, free of layout and position; equal keys before and after are no change.
        first, last: its lines.
        why: one sentence on what it means where a patch brings it; empty where that is of no interest.
        lost: likewise where a patch takes it away.
    """

    rule: TagRule
    key: str
    first: int
    last: int
    why: str
    lost: str = ""


def found(rule: TagRule, node: ast.AST, key: str, why: str, *, lost: str = "") -> Finding:
    """A finding at a node of the tree."""
    first = getattr(node, "lineno", 1)
    return Finding(rule, key, first, getattr(node, "end_lineno", None) or first, why, lost)


@dataclass(frozen=True, slots=True)
class Change:
    """What a patch brings to a file and takes from it."""

    file: FileChange
    brought: tuple[Finding, ...]
    taken: tuple[Finding, ...] = ()

    @classmethod
    def between(cls, file: FileChange, before: Iterable[Finding], after: Iterable[Finding]) -> "Change":
        """The difference of what a rule finds before and after."""
        old, new = list(before), list(after)
        return cls(file, tuple(_more(new, old)), tuple(_more(old, new)))

    def tags(self, moved: frozenset[tuple[TagRule, str]] = frozenset()) -> list[Tag]:
        """The tags of it, but for what only moved from one file to another."""
        told = [(finding, finding.why, True) for finding in self.brought]
        told += [(finding, finding.lost, False) for finding in self.taken]
        return [
            _tag(self.file, finding, why, new=new)
            for finding, why, new in told
            if why and (finding.rule, finding.key) not in moved
        ]


def moved_between(changes: Sequence[Change]) -> frozenset[tuple[TagRule, str]]:
    """What one file loses and another gets."""
    found_in: dict[tuple[TagRule, str], set[str]] = {}
    for change in changes:
        for finding in change.brought:
            found_in.setdefault((finding.rule, finding.key), set()).add(change.file.path)
    return frozenset(
        mark
        for change in changes
        for finding in change.taken
        if found_in.get(mark := (finding.rule, finding.key), set()) - {change.file.path}
    )


def _more(these: Sequence[Finding], those: Sequence[Finding]) -> list[Finding]:
    """What is in the first and not in the second; of places that say the same, the later ones."""
    spare = Counter((finding.rule, finding.key) for finding in those)
    more = []
    for finding in these:
        if spare[finding.rule, finding.key]:
            spare[finding.rule, finding.key] -= 1
        else:
            more.append(finding)
    return more


def _tag(file: FileChange, finding: Finding, why: str, *, new: bool) -> Tag:
    hunk, line, text = _place(file.hunks, finding, new=new)
    return Tag(rule=finding.rule, hunk=hunk, path=file.path, line=line, excerpt=one_line(text, EXCERPT), why=why)


def _place(hunks: Sequence[Hunk], finding: Finding, *, new: bool) -> tuple[int, int, str]:
    """Hunk, line and text of a finding: its own changed line if there is one, else the nearest changed one."""
    kind = "add" if new else "remove"
    changed = [
        (hunk.index, number, line.text)
        for hunk in hunks
        for line in hunk.lines
        if line.kind == kind and line.text.strip() and (number := line.new_no if new else line.old_no) is not None
    ]
    if not changed:
        changed = [
            (hunk.index, number, line.text)
            for hunk in hunks
            for line in hunk.lines
            if line.kind != "context" and (number := line.new_no or line.old_no) is not None
        ]
    if not changed:
        return 0, finding.first, ""
    return min(changed, key=lambda place: (_distance(place[1], finding), place[1]))


def _distance(line: int, finding: Finding) -> int:
    return max(finding.first - line, line - finding.last, 0)
