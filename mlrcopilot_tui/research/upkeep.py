"""Upkeep: checkouts that nothing uses, and whether anything still runs."""

import contextlib
from pathlib import Path

from mlrcopilot_tui.errors import CopilotError, RefusedError
from mlrcopilot_tui.runs.executor import LocalExecutor
from mlrcopilot_tui.session.journal import JournalDamagedError
from mlrcopilot_tui.session.lock import current_holder
from mlrcopilot_tui.session.session import begun_sessions, read_state
from mlrcopilot_tui.session.state import ACTIVE_STATUSES, SessionState
from mlrcopilot_tui.workspace.config import FilesConfig
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.globs import FileRules
from mlrcopilot_tui.workspace.idea_tree import IdeaTree, walk
from mlrcopilot_tui.workspace.layout import Layout
from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.recorded_tree import RecordedTree, retired_place
from mlrcopilot_tui.workspace.worktrees import force_remove, remove_asides, remove_worktree
from mlrcopilot_tui.workspace.write_log import WriteLog

ASIDE_S = 60.0
"""What is younger in the git folder may be another session at work."""


def clean(layout: Layout, repository: Repository) -> tuple[list[Path], list[Path]]:
    """Removes the checkouts that nothing uses; returns those that it removed, and those in use."""
    # Listed before the journals are read: whatever a run or an idea works in was journaled before it was made.
    found = sorted({*layout.worktrees.glob("*/*"), *_recorded(layout, repository)})
    used = {path for session in {path.parent.name for path in found} for path in _in_use(layout, session, found)}
    used |= {path for path in found if path not in used and _holds_edits(layout, repository, path)}
    dead = [path for path in found if path not in used]
    for path in dead:
        remove_worktree(repository, path)
    remove_asides(repository, older_than=ASIDE_S)
    for session in layout.worktrees.glob("*"):
        with contextlib.suppress(OSError):  # not empty
            session.rmdir()
    return dead, sorted(used)


def remove_leftovers(layout: Layout, repository: Repository, state: SessionState) -> None:
    """Removes the checkouts that an earlier process of this session was about to remove when it died."""
    home, used = layout.worktrees / state.session, _used(layout, state)
    for path in {*home.glob("*"), *(path for path in _recorded(layout, repository) if path.parent == home)} - used:
        remove_worktree(repository, path)
    remove_asides(repository, older_than=ASIDE_S)


def remove_unbegun(layout: Layout, repository: Repository) -> None:
    """Removes what sessions left whose beginning was cut off before their first event: a folder, and a line of git."""
    begun = {*begun_sessions(layout.sessions)}
    for folder in layout.sessions.glob("*"):
        # Whoever begins a session makes its folder, then takes its lock: without one it may be a moment old.
        if folder.name not in begun and (folder / "lock").exists() and current_holder(folder) is None:
            line = SessionLine(repository, folder.name)
            repository.delete_refs([ref for ref in (line.ref, line.base_ref) if ref in repository.refs(ref)])
            force_remove(folder)


def refuse_while_running(layout: Layout) -> None:
    """Raises `RefusedError` while a copilot or a run of the workspace is alive; journals may be damaged."""
    for folder in layout.sessions.glob("*"):
        if (holder := current_holder(folder)) is not None:
            raise RefusedError(
                f"Session {folder.name} is run by process {holder.pid} on {holder.host}.",
                f"Stop it first: `mlrcopilot stop --all --session {folder.name} -C {layout.root}`.",
            )
        for run in sorted(folder.glob("runs/*")):
            status = LocalExecutor().status(run)
            if status is not None and status.state != "finished":
                raise RefusedError(
                    f"{run.name} of session {folder.name} still runs.",
                    f"Stop it first: `mlrcopilot stop --session {folder.name} -C {layout.root}`.",
                )


def refuse_to_lose_edits(layout: Layout, repository: Repository) -> None:
    """Raises `RefusedError` where there are files of the researcher's below ours that no commit holds."""
    held = [path for path in sorted(layout.worktrees.glob("*/*")) if _holds_edits(layout, repository, path)]
    kept = [path for path in sorted(layout.sessions.glob("*/kept/*")) if any(path.rglob("*"))]
    if held:
        more = f" (and {len(held) - 1} more)" if len(held) > 1 else ""
        raise RefusedError(
            f"{held[0]}{more} holds edits of yours that are in no commit.",
            "Copy what you want to keep, or say --force to remove that too.",
        )
    if kept:
        more = f" (and {len(kept) - 1} more)" if len(kept) > 1 else ""
        raise RefusedError(
            f"{kept[0]}{more} holds files of yours that were kept when their worktree went.",
            "Move what you want to keep, or say --force to remove that too.",
        )


def _recorded(layout: Layout, repository: Repository) -> list[Path]:
    """Our checkouts that git still knows of, be their folders there or not."""
    return [entry.path for entry in repository.worktrees() if layout.worktrees in entry.path.parents]


def _in_use(layout: Layout, session: str, found: list[Path]) -> list[Path]:
    """The checkouts of a session that live runs and open ideas work in; all of them while its copilot is at work."""
    folder = layout.sessions / session
    if current_holder(folder) is not None:
        return [path for path in found if path.parent.name == session]
    try:
        state = read_state(folder)
    except JournalDamagedError:
        return [path for path in found if path.parent.name == session]  # nobody can tell
    used = _used(layout, state)
    return [path for path in found if path in used]


def _used(layout: Layout, state: SessionState) -> set[Path]:
    """Where the live runs and the open ideas of a session work."""
    session = state.session
    runs = [tree(session, run) for run in state.live for tree in (layout.run_tree, layout.left_tree)]
    scratch = [layout.scratch(session, run) for run in state.live]
    ideas = [layout.idea_tree(session, number) for number, i in state.ideas.items() if i.status in ACTIVE_STATUSES]
    return {*runs, *scratch, *ideas, *map(retired_place, ideas)}


def _holds_edits(layout: Layout, repository: Repository, path: Path) -> bool:
    """Whether there are edits in an idea's worktree that no commit holds; its copilot's next start takes them in."""
    session, number = path.parent.name, path.name.removeprefix("retired-").removeprefix("idea-")
    if not number.isdecimal() or not path.is_dir():
        return False
    rules = FileRules(FilesConfig(editable=()))
    try:
        log = WriteLog(layout.writes(session, int(number)))
        if path.name.startswith("retired-") or not log.start or not log.whole:
            return any(walk(path))  # a crash came in between, and nobody has looked yet
        tree = IdeaTree(repository, path, log.start, rules)
        return bool(RecordedTree(repository, tree, rules, log, layout.kept(session, int(number))).foreign())
    except CopilotError:
        return True  # nobody can tell
