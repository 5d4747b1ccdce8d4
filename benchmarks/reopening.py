"""How long a thousand experiments, told event by event, take to open again, and to be listed as a history."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measuring import Result, in_turn, seconds, spread
from benchmarks.stage import screen_of
from benchmarks.terminal import Terminal
from mlrcopilot_tui.research.fates import history
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.lock import SessionLock
from mlrcopilot_tui.session.session import read_state
from mlrcopilot_tui.tui.glyphs import UNICODE
from mlrcopilot_tui.tui.projector.history import history_view
from mlrcopilot_tui.tui.views import HistoryChoice
from tests.research.conftest import CONTRACT
from tests.tui.story import FIRST, START, Story, idea

_TIMES = 5
_EXPERIMENTS = 1000
_SAID = 12
"""What an agent says while it works on one idea."""
_KEPT = b"+100 kept"
"""Stands in the header once everything is read: every tenth experiment of the told session was kept."""


def measure(place: Path) -> Iterator[Result]:
    """The fold alone, the screen from the start of its process to the count of what was kept, and the history."""
    story = _told(place)
    journal = story.layout.journal(story.session)
    lines = journal.read_bytes().splitlines()
    with SessionLock(story.folder):
        parse, fold, screen, listed = in_turn(
            _TIMES,
            lambda: seconds(lambda: [json.loads(line) for line in lines]),
            lambda: seconds(lambda: read_state(story.folder)),
            _until_drawn(story, _KEPT),
            _until_listed(story),
        )
    note = f"{len(lines)} events, {journal.stat().st_size / 1e6:.0f} MB"
    for name, samples, target in (("fold", fold, 1.0), ("on the screen", screen, 1.0), ("their history", listed, 0.1)):
        measured = spread(samples)
        yield Result(
            name=f"reopening {_EXPERIMENTS} experiments, {name}",
            unit="s",
            samples=measured,
            reference=spread(parse),
            reference_name="json.loads of each line",
            figure=measured.median,
            figure_unit="s",
            target=target,
            note=note,
        )


def _until_listed(story: Story) -> Callable[[], float]:
    """What opening the history costs once the session is read: every attempt's fate, the staircase, the rows."""
    state = read_state(story.folder)
    return lambda: seconds(lambda: history_view(state, history(state), HistoryChoice(), {}, UNICODE))


def _until_drawn(story: Story, text: bytes) -> Callable[[], float]:
    def start() -> float:
        with Terminal(screen_of(story)) as terminal:
            return terminal.wait_for(text) - terminal.began

    return start


def _told(place: Path) -> Story:
    """A finished session."""
    story = Story(place / "long")
    story.layout.config.write_text(CONTRACT, "utf-8")
    story.begin()
    story.read_paper()
    story.measure_baseline()
    for number in range(1, _EXPERIMENTS + 1):
        story.tell(
            ev.IdeaProposed(idea=idea(number, f"idea number {number}")),
            *(
                ev.AgentSaid(
                    agent="ExperimentAgent", kind="thought", idea=number, text=f"Step {step}: look at train.py."
                )
                for step in range(_SAID)
            ),
        )
        story.implement(number, subject=f"Try {number}")
        story.judge(number, FIRST, START, "keep" if number % 10 == 0 else "discard")
    story.tell(ev.SessionFinished(reason="The experiments are done."), ev.CopilotStopped(reason="It is done."))
    return story
