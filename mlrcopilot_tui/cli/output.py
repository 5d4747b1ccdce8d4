"""Printing: plain lines and columns, safe whatever the text holds, quiet about colour when piped."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mlrcopilot_tui.text import printable

if TYPE_CHECKING:
    from mlrcopilot_tui.session.state import Spending


def say(text: str = "") -> None:
    """Prints one or more lines of text that may hold anything."""
    sys.stdout.write(printable(text, keep_newlines=True) + "\n")
    sys.stdout.flush()


_PAINTED = (("+++", "1"), ("---", "1"), ("+", "32"), ("-", "31"), ("@@", "36"), ("diff ", "1"))
"""How the lines of a diff begin, and the terminal's style for each."""


def say_diff(text: str) -> None:
    """Prints a diff: on a terminal in colour and with nothing hidden in it, elsewhere plainly."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        say(text)
        return
    for line in text.split("\n"):
        style = next((style for begins, style in _PAINTED if line.startswith(begins)), "")
        shown = printable(line, reveal=True)
        sys.stdout.write(f"\x1b[{style}m{shown}\x1b[0m\n" if style else f"{shown}\n")
    sys.stdout.flush()


def bar(share: float, cells: int = 8) -> str:
    """A bar of at most so many cells for a share from 0 to 1; in ASCII where the output can show no other."""
    utf8 = "utf" in (sys.stdout.encoding or "").lower()
    eighths = max(1, round(8 * cells * share))
    if not utf8:
        return "#" * max(1, round(eighths / 8))
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def say_json(value: Any) -> None:  # noqa: ANN401 - whatever msgspec can write
    """Prints one JSON document, indented."""
    import msgspec  # noqa: PLC0415 - 14 ms (2 vCPU AMD EPYC VM): only what prints JSON pays for it

    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    sys.stdout.flush()


def abandon_output() -> None:
    """Sends what is still to be printed nowhere, because nobody reads it; else Python complains on its way out."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def columns(rows: Iterable[Sequence[str]], *, head: Sequence[str] = ()) -> str:
    """Rows as left-aligned columns two spaces apart; the last one is not padded."""
    table = [[printable(cell) for cell in row] for row in ([head] if head else [])] + [
        [printable(cell) for cell in row] for row in rows
    ]
    if not table:
        return ""
    widths = [max(len(row[at]) for row in table) for at in range(len(table[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
    )


def number(value: float | None) -> str:
    """A metric as people read it: four significant digits; a dash where there is none."""
    return "-" if value is None else f"{value:.4g}"


def percent(value: float | None) -> str:
    """A share as a signed percentage; a dash where there is none."""
    return "-" if value is None else f"{value:+.1%}"


def counted(count: int, noun: str) -> str:
    """A number of things: `1 session`, `2 sessions`."""
    return f"{count} {noun}{'s' * (count != 1)}"


def amount(count: int) -> str:
    """A number of tokens as people read it: `950`, `12k`, `3.4M`."""
    if count < 10_000:
        return str(count)
    return f"{count / 1000:.0f}k" if count < 1_000_000 else f"{count / 1e6:.1f}M"


def dollars(spending: Spending) -> str:
    """What was spent, in dollars at list price; a dash where nothing was, or nothing has a price."""
    from mlrcopilot_tui.agents.claude.books.prices import in_dollars  # noqa: PLC0415 - only what tells of money loads prices

    return in_dollars(spending.usd) if spending.calls > spending.unpriced else "-"


def spent(spending: Spending) -> str:
    """What calls to models cost, in a line."""
    cached = "" if spending.hit_rate is None else f" ({spending.hit_rate:.0%} from the cache)"
    tokens = f"{amount(spending.read_tokens)} tokens read{cached}, {amount(spending.output_tokens)} written"
    calls, free = counted(spending.calls, "call"), counted(spending.unpriced, "call")
    if spending.calls == spending.unpriced:
        told = f"{free} without a price, which no budget of dollars bounds, {tokens}"
    else:
        told = f"{dollars(spending)} for {calls}, {tokens}"
    notes = [f"{free} without a price"] * (0 < spending.unpriced < spending.calls)
    notes += [f"{counted(spending.bounded, 'call')} not reported in full, counted as the most possible"] * bool(
        spending.bounded
    )
    return "; ".join([told, *notes])
