"""Which patches stand on the session's line, in the order in which they joined it."""

from mlrcopilot_tui.session.state import IdeaState, SessionState


def standing(state: SessionState) -> list[tuple[IdeaState, str]]:
    """The kept ideas with the commit that each was kept at, oldest first; reverted ones are absent."""
    joined: dict[str, IdeaState] = {}
    for moved in state.line:
        if moved.reason == "kept" and moved.idea in state.ideas:
            joined[moved.commit] = state.ideas[moved.idea]
        elif moved.reason == "reverted":
            _forget(joined, moved.of)
        elif moved.reason == "redone" and (idea := _idea_of(state, moved.of)) is not None:
            joined[moved.of] = idea
    return [(idea, commit) for commit, idea in joined.items()]


def _forget(joined: dict[str, IdeaState], commit: str) -> None:
    joined.pop(commit, None)


def _idea_of(state: SessionState, commit: str) -> IdeaState | None:
    attempt = state.attempt_of(commit)
    return state.ideas[attempt.idea] if attempt is not None else None
