"""Forecasts: how far they are from what runs take, what does not fit, and how that is said."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.hardware.samples import GpuSample, MachineSample
from mlrcopilot_tui.research.forecast import Bounds, Need, Tried, fits_now, forecast, in_words
from mlrcopilot_tui.research.pace import Course, Progress, like_parents, progress_of, whole_run
from mlrcopilot_tui.runs.metrics import Reading
from mlrcopilot_tui.session.model import Attempt
from mlrcopilot_tui.session.run_events import ForecastMade
from mlrcopilot_tui.session.state import RunState

GIB = 1 << 30
ATTEMPT = Attempt(idea=1, number=1, commit="c", parent="p", tree="t", subject="Try", files=(), by="agent")
MACHINE = MachineSample(t=0.0, memory_used=6 * GIB, memory_total=24 * GIB)
BOUNDS = Bounds(runs=(2, 5), timeout_s=600.0)


def reading(step: int | None, t: float, total: int | None = None, source: str = "stdout") -> Reading:
    assert source in {"stdout", "file", "evaluate"}
    return Reading(name="val_error", value=0.5, step=step, total=total, t=t, source=source)  # type: ignore[arg-type] # checked above


Clock = Callable[[int], float]
"""The seconds at which a step is done."""


def course(at: Clock, steps: int, *, cut_s: float = 1e9, total: bool = True, tail: float = 0.0) -> Course:
    """A run that is at a step when `at` says so, cut after so many seconds."""
    readings = [reading(step, at(step), steps if total else None) for step in range(1, steps + 1) if at(step) < cut_s]
    return Course(progress_of(readings), min(cut_s, at(steps) + tail))


def tried(
    *points: tuple[float, float], wall_s: float, outcome: str = "smoked", seed: int = 0, rss: int = GIB,
    gpu: int | None = None, total: int | None = None, run: str = "r4", commit: str = "c",
) -> Tried:  # fmt: skip
    state = RunState(run, commit, seed, "smoke", "k", 1, 1, "now")
    state.outcome, state.wall_s, state.peak_rss_bytes, state.peak_gpu_bytes = outcome, wall_s, rss, gpu
    return Tried(state, Progress(points, total))


def parent(wall_s: float, seed: int = 0, rss: int = GIB, gpu: int | None = None) -> Tried:
    return tried((1, 1.0), (2, wall_s), wall_s=wall_s, outcome="ok", seed=seed, rss=rss, gpu=gpu, run="r1", commit="p")


@given(step_s=st.floats(0.05, 2.0), start_s=st.floats(0.0, 10.0), steps=st.integers(20, 2000), said=st.booleans())
def test_a_constant_pace_is_told_within_a_fifth_whatever_the_start_up(
    step_s: float, start_s: float, steps: int, said: bool
) -> None:
    at: Clock = lambda step: start_s + step * step_s  # noqa: E731 - one formula of two runs
    truth = at(steps)
    parents = [] if said else [course(lambda step: 1.0 + step * 0.3, steps, total=False)]
    found = whole_run(course(at, steps, cut_s=20.0, total=said), parents)
    if truth <= 20.0:
        return
    assert found is not None
    assert abs(found.about - truth) <= 0.2 * truth
    assert found.low <= truth * 1.001
    assert found.high >= truth * 0.999


@given(noise=st.lists(st.floats(0.6, 1.6), min_size=60, max_size=60), slow=st.integers(0, 9))
def test_noise_and_a_warm_up_do_not_fool_it(noise: list[float], slow: int) -> None:
    """Each step takes its own time, the first ones three times as long; the run is cut in its first third."""
    walls = [share * (3.0 if step < slow else 1.0) for step, share in enumerate(noise)] * 2
    at: Clock = lambda step: sum(walls[:slow] + walls[60 : 60 + step - slow]) if step > slow else sum(walls[:step])  # noqa: E731
    truth = at(60)
    found = whole_run(course(at, 60, cut_s=at(40) + 0.001), [])
    assert found is not None
    assert abs(found.about - truth) <= 0.3 * truth
    assert found.low <= truth * 1.2


def test_a_run_that_grows_slower_is_within_the_range() -> None:
    at: Clock = lambda step: 0.02 * step**2  # noqa: E731
    found = whole_run(course(at, 100, cut_s=20.0), [])
    assert found is not None
    assert found.low < at(100) < found.high


def test_what_comes_late_in_the_parent_comes_late_in_the_child() -> None:
    """The parent's last steps are dear, and its evaluation takes ten seconds; the child is twice as slow."""
    late: Clock = lambda step: step + max(0, step - 50) * 2.0  # noqa: E731
    found = whole_run(course(lambda step: 2 * late(step), 60, cut_s=20.0), [course(late, 60, tail=10.0)])
    assert found is not None
    assert found.about == pytest.approx(2 * (late(60) + 10.0), rel=0.05)


