"""The signs of the screens, in Unicode and in ASCII; a word or a number always stands beside a sign."""

import locale
import os
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs; each is one cell wide."""

    champion: str = "●"
    kept: str = "✓"
    discarded: str = "✗"
    inconclusive: str = "?"
    running: str = "▶"
    proposed: str = "○"
    waiting: str = "!"
    closed: str = "⊘"
    reverted: str = "↺"
    marked: str = "◆"
    undone: str = "\u2013"
    branch: str = "├"
    last: str = "└"
    through: str = "│"
    dash: str = "─"
    dot: str = "·"
    minus: str = "\u2212"
    plus_minus: str = "±"
    times: str = "\u00d7"
    ellipsis: str = "…"
    bar: str = "█"
    bar_parts: str = " ▏▎▍▌▋▊▉"
    bar_rest: str = "░"
    arrow: str = "→"
    unicode: bool = True


UNICODE = Glyphs()
ASCII = Glyphs(
    champion="*", kept="+", discarded="x", inconclusive="?", running=">", proposed="o", waiting="!", closed="-",
    reverted="<", marked="#", undone="-", branch="|", last="`", through="|", dash="-", dot="|", minus="-",
    plus_minus="+/-", times="x", ellipsis="~", bar="#", bar_parts=" ", bar_rest=".", arrow="->", unicode=False,
)  # fmt: skip


PLAIN = replace(ASCII, branch=" ", last=" ", through=" ")
"""For screen readers, which would read the tree's lines aloud; depth is told by the indent."""


def terminal_glyphs(*, plain: bool = False) -> Glyphs:
    """The signs that this terminal can show: ASCII on the Linux console and without UTF-8; no lines in plain mode."""
    if plain:
        return PLAIN
    utf8 = "utf" in locale.getpreferredencoding(do_setlocale=False).lower()
    return UNICODE if utf8 and os.environ.get("TERM") != "linux" else ASCII
