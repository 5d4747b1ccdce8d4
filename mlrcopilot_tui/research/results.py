"""What a session leaves to its researcher: the kept ideas as a branch of their own."""

from mlrcopilot_tui.research.gains import standing
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.evidence import evidence_text, read_note
from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.opening import Workspace
from mlrcopilot_tui.workspace.promote import KeptPatch, promote


def promote_session(workspace: Workspace, state: SessionState, branch: str) -> str:
    """Makes `branch` the session's kept ideas, one commit each with its evidence; returns its tip.

    Raises:
        RefusedError: nothing is kept, or the branch cannot be fast-forwarded.
    """
    repository = workspace.repository
    patches = []
    for idea, commit in standing(state):
        note, attempt = read_note(repository, commit), state.attempt_of(commit)
        patches.append(
            KeptPatch(
                idea=idea.idea.number,
                title=attempt.subject if attempt is not None else idea.idea.title,
                commit=commit,
                evidence="\n\n".join(
                    part for part in (idea.idea.hypothesis, evidence_text(note) if note else "") if part
                ),
            )
        )
    return promote(repository, SessionLine(repository, state.session), patches, branch)
