"""A copilot that is killed right before or right after any event, or while it writes it, loses and doubles nothing."""

from collections import Counter
from pathlib import Path
from typing import Final, get_args

import pytest

from mlrcopilot_tui.session.journal import JournalReader
from mlrcopilot_tui.session.records import Record
from mlrcopilot_tui.session.session import OpenSession, begun_sessions
from tests.crash.driver import Plan, Side
from tests.crash.invariants import Outcome, check
from tests.crash.scene import Scene, small_scene

KILLED: Final = -9
SIDES: Final[tuple[Side, ...]] = get_args(Side)

EVENTS: Final = (
    "session.started",
    "copilot.started",
    "agent.asked",
    "idea.proposed",
    "run.planned",
    "run.started",
    "run.finished",
    "baseline.measured",
    "decision.applied",
    "idea.approved",
    "idea.started",
    "agent.said",
    "patch.committed",
    "forecast.made",
    "gate.opened",
    "gate.answered",
    "verdict.reached",
    "champion.changed",
    "idea.reflected",
    "champion.measured",
    "session.finished",
    "copilot.stopped",
)
"""The types that the script's session writes, in the order in which each of them comes first."""


@pytest.mark.parametrize(
    "side", ["before", "after", *(pytest.param(side, marks=pytest.mark.slow) for side in ("half", "all but the last"))]
)
@pytest.mark.timeout(240)
def test_killed_at_one_event_of_each_type_after_the_other(scene: Scene, undisturbed: Outcome, side: Side) -> None:
    """One session, taken up again after each kill, and killed at the next type of event."""
    killed = [not _is_over(scene) and _is_killed(scene, Plan(event, side=side)) for event in EVENTS]
    _go_on(scene)
    assert check(scene) == undisturbed
    assert sum(killed) > len(EVENTS) // 2, "a type of event that had come before does not come again"


@pytest.mark.parametrize(
    ("event", "side"),
    [
        ("run.started", "after"),
        ("champion.changed", "before"),
        pytest.param("run.started", "before", marks=pytest.mark.slow),
        pytest.param("champion.changed", "after", marks=pytest.mark.slow),
    ],
)
def test_killed_at_one_event(scene: Scene, undisturbed: Outcome, event: str, side: Side) -> None:
    assert _is_killed(scene, Plan(event, side=side))
    _go_on(scene)
    assert check(scene) == undisturbed


def test_every_event_type_is_known(scene: Scene) -> None:
    scene.run()
    assert {record.event.type for record in _records(scene)} - {"warning.raised", "settings.changed"} == set(EVENTS)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("side", SIDES)
def test_killed_at_every_event(tmp_path: Path, undisturbed: Outcome, side: Side) -> None:
    quiet = small_scene(tmp_path / "quiet")
    quiet.run()
    come = Counter(record.event.type for record in _records(quiet))
    for event, nth in ((event, nth) for event, count in come.items() for nth in range(1, count + 1)):
        scene = small_scene(tmp_path / f"{event}-{nth}")
        assert _is_killed(scene, Plan(event, nth, side))
        _go_on(scene)
        assert check(scene) == undisturbed, (event, nth)


def _is_killed(scene: Scene, plan: Plan) -> bool:
    """Whether the copilot came to the plan's event, and so died; else it has gone on to the end."""
    copilot = scene.start(plan)
    said = copilot.end(code=None)
    assert copilot.process.returncode in {KILLED, 0}, said
    return copilot.process.returncode == KILLED


def _is_over(scene: Scene) -> bool:
    """Whether the session's end is journaled; the next copilot would begin another one."""
    return bool(begun_sessions(scene.layout.sessions)) and bool(scene.state.finished)


def _go_on(scene: Scene) -> None:
    """To the end; of a session that is over no more than its last line can be torn, which its next holder mends."""
    if not _is_over(scene):
        scene.run()
    with OpenSession(scene.layout.session(scene.session)):
        pass


def _records(scene: Scene) -> list[Record]:
    return JournalReader(scene.layout.journal(scene.session)).poll()
