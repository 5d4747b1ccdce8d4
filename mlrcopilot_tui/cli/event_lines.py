"""What each event says in a line of `run --headless`."""

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

from mlrcopilot_tui.cli.output import counted, number, percent
from mlrcopilot_tui.research.ablation_view import left_out, newest_table, signed
from mlrcopilot_tui.research.forecast import in_words
from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.ablation_events import AblationEnded, AblationMeasured, AblationStarted
from mlrcopilot_tui.session.model_events import ConsentGiven, ModelFaulted
from mlrcopilot_tui.session.run_events import ForecastMade, RunFinished, StopSuggested
from mlrcopilot_tui.session.state import SessionState, mean
from mlrcopilot_tui.session.tag_words import tagged
from mlrcopilot_tui.text import span

SHA: Final = 10
LABEL: Final = 11
"""Characters in which each line says what it is about."""


class Audience(Protocol):
    """Whom events are told to: what of the session their lines rest on."""

    asks_model: bool
    """Whether the agents ask a model, so that what they do takes time."""

    @property
    def state(self) -> SessionState:
        """The session, folded over the event that is told."""

    def command(self, words: str) -> str:
        """The shell command that says `words` to this workspace."""


_E = TypeVar("_E", bound=ev.Event)
_Teller = Callable[[Audience, _E], str]
_TELLERS: dict[type[ev.Event], Callable[[Audience, Any], str]] = {}


def _tells(kind: type[_E]) -> Callable[[_Teller[_E]], _Teller[_E]]:
    def register(teller: _Teller[_E]) -> _Teller[_E]:
        _TELLERS[kind] = teller
        return teller

    return register


def event_line(to: Audience, event: ev.Event) -> str:
    """The event in a line that begins with what it is about; empty for one that says nothing there."""
    teller = _TELLERS.get(type(event))
    return teller(to, event) if teller else ""


@_tells(ev.PaperSummarized)
def _tell_summary(_: Audience, event: ev.PaperSummarized) -> str:
    gaps = event.summary.gaps
    return f"summary    {counted(len(gaps), 'gap')} found" + (f": {gaps[0].statement}" if gaps else "")


@_tells(ev.WarningRaised)
def _tell_warning(_: Audience, event: ev.WarningRaised) -> str:
    return f"note       {event.text} {event.mend}".rstrip()


@_tells(ev.IdeaProposed)
def _tell_idea(_: Audience, event: ev.IdeaProposed) -> str:
    grown = f" (from idea {event.idea.parent})" if event.idea.parent else ""
    return f"idea {event.idea.number:<5} {event.idea.title}{grown}"


@_tells(ev.BaselineMeasured)
def _tell_baseline(_: Audience, event: ev.BaselineMeasured) -> str:
    baseline = event.baseline
    kind = (
        "deterministic" if baseline.deterministic else "repeatable" if baseline.repeatable else "noisy at equal seeds"
    )
    values = ", ".join(dict.fromkeys(number(value) for value in baseline.values.values()))
    return f"baseline   {values} ({kind})"


@_tells(ev.IdeaStarted)
def _tell_started(to: Audience, event: ev.IdeaStarted) -> str:
    anew = "it beat its parent; now the champion" if to.state.ideas[event.idea].verdicts else "implementing it"
    return f"idea {event.idea:<5} {anew}, on {event.parent[:SHA]}"


@_tells(ev.PatchCommitted)
def _tell_patch(_: Audience, event: ev.PatchCommitted) -> str:
    attempt = event.attempt
    files = ", ".join(f"{file.path} +{file.added} -{file.removed}" for file in attempt.files)
    marks = f", tagged {tagged(attempt.tags)}" if attempt.tags else ""
    return f"patch {attempt.idea:<4} {attempt.commit[:SHA]} {attempt.subject} ({files}){marks}"


@_tells(ev.DecisionApplied)
def _tell_applied(_: Audience, event: ev.DecisionApplied) -> str:
    return f"decided    {event.decision.by}: {event.said}"


@_tells(ev.DecisionRefused)
def _tell_refused(_: Audience, event: ev.DecisionRefused) -> str:
    return f"refused    {event.decision.kind}: {event.reason}"


@_tells(ev.AgentSaid)
def _tell_deed(to: Audience, event: ev.AgentSaid) -> str:
    """What an agent that asks a model does; one that is rules is done before it could be read."""
    # What has more lines than one shows an edit, which a line has told of before it.
    if event.kind not in {"action", "note"} or "\n" in event.text or not to.asks_model:
        return ""
    about = f"idea {event.idea:<5} " if event.idea else f"{'ideas':<{LABEL}}"
    return f"{about}{event.text}"


