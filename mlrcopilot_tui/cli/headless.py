"""Events as lines: what `run --headless` prints, and the table at its end."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from mlrcopilot_tui.cli.output import columns, number, percent, say, span
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.events import Record, encode_record
from mlrcopilot_tui.session.state import SessionState, mean


class EventPrinter:
    """Prints a session's events as they are journaled.

    Args:
        state: the session's state, already folded over each event that is printed.
        workspace: named in the commands that answer a gate.
        json: the journal's own lines instead of sentences.
    """

    def __init__(self, state: SessionState, workspace: Path, *, json: bool) -> None:
        self.state = state
        self._workspace = workspace
        self._json = json

    def start(self) -> None:
        """Says which session it is, and what happened before this process began."""
        if self._json or self.state.started is None:
            return
        started = self.state.started
        say(f"session {started.session} on {started.task or self._workspace.name}, engine {started.engine}")
        for warning in self.state.warnings:
            say(f"note: {warning.text} {warning.mend}".rstrip())
        if self.state.paper is not None:
            self._line(f"paper      {self.state.paper.title} ({self.state.paper.pages} pages)")

    def event(self, record: Record) -> None:
        """Prints one event."""
        if self._json:
            sys.stdout.buffer.write(encode_record(record))
            sys.stdout.flush()
            return
        teller = _TELLERS.get(type(record.event))
        if teller is not None:
            self._line(teller(self, record.event), record.time)

    def finish(self) -> None:
        """Prints the experiments as a table, and what came of the session."""
        if self._json:
            return
        state = self.state
        rows = [
            (
                str(idea.idea.number),
                judged.verdict.kind,
                percent(judged.verdict.relative),
                number(mean(judged.verdict.values.values()) if judged.verdict.values else None),
                str(len(judged.verdict.values)),
                span(judged.wall_s),
                judged.commit[:10],
                idea.idea.title,
            )
            for idea in state.ideas.values()
            for judged in idea.verdicts
        ]
        if rows:
            say()
            say(columns(rows, head=("idea", "verdict", "effect", "metric", "seeds", "wall", "commit", "title")))
        say()
        say(summary_line(state))
        if not state.finished:
            say(f"It can go on: `mlrcopilot run -C {self._workspace}`.")

    def _line(self, text: str, time: str = "") -> None:
        stamp = time[11:19] or "        "
        say(f"{stamp}  {text}")

    def command(self, words: str) -> str:
        """The shell command that says `words` to this workspace."""
        return f"mlrcopilot {words} -C {self._workspace}"


_E = TypeVar("_E", bound=ev.Event)
_Teller = Callable[[EventPrinter, _E], str]
_TELLERS: dict[type[ev.Event], Callable[[EventPrinter, Any], str]] = {}


def _tells(kind: type[_E]) -> Callable[[_Teller[_E]], _Teller[_E]]:
    def register(teller: _Teller[_E]) -> _Teller[_E]:
        _TELLERS[kind] = teller
        return teller

    return register


@_tells(ev.PaperSummarized)
def _tell_summary(_: EventPrinter, event: ev.PaperSummarized) -> str:
    gaps = len(event.summary.gaps)
    return f"summary    {gaps} gap{'s' * (gaps != 1)} found" + (f": {event.summary.gaps[0].statement}" if gaps else "")


@_tells(ev.WarningRaised)
def _tell_warning(_: EventPrinter, event: ev.WarningRaised) -> str:
    return f"note       {event.text} {event.mend}".rstrip()


@_tells(ev.IdeaProposed)
def _tell_idea(_: EventPrinter, event: ev.IdeaProposed) -> str:
    return f"idea {event.idea.number:<5} {event.idea.title}"


@_tells(ev.BaselineMeasured)
def _tell_baseline(_: EventPrinter, event: ev.BaselineMeasured) -> str:
    baseline = event.baseline
    kind = (
        "deterministic" if baseline.deterministic else "repeatable" if baseline.repeatable else "noisy at equal seeds"
    )
    values = ", ".join(number(value) for value in baseline.values.values())
    return f"baseline   {values} ({kind})"


@_tells(ev.PatchCommitted)
def _tell_patch(_: EventPrinter, event: ev.PatchCommitted) -> str:
    attempt = event.attempt
    files = ", ".join(f"{file.path} +{file.added} -{file.removed}" for file in attempt.files)
    return f"patch {attempt.idea:<4} {attempt.commit[:10]} {attempt.subject} ({files})"


@_tells(ev.GateOpened)
def _tell_gate(printer: EventPrinter, event: ev.GateOpened) -> str:
    gate = event.gate
    about = gate.idea or "IDEA"
    if gate.kind == "question":
        answers = [printer.command("answer TEXT")]
    else:
        answers = [printer.command(f"approve {about}"), printer.command(f"reject {about} REASON")]
    lines = [
        f"waits      {gate.question} {gate.forecast}".rstrip(),
        *(f"                     {one}" for one in answers),
    ]
    return "\n".join(lines)


@_tells(ev.DecisionApplied)
def _tell_applied(_: EventPrinter, event: ev.DecisionApplied) -> str:
    return f"{event.decision.by}: {event.said}"


@_tells(ev.DecisionRefused)
def _tell_refused(_: EventPrinter, event: ev.DecisionRefused) -> str:
    return f"refused    {event.decision.kind}: {event.reason}"


@_tells(ev.IdeaWithdrawn)
def _tell_withdrawn(_: EventPrinter, event: ev.IdeaWithdrawn) -> str:
    return f"idea {event.idea:<5} withdrawn: {event.reason}"


@_tells(ev.RunFinished)
def _tell_run(printer: EventPrinter, event: ev.RunFinished) -> str:
    run = printer.state.runs[event.run]
    about = f"idea {run.idea}" if run.purpose == "idea" else run.purpose
    result = number(event.value) if event.value is not None else f"{event.outcome}: {event.reason}"
    return f"run {event.run:<6} {about}, seed {run.seed}: {result} in {span(event.wall_s)}"


@_tells(ev.VerdictReached)
def _tell_verdict(_: EventPrinter, event: ev.VerdictReached) -> str:
    verdict = event.verdict
    effect = f" {percent(verdict.relative)}" if verdict.relative is not None else ""
    return f"idea {event.idea:<5} {verdict.kind}{effect} ({verdict.rule})"


@_tells(ev.ChampionChanged)
def _tell_champion(printer: EventPrinter, event: ev.ChampionChanged) -> str:
    gain = printer.state.improvement()
    return f"champion   {event.commit[:10]}" + (f", {percent(gain)} over the starter" if gain is not None else "")


@_tells(ev.SessionFinished)
def _tell_finished(_: EventPrinter, event: ev.SessionFinished) -> str:
    return f"finished   {event.reason}"


def summary_line(state: SessionState) -> str:
    """What came of the session, in a line."""
    kept, judged = len(state.kept), len(state.experiments)
    line = f"{judged} experiment{'s' * (judged != 1)}, {kept} kept"
    if state.champion is None or state.baseline is None or not state.champion.values or state.started is None:
        return f"{line}."
    best, start = mean(state.champion.values.values()), mean(state.baseline.values.values())
    return f"{line}; {state.started.metric} {number(start)} -> {number(best)} ({percent(state.improvement())})."
