"""While you were away: what a session came to between the researcher's last look and now, from its journal alone."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.model import Gate, VerdictKind
from mlrcopilot_tui.session.records import Record
from mlrcopilot_tui.session.run_events import RunFinished
from mlrcopilot_tui.session.seen import Seen
from mlrcopilot_tui.session.state import SessionState, mean

SHORT_S = 60.0
"""Who was gone for less has missed nothing."""

Activity = Literal["worked", "decision", "paused", "stopped", "finished"]
"""What a session did with its time: it worked, or nothing ran because it waited for a decision, was paused, had no
copilot, or was finished."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict that was reached; `relative` is the effect as a share of the parent's mean, positive when better."""

    idea: int
    title: str
    kind: VerdictKind
    effect: float | None
    relative: float | None


@dataclass(slots=True)
class Digest:
    """What happened since `since`, a time of the journal, up to `until`.

    Attributes:
        times: seconds by what the session did with them.
        champion: the best mean metric before and now; None where none was measured.
        improvement: the champion over the starter now: relative, positive when better.
        runs: ended runs by outcome.
        contended: the runs beside which others computed on the same devices.
        calls, usd: asked of the model, and what that cost at list price.
        deaths, starts: copilots that were found dead, and those that took the session up.
        saved_s: what stopping runs early has saved.
        looks: how often an evaluation saw the hidden files, of `looks_in_all`.
        proposed, closed: ideas that came, and those that ended without a verdict.
        waiting: what waits for a decision now.
        live: the runs that are on now.
        finished: why the session is finished; empty while it is not.
        alone: whether no copilot carries an unfinished session on now.
        news: whether a question was put, or the session ended.
    """

    since: str
    until: str
    metric: str = ""
    times: dict[Activity, float] = field(default_factory=lambda: dict.fromkeys(get_args(Activity), 0.0))
    verdicts: list[Judged] = field(default_factory=list)
    champion: tuple[float | None, float | None] = (None, None)
    improvement: float | None = None
    runs: Counter[str] = field(default_factory=Counter)
    contended: list[str] = field(default_factory=list)
    warnings: list[ev.WarningRaised] = field(default_factory=list)
    calls: int = 0
    usd: float = 0.0
    deaths: int = 0
    starts: int = 0
    saved_s: float = 0.0
    looks: int = 0
    looks_in_all: int = 0
    proposed: int = 0
    closed: int = 0
    waiting: tuple[Gate, ...] = ()
    live: tuple[str, ...] = ()
    finished: str = ""
    alone: bool = False
    news: bool = False

    @property
    def away_s(self) -> float:
        """How long that was, in seconds."""
        return sum(self.times.values())

    @property
    def notable(self) -> bool:
        """Whether anything happened that the researcher would want to hear of."""
        told = (
            self.verdicts, self.runs, self.warnings, self.deaths, self.proposed, self.closed, self.news,
            self.champion[0] != self.champion[1],
        )  # fmt: skip
        return any(told)


def seen_by(records: Sequence[Record], when: int | str) -> Seen:
    """What who knew the events up to a number, or up to a time as journals write it, had seen."""
    known = [record for record in records if (record.seq <= when if isinstance(when, int) else record.time <= when)]
    last = known[-1] if known else None
    time = when if isinstance(when, str) else last.time if last else records[0].time if records else ""
    return Seen(seq=last.seq if last else 0, time=time)


def digest(records: Iterable[Record], since: Seen, now: str, *, alive: bool) -> Digest:
    """What `records`, which start at the journal's first event, tell beyond what was seen.

    Args:
        records: the whole journal.
        since: how far the researcher knows it.
        now: the time now, as journals write it.
        alive: whether a copilot holds the session now.
    """
    state = SessionState()
    before, told = _Books(), Digest(since=since.time, until=since.time)
    for record in records:
        if record.seq > since.seq:
            _pass(told, state, record.time, gone=_follows_a_death(record.event))
            _take(told, state, record.event)
        state.apply(record)
        if record.seq == since.seq:
            before, told.champion = _books(state), (_best(state), None)
    _pass(told, state, now, gone=not alive)
    return _closed(told, before, state, alive=alive)


@dataclass(frozen=True, slots=True)
class _Books:
    """Sums that only grow."""

    calls: int = 0
    usd: float = 0.0
    saved_s: float = 0.0
    looks: int = 0


def _books(state: SessionState) -> _Books:
    return _Books(state.spending.calls, state.spending.usd, state.saved_s, state.looks)


def _best(state: SessionState) -> float | None:
    champion = state.champion
    return mean(champion.values.values()) if champion is not None and champion.values else None


def _pass(told: Digest, state: SessionState, until: str, *, gone: bool) -> None:
    """Books the time up to `until`, in which the session stood as `state` has it.

    `gone` says that its copilot was no more, nobody knows since when: work that was under way counts as not done.
    """
    if state.started is None or (seconds := _at(until) - _at(told.until)) <= 0:  # or a clock was set back
        return
    activity = _activity(state)
    told.times["stopped" if gone and activity == "worked" and not state.live else activity] += seconds
    told.until = until


def _activity(state: SessionState) -> Activity:
    if state.live:
        return "worked"
    if state.finished:
        return "finished"
    if state.copilot is None:
        return "stopped"
    if state.open_gates:
        return "decision"
    return "paused" if state.paused else "worked"


def _follows_a_death(event: ev.Event) -> bool:
    """Whether the copilot before this event was gone, nobody knows since when."""
    return isinstance(event, ev.CopilotStopped) and event.vanished


def _take(told: Digest, state: SessionState, event: ev.Event) -> None:
    match event:
        case ev.VerdictReached(idea=number, verdict=verdict):
            idea = state.ideas.get(number)
            title = idea.idea.title if idea is not None else ""
            told.verdicts.append(Judged(number, title, verdict.kind, verdict.effect, verdict.relative))
        case RunFinished(outcome=outcome):
            told.runs[outcome] += 1
            told.contended += [event.run] * bool(event.contended_s)
        case ev.WarningRaised():
            told.warnings.append(event)
        case ev.IdeaProposed():
            told.proposed += 1
        case ev.IdeaWithdrawn() | ev.IdeaPruned():
            told.closed += 1
        case ev.CopilotStopped(vanished=True):
            told.deaths += 1
        case ev.CopilotStarted():
            told.starts += 1
        case ev.GateOpened() | ev.SessionFinished():
            told.news = True


def _closed(told: Digest, before: _Books, state: SessionState, *, alive: bool) -> Digest:
    now_known = _books(state)
    told.metric = state.started.metric if state.started is not None else ""
    told.champion = (told.champion[0], _best(state))
    told.improvement = state.improvement()
    told.calls, told.usd = now_known.calls - before.calls, now_known.usd - before.usd
    told.saved_s, told.looks = now_known.saved_s - before.saved_s, now_known.looks - before.looks
    told.looks_in_all = now_known.looks
    told.waiting = tuple(state.open_gates.values())
    told.live = tuple(state.live)
    told.finished = state.finished
    told.alone = not alive and not state.finished
    return told


def _at(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
