"""What is shown: the researcher's choice, or else what is live."""

from typing import Final

from mlrcopilot_tui.session.model import Attempt, Gate
from mlrcopilot_tui.session.state import ACTIVE_STATUSES, IdeaState, RunState, SessionState
from mlrcopilot_tui.tui.views import PaneName, Selection, Span

_PANE_OF: dict[str, PaneName] = {
    "ideas": "ideas", "patch": "patch", "question": "run", "consent": "run", "sandbox": "run",
}  # fmt: skip
AGREEING: Final = frozenset({"consent", "sandbox"})
"""What wants a yes once for the workspace."""
ASKED: Final = AGREEING | {"question"}
"""What opens a dialog of its own."""


def waiting_gates(state: SessionState) -> list[Gate]:
    """The gates without an answer, oldest first."""
    return [gate for gate in state.gates.values() if gate.id not in state.answers]


def pane_of(gate: Gate) -> PaneName:
    """The pane in which a gate is answered."""
    return _PANE_OF.get(gate.kind, "patch")


def gate_for(state: SessionState, pane: PaneName) -> Gate | None:
    """The oldest gate that waits in this pane."""
    return next((gate for gate in waiting_gates(state) if pane_of(gate) == pane), None)


def question_of(gate: Gate) -> tuple[Span, ...]:
    """A gate's question, and what a yes will cost."""
    question = Span(gate.question, "waiting")
    return (question, Span(f"  {gate.forecast}", "muted")) if gate.forecast else (question,)


def live_idea(state: SessionState) -> IdeaState | None:
    """The idea that things happen to: one that waits, else one being run or written, else the last that was begun."""
    for gate in waiting_gates(state):
        if gate.idea in state.ideas:
            return state.ideas[gate.idea]
    active = [idea for idea in state.ideas.values() if idea.status in ACTIVE_STATUSES]
    if active:
        return max(active, key=lambda idea: idea.started_seq)
    begun = [idea for idea in state.ideas.values() if idea.started_at]
    return max(begun, key=lambda idea: idea.started_seq) if begun else next(iter(state.queue()), None)


def shown_idea(state: SessionState, selection: Selection) -> IdeaState | None:
    """The idea that the panes are about."""
    return state.ideas.get(selection.idea) if selection.idea is not None else live_idea(state)


def shown_attempt(state: SessionState, selection: Selection) -> Attempt | None:
    """The attempt in the patch pane: following, the newest patch stays until there is a newer one."""
    if selection.idea is not None:
        idea = state.ideas.get(selection.idea)
        if idea is None:
            return None
        chosen = [attempt for attempt in idea.attempts if attempt.number == selection.attempt]
        return chosen[0] if chosen else idea.attempt
    gate = gate_for(state, "patch")
    for idea in state.ideas.values():
        for attempt in idea.attempts:
            if gate is not None and attempt.commit == gate.commit:
                return attempt
    tried = [idea for idea in state.ideas.values() if idea.attempts]
    return max(tried, key=lambda idea: idea.started_seq).attempt if tried else None


def shown_run(state: SessionState, selection: Selection) -> RunState | None:
    """The run in the run pane: the chosen one, else one of the chosen idea, else a live one, else the newest."""
    if selection.run is not None:
        return state.runs.get(selection.run)
    runs = list(state.runs.values())
    if selection.idea is not None:
        runs = [run for run in runs if run.idea == selection.idea]
    live = [run for run in runs if run.live and run.started_at] or [run for run in runs if run.live]
    if live:
        return live[0]
    return max(runs, key=lambda run: run.finished_at or run.planned_at) if runs else None


def can_decide(state: SessionState, attempt: Attempt | None) -> Gate | None:
    """The gate that a decision on the shown attempt would answer."""
    if attempt is None:
        return None
    fits = (gate for gate in waiting_gates(state) if gate.kind == "patch" and gate.commit == attempt.commit)
    return next(fits, None)


def committed(state: SessionState, attempt: Attempt | None) -> bool:
    """Whether the attempt's commit stands on the session's line, so that it can be reverted."""
    if attempt is None:
        return False
    for moved in reversed(state.line):
        if moved.reason == "kept" and moved.commit == attempt.commit:
            return True
        if moved.of == attempt.commit:
            return moved.reason == "redone"
    return False
