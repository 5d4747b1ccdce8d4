"""Reading a session from the outside: no lock, no git."""

from dataclasses import dataclass
from pathlib import Path

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.session.lock import Holder, current_holder
from mlrcopilot_tui.session.session import begun_sessions, checked_state, read_state
from mlrcopilot_tui.session.state import IdeaState, SessionState
from mlrcopilot_tui.workspace.layout import Layout, find_workspace


@dataclass(frozen=True, slots=True)
class ReadSession:
    """A session as its journal tells it, and who runs it now."""

    layout: Layout
    state: SessionState
    holder: Holder | None


def read_session(folder: Path, session: str | None = None) -> ReadSession:
    """The named session of the workspace around `folder`, or the one that was written to last.

    Raises:
        InputError: there is none, or none that this program understands.
    """
    layout = Layout(find_workspace(folder))
    if session is None:
        session = next(iter(begun_sessions(layout.sessions)), None)
        if session is None:
            raise InputError(f"{layout.root} has no session yet.", "Begin one with `mlrcopilot run`.")
    elif not layout.journal(session).exists():
        raise InputError(f"There is no session {session} here.", "`mlrcopilot sessions` lists them.")
    where = layout.session(session)
    state = read_state(where)
    checked_state(state, session)
    return ReadSession(layout, state, current_holder(where))


def find_idea(state: SessionState, name: str) -> IdeaState:
    """The idea of that number, or the one that a commit belongs to.

    Raises:
        InputError: there is none.
    """
    if name.isdecimal() and int(name) in state.ideas:
        return state.ideas[int(name)]
    found = [
        idea
        for idea in state.ideas.values()
        if any(len(name) >= 4 and attempt.commit.startswith(name) for attempt in idea.attempts)
    ]
    if len(found) != 1:
        raise InputError(f"No idea goes by {name[:40]!r}.", "Give an idea's number or a commit from `mlrcopilot log`.")
    return found[0]


def commit_of(state: SessionState, name: str) -> str:
    """The commit that a name stands for: an idea's number, `champion`, `starter`, or a commit itself."""
    if name.isdecimal() and int(name) in state.ideas:
        attempt = state.ideas[int(name)].attempt
        if attempt is None:
            raise InputError(f"Idea {name} has no patch yet.")
        return attempt.commit
    if name == "champion" and state.champion is not None:
        return state.champion.commit
    if name == "starter" and state.started is not None:
        return state.started.base
    return name
