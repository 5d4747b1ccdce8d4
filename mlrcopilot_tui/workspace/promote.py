"""The kept ideas as a branch of the researcher's own: one commit an idea, with its evidence in the message."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.workspace.combining import combine
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.gitvalues import ABSENT, COPILOT, Commit, is_ref
from mlrcopilot_tui.workspace.lines import REFS, SessionLine
from mlrcopilot_tui.workspace.messages import commit_message


@dataclass(frozen=True, slots=True)
class KeptPatch:
    """An idea of which the champion has the patch."""

    idea: int
    title: str
    commit: str
    evidence: str


def promote(repository: Repository, line: SessionLine, kept: Sequence[KeptPatch], branch: str) -> str:
    """Makes or moves `branch` to one commit per kept idea on the session's base; returns its tip.

    The final tree equals that of the line's tip. The same kept ideas give the same commits, so that promoting again
    after one more is a fast-forward.

    Args:
        repository: the researcher's repository.
        line: the session's line.
        kept: what the tip holds, oldest first.
        branch: the branch's name, without `refs/heads/`.

    Raises:
        InputError: git takes no such name for a branch, or it is one of ours.
        RefusedError: nothing is kept, or the branch cannot be fast-forwarded; the mend is the command that merges.
    """
    ref = branch_ref(branch)
    tip = write_promoted(repository, line, kept)
    _point(repository, staged_ref(line), tip)
    existing = repository.refs(ref).get(ref)
    if existing == tip:
        return tip
    refuse_unmovable(repository, branch, existing, tip, staged_ref(line))
    repository.move_ref(ref, tip, existing or ABSENT, f"mlrcopilot: session {line.session} promoted")
    return tip


def branch_ref(branch: str) -> str:
    """The ref of a researcher's branch; raises `InputError` for what cannot be one."""
    ref = f"refs/heads/{branch}"
    if not is_ref(ref) or branch == "HEAD" or branch.split("/", maxsplit=1)[0] == "mlrcopilot":
        raise InputError(f"{branch[:60]!r} cannot be the branch.", "Name one such as results/lower-error.")
    return ref


def refuse_unmovable(repository: Repository, branch: str, existing: str | None, tip: str, staged: str) -> None:
    """Raises `RefusedError`, with the command that merges `staged`, where a branch cannot be moved to `tip`."""
    for entry in repository.worktrees() if existing != tip else ():
        if entry.branch == branch:
            mend = f"Merge it there: `git -C {entry.path} merge {staged}`."
            raise RefusedError(f"The branch {branch} is checked out in {entry.path}, so it is not moved.", mend)
    if existing and not repository.is_ancestor(existing, tip):
        mend = f"Merge them: `git switch {branch} && git merge {staged}`."
        raise RefusedError(f"The branch {branch} has commits that the kept ideas do not build on.", mend)


def staged_ref(line: SessionLine) -> str:
    """Where the newest promoted commits are, whatever branch they could not be given."""
    return f"{REFS}{line.session}/promoted"


def _point(repository: Repository, ref: str, commit: str) -> None:
    now = repository.refs(ref).get(ref)
    if now != commit:
        repository.move_ref(ref, commit, now or ABSENT, "mlrcopilot: promoted")


def write_promoted(repository: Repository, line: SessionLine, kept: Sequence[KeptPatch]) -> str:
    """Writes the commits and returns the last one; no ref changes.

    Each is committed by the researcher, who approved it, and dated like the patch that it is. Neither their hooks nor
    their signing programs are run.

    Raises:
        RefusedError: nothing is kept.
    """
    if not kept:
        raise RefusedError("Nothing is kept yet, so there is nothing to promote.")
    steps = [repository.commit(patch.commit) for patch in kept]
    trees = _replayed(repository, line, steps) or [*(step.tree for step in steps[:-1]), repository.tree_id(line.tip)]
    committer = repository.identity() or COPILOT
    tip = line.base
    for patch, step, tree in zip(kept, steps, trees, strict=True):
        message = commit_message(patch.title, patch.evidence, {"Idea": str(patch.idea), "Session": line.session})
        tip = repository.write_commit(tree, (tip,), message, author=step.author, committer=committer, time=step.time)
    return tip


def _replayed(repository: Repository, line: SessionLine, steps: Sequence[Commit]) -> list[str] | None:
    """The tree after each step alone, as if what was reverted had never been; None where they do not go together.

    The caller then takes the trees as the line has them, and the last one from the tip.
    """
    trees: list[str] = []
    at = line.base
    for step in steps:
        try:
            tree = step.tree if step.parents == (at,) else combine(repository, line.session, at, step, "cherry-pick")
        except RefusedError:
            return None
        trees.append(tree)
        at = step.sha if tree == step.tree else repository.write_commit(tree, (at,), step.message, time=step.time)
    return trees if trees[-1] == repository.tree_id(line.tip) else None
