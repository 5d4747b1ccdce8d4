"""What must hold of a workspace after any crash, once a copilot has gone on to the end."""

import contextlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil

from mlrcopilot_tui.research.fates import history_of
from mlrcopilot_tui.research.noting import ATTEMPT_MARK
from mlrcopilot_tui.research.verify import verify_records
from mlrcopilot_tui.runs.executor import MODULE
from mlrcopilot_tui.runs.spec import LOG_FILE, RUN_VARIABLE
from mlrcopilot_tui.session.events import Event
from mlrcopilot_tui.session.journal import JournalReader
from mlrcopilot_tui.session.run_events import RunFinished, RunPlanned
from mlrcopilot_tui.session.session import begun_sessions
from mlrcopilot_tui.session.state import SessionState, fold
from mlrcopilot_tui.workspace.evidence import read_note
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.layout import Layout
from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.notes import read_text
from mlrcopilot_tui.workspace.opening import open_workspace
from tests.crash.scene import BEGAN, Scene
from tests.workspace.researcher import belongings, git


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a session came to, without its times, its ids and its number of attempts to get there."""

    baseline: dict[int, float]
    verdicts: dict[str, list[tuple[str, dict[int, float], dict[int, float]]]]
    """By title: kind, values, the parent's values."""
    statuses: dict[str, str]
    line: list[str]
    """The trees of the line, from the starter's to the champion's."""
    champion: dict[int, float]


def outcome(layout: Layout, state: SessionState) -> Outcome:
    """What the session came to."""
    assert state.baseline is not None
    assert state.champion is not None
    assert state.started is not None
    commits = [state.started.base, *(moved.commit for moved in state.line)]
    return Outcome(
        baseline=state.baseline.values,
        verdicts={
            idea.idea.title: [(v.verdict.kind, v.verdict.values, v.verdict.parent_values) for v in idea.verdicts]
            for idea in state.ideas.values()
        },
        statuses={idea.idea.title: idea.status for idea in state.ideas.values()},
        line=[git(layout.root, "rev-parse", f"{commit}^{{tree}}") for commit in commits],
        champion=state.champion.values,
    )


def check(scene: Scene) -> Outcome:
    """Holds a workspace whose session is finished against everything that a crash must not break."""
    layout, session = scene.layout, scene.session
    assert begun_sessions(layout.sessions) == [session], "one line of research, however often it was taken up"
    records = JournalReader(layout.journal(session)).poll()
    state = fold(records)
    assert state.finished
    assert layout.journal(session).read_bytes().endswith(b"\n")
    check_runs(layout, state, [record.event for record in records])
    check_git(layout, state)
    check_nothing_left(layout)
    assert belongings(layout.root) == scene.before, "what is the researcher's is as they left it"
    return outcome(layout, state)


def check_runs(layout: Layout, state: SessionState, events: list[Event]) -> None:
    """Each run has one end, and what it measured is what its files say; nothing ran twice."""
    planned = [event.run for event in events if isinstance(event, RunPlanned)]
    ended = [event.run for event in events if isinstance(event, RunFinished)]
    assert len(set(planned)) == len(planned)
    assert sorted(planned) == sorted(ended), "every planned run has exactly one end"
    assert {path.name for path in (state_folder(layout, state) / "runs").glob("*")} <= set(planned)
    measured = Counter[str]()
    for run in state.runs.values():
        log = layout.run(state.session, run.run) / LOG_FILE
        began = log.read_text().count(BEGAN) if log.exists() else 0
        assert began <= 1, f"{run.run} was executed {began} times"
        if run.outcome == "ok":
            measured[run.key] += 1
    first = next(run.key for run in state.runs.values() if run.purpose == "baseline")
    assert {key: count for key, count in measured.items() if count > (2 if key == first else 1)} == {}
    assert [check for check in verify_records(layout, state) if not check.holds] == []


def state_folder(layout: Layout, state: SessionState) -> Path:
    """The session's folder."""
    return layout.session(state.session)


def check_git(layout: Layout, state: SessionState) -> None:
    """The repository is sound; its refs and notes say what the journal says."""
    root = layout.root
    git(root, "fsck", "--strict", "--no-dangling", "--full")
    assert state.started is not None
    assert state.champion is not None
    repository = open_workspace(root).repository
    line = SessionLine(repository, state.session)
    assert line.base == state.started.base
    assert line.tip == state.champion.commit
    known = {line.ref, line.base_ref}
    for number, idea in state.ideas.items():
        recorded = line.attempts(number)
        assert {attempt.number: attempt.commit for attempt in idea.attempts}.items() <= recorded.items()
        known |= {line.attempt_ref(number, attempt) for attempt in recorded}
        if idea.attempts:
            branch = f"refs/heads/{line.idea_branch(number)}"
            assert repository.refs(branch)[branch] == idea.attempts[-1].commit
            known.add(branch)
            told = {node.attempt.commit: node.fate for node in history_of(state, idea)}
            assert {commit: fate_of(repository, commit) for commit in told} == told, "a note without its fate"
        for judged in idea.verdicts:
            note = read_note(repository, judged.commit)
            assert note is not None, f"{judged.commit} has no evidence"
            assert note.verdict == [v for v in idea.verdicts if v.commit == judged.commit][-1].verdict
    ours = repository.refs("refs/heads/mlrcopilot/", "refs/mlrcopilot/")
    assert ours.keys() == known, "a ref without a session"


def fate_of(repository: Repository, commit: str) -> str:
    """What the note on an attempt says became of it."""
    marked = [line for line in read_text(repository, commit).splitlines() if line.startswith(ATTEMPT_MARK)]
    return str(json.loads(marked[-1].removeprefix(ATTEMPT_MARK))["fate"]) if marked else ""


def check_nothing_left(layout: Layout) -> None:
    """No checkout, no lock, no process."""
    root = layout.root
    assert len(git(root, "worktree", "list").splitlines()) == 1
    left = [path for path in layout.worktrees.rglob("*") if path.is_file() or path.parent.parent == layout.worktrees]
    assert left == []
    git_folder = root / ".git"
    locks = [path for path in git_folder.rglob("*.lock") if path.name != "mlrcopilot-notes.lock"]
    assert locks == []
    assert processes(layout) == []


def processes(layout: Layout) -> list[str]:
    """What runs that belongs to a session of the workspace: copilots, supervisors, runs, git commands."""
    sessions = "|".join(path.name for path in layout.sessions.glob("*")) or "-"
    marked = re.compile(f"({sessions})-")
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            words = process.cmdline()
            ours = str(layout.root) in " ".join(words) and (
                {MODULE, "git"} & {*words} or "mlrcopilot_tui" in str(words)
            )
            if ours or marked.match(process.environ().get(RUN_VARIABLE, "")):
                found.append(f"{process.pid}: {' '.join(words)}")
    return found
