"""The patch under review, and the history of all that was tried."""

from dataclasses import dataclass, field

from mlrcopilot_tui.session.model import Attempt, Gate
from mlrcopilot_tui.session.state import IdeaState, SessionState, VerdictState
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.projector.focus import can_decide, shown_attempt
from mlrcopilot_tui.tui.projector.words import WORDS, change, effect, short, sign
from mlrcopilot_tui.tui.views import Notes, Role, Row, Selection, Span


@dataclass(frozen=True, slots=True)
class PatchView:
    """What stands above the diff: whose patch it is and how it fared; `due` if a decision on it waits.

    `notes` is what stands below its hunks and lines.
    """

    commit: str = ""
    idea: int = 0
    attempt: int = 0
    line: tuple[Span, ...] = ()
    due: bool = False
    empty: str = ""
    notes: Notes = field(default_factory=dict)


def patch_view(state: SessionState, selection: Selection, glyphs: Glyphs) -> PatchView:
    """The patch that the selection leads to; without one, what will appear."""
    attempt = shown_attempt(state, selection)
    if attempt is None:
        return PatchView(empty=_nothing_yet(state, selection))
    idea = state.ideas[attempt.idea]
    gate = can_decide(state, attempt)
    line = (
        Span(f"{attempt.idea}.{attempt.number} ", "accent"),
        Span(attempt.subject, "strong"),
        Span(f"  {short(attempt.commit)}", "muted"),
        *_outcome(state, idea, attempt, gate, glyphs),
    )
    return PatchView(
        commit=attempt.commit,
        idea=attempt.idea,
        attempt=attempt.number,
        line=line,
        due=gate is not None,
    )


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


def history(state: SessionState, glyphs: Glyphs) -> tuple[Row, ...]:
    """Every attempt with its verdict, the newest first."""
    rows = []
    for idea in state.ideas.values():
        for attempt in idea.attempts:
            judged = verdict_of(idea, attempt)
            time = judged.time if judged is not None else idea.started_at
            rows.append((time or "", attempt.number, _history_row(state, idea, attempt, judged, glyphs)))
    rows.sort(key=lambda row: row[:2], reverse=True)
    return tuple(row for _, _, row in rows)


def _history_row(
    state: SessionState, idea: IdeaState, attempt: Attempt, judged: VerdictState | None, glyphs: Glyphs
) -> Row:
    newest = attempt is idea.attempt
    word, role = WORDS[idea.status] if newest or judged is None else (judged.verdict.kind, _ROLES[judged.verdict.kind])
    if not newest and judged is None:
        word, role = "superseded", "muted"
    moved, figures = "", ""
    if judged is not None:
        moved, figures = change(judged.verdict.relative, state, glyphs), effect(judged.verdict, glyphs)
    return Row(
        key=f"{idea.idea.number}.{attempt.number}",
        left=(
            Span(f"{sign(idea.status, glyphs) if newest else glyphs.dot} ", role),
            Span(f"{idea.idea.number}.{attempt.number} ", "muted"),
            Span(attempt.subject),
            Span(f"  {short(attempt.commit)}", "muted"),
        ),
        right=(Span(f"{moved:>6} {word:<9}", role),),
        more=(Span(figures, "muted"),) if figures else (),
    )


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
