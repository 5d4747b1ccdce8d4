"""Makes the tree of an evaluation: the commit with its hidden files, and beside it what the run wrote.

Started by a run's supervisor once nothing of the run is left, as `python -m mlrcopilot_tui.research.clean_tree ORDER`:
so hidden files lie in no place that any run could have seen, and a run is evaluated also when its copilot is gone.
"""

import sys
from pathlib import Path

import msgspec

from mlrcopilot_tui.runs.spec import TreeMade
from mlrcopilot_tui.text import printable
from mlrcopilot_tui.workspace.config import FilesConfig
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.globs import FileRules
from mlrcopilot_tui.workspace.leavings import rewritten, take_over
from mlrcopilot_tui.workspace.run_tree import export_run_tree, unveiled
from mlrcopilot_tui.workspace.worktrees import force_remove

MODULE = "mlrcopilot_tui.research.clean_tree"
SHOWN = 20
"""Of more files that were left behind, the rest is only counted."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be made.

    Attributes:
        root: the repository.
        commit: the run's.
        tree: the run's tree, in whose place the clean one is put.
        left: where the run's tree goes.
        scratch: the run's temporary folder, which is emptied.
        files: the globs of the contract, as they were when the session began.
    """

    root: str
    commit: str
    tree: str
    left: str
    scratch: str
    files: FilesConfig


def make(order: Order) -> TreeMade:
    """Puts the run's tree aside, a clean one in its place, and what the run wrote into that."""
    tree, left, scratch = Path(order.tree), Path(order.left), Path(order.scratch)
    if tree.is_symlink() or not tree.is_dir():
        return TreeMade(objection="The run put something else in the place of its tree.")
    force_remove(scratch)
    scratch.mkdir(mode=0o700)
    tree.rename(left)
    repository, rules = Repository(Path(order.root)), FileRules(order.files)
    tracked = [file.path for file in repository.files(order.commit)]
    visible, hidden = ([name for name in tracked if rules.hidden(name) is kept] for kept in (False, True))
    clean = export_run_tree(repository, tree, order.commit, unveiled(rules))
    changed = rewritten(left, tree, visible)
    if forged := [name for name in changed if rules.protected(name)]:
        return TreeMade(objection=f"The run changed protected files: {some(forged)}.")
    if changed:
        return TreeMade(
            objection=f"The run wrote over files of its commit, so that an evaluation cannot tell what is its work: "
            f"{some(changed)}. Take them out of git, or have it write elsewhere."
        )
    found = set(tracked) | clean.shared.keys()
    behind = take_over(
        left, tree, found.__contains__, lambda name: rules.protected(name) or rules.hidden(name) or rules.shared(name)
    )
    inside = (str(tree / name) for name in (*clean.digests, *hidden))
    outside = (str(source) for source in clean.shared.values())
    shown = bool(hidden) or any(rules.hidden(name) for name in clean.shared)
    return TreeMade(read_only=(*inside, *outside), hidden_shown=shown, left=_told(behind))


def some(names: list[str]) -> str:
    """The first of many names, for a sentence."""
    return printable(", ".join(names[:3]))


def _told(behind: list[str]) -> tuple[str, ...]:
    more = (f"and {len(behind) - SHOWN} more",) if len(behind) > SHOWN else ()
    return (*map(printable, behind[:SHOWN]), *more)


if __name__ == "__main__":
    made = make(msgspec.json.decode(sys.argv[1], type=Order))
    sys.stdout.buffer.write(msgspec.json.encode(made))
