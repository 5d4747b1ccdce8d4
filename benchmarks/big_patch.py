"""A patch of ten thousand lines in the patch pane: to its first paint, by the page, and under the other keys."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.measuring import Result, percentile, spread
from benchmarks.stage import screen_of, told_session
from benchmarks.terminal import Terminal
from mlrcopilot_tui.tui.preferences import Preferences
from tests.tui.story import Story

_FILES, _HUNKS, _APART = 20, 25, 40
_ROUNDS, _PAGES = 7, 12
_DOWN = b"\x1b[6~"
_KEYS: Final = (
    b"g", b"Z", b"s", b"s", b"l", b" ", b" ", b"{", b"}", b"}", b"{", b"w", b"w", b"G", b"g", b"\r", b"\r", b"J", b"Z",
)  # fmt: skip
"""Zoomed: one below the other and back, a hunk out and in, context, white space, the ends, a file folded, a jump."""


@dataclass(slots=True)
class _Samples:
    """Milliseconds from a key to the last byte that it painted, in the big patch and in what it is measured by."""

    opened: list[float] = field(default_factory=list)
    opened_small: list[float] = field(default_factory=list)
    paged: list[float] = field(default_factory=list)
    paged_empty: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)


def measure(place: Path) -> Iterator[Result]:
    """The program in a pseudo-terminal of 120x40, its three patches in turn."""
    home = place / "settings"
    home.mkdir()
    (home / "screen.json").write_bytes(msgspec.json.encode(Preferences(strip=False)))
    samples = _Samples()
    with told_session(place) as story:
        lines = _write_patches(story)
        with Terminal(screen_of(story), {"MLRCOPILOT_HOME": str(home)}) as terminal:
            terminal.wait_for(b"gradient features")
            terminal.drain(4.0)
            for _ in range(_ROUNDS):
                _round(terminal, samples)
    opened = spread(samples.opened)
    yield Result(
        name=f"opening a patch of {lines:,} lines",
        unit="ms",
        samples=opened,
        reference=spread(samples.opened_small),
        reference_name="a patch of 2 lines",
        figure=opened.median,
        figure_unit="ms",
        target=150.0,
        note=f"key to first paint, the patch read from the disk; {_FILES * _HUNKS} hunks in {_FILES} files",
    )
    paged, empty = spread(samples.paged), spread(samples.paged_empty)
    yield Result(
        name="page down in it",
        unit="ms",
        samples=paged,
        reference=empty,
        reference_name="as many empty lines",
        figure=paged.median / empty.median,
        figure_unit="x",
        target=2.0,
        note="key to last byte painted",
    )
    yield Result(
        name="other keys in it",
        unit="ms",
        samples=spread(samples.other),
        reference=empty,
        reference_name="page down, empty lines",
        figure=percentile(samples.other, 0.95),
        figure_unit="ms",
        target=150.0,
        note="95th percentile: hunk in or out, side by side, context, white space, ends, file folded, jumps",
    )


def _round(terminal: Terminal, samples: _Samples) -> None:
    samples.opened_small.append(_open(terminal, b"j", b"@@ -7,"))
    samples.opened.append(_open(terminal, b"jjjj", b"@@ -8,"))
    samples.paged += _press(terminal, [_DOWN] * _PAGES)
    samples.other += _press(terminal, _KEYS)
    _open(terminal, b"jjj", b"@@ -0,0")
    samples.paged_empty += _press(terminal, [_DOWN] * _PAGES)


def _open(terminal: Terminal, moves: bytes, painted: bytes) -> float:
    """Opens an idea so many rows below the champion's; its patch is seen by its first hunk. The patch pane gets the
    focus afterwards."""
    terminal.send(b"1")
    terminal.drain(0.2)
    terminal.send(b"2")
    terminal.drain(0.2)
    for key in (b"g", *(moves[at : at + 1] for at in range(len(moves)))):
        terminal.send(key)
        terminal.drain(0.15)
    pressed = terminal.send(b"\r")
    took = 1000 * (terminal.wait_for(painted) - pressed)
    terminal.drain(0.5)
    terminal.send(b"3")
    terminal.drain(0.3)
    return took


def _press(terminal: Terminal, keys: Iterable[bytes]) -> list[float]:
    took = []
    for key in keys:
        pressed = terminal.send(key)
        took.append(1000 * (terminal.wait_for_rest(0.25) - pressed))
    return took


def _write_patches(story: Story) -> int:
    """Gives the story's ideas a small patch, one of empty lines and a big one; returns the lines of the big one."""
    base = [_code(number) for number in range(_HUNKS * _APART)]
    changed = [line.replace("scale=0", "scale=1") if 10 <= at % _APART < 17 else line for at, line in enumerate(base)]
    patches = story.folder / "patches"
    for (number, _), commit in story.commits.items():
        for name, context in ((f"{commit}.diff", 3), (f"{commit}.wide.diff", len(base))):
            if number == 1:
                text = _diff("small.py", base[:20], [*base[:9], "x = 1", *base[10:20]], context)
            elif number == 2:
                text = _diff("empty.py", [], [""] * 10_000, context)
            else:
                text = "".join(_diff(f"model/part_{at}.py", base, changed, context) for at in range(_FILES))
            (patches / name).write_text(text, "utf-8")
    return sum(line[:1] in " +-" for line in (patches / f"{story.commits[4, 1]}.diff").read_text("utf-8").split("\n"))


def _code(number: int) -> str:
    return f"    state_{number} = layer(batch[{number % 7}], scale=0.{number:03}, name='layer')  # step {number}"


def _diff(name: str, old: list[str], new: list[str], context: int) -> str:
    lines = unified_diff(old, new, f"a/{name}", f"b/{name}", n=context, lineterm="")
    return "".join(f"{line}\n" for line in (f"diff --git a/{name} b/{name}", *lines))
