"""Reading a session from the outside: no lock, no git."""

from dataclasses import dataclass
from pathlib import Path

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.session.lock import Holder, current_holder
from mlrcopilot_tui.session.model import Attempt
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
    """The idea of that number, or the one that an attempt belongs to.

    Raises:
        InputError: there is none.
    """
    if name.isdecimal() and int(name) in state.ideas:
        return state.ideas[int(name)]
    attempt = attempt_of(state, name)
    if attempt is None:
        raise InputError(f"No idea goes by {name[:40]!r}.", "Give an idea's number or a commit from `mlrcopilot log`.")
    return state.ideas[attempt.idea]


def attempt_of(state: SessionState, name: str) -> Attempt | None:
    """The attempt that a name stands for: `3.2`, an idea's number for its newest, or a commit or its beginning.

    Raises:
        InputError: it looks like an attempt's name, but there is none of it.
    """
    idea, dot, number = name.partition(".")
    if idea.isdecimal() and (number.isdecimal() or not dot) and int(idea) in state.ideas:
        attempts = state.ideas[int(idea)].attempts if dot else state.ideas[int(idea)].proposals
        found = [attempt for attempt in attempts if not dot or attempt.number == int(number)]
        if not found:
            raise InputError(
                f"There is no attempt {name}." if dot else f"Idea {name} has no patch yet.",
                f"`mlrcopilot log --idea {idea}` lists them." if attempts else "",
            )
        return found[-1]
    every = (attempt for each in state.ideas.values() for attempt in each.attempts)
    found = [attempt for attempt in every if len(name) >= 4 and attempt.commit.startswith(name)]
    return found[0] if len(found) == 1 else None


def commit_of(state: SessionState, name: str) -> str:
    """The commit that a name stands for: an attempt, `champion`, `starter` or `base`; any other is left to git."""
    if name == "champion" and state.champion is not None:
        return state.champion.commit
    if name in {"starter", "base"} and state.started is not None:
        return state.started.base
    attempt = attempt_of(state, name)
    return name if attempt is None else attempt.commit