@_tells(ev.IdeaWithdrawn)
def _tell_withdrawn(_: Audience, event: ev.IdeaWithdrawn) -> str:
    return f"idea {event.idea:<5} withdrawn: {event.reason}"


@_tells(RunFinished)
def _tell_run(to: Audience, event: RunFinished) -> str:
    run = to.state.runs[event.run]
    own = {"idea": f"idea {run.idea}", "smoke": f"smoke run of idea {run.idea}"}
    own["ablation"] = left_out(to.state, run.commit) if run.purpose == "ablation" else ""
    about = own.get(run.purpose, run.purpose)
    if event.outcome == "smoked":
        return f"run {event.run:<6} {about}: all is well so far, after {span(event.wall_s)}"
    result = number(event.value) if event.value is not None else f"{event.outcome}: {event.reason}"
    exposed = f", {run.exposure}" if run.exposure else ""
    return f"run {event.run:<6} {about}, seed {run.seed}: {result} in {span(event.wall_s)}{exposed}"


@_tells(AblationStarted)
def _tell_ablation(_: Audience, event: AblationStarted) -> str:
    ideas = sum(part.idea > 0 for part in event.parts)
    return f"ablation   {event.champion[:SHA]} without each of {ideas} kept, over {counted(len(event.seeds), 'seed')}"


@_tells(AblationMeasured)
def _tell_contribution(to: Audience, event: AblationMeasured) -> str:
    table = newest_table(to.state)
    rows = [*table.rows, *([table.whole] if table.whole else [])] if table else []
    row = next(row for row in rows if row.part.idea == event.idea)
    about = f"idea {event.idea:<5}" if event.idea else "all       "
    return f"{about} gives {signed(row.now)}: {row.finding}" if row.now else f"{about} {row.finding}: {row.why}"


@_tells(AblationEnded)
def _tell_ablation_end(_: Audience, event: AblationEnded) -> str:
    return f"ablation   {event.reason or 'done'}"


@_tells(ForecastMade)
def _tell_forecast(to: Audience, event: ForecastMade) -> str:
    """Where nobody is asked; else the question tells it."""
    if Settings.of(to.state).patches == "ask":
        return ""
    metric = to.state.started.metric if to.state.started else ""
    return f"idea {event.idea:<5} forecast: {in_words(event, metric)}"


@_tells(StopSuggested)
def _tell_suggestion(to: Audience, event: StopSuggested) -> str:
    by_itself = Settings.of(to.state).early_stop == "auto"
    stop = "stopping it" if by_itself else f"`{to.command(f'stop {event.run}')}`"
    return f"run {event.run:<6} {event.reason}; {stop} saves about {span(event.saves_s)}"


@_tells(ev.VerdictReached)
def _tell_verdict(_: Audience, event: ev.VerdictReached) -> str:
    verdict = event.verdict
    effect = f" {percent(verdict.relative)}" if verdict.relative is not None else ""
    return f"idea {event.idea:<5} {verdict.kind}{effect} ({verdict.rule})"


@_tells(ev.ChampionChanged)
def _tell_champion(to: Audience, event: ev.ChampionChanged) -> str:
    gain = to.state.improvement()
    told = "measured next" if event.unmeasured else f"{percent(gain)} over the starter" if gain is not None else "kept"
    return f"champion   {event.commit[:SHA]}, {told}"


@_tells(ev.ChampionMeasured)
def _tell_measured(to: Audience, event: ev.ChampionMeasured) -> str:
    from mlrcopilot_tui.research.undo_words import what_came_of_it  # noqa: PLC0415 - only after a revert or a redo

    values = number(mean(event.values.values())) if event.values else "its runs failed"
    told = f"{event.commit[:SHA]}, {values}, {percent(to.state.improvement())} over the starter"
    return f"champion   {told}. {what_came_of_it(to.state, event.commit)}".rstrip(". ")


@_tells(ModelFaulted)
def _tell_fault(_: Audience, event: ModelFaulted) -> str:
    if event.retry_in_s is None:
        return f"model      {event.sentence} {event.mend}".rstrip()
    return f"model      {event.sentence} Try {event.tries + 1} in {span(event.retry_in_s)}."


@_tells(ConsentGiven)
def _tell_consent(_: Audience, event: ConsentGiven) -> str:
    return f"sends      {event.what}, to {event.endpoint}"


@_tells(ev.SessionFinished)
def _tell_finished(_: Audience, event: ev.SessionFinished) -> str:
    return f"finished   {event.reason}"
