"""How much memory the screen takes once it shows a session with its paper, patch and hardware."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.measuring import Result, in_turn, spread
from benchmarks.stage import HELLO, screen_of, told_session
from benchmarks.terminal import Terminal

_TIMES = 3
_SETTLED_S = 4.0


def measure(place: Path) -> Iterator[Result]:
    """The resident size, a few seconds after the start."""
    with told_session(place) as story:
        hello, ours = in_turn(_TIMES, _resident(HELLO), _resident(screen_of(story)), warm=0)
    measured = spread(ours)
    yield Result(
        name="memory of the screen's process",
        unit="MB",
        samples=measured,
        reference=spread(hello),
        reference_name="hello-world app",
        figure=measured.median,
        figure_unit="MB",
        target=60.0,
    )


def _resident(argv: Sequence[str]) -> Callable[[], float]:
    def settle() -> float:
        with Terminal(argv) as terminal:
            terminal.drain(_SETTLED_S)
            return terminal.rss_mb()

    return settle
