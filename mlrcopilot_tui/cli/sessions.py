"""Looking: `status`, `sessions`, `show`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from mlrcopilot_tui.cli.arguments import Commands, add_command, folder_of
from mlrcopilot_tui.cli.output import columns, number, percent, say, say_json, spent
from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.text import printable, span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mlrcopilot_tui.session.model import PlanDesign
    from mlrcopilot_tui.session.state import IdeaState, RunState, SessionState
from mlrcopilot_tui.session.tag_words import lines_of


def add(commands: Commands) -> None:
    """Adds the commands."""
    parser = add_command(
        commands, "status", show_status, "what the session is doing", positional_dir=True, in_session=True
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    listing = add_command(commands, "sessions", list_sessions, "all sessions of the workspace", positional_dir=True)
    listing.add_argument("--json", action="store_true", help="as JSON")
    show = add_command(
        commands, "show", show_idea, "an idea: hypothesis, plan, patch, runs, verdict; or one attempt", in_session=True
    )
    show.add_argument("what", metavar="IDEA|ATTEMPT|COMMIT", help="as in 3, 3.2 (the second attempt at it) or 1c4f1e7c")
    show.add_argument("--json", action="store_true", help="as JSON")


def show_status(arguments: argparse.Namespace) -> int:
    """What the session does now."""
    from mlrcopilot_tui.agents.claude.books.prices import in_dollars  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.cli.reading import read_session  # noqa: PLC0415
    from mlrcopilot_tui.research.ablation_view import about_run  # noqa: PLC0415
    from mlrcopilot_tui.research.tip import how_measured  # noqa: PLC0415
    from mlrcopilot_tui.research.views import status_view  # noqa: PLC0415

    read = read_session(folder_of(arguments), arguments.session)
    view = status_view(read.state, read.holder)
    if arguments.json:
        say_json(view)
        return 0
    champion = view["champion"]
    metric = view["metric"]["name"]
    improvement = f" ({percent(champion['improvement'])})" if champion["improvement"] is not None else ""
    unknown = ", not measured yet" if champion["unmeasured"] else ""
    budget = view["budget"]
    rows = [
        ("session", f"{view['session']}, engine {view['engine']}, {view['state']}"),
        ("metric", f"{metric}, {'lower' if view['metric']['direction'] == 'min' else 'higher'} is better"),
        ("starter", number(view["baseline"])),
        ("champion", f"{number(champion['value'])}{improvement} at {champion['commit'][:10]}{unknown}"),
        ("experiments", f"{view['experiments']} judged, {view['kept']} kept"),
        ("time", _used(budget["minutes"], "min")),
        *[("hidden", _looks(view["looks"]))] * (view["looks"] > 0),
        *[("saved", f"{span(view['saved_s'])} by stopping runs early")] * (view["saved_s"] >= 1),
        *[("GPUs", _used(budget["gpu_minutes"], "min"))] * any(budget["gpu_minutes"].values()),
    ]
    if read.state.spending.calls:
        limit = budget["usd"]["limit"]
        rows.append(("model", spent(read.state.spending) + (f"; the budget is {in_dollars(limit)}" if limit else "")))
    if view["fault"]:
        rows.append(("fault", f"{view['fault']['sentence']} {view['fault']['mend']}".rstrip()))
    rows += [
        (
            "running",
            ", ".join([run.run, about_run(read.state, run), f"seed {run.seed}", *[run.exposure] * bool(run.exposure)]),
        )
        for run in read.state.live_runs
    ]
    rows += [
        ("", f"{run.suggestion.reason}: `mlrcopilot stop {run.run}` saves about {span(run.suggestion.saves_s)}")
        for run in read.state.live_runs
        if run.suggestion is not None and not run.stopped_by
    ]
    rows += [("waits", gate.told) for gate in read.state.open_gates.values()]
    rows += [("ended", _ended(read.state))] * (read.holder is None and bool(_ended(read.state)))
    say(columns(rows))
    if view["waiting"] and view["state"] != "finished":
        say(how_to_answer(view["waiting"][0]["kind"], view["waiting"][0]["idea"]))
    if unknown and read.holder is None:
        say(f"The champion is not measured yet: {how_measured(read.state)}.")
    elif view["state"] == "stopped":
        say("Go on with `mlrcopilot run`.")
    return 0


def _ended(state: SessionState) -> str:
    """Why nothing goes on, where the model's fault does not say it already."""
    why, fault = state.finished or state.stopped, state.model_fault
    return "" if fault is not None and fault[1].sentence in why else why


