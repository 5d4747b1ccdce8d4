"""What an ablation tells: what each kept patch gave when it was kept, and what it gives the champion now."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from mlrcopilot_tui.research.gains import standing
from mlrcopilot_tui.research.verdicts import CONFIDENCE
from mlrcopilot_tui.session.ablation_events import AblationMeasured, LeftOut
from mlrcopilot_tui.session.ablation_folding import AblationState
from mlrcopilot_tui.session.model import Verdict
from mlrcopilot_tui.session.state import RunState, SessionState
from mlrcopilot_tui.text import span

Finding = Literal["holds", "not proven", "hurts", "needed", "not measured", "cannot be left out", "waits"]
_BROKEN = frozenset({"crashed", "diverged", "no_metric"})
"""How runs end where the code does not work."""
FEW_SEEDS = 3
"""With fewer, an interval says little."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """A row of the table.

    Attributes:
        part: what was left out.
        title: of its idea; for idea 0 that it is all of them.
        kept: the verdict by which it was kept; None for all of them.
        now: the champion against itself without it; None where that was not measured.
        finding: what that says. `needed`: without it nothing runs.
        why: a sentence, where nothing was measured.
        runs: how many runs there are without it, and `reused` how many of them were there before.
    """

    part: LeftOut
    title: str
    kept: Verdict | None
    now: Verdict | None
    finding: Finding
    why: str = ""
    runs: int = 0
    reused: int = 0

    @property
    def label(self) -> str:
        """The ideas that were left out: `3`, `3 with 9`, `all`."""
        others = " and ".join(map(str, self.part.needing))
        return (f"{self.part.idea} with {others}" if others else str(self.part.idea)) if self.part.idea else "all"


@dataclass(frozen=True, slots=True)
class Table:
    """An ablation as it stands.

    Attributes:
        rows: one for each patch, oldest first.
        whole: the champion against the starter; None where one patch is all there is.
        alone: the sum of what the patches give; None where some go together, or are not measured.
        standing_still: why it goes on no more though not all is measured; empty where it goes on or is done.
    """

    champion: str
    seeds: tuple[int, ...]
    rows: tuple[Contribution, ...]
    whole: Contribution | None
    alone: float | None
    complete: bool
    standing_still: str

    @property
    def interaction(self) -> float | None:
        """How much more the patches give together than the sum of what each gives; None where that is unknown."""
        effect = self.whole.now.effect if self.whole is not None and self.whole.now is not None else None
        return None if effect is None or self.alone is None else effect - self.alone


def newest_table(state: SessionState) -> Table | None:
    """The newest ablation; None where there was none."""
    ablation = state.ablation
    if ablation is None:
        return None
    rows = [_row(state, ablation, part) for part in ablation.started.parts]
    own = tuple(row for row in rows if row.part.idea)
    effects = [row.now.effect for row in own if row.now is not None and not row.part.needing]
    known = [effect for effect in effects if effect is not None]
    ended = ablation.ended
    return Table(
        champion=ablation.started.champion,
        seeds=ablation.started.seeds,
        rows=own,
        whole=next((row for row in rows if not row.part.idea), None),
        alone=sum(known) if len(known) == len(own) > 1 else None,
        complete=ended is not None and not ended.reason,
        standing_still=ended.reason if ended is not None else "" if state.copilot else state.stopped,
    )


def _row(state: SessionState, ablation: AblationState, part: LeftOut) -> Contribution:
    idea = state.ideas.get(part.idea)
    kept = next((judged.verdict for judged in idea.verdicts if judged.commit == part.of), None) if idea else None
    attempt = state.attempt_of(part.of)
    title = attempt.subject if attempt is not None else "all of them: the starter"
    measured = ablation.measured.get(part.idea)
    if measured is None:
        waiting: Finding = "cannot be left out" if part.refusal else "waits"
        return Contribution(part, title, kept, None, waiting, part.refusal)
    runs = sum(state.runs[run].commit != ablation.started.champion for run in measured.runs if run in state.runs)
    finding = _finding(measured)
    runs = max(runs, measured.reused)
    return Contribution(part, title, kept, measured.verdict, finding, measured.failed, runs, measured.reused)


def _finding(measured: AblationMeasured) -> Finding:
    verdict = measured.verdict
    if verdict is None or verdict.effect is None:
        return "needed" if measured.outcome in _BROKEN else "not measured"
    high = verdict.interval[1] if verdict.interval else verdict.effect
    return "holds" if verdict.kind == "keep" else "hurts" if high < 0 else "not proven"


def remarks(state: SessionState, table: Table) -> tuple[str, ...]:
    """What follows from the table, as sentences."""
    said = []
    unit = state.started.metric if state.started else "the metric"
    if table.whole is not None and table.interaction is not None and table.alone is not None:
        whole = table.alone + table.interaction
        more = "more" if table.interaction > 0 else "less"
        said.append(
            f"Together they give {whole:+.4g} {unit}, the sum of each alone is {table.alone:+.4g}: "
            f"{abs(table.interaction):.4g} {more} together than apart."
        )
    elif any(row.part.needing for row in table.rows):
        said.append("Patches that overlap were left out together, so that no sum of single ones can be told.")
    if any(row.now is not None and row.now.interval for row in table.rows):
        said.append(f"Each interval holds {CONFIDENCE:.0%} by itself, not all of them at once.")
    doubtful = [row for row in table.rows if row.finding in {"hurts", "not proven"}]
    few = len(table.seeds) <= FEW_SEEDS
    if few and any(row.finding == "not proven" for row in doubtful):
        said.append(f"`mlrcopilot ablate --seeds {len(table.seeds) + 3}` measures more closely.")
    said += [_way_back(table, row) for row in doubtful if not few or row.finding == "hurts"]
    if not table.complete:
        rows = [*table.rows, *([table.whole] if table.whole is not None else [])]
        done = f"{sum(row.finding != 'waits' for row in rows)} of {len(rows)} rows are measured."
        why = f" {table.standing_still} `mlrcopilot ablate` goes on." if table.standing_still else ""
        said.append(f"{done}{why}")
    if state.champion is not None and state.champion.commit != table.champion:
        said.append(f"This is about {table.champion[:10]}; the champion is {state.champion.commit[:10]} by now.")
    return tuple(said)


def _way_back(table: Table, row: Contribution) -> str:
    """The commands that take back what was left out, the newest first."""
    at = {other.part.idea: other.part.of for other in table.rows}
    going = [at.get(idea, "")[:10] for idea in reversed((row.part.idea, *row.part.needing))]
    commands = ", then ".join(f"`mlrcopilot revert {commit}`" for commit in going)
    is_so = "hurts" if row.finding == "hurts" else "is not proven"
    return f"Idea {row.label} {is_so}: {commands} takes it back."


def table_view(state: SessionState, table: Table) -> dict[str, Any]:
    """The form of `ablate --json`."""
    return {
        "session": state.session,
        "champion": table.champion,
        "metric": {"name": state.started.metric, "direction": state.started.direction} if state.started else None,
        "seeds": table.seeds,
        "complete": table.complete,
        "reason": table.standing_still,
        "parts": [_row_view(row) for row in table.rows],
        "whole": _row_view(table.whole) if table.whole is not None else None,
        "sum": table.alone,
        "interaction": table.interaction,
        "remarks": remarks(state, table),
    }


def _row_view(row: Contribution) -> dict[str, Any]:
    return {
        "idea": row.part.idea or None,
        "with": row.part.needing,
        "title": row.title,
        "commit": row.part.of or None,
        "without": row.part.commit or None,
        "kept": _verdict_view(row.kept),
        "contribution": _verdict_view(row.now),
        "finding": row.finding,
        "reason": row.why,
        "runs": row.runs,
        "reused": row.reused,
    }


def _verdict_view(verdict: Verdict | None) -> dict[str, Any] | None:
    if verdict is None:
        return None
    return {
        "effect": verdict.effect, "interval": verdict.interval, "relative": verdict.relative, "rule": verdict.rule,
        "metric": verdict.values, "parent_metric": verdict.parent_values,
    }  # fmt: skip


def foretold(state: SessionState, seeds: int = 0) -> str:
    """What an ablation would take, in words."""
    patches = len(standing(state))
    parts = patches + (patches > 1)
    over = seeds or len(state.champion.values if state.champion else ()) or 1
    walls = [run.wall_s for run in state.runs.values() if run.outcome == "ok" and run.purpose != "smoke"]
    each = f" of about {span(median(walls))}" if walls else ""
    runs = f"{parts * over} run{'s' * (parts * over > 1)}{each} at most"
    return f"{runs}, over {over} seed{'s' * (over > 1)}; those that are known are reused"


def seeds_under_way(state: SessionState) -> set[int]:
    """Over how many seeds the ablation is to go that is not over; empty where there is none, or nobody said."""
    if state.ablation_asked is not None:
        return {state.ablation_asked.seeds}
    return {len(state.ablation.started.seeds)} if state.ablation is not None and state.ablating else set()


def contribution_of(state: SessionState, idea: int) -> tuple[str, Contribution] | None:
    """What an idea's patch gives which champion, as the newest ablation tells; None where it tells nothing."""
    table = newest_table(state)
    rows = table.rows if table is not None else ()
    return next(((table.champion, row) for row in rows if table is not None and row.part.idea == idea), None)


