"""The search over settings: repeatable, rebuilt from the session, going on where it gains, never the same twice."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from mlrcopilot_tui.agents.base import IdeaDraft
from mlrcopilot_tui.agents.offline.advice import advise
from mlrcopilot_tui.agents.offline.knobs import find_knobs
from mlrcopilot_tui.agents.offline.recipe import from_dict
from mlrcopilot_tui.agents.offline.snapshots import snapshot
from mlrcopilot_tui.agents.offline.source import load_sources
from mlrcopilot_tui.agents.offline.study import History, history
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.model import Verdict, VerdictKind
from mlrcopilot_tui.session.records import Record, decode_record, encode_record
from mlrcopilot_tui.session.run_events import RunFinished, RunPlanned
from mlrcopilot_tui.session.state import fold
from tests.agents.simulation import FakeTree, Simulation


def judge(session: Simulation, number: int, gain: float, kind: VerdictKind | None = None) -> None:
    """Enters a verdict as if the idea had been measured, and moves the champion where it is kept."""
    kind = kind or ("keep" if gain > 0 else "discard")
    assert session.state.champion is not None
    parent = session.state.champion.commit
    tree = FakeTree(session.commits[parent])
    session.record(ev.IdeaStarted(idea=number, parent=parent))
    session.implement(number, tree)
    commit = f"c{number}"
    session.commits[commit] = dict(tree.texts)
    verdict = Verdict(
        kind=kind, rule="", effect=None if kind == "crash" else gain, relative=None if kind == "crash" else gain
    )
    session.record(ev.VerdictReached(idea=number, attempt=1, commit=commit, parent=parent, verdict=verdict))
    if kind == "keep":
        session.record(ev.ChampionChanged(commit=commit, reason="kept", idea=number))


def changes(session: Simulation, numbers: Sequence[int]) -> list[str]:
    """What ideas turn, in short."""
    parts = [from_dict(session.state.ideas[number].idea.recipe).knobs for number in numbers]
    return [" ".join(f"{part.knob.partition(':')[2]}:{part.was}->{part.to}" for part in group) for group in parts]


def knob_idea(session: Simulation, name: str) -> int:
    """The newest open idea that turns the setting of this name alone; ideas are asked for until there is one."""
    for _ in range(8):
        for number, idea in reversed(session.state.ideas.items()):
            knobs = from_dict(idea.idea.recipe).knobs
            if idea.status == "proposed" and len(knobs) == 1 and knobs[0].knob.endswith(f":{name}"):
                return number
        session.propose(5)
    raise AssertionError(f"no idea turns {name}")


def test_the_same_seed_and_state_give_the_same_ideas(session: Simulation) -> None:
    first = asyncio.run(session.engine.ideas.propose(session.brief(), 5))
    second = asyncio.run(session.engine.ideas.propose(session.brief(), 5))
    assert first == second
    assert len(first) >= 3


def test_a_resumed_session_goes_on_as_it_would_have(session: Simulation) -> None:
    """The state folded from the journal's own bytes leads to the very next ideas."""
    events: list[Record] = []
    original = session.record

    def recording(event: ev.Event) -> None:
        original(event)
        events.append(Record(session.state.seq, session.state.time, event))

    started = session.state.started
    assert started is not None
    events.append(Record(1, session.state.time, started))
    session.record = recording  # type: ignore[method-assign]  # to see what the journal would hold
    session.propose(4)
    for number, gain in zip(list(session.state.ideas), (0.2, -0.1, 0.05, -0.3), strict=False):
        judge(session, number, gain)
        session.reflect(number)
    resumed = fold(decode_record(encode_record(record)) for record in events)
    expected = asyncio.run(session.engine.ideas.propose(session.brief(), 6))
    session.state = resumed
    assert asyncio.run(session.engine.ideas.propose(session.brief(), 6)) == expected


def test_another_seed_searches_elsewhere(session: Simulation) -> None:
    """Once priors and directions are used up, the sampler's seed shows."""

    def later(seed: int) -> list[str]:
        twin = Simulation(session.texts, session.folder, metric="rmse", seed=seed)
        for _ in range(4):
            judge(twin, knob_idea(twin, "STEPS"), -0.1)
        return changes(twin, [knob_idea(twin, "STEPS")])

    assert later(0) == later(0)
    assert len({tuple(later(seed)) for seed in range(4)}) > 1


def test_a_winning_direction_is_tried_further(session: Simulation) -> None:
    number = knob_idea(session, "STEP_SIZE")
    assert changes(session, [number]) == ["STEP_SIZE:0.02->0.06"]
    judge(session, number, 0.15)
    children = session.reflect(number)
    assert changes(session, children) == ["STEP_SIZE:0.06->0.18"]
    assert session.state.ideas[children[0]].idea.parent == number
    assert "15.0%" in session.state.ideas[children[0]].idea.rationale


def test_after_a_loss_the_other_direction_is_tried(session: Simulation) -> None:
    number = knob_idea(session, "STEP_SIZE")
    judge(session, number, -0.2)
    assert changes(session, session.reflect(number)) == ["STEP_SIZE:0.02->0.0067"]


