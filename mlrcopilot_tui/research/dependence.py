"""What hangs on a patch of the session's line, told from the journal alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlrcopilot_tui.research.line_patches import Joined, joined, mean_on
from mlrcopilot_tui.session.state import ACTIVE_STATUSES, IdeaState, SessionState


@dataclass(frozen=True, slots=True)
class Undoing:
    """A patch that is to be taken back, with what hangs on it.

    Attributes:
        builds: the later patches that change the same lines: they go with it, or it stays. The newest first.
        leans: the later patches, not among those, that were judged with it in place. The oldest first.
        begun: the ideas at work that started from it, from what goes with it, or from what stands on them.
        proposed: the ideas not begun that grew from it, or from what goes with it.
        expected: the metric that is to be expected without it and what goes with it; None where nobody can tell.
        looked: whether it is known of all later patches what they build on.
    """

    patch: Joined
    builds: tuple[Joined, ...] = ()
    leans: tuple[Joined, ...] = ()
    begun: tuple[IdeaState, ...] = ()
    proposed: tuple[IdeaState, ...] = ()
    expected: float | None = None
    looked: bool = True

    @property
    def commits(self) -> tuple[str, ...]:
        """What is taken back together, in this order."""
        return (*(other.commit for other in self.builds), self.patch.commit)


@dataclass(frozen=True, slots=True)
class Redoing:
    """A patch that is to be applied again, with what it `needs` that was taken back too, the oldest first."""

    patch: Joined
    needs: tuple[Joined, ...] = ()
    expected: float | None = None

    @property
    def commits(self) -> tuple[str, ...]:
        """What is applied again together, in this order."""
        return (*(other.commit for other in self.needs), self.patch.commit)


def undoing(state: SessionState, patch: Joined) -> Undoing:
    """What hangs on a patch that stands on the line."""
    line = joined(state)
    builds = _builders(line, patch)
    gone = {patch.commit, *(other.commit for other in builds)}
    later = [other for other in line.values() if other.stands and other.at > patch.at]
    leans = tuple(o for o in line.values() if o.stands and o.commit not in gone and patch.commit in o.measured_with)
    tips = {tip for commit in gone for tip in _tips_with(state, commit)}
    leaving = {other.idea.idea.number for other in (*builds, patch)}
    open_ones = [idea for idea in state.ideas.values() if idea.idea.number not in leaving]
    begun = (i for i in open_ones if i.status in ACTIVE_STATUSES and i.parent_commit in tips)
    untried = (idea for idea in open_ones if idea.status in {"proposed", "approved"})
    proposed = (idea for idea in untried if idea.idea.parent in leaving or idea.idea.base in gone)
    expected = _expected(state, left=(*builds, patch))
    looked = all(other.looked for other in later)
    return Undoing(patch, builds, leans, tuple(begun), tuple(proposed), expected, looked)


def redoing(state: SessionState, patch: Joined) -> Redoing:
    """What a patch that was taken back needs before it can be applied again."""
    line = joined(state)
    needed: dict[str, Joined] = {}
    open_ones = [patch]
    while open_ones:
        for commit in open_ones.pop().builds_on:
            if commit in line and not line[commit].stands and commit not in {*needed, patch.commit}:
                needed[commit] = line[commit]
                open_ones.append(line[commit])
    needs = tuple(sorted(needed.values(), key=lambda other: other.at))
    return Redoing(patch, needs, _expected(state, came=(*needs, patch)))


def _builders(line: dict[str, Joined], patch: Joined) -> tuple[Joined, ...]:
    """What stands and builds on a patch, or on what builds on it; the newest first."""
    found = {patch.commit}
    standing = [other for other in line.values() if other.stands]
    for _ in standing:
        found |= {other.commit for other in standing if found.intersection(other.builds_on)}
    return tuple(other for other in reversed(standing) if other.commit in found - {patch.commit})


def builders(standing: Sequence[Joined], patch: Joined) -> tuple[str, ...]:
    """The commits of `standing` that go with a patch when it is taken back, the newest first."""
    return tuple(other.commit for other in _builders({other.commit: other for other in standing}, patch))


def _tips_with(state: SessionState, patch: str) -> set[str]:
    """The commits that have been the line's tip while a patch stood on it, and the patch itself."""
    tips, within = {patch}, False
    for move in state.line:
        if (move.of or move.commit) == patch:
            within = move.reason != "reverted"
        tips |= {move.commit} if within else set()
    return tips


def expectations(state: SessionState) -> dict[str, float]:
    """What each reverted or redone tip of the line was to measure, by what the patches that left or joined had changed.

    Numbers are means over the seeds that every tip is measured at, those of the starter.
    """
    foretold: dict[str, float] = {}
    if state.started is None or state.baseline is None:
        return foretold
    line, seeds = joined(state), state.baseline.values.keys()
    now: float | None = mean_on(state.baseline.values, seeds)
    for move in state.line:
        values = state.measured.get(move.commit)
        if move.reason == "kept":
            now = mean_on(values, seeds) if values else None
            continue
        if now is not None and move.of in line:
            now += line[move.of].change(seeds) * (1 if move.reason == "redone" else -1)
            foretold[move.commit] = now
        now = mean_on(values, seeds) if values else now
    return foretold


def _expected(state: SessionState, left: Iterable[Joined] = (), came: Iterable[Joined] = ()) -> float | None:
    champion = state.champion
    if champion is None or state.baseline is None:
        return None
    seeds = state.baseline.values.keys()
    now = mean_on(champion.values, seeds) if champion.values else expectations(state).get(champion.commit)
    if now is None:
        return None
    return now + sum(o.change(seeds) for o in came) - sum(o.change(seeds) for o in left)
