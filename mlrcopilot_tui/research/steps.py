"""What an idea needs next, found from the journal's state alone, so that nothing is lost or doubled by a crash."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlrcopilot_tui.research.retries import failed_run
from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.research.tagging import unseen_tags
from mlrcopilot_tui.session.events import GateAnswered
from mlrcopilot_tui.session.model import Attempt
from mlrcopilot_tui.session.run_events import ForecastMade
from mlrcopilot_tui.session.state import IdeaState, RunState, SessionState
from mlrcopilot_tui.session.subjects import Subject
from mlrcopilot_tui.session.words import Words

if TYPE_CHECKING:
    from mlrcopilot_tui.research.bench import Bench

REPAIRABLE = frozenset({"crashed", "timeout", "silent", "memory", "disk", "diverged", "no_metric", "not_started"})
"""Failures that may be the patch's own fault, so that its author gets another try."""


@dataclass(frozen=True, slots=True)
class Implement:
    """The agent writes attempt `number`: the first, a revision after feedback, or a repair.

    What is to be repaired is a run that failed, or a forecast that says why the attempt cannot run.
    """

    number: int
    feedback: tuple[Words, ...] = ()
    failed: RunState | ForecastMade | None = None


@dataclass(frozen=True, slots=True)
class Foretell:
    """Nobody knows yet what the attempt will take.

    It may be tried to find out where `smoke` says so; `asked` says that nothing else of it runs before the researcher
    has said yes.
    """

    attempt: Attempt
    smoke: bool
    asked: bool


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


@dataclass(frozen=True, slots=True)
class Rebase:
    """The attempt beat its own parent, but the champion is another by now: it is written anew on that, and measured."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Measure:
    """The attempt may run."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The attempt's runs failed, or cannot fit, and no repair is left."""

    attempt: Attempt
    failed: RunState | ForecastMade


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to do for the idea."""


Step = Implement | Foretell | Ask | TakeSelection | TakeEdit | Rebase | Measure | GiveUp | Done

_ENDED = frozenset({"rejected", "pruned", "withdrawn", "kept", "discarded", "inconclusive", "crashed", "reverted"})


@dataclass(frozen=True, slots=True)
class Trying:
    """Whether attempts are tried before they are measured, and whether a sandbox lets that be before they are approved.

    `unapproved` matters only where somebody is asked.
    """

    wanted: bool
    unapproved: bool

    @classmethod
    def at(cls, bench: "Bench") -> "Trying":
        """As a session's contract and sandbox have it: unapproved code runs behind a fence only."""
        return cls(wanted=bench.config.run.smoke_seconds > 0, unapproved=bench.sandbox.level != "plain")


def next_step(state: SessionState, idea: IdeaState, settings: Settings, trying: Trying) -> Step:
    """The next thing to do for a started idea."""
    if idea.status in _ENDED:
        return Done()
    attempt = idea.attempt
    following = Implement(number=len(idea.proposals) + 1, feedback=feedback_on(state, idea))
    if attempt is None or attempt.parent != idea.parent_commit:
        return Rebase(attempt) if attempt is not None and _was_kept(idea, attempt) else following
    failed = failed_run(state, attempt.commit) or _misfit(state, attempt.commit)
    if failed is not None:
        mendable = isinstance(failed, ForecastMade) or failed.outcome in REPAIRABLE
        left = _failed_attempts(state, idea) <= settings.repairs
        return replace(following, failed=failed) if mendable and left else GiveUp(attempt, failed)
    may_run = _may_run(state, idea, attempt, settings)
    undecided = may_run or answer_on(state, attempt.commit) is None
    if undecided and (foretell := _foretelling(state, attempt, settings, trying, may_run=may_run)):
        return foretell
    if not may_run:
        return _decided(state, attempt, following)
    short = _out_of_minutes(state, attempt.commit, settings)
    return Measure(attempt) if short is None else GiveUp(attempt, short)


