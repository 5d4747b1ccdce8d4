"""Events as lines: what `run --headless` prints, and the table at its end."""

import shlex
import shutil
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from textwrap import wrap
from typing import Any, Final, TypeVar

from mlrcopilot_tui.cli.output import abandon_output, columns, counted, dollars, number, percent, say, spent
from mlrcopilot_tui.research.ablation_view import left_out, newest_table, signed
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.forecast import in_words
from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.ablation_events import AblationEnded, AblationMeasured, AblationStarted
from mlrcopilot_tui.session.journal import JOURNAL_NAME
from mlrcopilot_tui.session.model import Gate
from mlrcopilot_tui.session.model_events import ConsentGiven, ModelFaulted
from mlrcopilot_tui.session.records import Record, encode_record
from mlrcopilot_tui.session.run_events import ForecastMade, RunFinished, StopSuggested
from mlrcopilot_tui.session.state import SessionState, mean
from mlrcopilot_tui.session.tag_words import tagged
from mlrcopilot_tui.text import one_line, span

WIDEST: Final = 180
"""Cells of a line where no terminal says how wide it is."""
SHA: Final = 10
LABEL: Final = 11
"""Characters in which each line says what it is about."""
MENDING: Final = 4
"""Lines of what may end in what to do about it, or in what is agreed to, which must not be cut off."""
_WITH_A_MEND: Final = (
    ev.DecisionApplied, ev.DecisionRefused, ev.SessionFinished, StopSuggested, ev.WarningRaised, ModelFaulted,
)  # fmt: skip


class EventPrinter:
    """Prints a session's events as they are journaled.

    Args:
        bench: the session; its state is folded over each event that is printed.
        json: the journal's own lines, from its first one on, instead of sentences.
        unheard: called once when nobody reads the output any more.
    """

    def __init__(self, bench: Bench, *, json: bool, unheard: Callable[[], None]) -> None:
        self.state = bench.state
        self.asks_model = bool(bench.engine.model)
        self._auto = bench.settings.auto
        self._engine = bench.engine.label
        self._workspace = bench.layout.root
        self._journal = bench.session_folder / JOURNAL_NAME
        self._json = json
        self._unheard: Callable[[], None] | None = unheard
        self._width = shutil.get_terminal_size((WIDEST, 0)).columns if sys.stdout.isatty() else WIDEST

    def start(self) -> None:
        """Says which session it is, and what happened before this process began."""
        self._print(self._start)

    def event(self, record: Record) -> None:
        """Prints one event."""
        self._print(lambda: self._event(record))

    def finish(self) -> None:
        """Prints the experiments as a table, and what came of the session."""
        if not self._json:
            self._print(self._finish)

    def command(self, words: str) -> str:
        """The shell command that says `words` to this workspace."""
        return f"mlrcopilot {words}{where(self._workspace)}"

    def _print(self, write: Callable[[], None]) -> None:
        """Printing must not break what is printed about: once nobody reads, there is nothing more to say."""
        if self._unheard is None:
            return
        try:
            write()
        except OSError:
            unheard, self._unheard = self._unheard, None
            abandon_output()
            unheard()

    def _start(self) -> None:
        state = self.state
        if self._json:
            sys.stdout.buffer.write(self._journal.read_bytes())
            sys.stdout.flush()
        elif state.started is not None:
            so_far = f", resumed: {_counts(state)}" if state.runs else ""
            task = state.started.task or self._workspace.name
            say(one_line(f"session {state.session} on {task}, engine {self._engine}{so_far}", WIDEST))
            for warning in () if state.runs else state.warnings:
                self._line(f"note       {warning.text} {warning.mend}".rstrip())
            if state.paper is not None:
                self._line(f"paper      {state.paper.title} ({counted(state.paper.pages, 'page')})")
            if state.paused:
                self._line(f"paused     It goes on with `{self.command('resume')}`.")
            for gate in () if self._auto else state.open_gates.values():
                self._ask(gate)

    def _event(self, record: Record) -> None:
        if self._json:
            sys.stdout.buffer.write(encode_record(record))
            sys.stdout.flush()
        elif isinstance(record.event, ev.GateOpened):
            self._ask(record.event.gate, record.time)
        elif (teller := _TELLERS.get(type(record.event))) and (told := teller(self, record.event)):
            self._line(told, record.time, lines=MENDING if isinstance(record.event, _WITH_A_MEND) else 1)

    def _ask(self, gate: Gate, time: str = "") -> None:
        self._line(f"waits      {gate.told}", time, lines=MENDING)
        say("\n".join(f"{'':21}{answer}" for answer in self._answers(gate)))

    def _answers(self, gate: Gate) -> list[str]:
        if gate.kind == "question":
            return [self.command("answer TEXT")]
        if gate.kind in {"consent", "sandbox"}:
            return [self.command("approve"), self.command("reject 0 REASON")]
        about = gate.idea or "IDEA"
        words = [f"approve {about}", f"reject {about} REASON"] + [f"show {about}", f"feedback {about} TEXT"] * bool(
            gate.idea
        )
        return [self.command(word) for word in words]

    def _finish(self) -> None:
        state = self.state
        paid = bool(state.spending.calls)
        rows = [
            (
                str(idea.idea.number),
                judged.verdict.kind,
                percent(judged.verdict.relative),
                number(mean(judged.verdict.values.values()) if judged.verdict.values else None),
                str(len(judged.verdict.values)),
                span(judged.wall_s),
                *[dollars(idea.spending)] * paid,
                judged.commit[:SHA],
                one_line(idea.idea.title, 80),
            )
            for idea in state.ideas.values()
            for judged in idea.verdicts
        ]
        say()
        if rows:
            cost = ("cost",) * paid
            say(columns(rows, head=("idea", "verdict", "effect", "metric", "seeds", "wall", *cost, "commit", "title")))
            say()
        say(summary_line(state))
        if paid:
            say(f"The model: {spent(state.spending)}.")
        if not state.finished:
            say(f"It can go on: `{self.command('run')}`.")
        elif state.kept:
            say(f"Take the kept ideas with `{self.command('promote --onto BRANCH')}`.")

    def _line(self, text: str, time: str = "", *, lines: int = 1) -> None:
        stamp = f"{datetime.fromisoformat(time).astimezone():%H:%M:%S}" if time else " " * 8
        room = max(60, min(self._width, WIDEST)) - 2 - len(stamp) - LABEL
        told = wrap(one_line(text[LABEL:], room * lines), room, break_on_hyphens=False)
        say(f"{stamp}  {text[:LABEL]}" + f"\n{'':{len(stamp) + 2 + LABEL}}".join(told))


