"""The Agent tab: what the agents thought, did and saw, and below it what a model says, or what is in its way, now."""

import math
from collections.abc import Callable
from datetime import datetime

from mlrcopilot_tui.session.events import AgentSaid
from mlrcopilot_tui.session.model import Gate
from mlrcopilot_tui.session.model_events import ModelFaulted
from mlrcopilot_tui.session.state import IdeaState, SessionState
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.live_turn import Turn
from mlrcopilot_tui.tui.projector.focus import gate_for
from mlrcopilot_tui.tui.projector.words import clock, seconds_between, time_of_day
from mlrcopilot_tui.tui.views import BLANK, Document, Paragraph, Role, Span, text

PARAGRAPHS = 1_000
"""Of the agents' words that are laid out, the newest; older ones are in the journal."""
_LINES = 60
_SEEN_LINES = 12
"""What an agent saw is mostly files and output that other panes show better."""
_CHARACTERS = 8_000
_ROLES: dict[str, Role] = {"action": "strong", "observation": "muted"}
_HANG = " " * 22


def talk_document(state: SessionState, glyphs: Glyphs) -> Document:
    """What the agents thought, did and saw, line by line: the newest that fit in so many paragraphs."""
    entries: list[list[Paragraph]] = []
    room = PARAGRAPHS
    for time, said in reversed(state.talk):
        entry = _said(time, said, glyphs)
        room -= len(entry)
        if room < 0:
            break
        entries.append(entry)
    older = len(state.talk) - len(entries)
    above = [text(f"{older} older entries are in the journal.", "muted")] if older else []
    return (*above, *(paragraph for entry in reversed(entries) for paragraph in entry))


def _said(time: str, said: AgentSaid, glyphs: Glyphs) -> list[Paragraph]:
    lead = (
        Span(f"{time_of_day(time):<6}", "muted"),
        Span(f"{said.idea or glyphs.dot:>3} ", "accent"),
        Span(f"{said.kind:<12}", "muted"),
    )
    role = _ROLES.get(said.kind, "plain")
    most = _SEEN_LINES if said.kind == "observation" else _LINES
    lines = said.text[:_CHARACTERS].splitlines() or [""]
    parts = [Paragraph((Span(lines[0], role),), lead), *(text(line, role, lead=_HANG) for line in lines[1:most])]
    left = f"{len(lines) - most} more lines" if len(lines) > most else ""
    if not left and len(said.text) > _CHARACTERS:
        left = f"{len(said.text) - _CHARACTERS} more characters"
    return [*parts, text(f"{glyphs.ellipsis} {left} in the journal", "muted", lead=_HANG)] if left else parts


def now_document(state: SessionState, turn: Turn, now: datetime, glyphs: Glyphs, key: Callable[[str], str]) -> Document:
    """What stands below the agents' words: the turn in flight, a fault, a pause, a question.

    Args:
        key: the key of an action, as people read it.
    """
    parts = _turn(turn, glyphs) if turn.text else []
    if state.model_fault is not None:
        parts += [BLANK, _fault(state, state.model_fault[1], now, glyphs)]
    if state.paused and (state.interrupted or working_idea(state) is not None):
        word = "interrupted" if state.interrupted else "paused"
        ways = f"{key('agent.interject')} says something, {key('session.pause')} resumes"
        parts += [BLANK, text(ways, lead=f"{glyphs.waiting} {word}  ", lead_role="waiting")]
    if state.finished:
        parts += [BLANK, text(state.finished[:_CHARACTERS], lead="finished  ", lead_role="strong")]
    if (gate := question(state)) is not None:
        parts += [BLANK, *_asked(gate, glyphs, key)]
    return tuple(parts[1:] if parts and parts[0] == BLANK and not state.talk else parts)


def _asked(gate: Gate, glyphs: Glyphs, key: Callable[[str], str]) -> list[Paragraph]:
    asks, does = ("asks", "answers it.") if gate.kind == "question" else ("wants your consent", "opens it.")
    lead = (Span(f"{glyphs.waiting} {asks}  ", "waiting"),)
    first, *rest = gate.question[:_CHARACTERS].splitlines()[:_LINES] or [""]
    hang = " " * len(lead[0].text)
    return [
        Paragraph((Span(first, "waiting"),), lead),
        *(text(line, "waiting", lead=hang) for line in rest),
        text(f"{key('agent.answer')} {does}", "muted", lead=hang),
    ]


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
    elif state.interrupted:
        more = "It is asked again when the session goes on."
    else:
        more = f"Again in {clock(left)} (try {fault.tries + 1})." if left else f"Trying again (try {fault.tries + 1})."
    sentence = Span(fault.sentence, "error" if left is None else "waiting")
    return Paragraph((sentence, Span(f" {more}")), (Span(f"{glyphs.waiting} fault  ", "error"),))


def retry_in(state: SessionState, now: datetime) -> int | None:
    """Whole seconds until a call that failed is made again, 0 once it is; None where it is not made again."""
    if state.model_fault is None or state.copilot is None:
        return None
    time, fault = state.model_fault
    return None if fault.retry_in_s is None else math.ceil(max(0.0, fault.retry_in_s - seconds_between(time, now)))


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
    retried = state.model_fault is not None and state.model_fault[1].retry_in_s is not None
    going = not state.paused and (retried or state.thinking or working_idea(state) is not None)
    return state.copilot is not None and (turn or going)
