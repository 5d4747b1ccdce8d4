"""Noting: the story of each attempt as a git note, so that `git log` tells it to somebody without this program."""

import asyncio
import json
from collections.abc import Iterable, Sequence

import msgspec

from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.failures import tail
from mlrcopilot_tui.research.fates import Node, history, history_of
from mlrcopilot_tui.runs.spec import LOG_FILE, read_status
from mlrcopilot_tui.session.entities import VerdictState
from mlrcopilot_tui.session.events import ChampionChanged, Event, GateAnswered, IdeaPruned
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.session.tag_words import tagged
from mlrcopilot_tui.text import one_line
from mlrcopilot_tui.workspace.evidence import CommitEvidence, evidence_note
from mlrcopilot_tui.workspace.messages import WIDTH
from mlrcopilot_tui.workspace.notes import write_notes

ATTEMPT_MARK = "mlrcopilot-attempt: "
LONGEST = 600
"""Cells of a reason in a note; a session's journal has all of it."""


async def note_all(bench: Bench) -> None:
    """Brings the note of every attempt in step with the journal, which is the truth."""
    await _write(bench, history(bench.state))


async def note_idea(bench: Bench, number: int) -> None:
    """Brings the notes of one idea's attempts in step with the journal."""
    idea = bench.state.ideas.get(number)
    if idea is not None and idea.attempts:
        await _write(bench, history_of(bench.state, idea))


async def note_what_changed(bench: Bench, events: Sequence[Event]) -> None:
    """Brings the notes in step of the attempts whose fate these journaled events changed."""
    for number in sorted(_concerned(bench.state, events)):
        await note_idea(bench, number)


def _concerned(state: SessionState, events: Sequence[Event]) -> set[int]:
    """The ideas whose attempts have another fate after these events."""
    found = set[int]()
    for event in events:
        if isinstance(event, IdeaPruned):
            found.add(event.idea)
        elif isinstance(event, GateAnswered) and event.gate in state.gates:
            found.add(state.gates[event.gate].idea)
        elif isinstance(event, ChampionChanged) and (attempt := state.attempt_of(event.of)) is not None:
            found.add(attempt.idea)
    return found


async def _write(bench: Bench, nodes: Iterable[Node]) -> None:
    texts, lost = dict[str, str](), set[str]()
    for node in nodes:
        last = _last_line(bench, node.failed)
        texts[node.attempt.commit] = note_text(bench.state, node, last or "")
        if last is None:
            lost.add(node.attempt.commit)
    try:
        await asyncio.to_thread(write_notes, bench.repository, texts, lost)
    except (CopilotError, OSError) as error:
        sentence, mend = (error.sentence, error.mend) if isinstance(error, CopilotError) else (str(error.strerror), "")
        about = f"{len(texts)} attempts" if len(texts) > 1 else f"attempt {next(iter(texts))[:10]}"
        bench.warn(f"The git notes of {about} are not up to date: {sentence}", mend)


def _last_line(bench: Bench, run: str) -> str | None:
    """The last line that a failed run printed; None where its log is gone, so that no note loses what it tells."""
    if not run:
        return ""
    folder = bench.layout.run(bench.state.session, run)
    if not (folder / LOG_FILE).is_file():
        return None
    status = read_status(folder)
    # Notes are read with the code: what an evaluation printed may be hidden labels.
    lines = tail(folder / LOG_FILE, status.evaluation_at if status else None).split("\n")
    return next((line for line in reversed(lines) if line.strip()), "")


def note_text(state: SessionState, node: Node, last_line: str = "") -> str:
    """All that is told of an attempt: its fate and the reason, its evidence where it was judged, both for programs too.

    It hangs on the journal and the runs' logs alone, so that any later process can compare it and write it anew.
    """
    attempt, idea = node.attempt, node.idea.idea
    fate = "not decided yet" if node.fate == "open" else node.fate
    lines = [f"attempt {attempt.number} of idea {attempt.idea}, {one_line(idea.title, WIDTH)}: {fate}"]
    told_below = node.judged is not None and node.why == node.judged.verdict.rule
    lines += [one_line(node.why, LONGEST)] if node.why and not told_below else []
    lines += [f"it ended with: {one_line(last_line, LONGEST)}"] if last_line else []
    lines += [f"tagged: {tagged(attempt.tags)}"] if attempt.tags else []
    told = {
        "session": state.session,
        "idea": attempt.idea,
        "attempt": attempt.number,
        "by": attempt.by,
        "fate": node.fate,
        "why": node.why,
        **({"tags": msgspec.to_builtins(attempt.tags)} if attempt.tags else {}),
    }
    evidence = evidence_note(_evidence(state, node, node.judged)).split("\n") if node.judged is not None else []
    return "\n".join([*lines, "", *evidence[:-1], f"{ATTEMPT_MARK}{json.dumps(told)}", ""])


def _evidence(state: SessionState, node: Node, judged: VerdictState) -> CommitEvidence:
    runs = [state.runs[name] for name in judged.runs if name in state.runs]
    own = [run for run in runs if run.commit != judged.parent and run.sandbox]
    started = state.started
    return CommitEvidence(
        session=state.session,
        idea=node.attempt.idea,
        title=node.idea.idea.title,
        commit=judged.commit,
        parent=judged.parent,
        metric=started.metric if started else "",
        direction=started.direction if started else "min",
        verdict=judged.verdict,
        wall_s=judged.wall_s,
        environment={
            "engine": judged.engine,
            **(
                {"sandbox": own[0].sandbox, "network": "on" if any(run.network for run in own) else "off"}
                if own
                else {}
            ),
            **({"looks at hidden files": str(judged.looks)} if judged.looks else {}),
        },
        log_digests={run.seed: run.log_sha256 for run in runs if run.commit != judged.parent},
        contention=judged.contention,
    )