def test_after_a_crash_nothing_is_made_of_it(session: Simulation) -> None:
    number = knob_idea(session, "STEP_SIZE")
    judge(session, number, 0.0, "crash")
    assert session.reflect(number) == []


def test_dozens_of_ideas_come_and_none_twice(session: Simulation) -> None:
    for _ in range(30):
        numbers = session.propose(1)
        assert numbers, "the search ran dry"
        judge(session, numbers[0], -0.01)
    recipes = [msgspec.json.encode(idea.idea.recipe.get("parts")) for idea in session.state.ideas.values()]
    keys = [from_dict(idea.idea.recipe).key() for idea in session.state.ideas.values()]
    assert len(set(keys)) == len(keys) == len(recipes) == 30
    assert any(len(from_dict(idea.idea.recipe).knobs) > 1 for idea in session.state.ideas.values())


def test_values_stay_within_reason(session: Simulation) -> None:
    for _ in range(15):
        judge(session, session.propose(1)[0], -0.01)
    for idea in session.state.ideas.values():
        for part in from_dict(idea.idea.recipe).knobs:
            assert not isinstance(part.to, str)
            if part.knob.endswith("STEP_SIZE"):
                assert 0.02 / 31 <= part.to <= 0.02 * 31
            elif part.knob.endswith("STEPS"):
                assert 1 <= part.to <= 60 * 8
                assert isinstance(part.to, int)


def test_runs_that_would_not_end_in_time_are_not_proposed(session: Simulation) -> None:
    assert session.state.started is not None
    session.state.started = msgspec.structs.replace(session.state.started, config="[run]\ntimeout_minutes = 1\n")
    session.record(RunPlanned(run="r1", commit="c0", seed=0, purpose="baseline", key="k"))
    session.record(RunFinished(run="r1", outcome="ok", reason="", value=1.0, wall_s=40.0, log_sha256=""))
    for _ in range(3):
        session.propose(5)
    for idea in session.state.ideas.values():
        for part in from_dict(idea.idea.recipe).knobs:
            if part.knob.endswith("STEPS"):
                assert isinstance(part.to, int)
                assert part.to < 60 * 1.2


def test_nothing_editable_yields_nothing(session: Simulation) -> None:
    for texts in ({"train.py": "print(1)\n"}, {"train.py": "def f(:\n"}, {}, {"run.sh": "echo 3\n"}):
        brief = session.brief(FakeTree(texts))
        drafts: Sequence[IdeaDraft] = asyncio.run(session.engine.ideas.propose(brief, 5))
        assert drafts == []


@pytest.mark.parametrize("unknown", [{"parts": "?"}, {"steps": [1]}, {"parts": [{"kind": "spell"}]}])
def test_recipes_of_other_engines_do_not_disturb(session: Simulation, unknown: dict[str, object]) -> None:
    [number] = session.propose(1)
    idea = session.state.ideas[number].idea
    session.record(ev.IdeaEdited(idea=msgspec.structs.replace(idea, recipe=unknown), by="claude"))
    assert len(session.propose(5)) >= 3
    outcome = session.implement(number, FakeTree(session.texts))
    assert "another engine thought of it" in str(outcome)


def test_a_setting_that_changes_nothing_is_moved_far_or_left(session: Simulation) -> None:
    number = knob_idea(session, "STEP_SIZE")
    judge(session, number, 0.0, "discard")
    assert changes(session, session.reflect(number)) == ["STEP_SIZE:0.02->0.6"]
    steps = next(
        knob for knob in find_knobs(load_sources(FakeTree(session.texts), session.command)) if knob.name == "STEPS"
    )
    assert advise(steps, history(session.state)).expectation < advise(steps, History()).expectation


def test_two_near_misses_are_tried_together(session: Simulation) -> None:
    first, second = knob_idea(session, "STEP_SIZE"), knob_idea(session, "STEPS")
    judge(session, first, 0.08, "inconclusive")
    judge(session, second, 0.03, "inconclusive")
    children = [session.state.ideas[number].idea for number in session.reflect(second)]
    together = [idea for idea in children if len(from_dict(idea.recipe).knobs) == 2]
    assert [idea.title for idea in together] == [f"Combine ideas {first} and {second}"]
    assert "+8.0%" in together[0].rationale
    assert together[0].parent == second


def test_constants_that_a_kept_technique_brought_are_tuned_next(session: Simulation) -> None:
    session.propose(5)
    number = next(n for n, s in session.state.ideas.items() if "momentum" in str(s.idea.recipe))
    judge(session, number, 0.2)
    assert changes(session, session.reflect(number)) == ["MOMENTUM:0.9->0.5"]


def test_the_loop_may_go_on_while_the_agent_thinks(session: Simulation) -> None:
    """What a thread walks does not change size when events come in."""
    brief = session.brief()
    frozen = snapshot(brief)
    session.propose(3)
    session.record(RunPlanned(run="r1", commit="c0", seed=0, purpose="baseline", key="k"))
    assert (len(frozen.state.ideas), len(frozen.state.runs)) == (0, 0)
    assert (len(brief.state.ideas), len(brief.state.runs)) == (3, 1)
