"""A session's line without one of its patches: which others have to go with it, and the commit that shows the rest."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.workspace.combining import combine_all
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.gitvalues import ABSENT, Commit
from mlrcopilot_tui.workspace.lines import REFS, SessionLine
from mlrcopilot_tui.workspace.messages import commit_message


@dataclass(frozen=True, slots=True)
class Ablated:
    """The line without `patch` and those `needing` it, all of them commits of the line."""

    patch: str
    needing: tuple[str, ...]
    commit: str


def ablate(repository: Repository, line: SessionLine, tip: str, kept: Sequence[str], patch: str) -> Ablated:
    """Takes `patch` back from `tip` in a scratch tree, and keeps the result under a ref; the line does not move.

    Where later patches overlap with it, the fewest of them go with it that let it be taken back. The same patches give
    the same commit, whenever this is done.

    Args:
        repository: the researcher's repository.
        line: the session's line.
        tip: the commit of the line that is ablated.
        kept: the patches that stand at `tip`, oldest first; `patch` is one of them.
        patch: what is left out.

    Raises:
        RefusedError: it cannot be taken back, whatever goes with it.
    """
    top = repository.commit(tip)
    later = [repository.commit(commit) for commit in kept[kept.index(patch) + 1 :]]
    going, tree = _smallest(repository, line.session, top, repository.commit(patch), later)
    titles = [f'"{step.subject}"' for step in going]
    trailers = {"Session": line.session}
    message = commit_message(f"Leave out {titles[0]}", "\n".join(f"Also {title}." for title in titles[1:]), trailers)
    commit = repository.write_commit(tree, (tip,), message, time=top.time)
    ref = f"{REFS}{line.session}/ablation/{top.sha[:12]}/without-{'-'.join(step.sha[:8] for step in going)}"
    now = repository.refs(ref).get(ref)
    if now != commit:
        repository.move_ref(ref, commit, now or ABSENT, "mlrcopilot: ablation")
    return Ablated(patch, tuple(step.sha for step in going[1:]), commit)


def _smallest(
    repository: Repository, session: str, tip: Commit, patch: Commit, later: Sequence[Commit]
) -> tuple[list[Commit], str]:
    """What is taken back, oldest first, and the tree without it.

    The later ones that touch no file of what goes stay without being tried.
    """
    try:
        return [patch], _without(repository, session, tip, [patch])
    except RefusedError:
        going = _touching(repository, patch, later)
        if len(going) == 1:
            raise
    tree = _without(repository, session, tip, going)
    for step in going[1:]:
        fewer = [other for other in going if other is not step]
        try:
            going, tree = fewer, _without(repository, session, tip, fewer)
        except RefusedError:
            continue
    return going, tree


def _touching(repository: Repository, patch: Commit, later: Sequence[Commit]) -> list[Commit]:
    """The patch, and those after it that touch a file that it, or one of these, touches."""
    going, files = [patch], _files(repository, patch)
    for step in later:
        if not files.isdisjoint(own := _files(repository, step)):
            going.append(step)
            files |= own
    return going


def _files(repository: Repository, step: Commit) -> set[str]:
    return set(repository.changed_paths(step.parents[0], step.sha))


def _without(repository: Repository, session: str, tip: Commit, going: Sequence[Commit]) -> str:
    """The tree of `tip` with these taken back, the newest first."""
    return combine_all(repository, session, tip.sha, going[::-1], "revert")[-1]
