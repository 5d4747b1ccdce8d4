"""What a session leaves to its researcher: the kept ideas as a branch of their own."""

from mlrcopilot_tui.research.gains import standing
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.evidence import evidence_text, read_note
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.promote import KeptPatch, promote


def promote_session(repository: Repository, state: SessionState, branch: str) -> str:
    """Makes `branch` the session's kept ideas, one commit each with its evidence; returns its tip.

    Raises:
        RefusedError: nothing is kept, or the branch cannot be fast-forwarded.
    """
    return promote(repository, SessionLine(repository, state.session), kept_patches(repository, state), branch)


def promoted_in_words(state: SessionState, branch: str, tip: str) -> str:
    """That a branch is there, and how to look at it."""
    count = len(standing(state))
    each = f"{count} kept ideas, a commit each" if count > 1 else "the kept idea as a commit"
    return (
        f"{branch} is at {tip[:10]}: {each}. Look with `git log -p {branch}`; merge or push it as any branch of yours."
    )


def kept_patches(repository: Repository, state: SessionState) -> list[KeptPatch]:
    """What the champion holds, oldest first, each patch with its evidence."""
    patches = []
    for idea, commit in standing(state):
        note, attempt = read_note(repository, commit), state.attempt_of(commit)
        patches.append(
            KeptPatch(
                idea=idea.idea.number,
                title=attempt.subject if attempt is not None else idea.idea.title,
                commit=commit,
                evidence="\n\n".join(
                    part for part in (idea.idea.hypothesis, evidence_text(note, titled=False) if note else "") if part
                ),
            )
        )
    return patches
