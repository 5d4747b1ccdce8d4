"""The patches of the session's line, told from the journal: which ever joined it, and which of them stand there."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.session.events import ChampionChanged
from mlrcopilot_tui.session.state import IdeaState, SessionState, mean


@dataclass(frozen=True, slots=True)
class Joined:
    """A patch that has joined the line, as it did so last.

    Attributes:
        commit: the patch as it was kept, which names it for ever.
        at: where in the order of the line's moves it joined last.
        builds_on: the patches that cannot be taken back alone while it stands, as the journal has it.
        measured_with: the patches that stood on the line when it was judged: its gain was measured with them in.
        stands: whether it is on the line now.
        looked: whether anybody looked what it builds on; an older program did not.
    """

    idea: IdeaState
    commit: str
    at: int
    builds_on: tuple[str, ...]
    measured_with: frozenset[str]
    stands: bool = True
    looked: bool = True

    @property
    def name(self) -> str:
        """How people speak of it."""
        return f'idea {self.idea.idea.number} "{self.idea.idea.title}"'

    def change(self, seeds: Collection[int]) -> float:
        """By how much it changed the metric when it was judged; on these seeds, where it has values at all of them."""
        judged = [judged.verdict for judged in self.idea.verdicts if judged.commit == self.commit]
        if not judged or not judged[-1].values or not judged[-1].parent_values:
            return 0.0
        return mean_on(judged[-1].values, seeds) - mean_on(judged[-1].parent_values, seeds)


def joined(state: SessionState) -> dict[str, Joined]:
    """Every patch that ever joined the line, by the commit that it was kept at, in the order in which they joined."""
    found: dict[str, Joined] = {}
    for at, move in enumerate(state.line):
        commit = move.of or move.commit
        if move.reason == "reverted":
            if commit in found:
                found[commit] = replace(found[commit], stands=False)
            continue
        before = found.pop(commit, None)
        idea = before.idea if before is not None else _idea_of(state, move)
        if idea is None:
            continue
        standing = frozenset(other.commit for other in found.values() if other.stands)
        with_it = before.measured_with if before is not None else standing
        looked = move.builds_on is not None
        found[commit] = Joined(idea, commit, at, move.builds_on or (), with_it, looked=looked)
    return found


def _idea_of(state: SessionState, move: ChampionChanged) -> IdeaState | None:
    attempt = state.attempt_of(move.of or move.commit)
    return state.ideas.get(attempt.idea if attempt is not None else move.idea)


def standing_at(state: SessionState, commit: str) -> Joined:
    """The patch of that commit, or written anew from it, that stands on the line.

    Raises:
        RefusedError: there is none; the sentence says what the commit is.
    """
    line = joined(state)
    patch = _patch_of(state, line, commit)
    if patch is not None and patch.stands:
        return patch
    if patch is not None:
        raise RefusedError(
            f"{_capitalized(patch.name)} was taken back already; nothing changed.",
            f"`mlrcopilot redo {patch.commit[:10]}` applies it again.",
        )
    for move in state.line:
        if move.commit == commit and move.reason == "reverted" and move.of in line:
            raise RefusedError(
                f"{commit[:10]} is itself what takes {line[move.of].name} back.",
                f"`mlrcopilot redo {move.of[:10]}` applies that again.",
            )
    raise RefusedError(
        f"{commit[:10]} is not a kept patch that stands on the session's line.",
        "`mlrcopilot log` lists the kept ones; `mlrcopilot redo` brings one back that was reverted.",
    )


def reverted_at(state: SessionState, commit: str) -> Joined:
    """The patch of that commit, or written anew from it, that was taken back from the line.

    Raises:
        RefusedError: there is none; the sentence says what the commit is.
    """
    patch = _patch_of(state, joined(state), commit)
    if patch is None:
        raise RefusedError(f"{commit[:10]} is not a patch that was reverted.", "`mlrcopilot log` lists them.")
    if patch.stands:
        raise RefusedError(
            f"{_capitalized(patch.name)} stands on the session's line, so it is not a patch that was reverted.",
            f"`mlrcopilot revert {patch.commit[:10]}` takes it back.",
        )
    return patch


def _patch_of(state: SessionState, line: dict[str, Joined], commit: str) -> Joined | None:
    """The patch that was kept at a commit, was written anew from it, or that the commit applies again."""
    if commit in line:
        return line[commit]
    again = next((m.of for m in state.line if m.commit == commit and m.reason == "redone"), "")
    if again in line:
        return line[again]
    origins = {attempt.moved_from: attempt.commit for patch in line.values() for attempt in patch.idea.attempts}
    while commit in origins and commit not in line:
        commit = origins[commit]
    return line.get(commit)


def _capitalized(words: str) -> str:
    return words[:1].upper() + words[1:]


def mean_on(values: Mapping[int, float], seeds: Collection[int]) -> float:
    """The mean of at least one value, on these seeds where all of them have one."""
    return mean(values[seed] for seed in seeds) if set(seeds) <= values.keys() else mean(values.values())
