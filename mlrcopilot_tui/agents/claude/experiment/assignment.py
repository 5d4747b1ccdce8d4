"""The assignment in words: the first message of an attempt, with all that the agent starts from."""

from collections.abc import Sequence
from typing import Final

from mlrcopilot_tui.agents.base import Assignment, Brief, Failure
from mlrcopilot_tui.agents.claude.experiment.places import without_folders
from mlrcopilot_tui.agents.claude.fences import cleaned, fenced, shortened
from mlrcopilot_tui.agents.claude.said import listed
from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.session.entities import OPEN_STATUSES, IdeaState
from mlrcopilot_tui.session.model import Idea, PlanDesign
from mlrcopilot_tui.session.state import SessionState, mean
from mlrcopilot_tui.session.words import Words
from mlrcopilot_tui.text import one_line

FILE_LIMIT: Final = 12_000
FILES_LIMIT: Final = 24_000
LOG_LIMIT: Final = 6_000
PATCH_LIMIT: Final = 6_000
_MOST_FILES: Final = 200
_MOST_ENTRIES: Final = 30
_WORDS: Final = 2_000


def opening(
    brief: Brief, assignment: Assignment, standing: Sequence[Words], log: Sequence[str], *, with_files: bool = True
) -> str:
    """The first message.

    Args:
        brief: the workspace and the session.
        assignment: the idea, and what became of it so far.
        standing: the researcher's standing instructions.
        log: the research log, oldest entry first.
        with_files: whether the editable files' text is in it; without it they are only named.
    """
    parts = [
        _section("Task", _task(brief)),
        _section("Measured so far", _measured(brief)),
        _section(f"Idea {assignment.idea.number}: {one_line(assignment.idea.title, 200)}", _idea(assignment.idea)),
        _section("Research log", "\n".join(f"- {entry}" for entry in log[-_MOST_ENTRIES:])),
        _section("The researcher's standing words", listed(standing)),
        _section("The researcher's words on this idea", listed(assignment.feedback)),
        _history(brief, assignment),
        _section("Files", _files(brief)),
        _texts(brief) if with_files else "The files' text is left out here: read what you need.",
        "Begin.",
    ]
    return "\n\n".join(part for part in parts if part)


def earlier_ideas(state: SessionState, number: int) -> list[str]:
    """One line for each other idea of the session that was tried, in the order of their numbers."""
    return [_entry(idea) for idea in state.ideas.values() if idea.idea.number != number and _was_tried(idea)]


def _section(title: str, text: str) -> str:
    return f"## {title}\n{text}" if text else ""


def _task(brief: Brief) -> str:
    better = "lower" if brief.direction == "min" else "higher"
    told = shortened(cleaned(brief.task), _WORDS)
    measured = (
        f"The metric is `{brief.metric}`: {better} is better. It is measured by `{one_line(brief.command, 400)}`."
    )
    return "\n".join(part for part in (told, measured) if part)


def _measured(brief: Brief) -> str:
    state = brief.state
    rows = []
    if state.baseline is not None:
        kind = "one run decides" if state.baseline.deterministic else "seeds differ"
        rows.append(f"- starter: {_values(state.baseline.values)} ({kind})")
    if state.champion is not None and state.champion.values and state.champion.idea:
        rows.append(f"- champion, from idea {state.champion.idea}: {_values(state.champion.values)}")
    return "\n".join(rows)


def _values(values: dict[int, float]) -> str:
    by_seed = ", ".join(f"{value:.6g} at seed {seed}" for seed, value in sorted(values.items()))
    return f"mean {mean(values.values()):.6g} ({by_seed})" if values else "not measured"


