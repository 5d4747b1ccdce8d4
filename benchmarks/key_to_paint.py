"""How fast the screen answers a key while a run prints ten thousand lines a second, and while it prints nothing."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measuring import Result, percentile, spread
from benchmarks.stage import live_run, screen_of, told_session, tree_of
from benchmarks.terminal import Terminal
from mlrcopilot_tui.runs.spec import LOG_FILE

_ROUNDS = 6
_KEYS = 40
_PAUSE_S = (0.03, 0.13)
"""Between two keys, drawn at random, so that they do not fall into step with the screen's ten ticks a second."""
_MOVES = ((b"j", b"cosine learning rate"), (b"k", b"standardise inputs"))
"""Down to the second idea and up to the first; its row is painted anew, and appears in no log line."""

_TRAIN = """
import time
from pathlib import Path

loud, step, due = Path("loud"), 0, time.monotonic()
while True:
    due += 0.01
    if loud.exists():
        for step in range(step + 1, step + 101):
            print(f"step {step} loss {1 / step:.6f} learning_rate 0.001 gradient_norm 0.731")
        if step % 10_000 == 0:
            print(f"epoch {step // 10_000} val_error: {0.05 + 1 / step}")
    time.sleep(max(0.0, due - time.monotonic()))
"""


@dataclass(slots=True)
class _Loudness:
    """What was printed while it was loud."""

    log: Path
    switch: Path
    lines: int = 0
    seconds: float = 0.0
    _since: tuple[float, int] = field(default=(0.0, 0))

    def on(self) -> None:
        self._since = (time.perf_counter(), self.log.stat().st_size)
        self.switch.touch()

    def off(self) -> None:
        self.switch.unlink()
        began, offset = self._since
        self.seconds += time.perf_counter() - began
        with self.log.open("rb") as file:
            file.seek(offset)
            self.lines += file.read().count(b"\n")


def measure(place: Path) -> Iterator[Result]:
    """The 95th percentile from a key to the row that it paints; loud and quiet rounds take turns in one process."""
    chance = random.Random(0)
    loud: list[float] = []
    quiet: list[float] = []
    with told_session(place) as story, Terminal(screen_of(story)) as terminal, live_run(story, _TRAIN) as folder:
        terminal.wait_for(b"gradient features")
        printed = _Loudness(folder / LOG_FILE, tree_of(folder) / "loud")
        terminal.drain(3.0)
        for _ in range(_ROUNDS):
            _round(terminal, chance, quiet)
            printed.on()
            terminal.drain(0.5)
            _round(terminal, chance, loud)
            printed.off()
            terminal.drain(0.5)
    rate = printed.lines / printed.seconds
    yield Result(
        name="key to paint, run printing",
        unit="ms",
        samples=spread(loud),
        reference=spread(quiet),
        reference_name="the same, run silent",
        figure=percentile(loud, 0.95),
        figure_unit="ms",
        target=40.0,
        note=f"95th percentile (silent {percentile(quiet, 0.95):.1f} ms); {rate:.0f} lines/s",
    )


def _round(terminal: Terminal, chance: random.Random, samples: list[float]) -> None:
    for number in range(_KEYS):
        terminal.drain(chance.uniform(*_PAUSE_S))
        key, row = _MOVES[number % 2]
        pressed = terminal.send(key)
        samples.append(1000 * (terminal.wait_for(row) - pressed))