def where(workspace: Path) -> str:
    """How a command names the workspace: not at all where it is here."""
    return "" if Path.cwd() == workspace else f" -C {shlex.quote(str(workspace))}"


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
    gaps = event.summary.gaps
    return f"summary    {counted(len(gaps), 'gap')} found" + (f": {gaps[0].statement}" if gaps else "")


@_tells(ev.WarningRaised)
def _tell_warning(_: EventPrinter, event: ev.WarningRaised) -> str:
    return f"note       {event.text} {event.mend}".rstrip()


@_tells(ev.IdeaProposed)
def _tell_idea(_: EventPrinter, event: ev.IdeaProposed) -> str:
    grown = f" (from idea {event.idea.parent})" if event.idea.parent else ""
    return f"idea {event.idea.number:<5} {event.idea.title}{grown}"


@_tells(ev.BaselineMeasured)
def _tell_baseline(_: EventPrinter, event: ev.BaselineMeasured) -> str:
    baseline = event.baseline
    kind = (
        "deterministic" if baseline.deterministic else "repeatable" if baseline.repeatable else "noisy at equal seeds"
    )
    values = ", ".join(dict.fromkeys(number(value) for value in baseline.values.values()))
    return f"baseline   {values} ({kind})"


@_tells(ev.IdeaStarted)
def _tell_started(printer: EventPrinter, event: ev.IdeaStarted) -> str:
    anew = "it beat its parent; now the champion" if printer.state.ideas[event.idea].verdicts else "implementing it"
    return f"idea {event.idea:<5} {anew}, on {event.parent[:SHA]}"


@_tells(ev.PatchCommitted)
def _tell_patch(_: EventPrinter, event: ev.PatchCommitted) -> str:
    attempt = event.attempt
    files = ", ".join(f"{file.path} +{file.added} -{file.removed}" for file in attempt.files)
    marks = f", tagged {tagged(attempt.tags)}" if attempt.tags else ""
    return f"patch {attempt.idea:<4} {attempt.commit[:SHA]} {attempt.subject} ({files}){marks}"


@_tells(ev.DecisionApplied)
def _tell_applied(_: EventPrinter, event: ev.DecisionApplied) -> str:
    return f"decided    {event.decision.by}: {event.said}"


@_tells(ev.DecisionRefused)
def _tell_refused(_: EventPrinter, event: ev.DecisionRefused) -> str:
    return f"refused    {event.decision.kind}: {event.reason}"


@_tells(ev.AgentSaid)
def _tell_deed(printer: EventPrinter, event: ev.AgentSaid) -> str:
    """What an agent that asks a model does; one that is rules is done before it could be read."""
    # What has more lines than one shows an edit, which a line has told of before it.
    if event.kind not in {"action", "note"} or "\n" in event.text or not printer.asks_model:
        return ""
    about = f"idea {event.idea:<5} " if event.idea else f"{'ideas':<{LABEL}}"
    return f"{about}{event.text}"


@_tells(ev.IdeaWithdrawn)
def _tell_withdrawn(_: EventPrinter, event: ev.IdeaWithdrawn) -> str:
    return f"idea {event.idea:<5} withdrawn: {event.reason}"


