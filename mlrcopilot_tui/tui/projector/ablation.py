"""What each kept patch gives the champion, as a document over the panes."""

from typing import Final

from mlrcopilot_tui.research.ablation_view import Contribution, Finding, Table, newest_table, remarks, signed
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.tui.projector.words import short
from mlrcopilot_tui.tui.views import Document, Paragraph, Role, Span

_ROLES: Final[dict[Finding, Role]] = {
    "holds": "kept",
    "needed": "kept",
    "not proven": "inconclusive",
    "hurts": "error",
    "not measured": "error",
    "cannot be left out": "error",
    "waits": "muted",
}
_LABEL: Final = 10
_AHEAD: Final = "It comes after the experiment that is at work; its rows fill in here as their runs end."


def ablation_document(state: SessionState) -> Document:
    """The newest ablation, as far as it has come."""
    table = newest_table(state)
    asked = (Paragraph((Span(f"An ablation is asked for. {_AHEAD}", "running"),)), Paragraph())
    if table is None:
        return asked if state.ablating else (Paragraph((Span("There was no ablation yet.", "muted"),)),)
    metric = state.started.metric if state.started else "the metric"
    seeds = f"{len(table.seeds)} seed{'s' * (len(table.seeds) != 1)}"
    head = f"What {short(table.champion)} owes to each kept patch, in {metric} over {seeds}; more is better"
    rows = [*table.rows, *([table.whole] if table.whole is not None else [])]
    return (
        *(asked if state.ablation_asked is not None else ()),
        Paragraph((Span(head, "heading"),)),
        *(_progress(state, table, rows) if state.ablating and state.ablation_asked is None else ()),
        Paragraph(),
        *(paragraph for row in rows for paragraph in _row(row)),
        Paragraph(),
        *(Paragraph((Span(remark, "muted"),)) for remark in remarks(state, table)),
    )


def _progress(state: SessionState, table: Table, rows: list[Contribution]) -> tuple[Paragraph, ...]:
    """How far it is: parts that are measured, and runs that are on."""
    done = sum(row.finding != "waits" for row in rows)
    live = [run for run in state.live_runs if run.purpose == "ablation"]
    now = f"; {', '.join(f'{run.run} at seed {run.seed}' for run in live)} running" if live else ""
    role: Role = "waiting" if table.standing_still else "running"
    return (Paragraph((Span(f"{done} of {len(rows)} measured{now}", role),)),)


def _row(row: Contribution) -> tuple[Paragraph, ...]:
    lead = (Span(f"{row.label:<{_LABEL}}", "strong"),)
    gives = Span(f"{signed(row.now)}  " if row.now is not None else "")
    first = Paragraph((gives, Span(row.finding, _ROLES[row.finding]), Span(f"  {row.title}")), lead)
    reused = f" ({row.reused} known)" if row.reused else ""
    runs = f"{row.runs} run{'s' * (row.runs != 1)} without it{reused}" if row.runs else ""
    kept = f"when kept {signed(row.kept)}" if row.kept is not None else ""
    facts = "; ".join(part for part in (kept, runs, row.why) if part)
    return (first, Paragraph((Span(facts, "muted"),), (Span(" " * _LABEL),))) if facts else (first,)
