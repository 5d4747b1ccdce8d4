"""The staircase of a session: what each experiment measured, and the best value that stood after it."""

from collections.abc import Mapping
from dataclasses import dataclass

from mlrcopilot_tui.research.fates import Fate, history
from mlrcopilot_tui.session.events import ChampionChanged
from mlrcopilot_tui.session.folding import values_of
from mlrcopilot_tui.session.state import SessionState, mean


@dataclass(frozen=True, slots=True)
class Stair:
    """One experiment.

    Attributes:
        number: counts the session's verdicts from 1; 0 is the starter.
        name: the attempt, as `3.2`; empty for the starter.
        value: the mean of the metric over seeds; None where no run gave one.
        best: the same of the champion once this experiment was over; None before anything is measured.
    """

    number: int
    name: str
    commit: str
    fate: Fate
    value: float | None
    best: float | None


def staircase(state: SessionState) -> list[Stair]:
    """The starter and every experiment, in the order of the verdicts."""
    nodes = {node.attempt.commit: node for node in history(state) if node.judged is not None}
    judged = [verdict for idea in state.ideas.values() for verdict in idea.verdicts]
    judged.sort(key=lambda verdict: verdict.seq)
    best = _mean(state.baseline.values) if state.baseline else None
    stairs = [Stair(0, "", state.started.base if state.started else "", "kept", best, best)]
    moves = list(zip(state.line_at, state.line, strict=True))[::-1]
    ends = [verdict.seq for verdict in judged[1:]] + [state.seq + 1]
    for number, (verdict, end) in enumerate(zip(judged, ends, strict=False), 1):
        while moves and moves[-1][0] < end:
            value = _stands_at(state, moves.pop()[1])
            best = best if value is None else value
        node = nodes.get(verdict.commit)
        name, fate = (node.name, node.fate) if node is not None else ("", "open")
        stairs.append(Stair(number, name, verdict.commit, fate, _mean(verdict.verdict.values), best))
    return stairs


def _stands_at(state: SessionState, moved: ChampionChanged) -> float | None:
    """What the champion measures after a move of the line; None where nobody knows yet."""
    verdicts = state.ideas[moved.idea].verdicts if moved.idea in state.ideas else []
    judged = next((verdict for verdict in reversed(verdicts) if verdict.commit == moved.commit), None)
    if judged is not None:
        return _mean(judged.verdict.values)
    return _mean(state.measured.get(moved.commit) or values_of(state, moved.commit))


def _mean(values: Mapping[int, float]) -> float | None:
    return mean(values.values()) if values else None
