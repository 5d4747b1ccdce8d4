"""Sentence, idea, commit and metric: what of a session hangs together, found in both directions."""

from mlrcopilot_tui.session.model import Attempt
from mlrcopilot_tui.session.state import IdeaState, RunState, SessionState


def gaps_of(state: SessionState, idea: IdeaState) -> tuple[str, ...]:
    """The ids of the paper's gaps that an idea rests on, in the order in which it names them."""
    if state.summary is None:
        return ()
    named = [item.ref for item in idea.idea.evidence if item.kind == "gap"]
    return tuple(dict.fromkeys(ref for ref in named if any(gap.id == ref for gap in state.summary.gaps)))


def ideas_by_gap(state: SessionState) -> dict[str, list[IdeaState]]:
    """For each gap of the paper, in its order, the ideas that rest on it, the oldest first."""
    found: dict[str, list[IdeaState]] = {gap.id: [] for gap in (state.summary.gaps if state.summary else ())}
    for idea in state.ideas.values():
        for gap in gaps_of(state, idea):
            found[gap].append(idea)
    return found


def forebears(state: SessionState, idea: IdeaState) -> list[IdeaState]:
    """The ideas that an idea grew from or whose results it rests on; its parent first."""
    named = [item.ref.removeprefix("idea ") for item in idea.idea.evidence if item.kind == "result"]
    numbers = [idea.idea.parent, *(int(name) for name in named if name.isdecimal())]
    found = {number: state.ideas[number] for number in numbers if number is not None and number in state.ideas}
    return [other for other in found.values() if other is not idea]


def runs_of(state: SessionState, attempt: Attempt) -> list[RunState]:
    """The runs of an attempt's commit, the newest first: its own, then those as another's parent, then mere trials."""
    runs = [run for run in reversed(state.runs.values()) if run.commit == attempt.commit]
    return sorted(runs, key=lambda run: (run.outcome == "smoked", run.purpose not in {"idea", "smoke"}))


def attempt_behind(state: SessionState, run: RunState) -> Attempt | None:
    """The attempt whose commit a run measured; None for the starter, and for a tip that no idea wrote."""
    return state.attempt_of(run.commit)