def _foretelling(
    state: SessionState, attempt: Attempt, settings: Settings, trying: Trying, *, may_run: bool
) -> Foretell | None:
    """The forecast that an attempt still wants: one by a smoke run as soon as it may be made, else by its parent."""
    if attempt.moved_from:  # it was tried where it comes from
        return None
    smoke = trying.wanted and (may_run or trying.unapproved)
    made = state.forecasts.get(attempt.commit)
    if made is None or (smoke and not made.run) or _is_short(state, made, "budget", settings):
        return Foretell(attempt, smoke, asked=not may_run)
    return None


def _misfit(state: SessionState, commit: str) -> ForecastMade | None:
    """The forecast that says that an attempt takes more than a run may, if its smoke run told so."""
    made = state.forecasts.get(commit)
    return made if made is not None and made.run and made.lacks in {"time", "memory"} else None


def _out_of_minutes(state: SessionState, commit: str, settings: Settings) -> ForecastMade | None:
    """The forecast for which the budget does not suffice, where no researcher said yes to it."""
    made = state.forecasts.get(commit)
    return made if made is not None and _is_short(state, made, "minutes", settings) else None


def _is_short(state: SessionState, made: ForecastMade, lack: str, settings: Settings) -> bool:
    """Whether an attempt has too little of the budget, and nobody but a rule lets it run all the same."""
    answer = answer_on(state, made.commit)
    return made.lacks == lack and settings.patches == "auto" and (answer is None or answer.by == "rule")


def _may_run(state: SessionState, idea: IdeaState, attempt: Attempt, settings: Settings) -> bool:
    """Whether the attempt, as it is, was approved, by the researcher or by a rule."""
    answer = answer_on(state, attempt.commit)
    if answer is not None:
        return answer.answer == "approve" and not answer.patch
    if any(gate.kind == "patch" and gate.commit == attempt.commit for gate in state.gates.values()):
        return False  # it was asked, and wants an answer even where a rule that came later gives it
    if unseen_tags(state, attempt):
        return False
    return settings.patches == "auto" or bool(attempt.moved_from) or was_selected(state, idea, attempt)


def _decided(state: SessionState, attempt: Attempt, following: Implement) -> Step:
    """What the researcher's decision on an attempt that may not run leads to."""
    answer = answer_on(state, attempt.commit)
    if answer is None:
        return Ask(attempt)
    if answer.answer == "edit":
        return TakeEdit(attempt)
    return TakeSelection(attempt, answer.patch) if answer.answer == "approve" else following


def _was_kept(idea: IdeaState, attempt: Attempt) -> bool:
    last = idea.verdicts[-1] if idea.verdicts else None
    return last is not None and last.commit == attempt.commit and last.verdict.kind == "keep"


def answer_on(state: SessionState, commit: str) -> GateAnswered | None:
    """The answer to the newest gate on the patch `commit`."""
    gates = [gate for gate in state.gates.values() if gate.kind == "patch" and gate.commit == commit]
    return state.answers.get(gates[-1].id) if gates else None


def feedback_on(state: SessionState, idea: IdeaState) -> tuple[Words, ...]:
    """The researcher's words on an idea, from gates and otherwise, oldest first."""
    number, texts = idea.idea.number, {said.text for said in idea.feedback}
    from_gates = [
        state.answers[gate.id].text
        for gate in state.gates.values()
        if gate.idea == number and gate.id in state.answers and state.answers[gate.id].answer == "feedback"
    ]
    about = Subject(kind="idea", idea=number)
    others = [Words(text, about=about) for text in dict.fromkeys(from_gates) if text and text not in texts]
    return (*others, *idea.feedback)


def was_selected(state: SessionState, idea: IdeaState, attempt: Attempt) -> bool:
    """Whether the attempt is the part of its predecessor that the researcher approved."""
    before = [other for other in idea.proposals if other.number < attempt.number]
    answer = answer_on(state, before[-1].commit) if before else None
    return attempt.by == "researcher" and answer is not None and answer.answer == "approve"


def _failed_attempts(state: SessionState, idea: IdeaState) -> int:
    commits = [attempt.commit for attempt in idea.attempts]
    return sum((failed_run(state, commit) or _misfit(state, commit)) is not None for commit in commits)
