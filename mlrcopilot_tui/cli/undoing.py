"""Taking kept patches back and applying them again, from a shell; what hangs on one is said before it is done."""

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mlrcopilot_tui.cli.arguments import Commands, add_command, folder_of
from mlrcopilot_tui.cli.output import say, say_json
from mlrcopilot_tui.errors import InputError, RefusedError

if TYPE_CHECKING:
    from mlrcopilot_tui.research.dependence import Redoing, Undoing
    from mlrcopilot_tui.research.line_patches import Joined
    from mlrcopilot_tui.session.state import IdeaState, SessionState


def add(commands: Commands) -> None:
    """Adds the commands."""
    revert = add_command(commands, "revert", decide_revert, "take a kept patch back", in_session=True)
    revert.add_argument("commit", metavar="COMMIT", nargs="?", help="or an idea's number; default: the newest kept")
    revert.add_argument(
        "--with-dependants", dest="together", action="store_true", help="also the later patches that build on it"
    )
    redo = add_command(commands, "redo", decide_redo, "apply a reverted patch again", in_session=True)
    redo.add_argument("commit", metavar="COMMIT", nargs="?", help="or an idea's number; default: the last reverted")
    redo.add_argument(
        "--with-needed", dest="together", action="store_true", help="also the reverted patches that it builds on"
    )
    for parser in (revert, redo):
        parser.add_argument("--dry-run", action="store_true", help="say what hangs on it, and change nothing")
        parser.add_argument("--json", action="store_true", help="with --dry-run: as JSON")


def decide_revert(arguments: argparse.Namespace) -> int:
    """Takes a patch back."""
    from mlrcopilot_tui.research.dependence import undoing  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.research.line_patches import joined, standing_at  # noqa: PLC0415
    from mlrcopilot_tui.research.undo_words import what_hangs_on  # noqa: PLC0415

    state, commit = _named(arguments, wanted="kept")
    if not commit:
        standing = [patch for patch in joined(state).values() if patch.stands]
        if not standing:
            raise RefusedError("Nothing that was kept stands on the session's line.", "`mlrcopilot log` lists all.")
        commit = standing[-1].commit
    with _left_to_the_copilot(arguments):
        going = undoing(state, standing_at(state, commit))
        if arguments.json:
            say_json(_undoing_view(going))
        else:
            _say_about(going.patch, what_hangs_on(going, _metric(state)))
    return 0 if arguments.dry_run else _decide(arguments, "revert", commit)


def decide_redo(arguments: argparse.Namespace) -> int:
    """Applies a patch again."""
    from mlrcopilot_tui.research.dependence import redoing  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.research.line_patches import joined, reverted_at  # noqa: PLC0415
    from mlrcopilot_tui.research.undo_words import what_it_needs  # noqa: PLC0415

    state, commit = _named(arguments, wanted="reverted")
    if not commit:
        line = joined(state)
        left = [move.of for move in state.line if move.reason == "reverted" and move.of in line]
        commit = next((of for of in reversed(left) if not line[of].stands), "")
        if not commit:
            raise RefusedError("Nothing is reverted.", "`mlrcopilot log` lists the experiments.")
    with _left_to_the_copilot(arguments):
        coming = redoing(state, reverted_at(state, commit))
        if arguments.json:
            say_json(_redoing_view(coming))
        else:
            _say_about(coming.patch, what_it_needs(coming, _metric(state)))
    return 0 if arguments.dry_run else _decide(arguments, "redo", commit)


@contextlib.contextmanager
def _left_to_the_copilot(arguments: argparse.Namespace) -> Iterator[None]:
    """What cannot be told beforehand refuses a dry run only: whoever applies the decision has the last word."""
    if arguments.json and not arguments.dry_run:
        raise InputError("--json goes with --dry-run.", "Leave it out, or say both.")
    try:
        yield
    except RefusedError:
        if arguments.dry_run:
            raise


def _say_about(patch: "Joined", told: Sequence[str]) -> None:
    from mlrcopilot_tui.research.undo_words import capitalized  # noqa: PLC0415 - `--help` needs none of this

    for line in (f"{capitalized(patch.name)}, {patch.commit[:10]}.", *told):
        say(line)


def _named(arguments: argparse.Namespace, wanted: str) -> "tuple[SessionState, str]":
    """The session, and the full id of the commit that was named; empty where none was."""
    from mlrcopilot_tui.cli.reading import commit_of, read_session  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.research.line_patches import joined  # noqa: PLC0415
    from mlrcopilot_tui.workspace.opening import open_workspace  # noqa: PLC0415

    read, name = read_session(folder_of(arguments), arguments.session), arguments.commit
    if name is None:
        return read.state, ""
    patches = [patch for patch in joined(read.state).values() if str(patch.idea.idea.number) == name]
    if patches:
        fits = [patch for patch in patches if patch.stands == (wanted == "kept")]
        return read.state, (fits or patches)[-1].commit
    return read.state, open_workspace(read.layout.root).repository.resolve(commit_of(read.state, name))


def _decide(arguments: argparse.Namespace, kind: str, commit: str) -> int:
    from mlrcopilot_tui.cli.reading import read_session  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.research.deliver import deliver, new_decision  # noqa: PLC0415

    read = read_session(folder_of(arguments), arguments.session)
    decision = new_decision(kind, commit=commit, together=arguments.together)
    say(deliver(read.layout, read.state.session, decision))
    return 0


def _metric(state: "SessionState") -> str:
    return state.started.metric if state.started is not None else "the metric"


def _undoing_view(going: "Undoing") -> dict[str, Any]:
    """The form of `revert --dry-run --json`."""
    return {
        **_idea_view(going.patch.idea, going.patch.commit),
        "builds_on_it": [_idea_view(one.idea, one.commit) for one in going.builds],
        "measured_with_it": [_idea_view(one.idea, one.commit) for one in going.leans],
        "under_way": [_idea_view(idea) for idea in going.begun],
        "proposed": [_idea_view(idea) for idea in going.proposed],
        "complete": going.looked,
        "expected": going.expected,
    }


def _redoing_view(coming: "Redoing") -> dict[str, Any]:
    """The form of `redo --dry-run --json`."""
    needed = [_idea_view(one.idea, one.commit) for one in coming.needs]
    return {**_idea_view(coming.patch.idea, coming.patch.commit), "needs": needed, "expected": coming.expected}


def _idea_view(idea: "IdeaState", commit: str | None = None) -> dict[str, Any]:
    return {"idea": idea.idea.number, "title": idea.idea.title, **({"commit": commit} if commit else {})}
