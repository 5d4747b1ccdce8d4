"""A session's line of commits: where it is, how it grows, and how a step is taken back in nobody's files."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.workspace.combining import Action, combine, combine_all
from mlrcopilot_tui.workspace.git import RefHeldError, Repository
from mlrcopilot_tui.workspace.gitvalues import ABSENT, Commit
from mlrcopilot_tui.workspace.layout import checked_session
from mlrcopilot_tui.workspace.messages import commit_message
from mlrcopilot_tui.workspace.notes import NOTES_REF

_WORDS: Final[dict[Action, tuple[str, str, str]]] = {
    "revert": ('Revert "{step.subject}"', "This takes back commit {step.sha}.", "Reverts"),
    "cherry-pick": ('Reapply "{step.subject}"', "This applies commit {step.sha} again.", "Redoes"),
}
"""Subject, body and trailer of the commit that takes a step back, or applies it again."""
BRANCHES = "refs/heads/mlrcopilot/"
REFS = "refs/mlrcopilot/"
LOCK_S = 2.0


class SessionLine:
    """The branches and refs of one session.

    Args:
        repository: the researcher's repository.
        session: the session's id, 8 hex digits.
    """

    def __init__(self, repository: Repository, session: str) -> None:
        self.repository = repository
        self.session = checked_session(session)
        self.branch = f"mlrcopilot/{session}/main"
        self.ref = f"{BRANCHES}{session}/main"
        self.base_ref = f"{REFS}{session}/base"

    def idea_branch(self, idea: int) -> str:
        """The branch that shows an idea's latest attempt."""
        return f"mlrcopilot/{self.session}/idea-{idea:d}"

    def attempt_ref(self, idea: int, attempt: int) -> str:
        """The ref that keeps one attempt, whatever became of it."""
        return f"{REFS}{self.session}/idea-{idea:d}/{attempt:d}"

    def start(self, base: str) -> None:
        """Begins the line at `base`; beginning it again at the same commit changes nothing."""
        for ref in (self.base_ref, self.ref):
            if self._at(ref) is None:
                self.repository.move_ref(ref, base, ABSENT, "mlrcopilot: session started")
        if self.base != base:
            raise RefusedError(f"Session {self.session} began at another commit, {self.base[:10]}.")

    def free_locks(self) -> None:
        """Removes the locks that a killed git left on the session's refs and on the notes; for who holds the session.

        Git holds one for milliseconds. One that is the same after two seconds has nobody who would remove it; no clock
        is asked, and the refs of others, the researcher's index and packed refs among them, are not looked at.
        """
        found = self._locks()
        if found:
            time.sleep(LOCK_S)
        for path, inode in self._locks().items():
            if found.get(path) == inode:
                path.unlink(missing_ok=True)

    def _locks(self) -> dict[Path, int]:
        common = self.repository.common_dir
        own = [path for top in (BRANCHES, REFS) for path in (common / top / self.session).rglob("*.lock")]
        return {path: path.stat().st_ino for path in [*own, common / f"{NOTES_REF}.lock"] if path.is_file()}

    @property
    def base(self) -> str:
        """The researcher's commit at which the session began."""
        return self._known(self.base_ref)

    @property
    def tip(self) -> str:
        """The last commit of the line: the champion, or an unmeasured one after `revert` or `redo`."""
        return self._known(self.ref)

    def keep(self, commit: str) -> None:
        """Moves the line to `commit`, which must contain its tip."""
        tip = self.tip
        if not self.repository.is_ancestor(tip, commit):
            raise RefHeldError(
                f"{commit[:10]} does not contain {tip[:10]}, the tip of {self.branch}: it moved meanwhile.",
                "Rebase the patch on it and measure it again.",
            )
        if commit != tip:
            self.repository.move_ref(self.ref, commit, tip, "mlrcopilot: kept")

    def align(self, commit: str) -> str:
        """Puts the line at `commit`, wherever it is; what somebody else committed there is put on a branch first.

        Returns:
            That branch; empty where nobody else committed anything.
        """
        tip = self.tip
        if tip == commit:
            return ""
        branch = self._put_aside(tip, commit)
        self.repository.move_ref(self.ref, commit, tip, "mlrcopilot: as journaled")
        return branch

    def _put_aside(self, tip: str, kept: str) -> str:
        """Gives `tip` a branch of its own, outside of ours, if `kept` lacks a commit of it that is not ours."""
        if not self.repository.others_commits(tip, kept):
            return ""
        branch = f"put-aside/{self.session}-{tip[:10]}"
        if self._at(f"refs/heads/{branch}") is None:
            self.repository.move_ref(f"refs/heads/{branch}", tip, ABSENT, "mlrcopilot: put aside")
        return branch

    def record_attempt(self, idea: int, attempt: int, commit: str) -> None:
        """Keeps an attempt under a ref of its own, and shows it on the idea's branch unless someone stands there."""
        ref = self.attempt_ref(idea, attempt)
        recorded = self._at(ref)
        if recorded not in {None, commit}:
            raise RefusedError(f"Attempt {attempt} of idea {idea} is already recorded, at {str(recorded)[:10]}.")
        if recorded is None:
            self.repository.move_ref(ref, commit, ABSENT, "mlrcopilot: attempt")
        branch = self.idea_branch(idea)
        shown = self._at(f"refs/heads/{branch}")
        if shown != commit and all(entry.branch != branch for entry in self.repository.worktrees()):
            if shown is not None:
                self._put_aside(shown, commit)
            self.repository.move_ref(f"refs/heads/{branch}", commit, shown or ABSENT, "mlrcopilot: attempt")

    def attempts(self, idea: int) -> dict[int, str]:
        """An idea's attempts: number -> commit."""
        prefix = f"{REFS}{self.session}/idea-{idea:d}/"
        found = self.repository.refs(prefix)
        return {int(ref.removeprefix(prefix)): found[ref] for ref in found}

    def revert(self, *commits: str) -> tuple[str, ...]:
        """Takes kept commits back, in this order, each with a new commit; the line moves once, or not at all.

        Returns:
            The new commits; the last one is the new tip.

        Raises:
            ConflictError: later work stands in the way; nothing has changed.
            RefusedError: there is nothing to take back; nothing has changed.
        """
        return self._grow("revert", [self._step(commit) for commit in commits])

    def redo(self, *commits: str) -> tuple[str, ...]:
        """Applies commits of the line again, which `revert` took back, as `revert` does in all else.

        Raises:
            ConflictError: what it builds on is not there, or later work stands in the way; nothing has changed.
            RefusedError: it is still there; nothing has changed.
        """
        return self._grow("cherry-pick", [self._step(commit) for commit in commits])

    def rebase(self, commit: str) -> str:
        """Writes `commit` anew on the tip, with its message and author; returns the new commit, moves nothing.

        Raises:
            RefusedError: the two do not go together, or the tip has it all already.
        """
        moved, tip = self.repository.commit(commit), self.tip
        tree = combine(self.repository, self.session, tip, moved, "cherry-pick")
        if tree == self.repository.tree_id(tip):
            raise RefusedError(f"{tip[:10]} has every change of {moved.sha[:10]} already.")
        return self.repository.write_commit(tree, (tip,), moved.message + "\n", author=moved.author)

    def _step(self, commit: str) -> Commit:
        step = self.repository.commit(commit)
        within = self.repository.is_ancestor(step.sha, self.tip)
        if not within or self.repository.is_ancestor(step.sha, self.base):
            raise InputError(
                f"{step.sha[:10]} is not a step of session {self.session}.", f"`git log {self.branch}` shows its steps."
            )
        return step

    def _grow(self, action: Action, steps: Sequence[Commit]) -> tuple[str, ...]:
        tip = at = self.tip
        before, grown = self.repository.tree_id(tip), list[str]()
        for step, tree in zip(steps, combine_all(self.repository, self.session, tip, steps, action), strict=True):
            if tree == before:
                done = "taken back" if action == "revert" else "there"
                raise RefusedError(f"{step.sha[:10]} is {done} already; nothing changed.")
            subject, body, link = (words.format(step=step) for words in _WORDS[action])
            message = commit_message(subject, body, {"Session": self.session, link: step.sha})
            at, before = self.repository.write_commit(tree, (at,), message), tree
            grown.append(at)
        self.repository.move_ref(self.ref, at, tip, f"mlrcopilot: {action}")
        return tuple(grown)

    def _at(self, ref: str) -> str | None:
        return self.repository.refs(ref).get(ref)

    def _known(self, ref: str) -> str:
        commit = self._at(ref)
        if commit is None:
            raise InputError(
                f"Session {self.session} has no {ref} in this repository.", "Begin a new one: `mlrcopilot run --new`."
            )
        return commit
