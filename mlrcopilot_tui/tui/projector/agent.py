"""The Agent tab: what the agents thought, did and saw, and below it what a model says, or what is in its way, now."""

from datetime import datetime

from mlrcopilot_tui.session.model import Gate
from mlrcopilot_tui.session.model_events import ModelFaulted
from mlrcopilot_tui.session.state import IdeaState, SessionState
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.live_turn import Turn
from mlrcopilot_tui.tui.projector.focus import gate_for
from mlrcopilot_tui.tui.projector.words import clock, seconds_between, time_of_day
from mlrcopilot_tui.tui.views import BLANK, Document, Paragraph, Role, Span, text

ENTRIES = 300
"""The agents' newest words that are laid out; older ones are in the journal."""
_LINES = 60
_SEEN_LINES = 12
"""What an agent saw is mostly files and output that other panes show better."""
_CHARACTERS = 8_000
_ROLES: dict[str, Role] = {"action": "strong", "observation": "muted"}
_HANG = " " * 22


def talk_document(state: SessionState, glyphs: Glyphs) -> Document:
    """What the agents thought, did and saw, line by line."""
    parts: list[Paragraph] = []
    shown = state.talk[-ENTRIES:]
    if len(state.talk) > len(shown):
        parts.append(text(f"{len(state.talk) - len(shown)} older entries are in the journal.", "muted"))
    for time, said in shown:
        about = f"{said.idea}" if said.idea else glyphs.dot
        lead = (
            Span(f"{time_of_day(time):<6}", "muted"),
            Span(f"{about:>3} ", "accent"),
            Span(f"{said.kind:<12}", "muted"),
        )
        most = _SEEN_LINES if said.kind == "observation" else _LINES
        parts += _said(said.text, most, lead, _ROLES.get(said.kind, "plain"), glyphs)
    return tuple(parts)


def _said(words: str, most: int, lead: tuple[Span, ...], role: Role, glyphs: Glyphs) -> list[Paragraph]:
    lines = words[:_CHARACTERS].splitlines() or [""]
    parts = [text(line, role, lead=_HANG) for line in lines[:most]]
    parts[0] = Paragraph((Span(lines[0], role),), lead)
    if len(lines) > most or len(words) > _CHARACTERS:
        left = f"{len(lines) - most} more lines" if len(lines) > most else f"{len(words) - _CHARACTERS} more characters"
        parts.append(text(f"{glyphs.ellipsis} {left} in the journal", "muted", lead=_HANG))
    return parts


def now_document(state: SessionState, turn: Turn, now: datetime, glyphs: Glyphs) -> Document:
    """What stands below the agents' words: the turn in flight, a fault, a pause, a question."""
    parts = _turn(turn, glyphs) if turn.text else []
    if state.model_fault is not None:
        parts += [BLANK, _fault(state, state.model_fault[1], now, glyphs)]
    if state.paused and (state.interrupted or working_idea(state) is not None):
        word = "interrupted" if state.interrupted else "paused"
        parts += [
            BLANK,
            text("say something with f or i, or resume with p", lead=f"{glyphs.waiting} {word}  ", lead_role="waiting"),
        ]
    if (gate := question(state)) is not None:
        asks = "asks" if gate.kind == "question" else "wants your consent"
        parts += [BLANK, Paragraph((Span(gate.question, "waiting"),), (Span(f"{glyphs.waiting} {asks}  ", "waiting"),))]
        parts.append(text("A opens it." if gate.kind == "consent" else "A answers it.", "muted"))
    return tuple(parts[1:] if parts and parts[0] == BLANK and not state.talk else parts)


def _turn(turn: Turn, glyphs: Glyphs) -> list[Paragraph]:
    lines = turn.text.splitlines() or [""]
    lead = f"{glyphs.running} {'now':<8}{'writing':<12}"
    parts = [text(line, lead=_HANG) for line in lines]
    if turn.above:
        above = f"{glyphs.ellipsis} {turn.above:,} characters above"
        return [text(above, "muted", lead=lead, lead_role="running"), *parts]
    return [text(lines[0], lead=lead, lead_role="running"), *parts[1:]]


def _fault(state: SessionState, fault: ModelFaulted, now: datetime, glyphs: Glyphs) -> Paragraph:
    left = retry_in(state, now)
    if left is None:
        more = fault.mend
    else:
        more = f"Again in {clock(left)} (try {fault.tries + 1})." if left else f"Trying again (try {fault.tries + 1})."
    sentence = Span(fault.sentence, "error" if left is None else "waiting")
    return Paragraph((sentence, Span(f" {more}")), (Span(f"{glyphs.waiting} fault  ", "error"),))


def retry_in(state: SessionState, now: datetime) -> float | None:
    """Seconds until a call that failed is made again, 0 once it is; None where it is not made again."""
    if state.model_fault is None or state.copilot is None:
        return None
    time, fault = state.model_fault
    return None if fault.retry_in_s is None else max(0.0, fault.retry_in_s - seconds_between(time, now))


def question(state: SessionState) -> Gate | None:
    """What an agent asks the researcher: an answer in words, or a yes to what leaves the machine."""
    return gate_for(state, "run")


def working_idea(state: SessionState) -> IdeaState | None:
    """The idea that an agent is writing code for."""
    return next((idea for idea in state.ideas.values() if idea.status == "implementing"), None)


def at_work(state: SessionState, *, turn: bool) -> bool:
    """Whether an agent is at something that can be interrupted.

    Args:
        turn: whether a model is at a turn.
    """
    return state.copilot is not None and (turn or (not state.paused and working_idea(state) is not None))
