"""What came about since the last look that the researcher should hear of wherever they are looking."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from mlrcopilot_tui.research.ablation_view import newest_table
from mlrcopilot_tui.session.model import Gate, Verdict
from mlrcopilot_tui.session.state import IdeaState, SessionState
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.projector.focus import waiting_gates
from mlrcopilot_tui.tui.projector.words import change, span_of_time, title_of


@dataclass(frozen=True, slots=True)
class News:
    """Something to be said in passing; `gate` is a question that waits for the researcher, `urgent` what rings too."""

    sentence: str
    mend: str = ""
    gate: Gate | None = None
    urgent: bool = False


class Herald:
    """Tells each piece of news once; what was there at the first look is no news.

    Args:
        glyphs: what signs are drawn with.
        key: the key of an action, as people read it.
    """

    def __init__(self, glyphs: Glyphs, key: Callable[[str], str] = str) -> None:
        self._glyphs = glyphs
        self._key = key
        self._session = ""
        self._gates: set[str] = set()
        self._verdicts = 0
        self._warnings = 0
        self._suggested: set[str] = set()
        self._finished = ""
        self._ablation = ""

    def news(self, state: SessionState) -> list[News]:
        """What is new in `state`, which only grows while the session is the same."""
        known = self._session == state.session and bool(state.session)
        told = [*self._questions(state), *self._suggestions(state), *self._judged(state), *self._rest(state)]
        self._session = state.session
        self._gates = {gate.id for gate in waiting_gates(state)}
        self._verdicts = sum(len(idea.verdicts) for idea in state.ideas.values())
        self._suggested = {run.run for run in state.live_runs if run.suggestion is not None}
        self._warnings, self._finished = len(state.warnings), state.finished
        self._ablation = _ablation_end(state)
        return told if known else []

    def _questions(self, state: SessionState) -> list[News]:
        return [News(gate.question, gate=gate) for gate in waiting_gates(state) if gate.id not in self._gates]

    def _suggestions(self, state: SessionState) -> list[News]:
        """Runs that had better be stopped: time runs away until somebody does it."""
        return [
            News(
                f"Idea {run.idea}.{run.attempt}, seed {run.seed}: {run.suggestion.reason}.",
                f"{self._key('run.stop')} stops it and saves about {span_of_time(run.suggestion.saves_s)}.",
                urgent=True,
            )
            for run in state.live_runs
            if run.suggestion is not None and not run.stopped_by and run.run not in self._suggested
        ]

    def _judged(self, state: SessionState) -> list[News]:
        count = sum(len(idea.verdicts) for idea in state.ideas.values()) - self._verdicts
        if count <= 0:
            return []
        reached = [(each.time, idea, each.verdict) for idea in state.ideas.values() for each in idea.verdicts]
        newest = sorted(reached, key=lambda each: each[0])[-count:]
        return [News(self._verdict(state, idea, verdict)) for _, idea, verdict in newest]

    def _verdict(self, state: SessionState, idea: IdeaState, verdict: Verdict) -> str:
        moved = change(verdict.relative, state, self._glyphs)
        return f"Idea {title_of(idea)}: {verdict.kind} {moved}".rstrip()

    def _rest(self, state: SessionState) -> list[News]:
        told = [News(warning.text, warning.mend) for warning in state.warnings[self._warnings :]]
        if state.finished and state.finished != self._finished:
            told.append(News(f"The session is finished: {state.finished}"))
        if (ended := _ablation_end(state)) and ended != self._ablation:
            told.append(News(ended.partition("\0")[2]))
        return told


def _ablation_end(state: SessionState) -> str:
    """When the newest ablation began, and in a sentence how it ended; empty while it goes on."""
    table, ablation = newest_table(state), state.ablation
    if table is None or ablation is None or ablation.ended is None:
        return ""
    counts = Counter(row.finding for row in table.rows)
    found = ", ".join(f"{count} {finding}" for finding, count in counts.items())
    why = f" {ablation.ended.reason}" if ablation.ended.reason else ""
    return f"{ablation.started_at}\0The ablation is over: {found}.{why}"
