"""The patch under review: whose it is, what it is held against, and how it fared."""

from dataclasses import dataclass, field

from mlrcopilot_tui.session.model import Attempt, Gate
from mlrcopilot_tui.session.state import IdeaState, SessionState, VerdictState
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.projector.focus import can_decide, shown_attempt
from mlrcopilot_tui.tui.projector.remarks import notes_on
from mlrcopilot_tui.tui.projector.words import WORDS, change, short
from mlrcopilot_tui.tui.remarks import Remarks, Spot
from mlrcopilot_tui.tui.views import Notes, Role, Selection, Span


@dataclass(frozen=True, slots=True)
class PatchView:
    """What stands above the diff: whose patch it is and how it fared; `due` if a decision on it waits.

    `against` is the commit that it is held against, where that is not its parent; `notes` is what stands below its
    hunks and lines.
    """

    commit: str = ""
    against: str = ""
    idea: int = 0
    attempt: int = 0
    line: tuple[Span, ...] = ()
    due: bool = False
    empty: str = ""
    notes: Notes = field(default_factory=dict)


def patch_view(state: SessionState, selection: Selection, glyphs: Glyphs, remarks: Remarks | None = None) -> PatchView:
    """The patch that the selection leads to; without one, what will appear.

    Args:
        remarks: the researcher's notes, which go along with the decision that waits.
    """
    attempt = shown_attempt(state, selection)
    if attempt is None:
        return PatchView(empty=_nothing_yet(state, selection))
    idea = state.ideas[attempt.idea]
    if selection.against:
        return PatchView(
            commit=attempt.commit,
            against=selection.against,
            idea=attempt.idea,
            attempt=attempt.number,
            line=_compared(state, attempt, selection.against),
        )
    gate = can_decide(state, attempt)
    drafts = remarks.on(attempt.commit) if remarks is not None and gate is not None else {}
    whole = (Span(f"  {glyphs.proposed} {drafts[Spot()]}", "waiting"),) if Spot() in drafts else ()
    line = (
        Span(f"{attempt.idea}.{attempt.number} ", "accent"),
        Span(attempt.subject, "strong"),
        Span(f"  {short(attempt.commit)}", "muted"),
        *_outcome(state, idea, attempt, gate, glyphs),
        *([Span(f"  {glyphs.waiting} tagged {_rules(attempt)}", "waiting")] if attempt.tags else []),
        *whole,
    )
    return PatchView(
        commit=attempt.commit,
        idea=attempt.idea,
        attempt=attempt.number,
        line=line,
        due=gate is not None,
        notes=notes_on(state, attempt, drafts, glyphs),
    )


def _compared(state: SessionState, attempt: Attempt, against: str) -> tuple[Span, ...]:
    """Which two are held against each other; what is removed is of the older one."""
    older = state.attempt_of(against)
    name = f"{older.idea}.{older.number} {older.subject}" if older is not None else "the starter"
    if older is None and (state.started is None or against != state.started.base):
        name = "the champion" if state.champion is not None and state.champion.commit == against else short(against)
    return (
        Span(f"{attempt.idea}.{attempt.number} ", "accent"),
        Span("against ", "waiting"),
        Span(name, "strong"),
    )


def _rules(attempt: Attempt) -> str:
    return ", ".join(dict.fromkeys(tag.rule for tag in attempt.tags))


def _outcome(
    state: SessionState, idea: IdeaState, attempt: Attempt, gate: Gate | None, glyphs: Glyphs
) -> tuple[Span, ...]:
    if gate is not None:
        return ()
    judged = verdict_of(idea, attempt)
    if judged is not None:
        moved = change(judged.verdict.relative, state, glyphs)
        return (Span(f"  {judged.verdict.kind} {moved}".rstrip(), _ROLES[judged.verdict.kind]),)
    if attempt is idea.attempt:
        word, role = WORDS[idea.status]
        return (Span(f"  {word}", role),)
    return (Span("  superseded", "muted"),)


_ROLES: dict[str, Role] = {"keep": "kept", "discard": "discarded", "inconclusive": "inconclusive", "crash": "error"}


def verdict_of(idea: IdeaState, attempt: Attempt) -> VerdictState | None:
    """The verdict on this very attempt."""
    return next((judged for judged in reversed(idea.verdicts) if judged.commit == attempt.commit), None)


def attempt_of(key: str) -> tuple[int, int]:
    """The idea and the attempt that a row of the history stands for."""
    idea, _, attempt = key.partition(".")
    return int(idea), int(attempt)


def _nothing_yet(state: SessionState, selection: Selection) -> str:
    if selection.idea is not None and selection.idea in state.ideas:
        return "This idea has no patch yet. Approve it in the ideas pane (2, then a) and it will be written."
    if state.ideas:
        return "The patch being written will stand here, hunk by hunk, for your approval."
    return "Patches will stand here. The first comes from the first approved idea (2, then a)."
