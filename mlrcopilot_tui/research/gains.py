"""Which patches stand on the session's line, in the order in which they joined it."""

from mlrcopilot_tui.session.state import IdeaState, SessionState


def standing(state: SessionState) -> list[tuple[IdeaState, str]]:
    """The kept ideas with the commit that each was kept at, oldest first; reverted ones are absent."""
    joined: dict[str, int] = {}
    for moved in state.line:
        if moved.reason == "kept":
            joined[moved.commit] = moved.idea
        elif moved.reason == "reverted":
            joined.pop(moved.of, None)
        elif (attempt := state.attempt_of(moved.of)) is not None:
            joined[moved.of] = attempt.idea
    return [(state.ideas[idea], commit) for commit, idea in joined.items() if idea in state.ideas]
