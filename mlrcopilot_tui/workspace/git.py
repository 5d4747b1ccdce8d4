"""A repository, as this program uses it: typed values in and out, and never the researcher's index or work tree."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.workspace.gitcommand import GitDirs, GitOutput, explain, run_git
from mlrcopilot_tui.workspace.gitvalues import (
    ABSENT,
    COPILOT,
    REVISION,
    Commit,
    Dirt,
    Head,
    Identity,
    TreeFile,
    WorktreeEntry,
    checked,
    is_ref,
)

_MERGE: Final = "git merge-file --marker-size=%L %A %O %B"


class RefHeldError(RefusedError):
    """A ref cannot be moved at this moment, for what somebody else does with it: they stand on it, or moved it."""


Sign = Callable[[str, tuple[str, ...], str], Mapping[str, str] | None]
"""From a commit's tree, parents and message to the environment that tells git who signs it, and when."""


class Repository:
    """The git repository that a folder belongs to.

    Reads anything; writes objects and refs. What would touch an index or a work tree takes a private one.

    Args:
        folder: any folder inside the work tree.
        sign: says who signs a commit and when, where it is not whoever writes it, now.

    Raises:
        InputError: no repository, a bare one, a damaged one, or one of another user.
    """

    def __init__(self, folder: Path, sign: Sign | None = None) -> None:
        self._sign = sign
        if not folder.is_dir():
            raise InputError(f"{folder} is not a folder.", "Name an existing folder.")
        if "\n" in os.path.realpath(folder):
            raise InputError(f"The path {str(folder)!r} has a line break.", "Rename the folder.")
        asked = ["rev-parse", "--is-bare-repository", "--git-dir", "--git-common-dir"]
        found = run_git(asked, folder, own_configuration=True).text.split("\n")
        bare, git_dir, common = found[0], *(Path(os.path.realpath(folder / part)) for part in found[1:])
        if bare == "true":
            raise InputError(f"{folder} is a bare repository.", "Use a clone that has its files checked out.")
        top = run_git(["rev-parse", "--show-toplevel"], folder, own_configuration=True, accept=(0, 128))
        if top.status:
            raise InputError(f"{folder} is inside a .git folder.", "Go to the folder that holds your files.")
        self.root = Path(top.text)
        self.git_dir = git_dir
        self.common_dir = common

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        accept: Sequence[int] = (0,),
        dirs: GitDirs | None = None,
        drivers: bool = False,
    ) -> GitOutput:
        """Runs a git command here; `drivers` switches the filter and merge drivers off, for where contents pass."""
        variables = dict(environment or {})
        if drivers:
            variables |= self._without_drivers()
        dirs = dirs or GitDirs(self.git_dir, self.root)
        return run_git(arguments, dirs.work_tree, dirs=dirs, stdin=stdin, environment=variables, accept=accept)

    def _without_drivers(self) -> dict[str, str]:
        """Settings that stop the repository's filter and merge drivers from running; any key can be named this way.

        Git's own driver `union` goes too: it takes what two sides made of a line for what is wanted of both.
        """
        names = self.run("config", "--list", "--name-only", "-z", "--includes").fields
        settings = {"merge.union.driver": _MERGE}
        for name in names:
            section, _, rest = name.partition(".")
            driver, _, key = rest.rpartition(".")
            if section == "filter" and driver and key in {"clean", "smudge", "process", "required"}:
                settings[name] = "false" if key == "required" else ""
            elif section == "merge" and driver and key == "driver":
                settings[name] = _MERGE
        variables = {"GIT_CONFIG_COUNT": str(len(settings))}
        for number, (name, value) in enumerate(settings.items()):
            variables |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        return variables

    def identity(self) -> Identity | None:
        """The researcher's own name and e-mail as git knows them, or None where they told git nothing."""
        values = []
        for key in ("user.name", "user.email"):
            asked = ["config", "--get", key]
            value = run_git(asked, self.root, own_configuration=True, accept=(0, 1)).text.strip()
            values.append(re.sub(r"[\x00-\x1f<>]", "", value))
        return Identity(*values) if all(values) else None

    def signs_commits(self) -> bool:
        """Whether the researcher has their own commits signed."""
        asked = ["config", "--get-all", "--type=bool", "commit.gpgsign"]
        *theirs, _ours = run_git(asked, self.root, own_configuration=True, accept=(0, 1, 128)).text.split("\n")
        return theirs[-1:] == ["true"]

    def head(self) -> Head | None:
        """The researcher's commit and branch, or None where nothing is committed yet."""
        commit = self.resolve_or_none("HEAD")
        if commit is None and self.run("rev-parse", "--verify", "--quiet", "HEAD", accept=(0, 1)).text:
            raise explain("rev-parse", "fatal: bad object HEAD", self.root)
        branch = self.run("symbolic-ref", "--quiet", "--short", "HEAD", accept=(0, 1)).text
        return Head(commit, branch or None) if commit else None

    def dirt(self) -> Dirt:
        """How many files the researcher has staged, changed and not yet added."""
        fields = iter(self.run("status", "--porcelain=v1", "-z", "--ignore-submodules=all", drivers=True).fields)
        staged = unstaged = untracked = 0
        for field in fields:
            index, tree = field[0], field[1]
            untracked += index == "?"
            staged += index not in " ?"
            unstaged += tree not in " ?"
            if index in "RC":
                next(fields, None)
        return Dirt(staged, unstaged, untracked)

    def resolve(self, revision: str) -> str:
        """The full commit id that `revision` names; raises InputError if it names none."""
        commit = self.resolve_or_none(revision)
        if commit is None:
            shown = revision if REVISION.fullmatch(revision) else repr(revision[:60])
            raise InputError(f"No commit is named {shown}.", "`mlrcopilot log` lists the commits.")
        return commit

    def resolve_or_none(self, revision: str) -> str | None:
        """The full commit id that `revision` names, or None."""
        if not REVISION.fullmatch(revision) or ".." in revision:
            return None
        asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        return self.run(*asked, accept=(0, 1)).text or None

    def tree_id(self, commit: str) -> str:
        """The id of the commit's tree: equal trees have equal files."""
        return self.run("rev-parse", "--verify", "--end-of-options", f"{checked(commit)}^{{tree}}").text

    def read_file(self, commit: str, path: str) -> bytes | None:
        """A file's bytes at a commit, or None if the commit has no such file."""
        if not path or path.startswith("/") or ".." in path.split("/"):
            return None
        entries = self._list(commit, path)
        return self.run("cat-file", "blob", entries[0].blob).stdout if entries and entries[0].path == path else None

    def files(self, commit: str) -> tuple[TreeFile, ...]:
        """Every file of a commit, in git's order."""
        return self._list(commit)

    def _list(self, commit: str, *paths: str) -> tuple[TreeFile, ...]:
        fields = self.run("ls-tree", "-r", "-z", "--full-tree", checked(commit), "--", *paths).fields
        parted = (field.partition("\t") for field in fields)
        return tuple(TreeFile(facts.split()[0], facts.split()[2], path) for facts, _, path in parted)

    def diff(self, old: str, new: str, *, context: int = 3) -> str:
        """The unified diff between two commits, renames found; bytes that are no UTF-8 become U+FFFD."""
        form = ("-r", "-p", "-M", "--no-ext-diff", "--no-textconv", "--no-color", "--full-index", f"-U{context:d}")
        done = self.run("diff-tree", *form, "--end-of-options", checked(old), checked(new), "--")
        return done.stdout.decode("utf-8", "replace")

    def changed_paths(self, old: str, new: str) -> tuple[str, ...]:
        """The paths that differ between two commits."""
        form = ("-r", "--no-renames", "--name-only", "-z")
        return tuple(self.run("diff-tree", *form, "--end-of-options", checked(old), checked(new), "--").fields)

    def log(self, tip: str, since: str | None = None) -> tuple[Commit, ...]:
        """The commits of `tip` that `since` does not have, newest first."""
        form = "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%B"
        wanted = [checked(tip), *([f"^{checked(since)}"] if since else [])]
        fields = self.run("log", "-z", "--no-mailmap", "--no-notes", "--no-color", form, *wanted, "--").stdout
        texts = [field.decode("utf-8", "replace") for field in fields.split(b"\0")]
        return tuple(_commit(texts[start : start + 7]) for start in range(0, len(texts) - 6, 7))

    def others_commits(self, tip: str, since: str) -> bool:
        """Whether `tip` has commits that `since` does not, and that somebody else than this program committed."""
        wanted = (checked(tip), f"^{checked(since)}")
        done = self.run("log", "--format=%ce", "--no-mailmap", "--no-notes", "--no-color", *wanted, "--")
        return any(email != COPILOT.email for email in done.text.split("\n") if email)

    def commit(self, revision: str) -> Commit:
        """One commit."""
        form = "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%B"
        fields = self.run("log", "-z", "-1", "--no-mailmap", "--no-notes", form, self.resolve(revision), "--").stdout
        return _commit([field.decode("utf-8", "replace") for field in fields.split(b"\0")])

    def write_commit(
        self,
        tree: str,
        parents: Sequence[str],
        message: str,
        *,
        author: Identity = COPILOT,
        committer: Identity = COPILOT,
        time: datetime | None = None,
    ) -> str:
        """Writes a commit object and returns its id; no ref, index or work tree changes."""
        given = [part for parent in parents for part in ("-p", checked(parent))]
        signed = self._sign(tree, tuple(parents), message) if self._sign else None
        environment = signed or identity_variables(author, committer, time)
        done = self.run("commit-tree", *given, checked(tree), stdin=message.encode(), environment=environment)
        return done.text

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `newer` contains `older` (a commit contains itself)."""
        return not self.run("merge-base", "--is-ancestor", checked(older), checked(newer), accept=(0, 1)).status

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor of two commits, or None for unrelated ones."""
        return self.run("merge-base", checked(one), checked(other), accept=(0, 1)).text or None

    def refs(self, *prefixes: str) -> dict[str, str]:
        """The refs below the prefixes with the object each one names."""
        lines = self.run("for-each-ref", "--format=%(objectname) %(refname)", "--", *prefixes).text.split("\n")
        return {name: sha for sha, _, name in (line.partition(" ") for line in lines if line)}

    def move_ref(self, ref: str, new: str, old: str, reason: str = "mlrcopilot") -> None:
        """Moves a ref from `old` to `new`, or refuses if it is no longer at `old`; `ABSENT` creates it."""
        if not is_ref(ref):
            raise InputError(f"{ref!r} is not a name that git takes for a branch.", "Use letters, digits, - and /.")
        branch = ref.removeprefix("refs/heads/")
        for entry in self.worktrees():
            if old != ABSENT and entry.branch == branch:
                raise RefHeldError(
                    f"The branch {branch} is checked out in {entry.path}, so it is not moved.",
                    f"Go to another branch there (`git -C {entry.path} switch --detach`) and try again.",
                )
        ids = (checked(new), checked(old) if old != ABSENT else ABSENT)
        done = self.run("update-ref", "--no-deref", "-m", reason, ref, *ids, accept=(0, 1, 128))
        if done.status and ("but expected" in done.stderr or "already exists" in done.stderr):
            raise RefHeldError(f"{ref} moved meanwhile.", "Look at where it is now and try again.")
        if done.status:
            error = explain("update-ref", done.stderr, self.root)
            raise RefHeldError(error.sentence, error.mend) if isinstance(error, RefusedError) else error

    def delete_refs(self, refs: Sequence[str]) -> None:
        """Deletes refs, all or none."""
        if not all(is_ref(ref) for ref in refs):
            raise InputError("A ref to delete has a name that is not ours.")
        commands = "".join(f"delete {ref}\0\0" for ref in refs)
        self.run("update-ref", "--no-deref", "--stdin", "-z", stdin=commands.encode())

    def bundle(self, *refs: str) -> bytes:
        """Everything that the refs stand on, as a git bundle."""
        return self.run("bundle", "create", "--quiet", "-", "--end-of-options", *refs).stdout

    def unbundle(self, bundle: Path) -> None:
        """Takes a bundle's objects in; no ref changes."""
        self.run("bundle", "unbundle", str(bundle.absolute()))

    def worktrees(self) -> tuple[WorktreeEntry, ...]:
        """Every work tree of the repository with the branch that is checked out in it."""
        found = []
        for block in self.run("worktree", "list", "--porcelain").text.split("\n\n"):
            facts = dict(line.partition(" ")[::2] for line in block.split("\n"))
            if "worktree" in facts:
                branch = facts.get("branch", "").removeprefix("refs/heads/")
                found.append(WorktreeEntry(Path(facts["worktree"]), branch or None))
        return tuple(found)


def identity_variables(author: Identity, committer: Identity, time: datetime | None = None) -> dict[str, str]:
    """The environment that tells git who wrote and who committed, and when (now, unless told)."""
    variables = {
        "GIT_AUTHOR_NAME": author.name,
        "GIT_AUTHOR_EMAIL": author.email,
        "GIT_COMMITTER_NAME": committer.name,
        "GIT_COMMITTER_EMAIL": committer.email,
    }
    if time is not None:
        variables |= dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), f"{int(time.timestamp())} +0000")
    return variables


def _commit(fields: Sequence[str]) -> Commit:
    sha, tree, parents, name, email, time, message = fields[:7]
    when = datetime.fromtimestamp(int(time), UTC)
    return Commit(sha, tree, tuple(parents.split()), Identity(name, email), when, message.rstrip("\n"))
