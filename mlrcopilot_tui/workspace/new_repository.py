"""New repositories: one made of a folder's files, and one that begins with what a bundle holds."""

import hashlib
from pathlib import Path

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.gitcommand import run_git
from mlrcopilot_tui.workspace.gitvalues import ABSENT, COPILOT, checked


def create_repository(folder: Path, bundle: Path, base: str, branch: str) -> None:
    """Makes the empty `folder` a git repository with a bundle's objects, and checks `base` out on `branch`.

    Raises:
        InputError: the bundle does not hold `base`, or the branch has a name that none can have.
    """
    form = "sha256" if len(base) == len(hashlib.sha256().hexdigest()) else "sha1"
    made = ["init", "--quiet", f"--object-format={form}", "--template=", "--", str(folder)]
    run_git(made, folder)
    repository = Repository(folder)
    repository.unbundle(bundle)
    ref = f"refs/heads/{branch}"
    repository.move_ref(ref, base, ABSENT, "begun anew")
    repository.run("symbolic-ref", "HEAD", ref)
    repository.run("read-tree", "--reset", "-u", checked(base), drivers=True)


def init_repository(folder: Path, message: str) -> None:
    """Makes `folder` a git repository with branch `main` and commits every file in it.

    The author is the researcher if git knows them, else mlrcopilot.

    Raises:
        InputError: the folder is a repository already, or git may not write in it.
    """
    if (folder / ".git").exists():
        raise InputError(f"{folder} is a git repository already.", "Use `mlrcopilot init` there.")
    run_git(["init", "--quiet", "--initial-branch=main", "--template=", "--", str(folder)], folder)
    repository = Repository(folder)
    author = repository.identity() or COPILOT
    repository.run("add", "--all", "--", ".", drivers=True)
    tree = repository.run("write-tree").text
    commit = repository.write_commit(tree, (), message, author=author, committer=author)
    repository.move_ref("refs/heads/main", commit, ABSENT, "initial commit")