def how_to_answer(kind: str, idea: int | None) -> str:
    """The commands that answer a gate of that kind, as a sentence."""
    if kind == "question":
        return "Answer with `mlrcopilot answer TEXT`."
    if kind in {"consent", "sandbox"}:
        return "Answer with `mlrcopilot approve` or `mlrcopilot reject 0 REASON`."
    about = idea or "IDEA"
    return f"Answer with `mlrcopilot approve {about}`, `reject {about} REASON` or `feedback {about} TEXT`."


def _used(currency: dict[str, float | None], unit: str) -> str:
    limit = f" of {currency['limit']:g}" if currency["limit"] else ""
    return f"{currency['used'] or 0:.1f}{limit} {unit}"


def list_sessions(arguments: argparse.Namespace) -> int:
    """Every session of the workspace, the one that was written to last first; one that cannot be read is told of."""
    from mlrcopilot_tui.session.session import begun_sessions  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.workspace.layout import Layout, find_workspace  # noqa: PLC0415

    layout = Layout(find_workspace(folder_of(arguments)))
    views = [_session_view(layout.root, session) for session in begun_sessions(layout.sessions)]
    if arguments.json:
        say_json(views)
        return 0
    rows = [
        (
            view["session"], view["started"][:16].replace("T", " "), view["state"], str(view["experiments"]),
            str(view["kept"]), percent(view["champion"]["improvement"] if view["champion"] else None),
        )
        for view in views
    ]  # fmt: skip
    head = ("session", "started", "state", "experiments", "kept", "gain")
    say(columns(rows, head=head) if rows else "No session yet.")
    for view in views:
        if "error" in view:
            sys.stderr.write(f"mlrcopilot: {printable(view['error'])}\n")
    return 0


def _session_view(root: Path, session: str) -> dict[str, Any]:
    from mlrcopilot_tui.cli.reading import read_session  # noqa: PLC0415 - see list_sessions
    from mlrcopilot_tui.research.views import status_view  # noqa: PLC0415

    try:
        read = read_session(root, session)
    except CopilotError as error:
        unknown = {"started": "", "experiments": 0, "kept": 0, "champion": None}
        return {"session": session, "state": "unreadable", **unknown, "error": str(error)}
    return {**status_view(read.state, read.holder), "started": read.state.started_at}


def show_idea(arguments: argparse.Namespace) -> int:
    """One idea with everything that became of it."""
    from mlrcopilot_tui.cli.history import show_attempt  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.cli.reading import find_idea, read_session  # noqa: PLC0415
    from mlrcopilot_tui.research.views import show_view  # noqa: PLC0415

    read = read_session(folder_of(arguments), arguments.session)
    if "." in arguments.what:
        return show_attempt(read, arguments.what, as_json=arguments.json)
    idea = find_idea(read.state, arguments.what)
    if arguments.json:
        say_json(show_view(read.state, idea))
        return 0
    say(_as_text(read.state, idea))
    named = [attempt for attempt in idea.attempts if attempt.commit.startswith(arguments.what)]
    for attempt in named or idea.proposals[-1:]:
        patch = read.layout.session(read.state.session) / "patches" / f"{attempt.commit}.diff"
        say(f"\npatch {attempt.idea}.{attempt.number} at {attempt.commit[:10]}: {attempt.subject}")
        for line in lines_of(attempt.tags):
            say(line)
        if patch.exists():
            say(patch.read_text("utf-8", "replace").rstrip("\n"))
    return 0


def _looks(count: int) -> str:
    return f"{count} look{'s' * (count != 1)} at the test set"


def _words_as_text(idea: IdeaState) -> Iterator[str]:
    """What the researcher said of an idea and who took it in, and what they left out of its patches."""
    for said in idea.feedback:
        about = f" on {said.about.told}" if said.about.kind != "idea" else ""
        yield f"You said{about}: {said.text}"
        yield from (f"  {line}" for line in (said.understood, said.reached) if line)
    yield from (f"Left out: {line}" for line in idea.left_out)


