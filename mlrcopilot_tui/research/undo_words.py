"""Taking back and applying again in words: what hangs on it, what stands in the way, and the ways out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.research.dependence import Redoing, Undoing, expectations
from mlrcopilot_tui.research.line_patches import Joined, joined
from mlrcopilot_tui.session.state import IdeaState, SessionState, mean

if TYPE_CHECKING:  # this is read by screens, which have nothing to do with git
    from mlrcopilot_tui.workspace.combining import Place


def named(patches: Sequence[Joined]) -> str:
    """Patches as people speak of them: `idea 3 "wider"`, `ideas 3 "wider" and 5 "deeper"`."""
    return named_ideas([patch.idea for patch in patches])


def named_ideas(ideas: Sequence[IdeaState]) -> str:
    """Ideas as people speak of them."""
    return _listed([f'{idea.idea.number} "{idea.idea.title}"' for idea in ideas])


def _listed(shown: Sequence[str]) -> str:
    together = f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else "".join(shown)
    return f"idea{'s' * (len(shown) > 1)} {together}"


def capitalized(words: str) -> str:
    """Words as the beginning of a sentence."""
    return words[:1].upper() + words[1:]


def what_hangs_on(going: Undoing, metric: str) -> list[str]:
    """What a revert takes along, what it leaves, and what it is expected to do, in sentences."""
    told = []
    if going.builds:
        verb = "change" if len(going.builds) > 1 else "changes"
        told.append(f"{capitalized(named(going.builds))} {verb} the same lines, and can only go with it.")
    if going.leans:
        verb, gains = ("stay", "their gains were") if len(going.leans) > 1 else ("stays", "its gain was")
        told.append(f"{capitalized(named(going.leans))} {verb}; {gains} measured with it in place.")
    if going.begun:
        verb = "are" if len(going.begun) > 1 else "is"
        told.append(
            f"{capitalized(named_ideas(going.begun))} {verb} under way on top of it, to be moved off it if kept."
        )
    if going.proposed:
        told.append(f"{capitalized(named_ideas(going.proposed))} grew from what leaves, and will begin without it.")
    if not going.looked:
        told.append("What later patches build on was not looked at when they were kept: trying it will tell.")
    return [*told, *_foretold(going.expected, metric)]


def what_it_needs(coming: Redoing, metric: str) -> list[str]:
    """What a redo needs first, and what it is expected to do, in sentences."""
    told = [f"It builds on {named(coming.needs)}, to be applied again before it."] if coming.needs else []
    return [*told, *_foretold(coming.expected, metric)]


def _foretold(expected: float | None, metric: str) -> list[str]:
    return [] if expected is None else [f"{metric} should come to about {expected:.4g}, by the gains as measured."]


def revert_refused(
    state: SessionState, patch: Joined, way: Sequence[Joined], places: "Sequence[Place]"
) -> RefusedError:
    """Why a patch cannot be taken back alone, where, for whom, and the ways out."""
    where = f" ({'; '.join(map(str, places))})" if places else ""
    short = patch.commit[:10]
    who = f"{named(way)} changed the same lines since" if way else "later changes overlap with it"
    ways = []
    if way:
        all_of_them = "both" if len(way) == 1 else "all of them"
        ways.append(f"Take {all_of_them} back: `mlrcopilot revert {short} --with-dependants`.")
    if state.engine != "offline":
        ways.append("Or add an idea that takes out its part, in your own words.")
    if before := _before(state, patch):
        ways.append(f"Or begin a new idea from before it, on top of idea {before}.")
    ways.append(f"Or do it by hand: {_by_hand(state, patch, 'revert')}.")
    return RefusedError(
        f"{capitalized(patch.name)} cannot be taken back alone: {who}{where}. Nothing changed.", " ".join(ways)
    )


def redo_refused(
    state: SessionState, patch: Joined, needs: Sequence[Joined], way: Sequence[Joined], places: "Sequence[Place]"
) -> RefusedError:
    """Why a patch cannot be applied again alone, where, and the ways out."""
    where = f" ({'; '.join(map(str, places))})" if places else ""
    short, ways = patch.commit[:10], []
    if needs:
        verb = "were" if len(needs) > 1 else "was"
        why = f"it builds on {named(needs)}, which {verb} taken back too"
        ways.append(f"Apply them together: `mlrcopilot redo {short} --with-needed`.")
    elif way:
        why = f"{named(way)} changed the same lines since it was taken back"
        ways.append(f"Take the newer back first, as with `mlrcopilot revert {way[0].commit[:10]}`.")
    else:
        why = "later changes overlap with it"
    ways.append(f"Or do it by hand: {_by_hand(state, patch, 'cherry-pick')}.")
    return RefusedError(
        f"{capitalized(patch.name)} cannot be applied again as it is: {why}{where}. Nothing changed.", " ".join(ways)
    )


def _before(state: SessionState, patch: Joined) -> int:
    """The idea on whose patch one was built; 0 for one that was built on the starter."""
    attempt = state.attempt_of(patch.commit)
    ground = state.attempt_of(attempt.parent) if attempt is not None else None
    return ground.idea if ground is not None else 0


def _by_hand(state: SessionState, patch: Joined, action: str) -> str:
    """What to type in a shell to solve a conflict on a branch of one's own."""
    branch = f"{'without' if action == 'revert' else 'with'}-idea-{patch.idea.idea.number}"
    return (
        f"`git worktree add -b {branch} ../{branch} mlrcopilot/{state.session}/main`, and there "
        f"`git {action} {patch.commit[:10]}`"
    )


def what_came_of_it(state: SessionState, commit: str) -> str:
    """What the line's tip measured after a revert or redo, against what was expected; empty for any other tip."""
    at = next((at for at, move in enumerate(state.line) if move.commit == commit), None)
    if at is None or state.line[at].reason == "kept" or commit not in state.measured:
        return ""
    line, moves = joined(state), state.line[: at + 1]
    first = max((n + 1 for n, move in enumerate(moves[:-1]) if move.commit in state.measured), default=0)
    out = [line[move.of] for move in moves[first:] if move.reason == "reverted" and move.of in line]
    again = [line[move.of] for move in moves[first:] if move.reason == "redone" and move.of in line]
    about = " and ".join(
        part for part in (f"without {numbered(out)}" * bool(out), f"with {numbered(again)}" * bool(again)) if part
    )
    values, foretold = state.measured[commit], expectations(state).get(commit)
    if not values:
        return f"{capitalized(about)} it does not run."
    expected = f" ({foretold:.4g} was expected)" if foretold is not None else ""
    return f"{capitalized(about)}: {mean(values.values()):.4g}{expected}."


def numbered(patches: Sequence[Joined]) -> str:
    """Patches by the numbers of their ideas: `ideas 3 and 5`."""
    return _listed([str(patch.idea.idea.number) for patch in patches])


def since_undone(state: SessionState, idea: IdeaState) -> str:
    """What came of the newest revert or redo of an idea's patch; empty where there was none."""
    commits = {attempt.commit for attempt in idea.attempts}
    at = next((at for at, move in reversed([*enumerate(state.line)]) if move.of in commits), None)
    if at is None:
        return ""
    tip = next((m.commit for m in state.line[at:] if m.reason == "kept" or m.commit in state.measured), "")
    told = what_came_of_it(state, tip)
    waits = state.champion is not None and state.champion.unmeasured and not tip
    return told or ("The line has not been measured since." if waits else "")
