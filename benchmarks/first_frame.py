"""How long a person waits for the screen: from the start of the process to the first frame in a terminal."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.measuring import Result, in_turn, spread
from benchmarks.stage import HELLO, screen_of, told_session
from benchmarks.terminal import Terminal

_TIMES = 9
_HELLO = b"Hello, world!"
_LAST_PANE = b"Curve"
"""Stands in the title of the pane that a frame paints last, be it an outline that waits for what is in it."""
_SESSION = b"gradient features"
"""An idea of the told session: read, and drawn in its pane, after the first frame."""


def measure(place: Path) -> Iterator[Result]:
    """The first frame, and the first one that shows the session."""
    with told_session(place) as story:
        ours = screen_of(story)
        hello, first, filled = in_turn(_TIMES, _until(HELLO, _HELLO), _until(ours, _LAST_PANE), _until(ours, _SESSION))
    for name, samples, target in (("first frame", first, 1.9), ("session on the screen", filled, None)):
        measured, reference = spread(samples), spread(hello)
        yield Result(
            name=name,
            unit="ms",
            samples=measured,
            reference=reference,
            reference_name="hello-world app",
            figure=measured.median / reference.median,
            figure_unit="x",
            target=target,
        )


def _until(argv: Sequence[str], text: bytes) -> Callable[[], float]:
    def start() -> float:
        with Terminal(argv) as terminal:
            return 1000 * (terminal.wait_for(text) - terminal.began)

    return start
