"""Applying commits elsewhere, or taking them back: worked out in a scratch worktree, with a conflict's place told."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.gitcommand import GitDirs
from mlrcopilot_tui.workspace.gitvalues import Commit
from mlrcopilot_tui.workspace.layout import Layout
from mlrcopilot_tui.workspace.worktrees import scratch_worktree

Action = Literal["revert", "cherry-pick"]

_OURS, _THEIRS, _END = b"<<<<<<< ", b"=======", b">>>>>>> "
_MOST_PLACES: Final = 4


@dataclass(frozen=True, slots=True)
class Place:
    """Where a commit does not go together with what is there: lines of a file as it is there, 1-based.

    `lines` is empty where there is no telling: the file is gone, binary, or another kind of thing by now.
    """

    path: str
    lines: tuple[tuple[int, int], ...] = ()

    def __str__(self) -> str:
        ranges = [f"{first}-{last}" if last > first else f"{first}" for first, last in self.lines]
        shown = ", ".join(ranges[:_MOST_PLACES]) + (" …" if len(ranges) > _MOST_PLACES else "")
        return f"{self.path}, line{'s' * (len(ranges) > 1 or '-' in shown)} {shown}" if ranges else self.path


class ConflictError(RefusedError):
    """A commit cannot be applied, or taken back, for what is there now.

    Attributes:
        step: the commit.
        places: where.
    """

    def __init__(self, step: Commit, action: Action, places: tuple[Place, ...]) -> None:
        doing = "taken back" if action == "revert" else "applied"
        where = f" in {'; '.join(map(str, places))}" if places else ""
        super().__init__(
            f'{step.sha[:10]} "{step.subject}" cannot be {doing}: later changes overlap with it{where}.',
            "Nothing changed. Take the later ones back first, or edit by hand on a branch of your own.",
        )
        self.step = step
        self.places = places


def combine(repository: Repository, session: str, onto: str, step: Commit, action: Action) -> str:
    """The tree of `onto` with `step` applied or taken back; raises as `combine_all` does."""
    return combine_all(repository, session, onto, (step,), action)[0]


def combine_all(repository: Repository, session: str, onto: str, steps: Sequence[Commit], action: Action) -> list[str]:
    """The trees of `onto` with one step after the other applied or taken back, as they are after each.

    Raises:
        ConflictError: a step does not go together with what is there.
        RefusedError: a step is a merge.
    """
    if merge := next((step for step in steps if len(step.parents) > 1), None):
        raise RefusedError(f"{merge.sha[:10]} is a merge, which has no single change to {action}.")
    if not steps:
        return []
    name, trees = f"{action}-{os.getpid()}-{steps[0].sha[:10]}", list[str]()
    with scratch_worktree(repository, Layout(repository.root).scratch(session, name), onto) as dirs:
        for step in steps:
            done = repository.run(action, "--no-commit", step.sha, dirs=dirs, drivers=True, accept=(0, 1, 128))
            unmerged = repository.run("ls-files", "--unmerged", "-z", dirs=dirs).fields
            paths = sorted({field.partition("\t")[2] for field in unmerged})
            if paths or done.status:
                raise ConflictError(step, action, tuple(_place(dirs, path) for path in paths))
            trees.append(repository.run("write-tree", dirs=dirs).text)
    return trees


def goes(repository: Repository, session: str, onto: str, commits: Iterable[str], action: Action) -> bool:
    """Whether commits can be applied to `onto`, or taken back there, one after the other."""
    try:
        combine_all(repository, session, onto, [repository.commit(commit) for commit in commits], action)
    except RefusedError:
        return False
    return True


def _place(dirs: GitDirs, path: str) -> Place:
    """The conflict's lines, told from the marks that git leaves in the file."""
    file = Path(os.fsdecode(os.fsencode(dirs.work_tree) + b"/" + os.fsencode(path)))
    if file.is_symlink() or not file.is_file():
        return Place(path)
    return Place(path, tuple(_conflicts(file.read_bytes().splitlines())))


def _conflicts(lines: Sequence[bytes]) -> Iterable[tuple[int, int]]:
    """The line ranges, as our side has them, that a file with conflict marks disputes.

    Where our side has no line left there, the line before it stands for the place.
    """
    number, first, side = 0, 0, "both"
    for line in lines:
        if side == "both" and line.startswith(_OURS):
            side, first = "ours", number + 1
        elif side == "ours" and line == _THEIRS:
            yield (first, number) if number >= first else (max(1, number), max(1, number))
            side = "theirs"
        elif side == "theirs" and line.startswith(_END):
            side = "both"
        elif side != "theirs":
            number += 1
