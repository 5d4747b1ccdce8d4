"""The printer of `run --headless`: lines as events come, the questions with their answers, and the table at the end."""

import shlex
import shutil
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from textwrap import wrap
from typing import Final

from mlrcopilot_tui.cli.event_lines import LABEL, SHA, event_line
from mlrcopilot_tui.cli.output import abandon_output, columns, counted, dollars, number, percent, say, spent
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.journal import JOURNAL_NAME
from mlrcopilot_tui.session.model import Gate
from mlrcopilot_tui.session.model_events import ModelFaulted
from mlrcopilot_tui.session.records import Record, encode_record
from mlrcopilot_tui.session.run_events import StopSuggested
from mlrcopilot_tui.session.state import SessionState, mean
from mlrcopilot_tui.text import one_line, span

WIDEST: Final = 180
"""Cells of a line where no terminal says how wide it is."""
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
        elif told := event_line(self, record.event):
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