@_tells(RunFinished)
def _tell_run(printer: EventPrinter, event: RunFinished) -> str:
    run = printer.state.runs[event.run]
    own = {"idea": f"idea {run.idea}", "smoke": f"smoke run of idea {run.idea}"}
    own["ablation"] = left_out(printer.state, run.commit) if run.purpose == "ablation" else ""
    about = own.get(run.purpose, run.purpose)
    if event.outcome == "smoked":
        return f"run {event.run:<6} {about}: all is well so far, after {span(event.wall_s)}"
    result = number(event.value) if event.value is not None else f"{event.outcome}: {event.reason}"
    exposed = f", {run.exposure}" if run.exposure else ""
    return f"run {event.run:<6} {about}, seed {run.seed}: {result} in {span(event.wall_s)}{exposed}"


@_tells(AblationStarted)
def _tell_ablation(_: EventPrinter, event: AblationStarted) -> str:
    ideas = sum(part.idea > 0 for part in event.parts)
    return f"ablation   {event.champion[:SHA]} without each of {ideas} kept, over {counted(len(event.seeds), 'seed')}"


@_tells(AblationMeasured)
def _tell_contribution(printer: EventPrinter, event: AblationMeasured) -> str:
    table = newest_table(printer.state)
    rows = [*table.rows, *([table.whole] if table.whole else [])] if table else []
    row = next(row for row in rows if row.part.idea == event.idea)
    about = f"idea {event.idea:<5}" if event.idea else "all       "
    return f"{about} gives {signed(row.now)}: {row.finding}" if row.now else f"{about} {row.finding}: {row.why}"


@_tells(AblationEnded)
def _tell_ablation_end(_: EventPrinter, event: AblationEnded) -> str:
    return f"ablation   {event.reason or 'done'}"


@_tells(ForecastMade)
def _tell_forecast(printer: EventPrinter, event: ForecastMade) -> str:
    """Where nobody is asked; else the question tells it."""
    if Settings.of(printer.state).patches == "ask":
        return ""
    metric = printer.state.started.metric if printer.state.started else ""
    return f"idea {event.idea:<5} forecast: {in_words(event, metric)}"


@_tells(StopSuggested)
def _tell_suggestion(printer: EventPrinter, event: StopSuggested) -> str:
    by_itself = Settings.of(printer.state).early_stop == "auto"
    stop = "stopping it" if by_itself else f"`{printer.command(f'stop {event.run}')}`"
    return f"run {event.run:<6} {event.reason}; {stop} saves about {span(event.saves_s)}"


@_tells(ev.VerdictReached)
def _tell_verdict(_: EventPrinter, event: ev.VerdictReached) -> str:
    verdict = event.verdict
    effect = f" {percent(verdict.relative)}" if verdict.relative is not None else ""
    return f"idea {event.idea:<5} {verdict.kind}{effect} ({verdict.rule})"


@_tells(ev.ChampionChanged)
def _tell_champion(printer: EventPrinter, event: ev.ChampionChanged) -> str:
    gain = printer.state.improvement()
    told = "measured next" if event.unmeasured else f"{percent(gain)} over the starter" if gain is not None else "kept"
    return f"champion   {event.commit[:SHA]}, {told}"


@_tells(ev.ChampionMeasured)
def _tell_measured(printer: EventPrinter, event: ev.ChampionMeasured) -> str:
    from mlrcopilot_tui.research.undo_words import what_came_of_it  # noqa: PLC0415 - only after a revert or a redo

    values = number(mean(event.values.values())) if event.values else "its runs failed"
    told = f"{event.commit[:SHA]}, {values}, {percent(printer.state.improvement())} over the starter"
    return f"champion   {told}. {what_came_of_it(printer.state, event.commit)}".rstrip(". ")


@_tells(ModelFaulted)
def _tell_fault(_: EventPrinter, event: ModelFaulted) -> str:
    if event.retry_in_s is None:
        return f"model      {event.sentence} {event.mend}".rstrip()
    return f"model      {event.sentence} Try {event.tries + 1} in {span(event.retry_in_s)}."


@_tells(ConsentGiven)
def _tell_consent(_: EventPrinter, event: ConsentGiven) -> str:
    return f"sends      {event.what}, to {event.endpoint}"


@_tells(ev.SessionFinished)
def _tell_finished(_: EventPrinter, event: ev.SessionFinished) -> str:
    return f"finished   {event.reason}"


def summary_line(state: SessionState) -> str:
    """What came of the session, in a line."""
    if state.champion is None or state.baseline is None or not state.champion.values or state.started is None:
        return f"{_counts(state)}."
    best, start = mean(state.champion.values.values()), mean(state.baseline.values.values())
    change = f"{state.started.metric} {number(start)} -> {number(best)} ({percent(state.improvement())})"
    saved = f"; {span(state.saved_s)} saved by stopping early" if state.saved_s >= 1 else ""
    return f"{_counts(state)}; {change}{saved}."


def _counts(state: SessionState) -> str:
    return f"{counted(len(state.experiments), 'experiment')}, {len(state.kept)} kept"