def _as_text(state: SessionState, idea: IdeaState) -> str:
    told = idea.idea
    lines = [f"idea {told.number}: {told.title} [{idea.status}]"]
    lines += [f"  {idea.reason}"] if idea.reason else []
    lines += ["", f"Hypothesis: {told.hypothesis}"]
    lines += [f"Why: {told.rationale}"] if told.rationale else []
    lines += [f"  {item.kind} {item.ref}: {item.text}" for item in told.evidence]
    lines += [f"Prediction: {told.prediction}"] if told.prediction else []
    lines += [f"{name}: {value}" for name, value in _design_as_text(told.design) if value]
    lines += _plan_as_text(idea)
    lines += _forecast_as_text(state, idea)
    lines += _attempts_as_text(state, idea)
    for judged in idea.verdicts:
        verdict = judged.verdict
        lines += ["", f"{verdict.kind} at {judged.commit[:10]}: {verdict.rule}"]
        if verdict.effect is not None:
            interval = " [{}, {}]".format(*map(number, verdict.interval)) if verdict.interval else ""
            lines.append(f"  improvement {number(verdict.effect)}{interval} ({percent(verdict.relative)})")
        rows = [
            (f"  seed {seed}", number(verdict.parent_values.get(seed)), "->", number(value))
            for seed, value in verdict.values.items()
        ]
        lines += [columns(rows)] if rows else []
        lines += [f"  measured under contention: {judged.contention}"] if judged.contention else []
        fences = {_fence(run) for name in judged.runs if (run := state.runs.get(name)) and run.commit != judged.parent}
        lines += [f"  {_looks(judged.looks)} by then"] if judged.looks else []
        lines += [f"  ran behind: {', '.join(sorted(fences))}"] if fences else []
    lines += _contribution_as_text(state, told.number)
    lines += ["", *_words_as_text(idea)] if idea.feedback or idea.left_out else []
    lines += ["", f"The model: {spent(idea.spending)}."] if idea.spending.calls else []
    runs = [run for run in state.runs.values() if run.idea == told.number and run.outcome not in {"", "ok", "smoked"}]
    lines += [f"  {run.run} {run.outcome}: {run.reason}" for run in runs]
    return "\n".join(lines)


def _contribution_as_text(state: SessionState, idea: int) -> list[str]:
    """What the patch gives the champion, as the newest ablation measured it."""
    from mlrcopilot_tui.research.ablation_view import contribution_of, signed  # noqa: PLC0415 - see show_idea

    found = contribution_of(state, idea)
    if found is None:
        return []
    champion, row = found
    others = f" (left out: {row.label})" if row.part.needing else ""
    gives = (
        f"gives {signed(row.now)}, {row.finding}" if row.now is not None else f"{row.finding}: {row.why}".rstrip(": ")
    )
    return ["", f"ablation of {champion[:10]}: {gives}{others}"]


def _attempts_as_text(state: SessionState, idea: IdeaState) -> list[str]:
    """What became of each attempt that came to no verdict; those that did are told with their numbers."""
    from mlrcopilot_tui.research.fates import history_of  # noqa: PLC0415 - `--help` needs none of this

    unjudged = [node for node in history_of(state, idea) if node.judged is None and node.why]
    return [f"Attempt {node.name}, {node.fate}: {node.why}" for node in unjudged]


def _forecast_as_text(state: SessionState, idea: IdeaState) -> list[str]:
    """What the newest attempt was to take."""
    from mlrcopilot_tui.research.forecast import in_words  # noqa: PLC0415 - `--help` needs none of this

    made = state.forecasts.get(idea.attempt.commit) if idea.attempt else None
    metric = state.started.metric if state.started else ""
    return [f"Forecast: {in_words(made, metric)}"] if made else []


def _fence(run: RunState) -> str:
    return f"sandbox {'none' if run.sandbox == 'plain' else run.sandbox}, network {'on' if run.network else 'off'}"


def _design_as_text(design: PlanDesign | None) -> list[tuple[str, str]]:
    if design is None:
        return []
    named = [("Data", design.dataset), ("Metric", design.metric), ("Baseline", design.baseline)]
    return [*named, ("Budget", design.budget)]


def _plan_as_text(idea: IdeaState) -> list[str]:
    """The steps of the plan; after an experiment each with what became of it, and what shows it."""
    marks = {mark.step: mark for mark in idea.plan_marks}
    lines = []
    for at, step in enumerate(idea.idea.plan, 1):
        lines.append(f"  {at}. {step}")
        if mark := marks.get(at):
            shown = ", ".join(part for part in (mark.where, mark.run and f"run {mark.run}") if part)
            became = f"{'done' if mark.done else 'not done'}{shown and f' ({shown})'}"
            lines.append(f"     {': '.join(part for part in (became, mark.note) if part)}")
    return lines
