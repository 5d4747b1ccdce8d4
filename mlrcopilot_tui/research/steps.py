"""What an idea needs next, found from the journal's state alone, so that nothing is lost or doubled by a crash."""

from dataclasses import dataclass

from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.session.events import GateAnswered
from mlrcopilot_tui.session.model import Attempt
from mlrcopilot_tui.session.state import IdeaState, RunState, SessionState

REPAIRABLE = frozenset({"crashed", "timeout", "silent", "diverged", "no_metric", "not_started"})
"""Failures that may be the patch's own fault, so that its author gets another try."""

RETRIES_OF_LOST_RUNS = 2


@dataclass(frozen=True, slots=True)
class Implement:
    """The agent writes attempt `number`: the first, a revision after feedback, or a repair after a failed run."""

    number: int
    feedback: tuple[str, ...] = ()
    failed: RunState | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """The attempt needs the researcher's decision."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class TakeSelection:
    """The researcher approved a part of the attempt: that part becomes the next attempt."""

    attempt: Attempt
    patch: str


@dataclass(frozen=True, slots=True)
class TakeEdit:
    """The researcher edited the attempt's files: their edit becomes the next attempt."""

    attempt: Attempt
    text: str


@dataclass(frozen=True, slots=True)
class Measure:
    """The attempt may run."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The attempt's runs failed, and no repair is left."""

    attempt: Attempt
    failed: RunState


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to do for the idea."""


Step = Implement | Ask | TakeSelection | TakeEdit | Measure | GiveUp | Done

_ENDED = frozenset({"rejected", "pruned", "withdrawn", "kept", "discarded", "inconclusive", "crashed", "reverted"})


def next_step(state: SessionState, idea: IdeaState, settings: Settings) -> Step:
    """The next thing to do for a started idea."""
    if idea.status in _ENDED:
        return Done()
    attempt = idea.attempt
    if attempt is None or attempt.parent != idea.parent_commit:
        return Implement(number=len(idea.attempts) + 1)
    decided = _decision(state, idea, attempt, settings)
    if decided is not None:
        return decided
    failed = failed_run(state, attempt)
    if failed is None:
        return Measure(attempt)
    if failed.outcome in REPAIRABLE and _failed_attempts(state, idea) <= settings.repairs:
        return Implement(number=attempt.number + 1, failed=failed, feedback=feedback_on(state, idea))
    return GiveUp(attempt, failed)


def _decision(state: SessionState, idea: IdeaState, attempt: Attempt, settings: Settings) -> Step | None:
    """What the researcher's decision on the attempt leads to; None where it may run."""
    answer = answer_on(state, attempt.commit)
    if answer is None:
        if not _asked(state, attempt.commit) and (settings.patches == "auto" or _was_selected(state, idea, attempt)):
            return None
        return Ask(attempt)
    if answer.answer == "approve":
        return TakeSelection(attempt, answer.patch) if answer.patch else None
    if answer.answer == "edit":
        return TakeEdit(attempt, answer.text)
    return Implement(number=attempt.number + 1, feedback=feedback_on(state, idea))


def answer_on(state: SessionState, commit: str) -> GateAnswered | None:
    """The answer to the newest gate on the patch `commit`."""
    gates = [gate for gate in state.gates.values() if gate.kind == "patch" and gate.commit == commit]
    return state.answers.get(gates[-1].id) if gates else None


def feedback_on(state: SessionState, idea: IdeaState) -> tuple[str, ...]:
    """The researcher's words on an idea, from gates and otherwise, oldest first."""
    number = idea.idea.number
    from_gates = [
        state.answers[gate.id].text
        for gate in state.gates.values()
        if gate.idea == number and gate.id in state.answers and state.answers[gate.id].answer == "feedback"
    ]
    return tuple(dict.fromkeys([*(said.text for said in idea.feedback), *from_gates]))


def failed_run(state: SessionState, attempt: Attempt) -> RunState | None:
    """A run of the attempt that failed and is not to be repeated."""
    runs = [run for run in state.runs.values() if run.commit == attempt.commit and not run.live]
    lost = [run for run in runs if run.outcome == "lost"]
    if len(lost) > RETRIES_OF_LOST_RUNS:
        return lost[-1]
    return next((run for run in runs if run.outcome not in {"ok", "lost"}), None)


def _failed_attempts(state: SessionState, idea: IdeaState) -> int:
    return sum(failed_run(state, attempt) is not None for attempt in idea.attempts)


def _asked(state: SessionState, commit: str) -> bool:
    return any(gate.kind == "patch" and gate.commit == commit for gate in state.gates.values())


def _was_selected(state: SessionState, idea: IdeaState, attempt: Attempt) -> bool:
    """Whether the attempt is the part of its predecessor that the researcher approved."""
    before = [other for other in idea.attempts if other.number < attempt.number]
    answer = answer_on(state, before[-1].commit) if before else None
    return attempt.by == "researcher" and answer is not None and answer.answer == "approve"