def contribution_view(state: SessionState, idea: int) -> dict[str, Any] | None:
    """The same for `show --json`."""
    found = contribution_of(state, idea)
    return {"champion": found[0], **_row_view(found[1])} if found is not None else None


def about_run(state: SessionState, run: RunState) -> str:
    """What a run is for, in a word or two."""
    return left_out(state, run.commit) if run.purpose == "ablation" else f"idea {run.idea or '-'}"


def left_out(state: SessionState, commit: str) -> str:
    """What of the champion a run of an ablation leaves out, in words."""
    parts = state.ablation.started.parts if state.ablation is not None else ()
    part = next((part for part in parts if part.commit == commit), None)
    if part is None:
        return "the champion"
    ideas = " and ".join(map(str, (part.idea, *part.needing)))
    return f"without idea {ideas}" if part.idea else "the starter"


def signed(verdict: Verdict | None) -> str:
    """An effect with its interval, in the metric's unit; a dash where there is none."""
    if verdict is None or verdict.effect is None:
        return "-"
    interval = " [{:+.3g}, {:+.3g}]".format(*verdict.interval) if verdict.interval else ""
    return f"{verdict.effect:+.4g}{interval}"


HEAD = ("idea", "when kept", "now, with interval", "finding", "runs", "title")


def cells(rows: Sequence[Contribution]) -> list[tuple[str, ...]]:
    """The table's rows as text, under `HEAD`."""
    return [
        (
            row.label, signed(row.kept), signed(row.now), row.finding,
            f"{row.runs} ({row.reused} known)" if row.reused else str(row.runs or "-"),
            f"{row.title} ({row.why})" if row.why else row.title,
        )
        for row in rows
    ]  # fmt: skip
