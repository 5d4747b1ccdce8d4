"""Tracing: `trace` follows the paper's gaps to ideas, commits and numbers, from either end."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from mlrcopilot_tui.cli.arguments import Commands, add_command, folder_of
from mlrcopilot_tui.cli.output import number, percent, say, say_json
from mlrcopilot_tui.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from mlrcopilot_tui.session.model import Gap
    from mlrcopilot_tui.session.state import IdeaState, SessionState


def add(commands: Commands) -> None:
    """Adds the command."""
    parser = add_command(
        commands, "trace", show_trace, "from the paper's gaps to ideas, commits and numbers", in_session=True
    )
    parser.add_argument(
        "what", metavar="GAP|IDEA|COMMIT|RUN", nargs="?", default="", help="only what hangs on this; default: all"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


def show_trace(arguments: argparse.Namespace) -> int:
    """Each gap with the ideas it gave, each idea with its commits, each commit with its runs and numbers."""
    from mlrcopilot_tui.cli.reading import read_session  # noqa: PLC0415 - `--help` needs none of this

    state = read_session(folder_of(arguments), arguments.session).state
    gaps, ideas = _asked_for(state, arguments.what)
    view = trace_view(state, gaps, ideas)
    if arguments.json:
        say_json(view)
    elif view:
        say("\n".join(line for group in view for line in _as_text(group)))
    else:
        say("Neither gap nor idea is known yet.")
    return 0


def trace_view(state: SessionState, gaps: Collection[str], ideas: Sequence[IdeaState]) -> list[dict[str, Any]]:
    """The form of `trace --json`: each of these gaps with those of the ideas that rest on it; last, those on none."""
    from mlrcopilot_tui.session.links import gaps_of, ideas_by_gap  # noqa: PLC0415 - as in `show_trace`

    wanted = {idea.idea.number for idea in ideas}
    groups: list[dict[str, Any]] = [
        {
            "gap": _gap(_gaps(state)[gap]),
            "ideas": [_idea(state, idea) for idea in given if idea.idea.number in wanted],
        }
        for gap, given in ideas_by_gap(state).items()
        if gap in gaps
    ]
    free = [_idea(state, idea) for idea in ideas if not gaps_of(state, idea)]
    return [*groups, {"gap": None, "ideas": free}] if free else groups


def _gaps(state: SessionState) -> dict[str, Gap]:
    return {gap.id: gap for gap in state.summary.gaps} if state.summary is not None else {}


def _asked_for(state: SessionState, what: str) -> tuple[Collection[str], Sequence[IdeaState]]:
    """The gaps and the ideas on which a gap, an idea, a commit or a run hangs; all of them where nothing is named.

    Raises:
        InputError: nothing goes by that name.
    """
    from mlrcopilot_tui.cli.reading import find_idea  # noqa: PLC0415 - as in `show_trace`
    from mlrcopilot_tui.session.links import attempt_behind, gaps_of, ideas_by_gap  # noqa: PLC0415

    if not what:
        return _gaps(state), list(state.ideas.values())
    if what in _gaps(state):
        return (what,), ideas_by_gap(state)[what]
    idea = None
    if (run := state.runs.get(what)) is not None:
        attempt = attempt_behind(state, run)
        if attempt is None:
            raise InputError(f"No idea wrote {run.commit[:10]}, which {what} measured.")
        idea = state.ideas[attempt.idea]
    idea = idea or find_idea(state, what)
    return gaps_of(state, idea), [idea]


def _gap(gap: Gap) -> dict[str, Any]:
    return {"id": gap.id, "statement": gap.statement, "quote": gap.quote.text, "page": gap.quote.page}


def _idea(state: SessionState, idea: IdeaState) -> dict[str, Any]:
    from mlrcopilot_tui.session.links import forebears, runs_of  # noqa: PLC0415 - as in `show_trace`

    verdicts = {judged.commit: judged.verdict for judged in idea.verdicts}
    commits = []
    for attempt in idea.attempts:
        verdict = verdicts.get(attempt.commit)
        commits.append(
            {
                "attempt": f"{attempt.idea}.{attempt.number}",
                "commit": attempt.commit,
                "subject": attempt.subject,
                "verdict": verdict.kind if verdict is not None else None,
                "relative": verdict.relative if verdict is not None else None,
                "runs": [
                    {
                        "run": run.run,
                        "seed": run.seed,
                        "purpose": run.purpose,
                        "outcome": run.outcome,
                        "value": run.value,
                    }
                    for run in sorted(runs_of(state, attempt), key=lambda run: run.seed)
                ],
            }
        )
    return {
        "idea": idea.idea.number,
        "title": idea.idea.title,
        "status": idea.status,
        "from": [other.idea.number for other in forebears(state, idea)],
        "commits": commits,
    }


def _as_text(group: dict[str, Any]) -> Iterator[str]:
    gap = group["gap"]
    yield f"{gap['id']}  {gap['statement']}  (p.{gap['page']})" if gap else "-   no gap of the paper"
    if gap and gap["quote"].strip() != gap["statement"].strip():
        yield f"    “{gap['quote']}”"
    if not group["ideas"]:
        yield "    no idea came of it"
    for idea in group["ideas"]:
        grown = f", from idea {', '.join(map(str, idea['from']))}" if idea["from"] else ""
        yield f"    idea {idea['idea']}  {idea['title']}  [{idea['status']}{grown}]"
        for made in idea["commits"]:
            judged = f"{made['verdict']} {percent(made['relative'])}" if made["verdict"] else "not judged"
            yield f"        {made['attempt']}  {made['commit'][:10]}  {judged}  {made['subject']}"
            for run in made["runs"]:
                trial = "  tried" if run["outcome"] == "smoked" else ""
                beside = "  as a parent" if run["purpose"] == "parent" else ""
                yield f"            {run['run']}  seed {run['seed']}  {number(run['value'])}{trial}{beside}"
