"""The run that is on or was: how far it is, and its curve beside its parent's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mlrcopilot_tui.research.ablation_view import left_out
from mlrcopilot_tui.session.parents import parent_of
from mlrcopilot_tui.session.state import RunState, SessionState, mean
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.projector.words import clock, number, seconds_between, short, span_of_time
from mlrcopilot_tui.tui.views import Role, Segment, Span

Curve = tuple[tuple[float, float], ...]
"""Step and value of each reading, in the order of the steps."""


@dataclass(frozen=True, slots=True)
class Live:
    """What the run's folder tells beyond the journal: readings by step, the last one, and how many steps there are."""

    curve: Curve = ()
    parents: tuple[Curve, ...] = ()
    last: float | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class RunView:
    """The line above the log. `share` is what is done, 0 to 1; None where nobody can know."""

    line: tuple[Segment, ...] = ()
    share: float | None = None


def run_view(state: SessionState, run: RunState | None, live: Live, now: datetime) -> RunView:
    """One run's line; nothing without a run."""
    if run is None:
        return RunView()
    line = [Segment(_purpose(state, run), "strong", rank=1), Segment(_seed_place(state, run), "muted", rank=2)]
    line += _badge(run)
    if not run.live:
        return RunView((*line, *_result(state, run), Segment(clock(run.wall_s), "muted", rank=2, right=True)))
    if not run.started_at:
        return RunView((*line, Segment("starting", "running")))
    elapsed = seconds_between(run.started_at, now)
    # A smoke run ends at its limit, wherever its parent's runs would be then.
    expected = expected_seconds(state, run) if run.purpose != "smoke" else None
    share = None
    if live.curve:
        step = live.curve[-1][0]
        steps = live.total or max((at for curve in live.parents for at, _ in curve), default=0)
        known = steps >= step and steps > 0
        share = step / steps if known else None
        line.append(Segment(f"step {step:g}" + (f"/{steps:g}" if known else "")))
    if live.last is not None:
        line.append(Segment(_metric(state), "running", rank=3))
        line.append(Segment(number(live.last), "running"))
    if share is None and expected:
        share = min(1.0, elapsed / expected)
    line.append(Segment(clock(elapsed), right=True))
    if expected:
        line.append(Segment(f"/ ~{clock(expected)}", "muted", rank=4, right=True))
    return RunView(tuple(line), share)


def expected_seconds(state: SessionState, run: RunState) -> float | None:
    """The mean wall time of the finished runs of the same commit, else of its parent, else of all."""
    done = [other for other in state.runs.values() if not other.live and other.value is not None]
    parent = parent_of(state, run)
    for wanted in (run.commit, parent):
        times = [other.wall_s for other in done if other.commit == wanted]
        if times:
            return mean(times)
    return mean([other.wall_s for other in done]) if done else None


def beside_parent(state: SessionState, live: Live, glyphs: Glyphs) -> tuple[Span, ...]:
    """The live value beside what the parent's runs had at the same step; nothing where there is nothing to compare."""
    there = _parents_there(live)
    if not there:
        return ()
    value = live.curve[-1][1]
    around = f" {glyphs.plus_minus}{(max(there) - min(there)) / 2:.2g}" if len(there) > 1 else ""
    ahead = state.better(value, mean(there))
    return (
        Span(f"parent at this step {number(mean(there))}{around}  ", "muted"),
        Span("ahead" if ahead else "behind", "kept" if ahead else "discarded"),
    )


def stop_note(state: SessionState, run: RunState, live: Live, key: str, now: datetime) -> tuple[Span, ...]:
    """That a live run had better be stopped, by which key, and what that saves; nothing while it is not behind."""
    suggestion = run.suggestion
    if suggestion is None or not run.live or not _is_behind(state, live):
        return ()
    since = suggestion.since or suggestion.step
    behind = Span(f"behind the parent's band since step {since}", "discarded")
    if run.stopped_by:
        return (behind, Span("; stopping it", "muted"))
    left = suggestion.saves_s - seconds_between(run.suggested_at, now)
    saves = f", saves ~{span_of_time(left)}" if left >= 1 else ""
    return (behind, Span(f"; {key} stops it{saves}", "waiting"))


def _is_behind(state: SessionState, live: Live) -> bool:
    there = _parents_there(live)
    return bool(there) and not state.better(live.curve[-1][1], mean(there))


def _parents_there(live: Live) -> list[float]:
    """What the parent's runs had at the newest step."""
    if not live.curve:
        return []
    step = live.curve[-1][0]
    return [point for curve in live.parents if (point := _at(curve, step)) is not None]


def as_curve(points: Mapping[float, float] | Sequence[tuple[float, float]]) -> Curve:
    """Readings as a curve: a step that was reported twice counts as reported last."""
    pairs = points.items() if isinstance(points, Mapping) else points
    return tuple(sorted(dict(pairs).items()))


def _at(curve: Curve, step: float) -> float | None:
    before = [value for at, value in curve if at <= step]
    return before[-1] if before else None


def _badge(run: RunState) -> list[Segment]:
    """That a run is, or was, less fenced in than runs usually are."""
    if run.sandbox == "plain":
        return [Segment("no sandbox", "error")]
    return [Segment("net ON", "waiting")] if run.network else []


def _purpose(state: SessionState, run: RunState) -> str:
    if run.purpose == "smoke":
        return f"smoke run of idea {run.idea}.{run.attempt}"
    if run.purpose == "idea":
        return f"idea {run.idea}.{run.attempt}"
    if run.purpose == "parent":
        return f"parent {short(run.commit)}"
    other = {"verify": f"check of {short(run.commit)}", "ablation": f"ablation: {left_out(state, run.commit)}"}
    return other.get(run.purpose, "baseline")


def _seed_place(state: SessionState, run: RunState) -> str:
    """`seed 1 (2/5)`: the second run of this commit, of five that one verdict may take."""
    runs = [other for other in state.runs.values() if (other.commit, other.purpose) == (run.commit, run.purpose)]
    place = next(at for at, other in enumerate(runs, 1) if other is run)
    most = state.settings.get("seeds")
    return f"seed {run.seed} ({place}/{most})" if most and run.purpose == "idea" else f"seed {run.seed}"


def _result(state: SessionState, run: RunState) -> tuple[Segment, ...]:
    if run.value is not None and run.outcome == "ok":
        return (
            Segment(_metric(state), rank=2),
            Segment(number(run.value), "strong"),
            Segment("finished", "muted", rank=4),
        )
    if run.stopped_by == "curve" and run.suggestion is not None:
        behind = f"behind the parent's band since step {run.suggestion.since or run.suggestion.step}"
        return (Segment(f"stopped early at step {run.suggestion.step}", "discarded"), Segment(behind, "muted", rank=5))
    role: Role = "muted" if run.outcome == "smoked" else "error"
    return (Segment(run.outcome or "ended", role), Segment(run.reason, "muted", rank=5))


def _metric(state: SessionState) -> str:
    return state.started.metric if state.started is not None else ""
