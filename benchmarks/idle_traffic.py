"""What the screen sends to the terminal while nothing happens: over SSH every byte of it is somebody's."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks.measuring import Result, in_turn, spread
from benchmarks.stage import HELLO, screen_of, told_session
from benchmarks.terminal import Terminal
from mlrcopilot_tui.tui.preferences import Preferences

_TIMES = 3
_SETTLED_S = 5.0
_WATCHED_S = 8.0


def measure(place: Path) -> Iterator[Result]:
    """Bytes a second with a session that waits at a gate, without the hardware strip and with it."""
    with told_session(place) as story:
        ours = screen_of(story)
        hello, hidden, shown = in_turn(
            _TIMES,
            _traffic(HELLO, {}),
            _traffic(ours, _strip(place / "hidden", shown=False)),
            _traffic(ours, _strip(place / "shown", shown=True)),
            warm=0,
        )
    for name, samples, target in (("strip hidden", hidden, 0.0), ("strip shown", shown, 1500.0)):
        measured = spread(samples)
        yield Result(
            name=f"idle traffic, {name}",
            unit="B/s",
            samples=measured,
            reference=spread(hello),
            reference_name="hello-world app",
            figure=measured.median,
            figure_unit="B/s",
            target=target,
        )


def _strip(settings: Path, *, shown: bool) -> Mapping[str, str]:
    settings.mkdir()
    (settings / "screen.json").write_bytes(msgspec.json.encode(Preferences(strip=shown)))
    return {"MLRCOPILOT_HOME": str(settings)}


def _traffic(argv: Sequence[str], env: Mapping[str, str]) -> Callable[[], float]:
    def idle() -> float:
        with Terminal(argv, env) as terminal:
            terminal.drain(_SETTLED_S)
            return terminal.drain(_WATCHED_S) / _WATCHED_S

    return idle
