"""What `log --all` and `show 3.2` tell of attempts: the documented JSON forms, derived from the state."""

from typing import Any

from mlrcopilot_tui.research.fates import Node
from mlrcopilot_tui.research.staircase import staircase
from mlrcopilot_tui.research.views import experiment_view, forecast_view, words_view
from mlrcopilot_tui.session.state import RunState, SessionState
from mlrcopilot_tui.session.tag_words import tags_view


def attempt_view(state: SessionState, node: Node) -> dict[str, Any]:
    """An attempt with its fate; a judged one has its experiment's fields too."""
    attempt = node.attempt
    return {
        **(experiment_view(state, node.idea, node.judged) if node.judged is not None else {}),
        "idea": attempt.idea,
        "attempt": attempt.number,
        "title": node.idea.idea.title,
        "subject": attempt.subject,
        "commit": attempt.commit,
        "parent": attempt.parent,
        "by": attempt.by,
        "time": node.time,
        "fate": node.fate,
        "why": node.why,
        "tags": tags_view(attempt.tags),
        "files": [{"path": file.path, "added": file.added, "removed": file.removed} for file in attempt.files],
    }


def history_view(state: SessionState, nodes: list[Node]) -> list[dict[str, Any]]:
    """The form of `log --all --json`: attempts in the order in which they were committed; `best` after each verdict."""
    best = {stair.name: stair.best for stair in staircase(state)}
    return [{**attempt_view(state, node), "best": best.get(node.name)} for node in nodes]


def shown_attempt_view(state: SessionState, node: Node, patch: str) -> dict[str, Any]:
    """The form of `show 3.2 --json`: an attempt with its runs, what was said of its idea, and its patch."""
    return {
        **attempt_view(state, node),
        "hypothesis": node.idea.idea.hypothesis,
        "forecast": forecast_view(state, node.attempt.commit),
        "runs": [_run(run) for run in runs_of(state, node)],
        "feedback": [words_view(said) for said in node.idea.feedback],
        "patch": patch,
    }


def runs_of(state: SessionState, node: Node) -> list[RunState]:
    """The runs of an attempt's own commit, oldest first."""
    return [run for run in state.runs.values() if run.commit == node.attempt.commit]


def _run(run: RunState) -> dict[str, Any]:
    names = ("run", "seed", "purpose", "outcome", "reason", "value", "wall_s", "sandbox", "network")
    return {name: getattr(run, name) for name in names}
