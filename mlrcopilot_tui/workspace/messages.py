"""Commit messages: words of a model or a paper go in, and what comes out cannot pass for anything else."""

import re
import textwrap
from collections.abc import Mapping

from mlrcopilot_tui.text import one_line, printable

WIDTH = 72

_TRAILER_NAME = re.compile(r"[A-Z][A-Za-z]*(?:-[A-Za-z]+)*")
_CLAIM = re.compile(r"\s*(?:idea|session|engine|reverts|redoes|[a-z]+(?:-[a-z]+)*-by)\s*:", re.IGNORECASE)
_MAIL = re.compile(r"---|diff -|Index: |>?From |(?:from|date|subject)\s*:", re.IGNORECASE)
"""What ends a message, or begins another, for those that read commits from mail."""
_LIST_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+")


def commit_message(subject: str, body: str, trailers: Mapping[str, str]) -> str:
    """A commit message: one subject line of at most 72 columns, the wrapped body, the trailers.

    Lines of the body that read like one of our trailers, or like what ends a message in a mail such as `---`, are
    marked, so that only `trailers` are found by `git interpret-trailers`. Empty trailers are left out.
    """
    if bad := [name for name in trailers if not _TRAILER_NAME.fullmatch(name)]:
        raise ValueError(bad)
    ends = [f"{name}: {value}" for name, given in trailers.items() if (value := one_line(given, 200))]
    first = one_line(subject, WIDTH).lstrip("#") or "Change the experiment"
    return "\n\n".join(part for part in (first, _body(body), "\n".join(ends)) if part) + "\n"


def _body(text: str) -> str:
    lines: list[str] = []
    for line in printable(text, keep_newlines=True).split("\n"):
        item = _LIST_ITEM.match(line)
        indent = " " * (item.end() if item else len(line) - len(line.lstrip()))
        wrapped = textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        lines += wrapped or [""]
    lines = [f"| {line}" if _CLAIM.match(line) or _MAIL.match(line) else line for line in lines]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