def _idea(idea: Idea) -> str:
    rows = [f"Hypothesis: {idea.hypothesis}", f"Why: {idea.rationale}" if idea.rationale else ""]
    rows.append(f"Prediction: {idea.prediction}" if idea.prediction else "")
    rows.append(_design(idea.design) if idea.design else "")
    rows += ["Plan:"] if idea.plan else []
    rows += [f"{at}. {one_line(step, 600)}" for at, step in enumerate(idea.plan, 1)]
    # One line each: what a paper led to cannot set up a section of its own.
    told = "\n".join(one_line(row, _WORDS) for row in rows if row)
    evidence = "\n".join(f"{item.kind} {item.ref}: {item.text}" for item in idea.evidence)
    return f"{told}\n{fenced('evidence for the idea', evidence, 4_000)}" if evidence else told


def _design(design: PlanDesign) -> str:
    told = (("data", design.dataset), ("metric", design.metric), ("baseline", design.baseline))
    return "Design: " + "; ".join(f"{name}: {text}" for name, text in told if text) if any(t for _, t in told) else ""


def _was_tried(idea: IdeaState) -> bool:
    return bool(idea.verdicts) or (idea.status not in OPEN_STATUSES and bool(idea.attempts or idea.reason))


def _entry(idea: IdeaState) -> str:
    told = [f"Idea {idea.idea.number} ({idea.status}): {idea.idea.title}.", idea.idea.hypothesis]
    if verdict := idea.verdict:
        gain = f", {verdict.relative:+.1%} relative (positive is better)" if verdict.relative is not None else ""
        told.append(f"Verdict {verdict.kind}{gain}: {verdict.rule}.")
    told.append(idea.reason)
    told += [f"Of a patch the researcher left out {line}." for line in idea.left_out]
    return one_line(" ".join(part for part in told if part), 500)


def _history(brief: Brief, assignment: Assignment) -> str:
    """What became of the attempts before this one; the tree holds the newest of them."""
    if assignment.attempt == 1:
        return ""
    idea = brief.state.ideas.get(assignment.idea.number)
    moved = idea is not None and idea.attempt is not None and idea.attempt.parent != idea.parent_commit
    held = "the new base, without the patch" if moved else "the patch as it stood"
    told = [f"This is attempt {assignment.attempt}. The tree holds {held}."]
    if assignment.failure is not None:
        told.append(_failure(brief, assignment.failure))
    elif assignment.feedback:
        told.append(f"The researcher sent the patch back:\n{listed(assignment.newest)}\nChange it accordingly.")
    if assignment.left_out:
        told.append("The researcher took these hunks out of an earlier attempt; do not bring them back:")
        told += [f"- {one_line(line, _WORDS)}" for line in assignment.left_out_why]
        told.append(fenced("hunks left out", assignment.left_out, PATCH_LIMIT, keep="ends"))
    return _section("What became of it so far", "\n".join(told))


def _failure(brief: Brief, failure: Failure) -> str:
    log = without_folders(failure.log_tail, brief.tree.files())
    return (
        f"Its run failed ({failure.outcome}): {one_line(failure.reason, 400)}\nFind the cause and mend it; the idea "
        f"stays.\n{fenced('end of the run output', log, LOG_LIMIT, keep='tail')}"
    )


def _files(brief: Brief) -> str:
    files = brief.tree.files()
    rows = [f"{one_line(str(path), 200)}{' (editable)' if brief.tree.editable(path) else ''}" for path in files]
    more = f"\n… and {len(rows) - _MOST_FILES} more" if len(rows) > _MOST_FILES else ""
    return "\n".join(rows[:_MOST_FILES]) + more


def _texts(brief: Brief) -> str:
    """The editable files, as many as fit; the others are there to be read."""
    blocks: list[str] = []
    room = FILES_LIMIT
    for path in filter(brief.tree.editable, brief.tree.files()):
        try:
            text = brief.tree.read(path)
        except InputError:  # it is binary
            continue
        if len(text) <= min(room, FILE_LIMIT):
            blocks.append(fenced(f"file {path}", text, FILE_LIMIT))
            room -= len(text)
        else:
            blocks.append(f"{one_line(str(path), 200)} has {len(text):,} characters: read the parts that you need.")
    return "\n\n".join(blocks[:_MOST_FILES])
