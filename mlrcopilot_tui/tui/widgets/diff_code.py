"""Colours of the code in a diff, found only for what is seen: words by their role, and what differs within a line."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from textual.cache import LRUCache

from mlrcopilot_tui.text import printable
from mlrcopilot_tui.tui.widgets.diff_pairs import pairs
from mlrcopilot_tui.tui.widgets.painting import Span
from mlrcopilot_tui.workspace.patch import DiffLine, FileChange, Hunk
from mlrcopilot_tui.workspace.surroundings import Surroundings

LONGEST: Final = 1000
"""Characters of a line that are shown."""
ROLES: Final = {
    "Token.Keyword.Constant": "number",
    "Token.Keyword": "keyword",
    "Token.Operator.Word": "keyword",
    "Token.Literal.String": "string",
    "Token.Literal.Number": "number",
    "Token.Comment": "comment",
    "Token.Name.Function": "definition",
    "Token.Name.Class": "definition",
    "Token.Name.Decorator": "definition",
    "Token.Name.Builtin": "builtin",
}
"""Roles of code by Pygments' names of tokens, each with all that is below it."""
_BLOCK: Final = 64  # lines read at once: Pygments takes 4 ms for them on a 2 vCPU Xeon VM
_WORD: Final = re.compile(r"\w+|\s+|.")
_ALIKE: Final = 0.5
_MOST_WORDS: Final = 300


def shown(line: DiffLine) -> str:
    """What is drawn of a line: nothing hidden, cut where it is endless."""
    text = line.text if len(line.text) <= LONGEST else line.text[:LONGEST] + "…"
    return printable(text, reveal=True)


class Lexer(Protocol):
    """What is used of Pygments' lexers."""

    def get_tokens(self, text: str) -> Iterable[tuple[object, str]]:
        """Cut a text into tokens."""


class Code:
    """The spans of one patch's lines, remembered for the blocks seen last."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._lexers: dict[str, Lexer | None] = {}
        self._blocks: LRUCache[tuple[int, str, int], dict[int, list[Span]]] = LRUCache(64)
        self._partners: LRUCache[int, dict[int, int]] = LRUCache(64)
        self._differences: LRUCache[tuple[int, int], list[Span]] = LRUCache(512)

    def roles(self, file: FileChange, hunk: Hunk, position: int) -> Sequence[Span]:
        """Spans of a line by role ("keyword", "string", …); a line is read with its side's lines around it."""
        away = "add" if hunk.lines[position].kind == "remove" else "remove"
        # Blocks are cut by position, not by line of the side, so that finding a line's block takes no counting.
        block = range(position // _BLOCK * _BLOCK, min((position // _BLOCK + 1) * _BLOCK, len(hunk.lines)))
        return self._spans(
            (hunk.index, away, block.start),
            file.path,
            position,
            lambda: {at: hunk.lines[at] for at in block if hunk.lines[at].kind != away},
        )

    def roles_around(self, at: int, file: FileChange, number: int) -> Sequence[Span]:
        """Spans of an unchanged line by its number in the new state of the file at position `at`."""
        start = number // _BLOCK * _BLOCK
        near = ((no, self._around.line(at, no)) for no in range(start, start + _BLOCK))
        return self._spans((~at, "", start), file.path, number, lambda: {no: line for no, line in near if line})

    def _spans(
        self, key: tuple[int, str, int], path: str, place: int, lines: Callable[[], Mapping[int, DiffLine]]
    ) -> Sequence[Span]:
        lexer = self._lexer(path)
        if lexer is None:
            return ()
        block = self._blocks.get(key)
        if block is None:
            block = self._blocks[key] = _read(lexer, lines())
        return block.get(place, ())

    def differences(self, hunk: Hunk, position: int) -> Sequence[Span]:
        """Spans where a changed line differs from the line that it stands for or that stands for it."""
        key = (hunk.index, position)
        spans = self._differences.get(key)
        if spans is None:
            partner = self._partners_of(hunk).get(position)
            ours = shown(hunk.lines[position])
            spans = _differing(ours, shown(hunk.lines[partner])) if partner is not None else []
            self._differences[key] = spans
        return spans

    def _partners_of(self, hunk: Hunk) -> dict[int, int]:
        partners = self._partners.get(hunk.index)
        if partners is None:
            partners = self._partners[hunk.index] = pairs(hunk.lines)
        return partners

    def _lexer(self, path: str) -> Lexer | None:
        if path not in self._lexers:
            from rich.syntax import Syntax  # noqa: PLC0415 -- 40 ms with Pygments, so only once code is seen

            self._lexers[path] = Syntax("", Syntax.guess_lexer(path)).lexer
        return self._lexers[path]


def _read(lexer: Lexer, lines: Mapping[int, DiffLine]) -> dict[int, list[Span]]:
    places = tuple(lines)
    spans: dict[int, list[Span]] = {place: [] for place in places}
    line, column = 0, 0
    for token, text in lexer.get_tokens("\n".join(map(shown, lines.values()))):
        role = _role(str(token))
        for part in text.splitlines(keepends=True):
            if role and line < len(places):
                spans[places[line]].append((column, column + len(part), role))
            column += len(part)
            if part.endswith("\n"):
                line, column = line + 1, 0
    return spans


def _role(token: str) -> str:
    while token:
        if token in ROLES:
            return ROLES[token]
        token = token.rpartition(".")[0]
    return ""


def _differing(ours: str, theirs: str) -> list[Span]:
    mine, yours = _WORD.findall(ours), _WORD.findall(theirs)
    if max(len(mine), len(yours)) > _MOST_WORDS:
        return []
    from difflib import SequenceMatcher  # noqa: PLC0415 -- only once a changed line is seen

    matcher = SequenceMatcher(None, mine, yours, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return []
    ends = [0]
    for word in mine:
        ends.append(ends[-1] + len(word))
    return [(ends[i], ends[j], "differs") for tag, i, j, _, _ in matcher.get_opcodes() if tag != "equal" and i < j]
