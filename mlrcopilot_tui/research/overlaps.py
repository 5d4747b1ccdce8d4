"""Which patches of the session's line cannot be taken back without which others: found by trying it in git."""

from collections.abc import Sequence

from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.dependence import builders
from mlrcopilot_tui.research.line_patches import Joined, joined
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.combining import goes


def builds_on(bench: Bench, standing: Sequence[Joined], before: str, after: str) -> tuple[str, ...]:
    """The patches that cannot be taken back alone any more, now that a patch took the line from `before` to `after`.

    Those on which a patch of the result builds in its turn are left out.

    Args:
        bench: the session.
        standing: the patches that stand at `before`, the oldest first.
        before: the line's tip.
        after: the tip with the patch.
    """
    changed = set(bench.repository.changed_paths(before, after)) if standing else set[str]()
    found: list[Joined] = []
    for patch in reversed(standing):
        along = builders(standing, patch)
        if {one.commit for one in found}.intersection(along):
            continue
        paths = {path for commit in (*along, patch.commit) for path in _paths(bench, commit)}
        if paths & changed and not _goes_back(bench, after, (*along, patch.commit)):
            found.append(patch)
    return tuple(patch.commit for patch in reversed(found))


def in_the_way(bench: Bench, patch: Joined) -> list[Joined]:
    """The patches, the newest first, that stand in the way of taking one back: found in git, not in the journal."""
    state, found = bench.state, list[str]()
    for move in state.line[patch.at + 1 :]:
        commit = move.of or move.commit
        if move.reason == "reverted":
            found = [other for other in found if other != commit]
        elif not _goes_back(bench, move.commit, (*reversed(found), patch.commit)):
            found.append(commit)
    line = joined(state)
    return [line[commit] for commit in reversed(found) if commit in line]


def in_the_way_of_redo(bench: Bench, patch: Joined) -> list[Joined]:
    """The patches that joined the line since one was taken back and changed the same lines."""
    state = bench.state
    paths = set(_paths(bench, patch.commit))
    left = max(at for at, move in enumerate(state.line) if move.of == patch.commit and move.reason == "reverted")
    since = [other for other in joined(state).values() if other.stands and other.at > left]
    return [other for other in reversed(since) if paths.intersection(_paths(bench, other.commit))]


def standing_patches(state: SessionState) -> list[Joined]:
    """The patches that stand on the line, in the order in which they joined it."""
    return [patch for patch in joined(state).values() if patch.stands]


def _paths(bench: Bench, commit: str) -> tuple[str, ...]:
    return bench.repository.changed_paths(bench.repository.commit(commit).parents[0], commit)


def _goes_back(bench: Bench, onto: str, commits: Sequence[str]) -> bool:
    return goes(bench.repository, bench.line.session, onto, commits, "revert")
