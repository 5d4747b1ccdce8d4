"""Bounded views of text for a model: which lines are shown, and how the rest is to be seen."""

from collections.abc import Sequence
from typing import Final

LIMIT: Final = 6_000
"""Characters of one observation: about 1,500 tokens, which every later step of the attempt pays for again."""

LINE_LIMIT: Final = 400


def lines_of(text: str) -> list[str]:
    """The lines as editors and tracebacks count them, each with its end; form feeds and the like end none."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def numbered(lines: Sequence[str], first: int) -> str:
    """Lines with their numbers, from `first` on; very long ones are cut."""
    return "\n".join(f"{number:>5} {_cut(line)}" for number, line in enumerate(lines, start=first))


def around(lines: Sequence[str], line: int, margin: int = 3) -> str:
    """The lines about line `line`, with their numbers."""
    start = max(0, line - 1 - margin)
    return numbered(lines[start : line + margin], start + 1)


def fitting(lines: Sequence[str], limit: int) -> int:
    """How many of the lines fit into `limit` characters; at least one."""
    size = 0
    for count, line in enumerate(lines):
        size += len(line)
        if size > limit and count:
            return count
    return len(lines)


def _cut(line: str) -> str:
    line = line.rstrip("\r\n")
    return line if len(line) <= LINE_LIMIT else f"{line[:LINE_LIMIT]} [… {len(line) - LINE_LIMIT} more characters]"