def test_more_steps_than_the_parent_has_are_reckoned_by_the_childs_own_count() -> None:
    found = whole_run(course(float, 300, cut_s=20.0), [course(float, 60, tail=5.0)])
    assert found is not None
    assert found.about == pytest.approx(305.0, rel=0.02)


def test_a_counter_that_begins_anew_is_no_progress() -> None:
    """Batches of an epoch: 100/100 comes every ten seconds, and says nothing about the end."""
    readings = [reading(step % 100 + 1, step * 0.1, 100) for step in range(150)]
    assert progress_of(readings).total is None
    assert whole_run(Course(progress_of(readings), 15.0), []) is None
    beside = Course(progress_of([reading(step % 100 + 1, step * 0.2, 100) for step in range(1000)]), 200.0)
    found = whole_run(Course(progress_of(readings), 15.0), [beside])
    assert found is not None
    assert found.about == pytest.approx(100.0, rel=0.05)


def test_readings_without_steps_are_counted_beside_the_parents() -> None:
    own = Course(progress_of([reading(None, 2.0 * n) for n in range(1, 10)]), 20.0)
    other = Course(progress_of([reading(None, 1.0 * n) for n in range(1, 101)]), 100.0)
    assert whole_run(own, []) is None
    found = whole_run(own, [other])
    assert found is not None
    assert found.about == pytest.approx(200.0, rel=0.02)


def test_the_evaluation_is_no_progress_of_the_run() -> None:
    progress = progress_of([reading(1, 1.0, 4), reading(2, 2.0, 4), reading(None, 9.0, source="evaluate")])
    assert progress.points == ((1, 1.0), (2, 2.0))


def test_a_silent_smoke_run_is_told_by_the_parents_wall_time() -> None:
    """The parent reports first after 2 s, the child not within 20: it is ten times as slow at least."""
    found = like_parents(Course(Progress(), 20.0), [course(lambda step: 2.0 * step, 30)])
    assert found is not None
    assert found.about == pytest.approx(600.0)
    assert found.low < 60.0


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 30), st.none() | st.integers(0, 9)), max_size=12))
def test_any_readings_give_an_ordered_estimate_or_none(pairs: list[tuple[int, float, int | None]]) -> None:
    readings = [reading(step, t, total) for step, t, total in pairs]
    cut = Course(progress_of(readings), 30.0)
    for parents in ([], [course(float, 5)]):
        found = whole_run(cut, parents) or like_parents(cut, parents)
        assert found is None or 30.0 <= found.low <= found.about <= found.high or found.low == 30.0


def test_a_run_that_came_to_its_end_is_its_own_forecast() -> None:
    made = forecast(ATTEMPT, tried((1, 1.0), wall_s=4.2, outcome="ok", rss=2 * GIB), [parent(9.0)], BOUNDS, MACHINE)
    assert (made.whole, made.wall_s, made.memory_bytes) == (True, 4.2, 2 * GIB)
    assert not made.obstacle
    assert in_words(made, "val_error") == "2 to 5 runs of about 4 s each; 2.0 GiB of 18.0 GiB free"


def test_a_cut_run_tells_its_range_its_total_and_the_least_memory() -> None:
    smoke = tried(*((n, 2.0 * n) for n in range(1, 11)), wall_s=20.0, total=120)
    made = forecast(ATTEMPT, smoke, [parent(60.0, 0, 3 * GIB), parent(60.0, 1)], BOUNDS, MACHINE)
    assert made.wall_s == pytest.approx(240.0, rel=0.01)
    assert made.total_s == pytest.approx((480.0, 5 * 240.0 + 3 * 60.0), rel=0.01)
    words = "2 to 5 runs of about 4 min each; 8 to 23 min in all; at least 3.0 GiB of 18.0 GiB free"
    assert in_words(made, "val_error") == words


def test_without_a_smoke_run_the_parent_tells() -> None:
    made = forecast(ATTEMPT, None, [parent(40.0)], BOUNDS, MACHINE)
    assert (made.run, made.like_parent, made.wall_s) == ("", True, 40.0)
    assert in_words(made, "val_error").startswith("2 to 5 runs of about 40 s each, as its parent's;")


def test_nothing_at_all_is_said_as_such() -> None:
    made = forecast(ATTEMPT, tried(wall_s=20.0, rss=0), [], BOUNDS, MachineSample(t=0.0))
    assert (made.wall_s, made.total_s, made.obstacle) == (None, None, "")
    assert in_words(made, "val_error") == "2 to 5 runs; no val_error within 20 s"


def test_gpus_are_told_with_what_the_device_has() -> None:
    gpus = (GpuSample(index=0, uuid="a", memory_total=141 * GIB), GpuSample(index=1, uuid="b", memory_total=80 * GIB))
    machine = MachineSample(t=0.0, memory_used=6 * GIB, memory_total=24 * GIB, gpus=gpus)
    smoke = tried((1, 1.0), wall_s=4.0, outcome="ok", gpu=11 * GIB)
    smoke.run.devices = ("a",)
    made = forecast(ATTEMPT, smoke, [], BOUNDS, machine)
    assert in_words(made, "val_error").endswith("; 1 GPU: 11.0 GiB of 141 GiB")
    smoke.run.peak_gpu_bytes = 150 * GIB
    assert forecast(ATTEMPT, smoke, [], BOUNDS, machine).lacks == "memory"


def test_a_run_over_its_limit_is_an_obstacle_only_if_even_the_lower_end_is() -> None:
    slow = tried(*((n, 2.0 * n) for n in range(1, 11)), wall_s=20.0, total=1230)
    made = forecast(ATTEMPT, slow, [], BOUNDS, MACHINE)
    assert (made.lacks, made.obstacle) == ("time", "One run would take about 41 min; the limit is 10 min.")
    barely = tried(*((n, 2.0 * n) for n in range(1, 11)), wall_s=20.0, total=310)
    assert not forecast(ATTEMPT, barely, [], BOUNDS, MACHINE).obstacle


def test_memory_over_what_a_run_may_use_is_an_obstacle() -> None:
    heavy = tried((1, 1.0), wall_s=4.0, rss=30 * GIB)
    made = forecast(ATTEMPT, heavy, [], BOUNDS, MACHINE)
    assert (made.lacks, made.obstacle) == ("memory", "One run takes at least 30.0 GiB of memory; it may use 24.0 GiB.")
    own_limit = Bounds(runs=(2, 5), timeout_s=600.0, memory_bytes=8 * GIB)
    assert forecast(ATTEMPT, tried((1, 1.0), wall_s=4.0, rss=9 * GIB), [], own_limit, MACHINE).lacks == "memory"


@pytest.mark.parametrize(("left_s", "lacks"), [(None, ""), (600.0, ""), (400.0, "minutes"), (100.0, "budget")])
def test_minutes_may_be_too_few_for_this_attempt_or_for_any(left_s: float | None, lacks: str) -> None:
    smoke = tried(*((n, 2.0 * n) for n in range(1, 11)), wall_s=20.0, total=120)
    bounds = Bounds(runs=(2, 5), timeout_s=600.0, left_s=left_s)
    made = forecast(ATTEMPT, smoke, [parent(60.0, 0), parent(60.0, 1)], bounds, MACHINE)
    assert made.lacks == lacks
    if lacks:
        assert made.obstacle.startswith("A verdict would take at least 8 min; ")


def test_a_run_waits_only_for_what_the_machine_can_ever_have() -> None:
    assert fits_now(Need(10 * GIB), MACHINE) == ""
    assert fits_now(Need(10 * GIB), MACHINE, promised=9 * GIB).startswith("A run waits for memory: it takes at least")
    assert fits_now(Need(20 * GIB), MACHINE).endswith("20.0 GiB, and 18.0 GiB are free.")
    assert fits_now(Need(30 * GIB), MACHINE) == ""
    assert fits_now(Need(30 * GIB), MachineSample(t=0.0)) == ""
    busy = GpuSample(index=0, uuid="a", memory_total=80 * GIB, memory_used=70 * GIB)
    machine = MachineSample(t=0.0, memory_used=0, memory_total=24 * GIB, gpus=(busy,))
    assert fits_now(Need(gpu=20 * GIB), machine) == ""
    assert fits_now(Need(gpu=20 * GIB), machine, devices=("a",)).startswith("A run waits for GPU memory")


def test_words_for_forecasts_of_other_programs() -> None:
    assert in_words(ForecastMade(idea=1, commit="c", runs=(1, 1)), "val_error") == "1 run"
