"""Attempts: every proposal for an idea as a commit on its parent, under a ref of its own, with its diff on disk."""

import ast
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import msgspec

from mlrcopilot_tui.agents.base import Proposal
from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.noting import note_idea
from mlrcopilot_tui.research.plan_check import followed
from mlrcopilot_tui.research.steps import was_selected
from mlrcopilot_tui.research.tagging import facts_of, tag_patch
from mlrcopilot_tui.session.events import Event, GateAnswered, PatchCommitted
from mlrcopilot_tui.session.model import Attempt, FileCount, PlanClaim
from mlrcopilot_tui.session.state import IdeaState
from mlrcopilot_tui.text import one_line
from mlrcopilot_tui.workspace.gitvalues import COPILOT, Identity
from mlrcopilot_tui.workspace.idea_tree import patched_tree
from mlrcopilot_tui.workspace.kept_diff import keep_diff
from mlrcopilot_tui.workspace.messages import commit_message
from mlrcopilot_tui.workspace.patch import FileChange, parse, render
from mlrcopilot_tui.workspace.patch_selection import only_hunks, select

Author = Literal["agent", "researcher"]

EDITED = "As edited by the researcher."
MOST_NAMED = 40
"""Changes that a commit message names as left out; the journal names all."""
LONGEST_REASON = 600
"""Cells of a reason in a commit message."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A commit that is kept aside; `edited_from` is the one that the researcher edited."""

    commit: str
    subject: str
    by: Author
    edited_from: str


class Attempts:
    """Writes the attempts of a session's ideas."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def message(self, idea: IdeaState, subject: str, body: str, by: Author, *, aside: bool = False) -> str:
        """The commit message of an attempt; nobody approves one that is kept aside."""
        trailers = {
            "Idea": f"{idea.idea.number} {idea.idea.title}",
            "Session": self._bench.state.session,
            "Engine": self._bench.engine.name if by == "agent" else "",
            "Approved-by": "researcher" if by == "researcher" and not aside else "",
        }
        return commit_message(subject, body, trailers)

    def author(self, by: Author) -> Identity:
        """Who wrote the attempt, as git knows them."""
        return self._bench.repository.identity() or COPILOT if by == "researcher" else COPILOT

    async def record(
        self,
        idea: IdeaState,
        commit: str,
        proposal: Proposal,
        by: Author,
        *,
        moved_from: str = "",
        edited_from: str = "",
        also: Sequence[Event] = (),
    ) -> None:
        """Keeps `commit`, which stands on the idea's parent, as its next attempt; journals it, with what else it means.

        Args:
            idea: the idea.
            commit: the attempt.
            proposal: its subject, and what is claimed of it.
            by: who wrote it.
            moved_from: the commit that it is written anew from, if it is.
            edited_from: the commit that the researcher edited, if they did.
            also: events that hold if and only if the attempt stands.
        """
        made = await asyncio.to_thread(self._keep, idea, commit, proposal, by, moved_from, idea.parent_commit)
        attempt = msgspec.structs.replace(made, edited_from=edited_from)
        await self._bench.turn_of(attempt.idea)
        self._bench.session.record(*also, PatchCommitted(attempt=attempt))
        await note_idea(self._bench, attempt.idea)

    def keep_aside(self, idea: IdeaState, commits: Sequence[Kept]) -> Attempt:
        """Keeps commits as attempts beside what the idea goes on with, in one write; returns the last of them."""
        taken = []
        for kept in commits:
            parent = self._bench.repository.commit(kept.commit).parents[0]
            made = self._keep(idea, kept.commit, Proposal(kept.subject), kept.by, "", parent)
            taken.append(msgspec.structs.replace(made, edited_from=kept.edited_from, aside=True))
        self._bench.session.record(*(PatchCommitted(attempt=attempt) for attempt in taken))
        return taken[-1]

    def put_aside(self, attempt: Attempt) -> None:
        """Gives a commit that is kept aside, and stands in this repository, its ref and its diff."""
        self._bench.line.record_attempt(attempt.idea, attempt.number, attempt.commit)
        keep_diff(self._bench.repository, self._bench.patch_file(attempt.commit), attempt.parent, attempt.commit)

    async def made_of(self, before: Attempt, idea: IdeaState, commit: str) -> Proposal:
        """The proposal of `commit` where others made it of an attempt: what was claimed of that, as far as it holds."""
        claims = await asyncio.to_thread(self._followed, before, idea.parent_commit, commit)
        return Proposal(before.subject, claims=claims)

    def _followed(self, before: Attempt, parent: str, commit: str) -> tuple[PlanClaim, ...]:
        if not before.claims:
            return ()
        diff = self._bench.repository.diff
        return followed(before.claims, parse(diff(before.parent, before.commit)), parse(diff(parent, commit)))

    def _keep(
        self, idea: IdeaState, commit: str, proposal: Proposal, by: Author, moved_from: str, parent: str
    ) -> Attempt:
        bench = self._bench
        number = idea.idea.number
        attempt = self._next_number(idea)
        bench.line.record_attempt(number, attempt, commit)
        patch = parse(keep_diff(bench.repository, bench.patch_file(commit), parent, commit))
        return Attempt(
            idea=number,
            number=attempt,
            commit=commit,
            parent=parent,
            tree=bench.repository.tree_id(commit),
            subject=proposal.subject,
            files=tuple(_count(file) for file in patch.files),
            by=by,
            moved_from=moved_from,
            claims=proposal.claims,
            tags=tag_patch(bench.repository, patch, parent, commit, facts_of(bench.config)),
        )

    def _next_number(self, idea: IdeaState) -> int:
        """One more than journal and repository know: a crash may have left a ref that the journal never heard of."""
        known = [attempt.number for attempt in idea.attempts]
        return max([*known, *self._bench.line.attempts(idea.idea.number)], default=0) + 1


def left_out(bench: Bench, idea: IdeaState) -> str:
    """The hunks of the idea's patch that the researcher took out of it, as a diff; empty where they took all of it."""
    attempts = [attempt for attempt in idea.proposals if attempt.parent == idea.parent_commit]
    for before, attempt in reversed(list(pairwise(attempts))):
        if was_selected(bench.state, idea, attempt):
            return bench.repository.diff(attempt.commit, before.commit)
    return ""


def selection_body(answer: GateAnswered | None) -> str:
    """What the commit of a selection says: what was left out of the patch, hunk by hunk, and why."""
    if answer is None or not answer.left_out:
        return "Only the hunks that the researcher took; the rest was left out."
    shown = [f"- {left.told}" for left in answer.left_out[:MOST_NAMED]]
    more = len(answer.left_out) - len(shown)
    shown += [f"- and {more} more"] if more > 0 else []
    why = f"Why: {one_line(answer.text, LONGEST_REASON)}" if answer.text else ""
    listed = "\n".join(one_line(line, LONGEST_REASON) for line in shown)
    return "\n\n".join(part for part in (f"Only what the researcher took. Left out:\n{listed}", why) if part)


def chosen_patch(bench: Bench, commit: str, hunks: Sequence[int]) -> str:
    """The part of an attempt's patch that holds only the numbered hunks."""
    patch = parse(bench.patch_file(commit).read_text("utf-8"))
    return render(select(patch, only_hunks(patch, hunks)))


def check_selection(bench: Bench, attempt: Attempt, patch: str) -> str:
    """The tree that a part of an attempt gives, once it is known to apply, to change something and to parse.

    Raises:
        RefusedError: it does not.
    """
    tree = patched_tree(bench.repository, attempt.parent, patch)
    if tree == bench.repository.tree_id(attempt.parent):
        raise RefusedError("Nothing is left of the patch.", "Reject it, or take at least one hunk.")
    for file in parse(patch).files:
        if file.path.endswith(".py") and file.kind != "deleted":
            source = bench.repository.run("cat-file", "blob", f"{tree}:{file.path}").stdout
            try:
                ast.parse(source)
            except (SyntaxError, ValueError) as error:
                line = f" at line {error.lineno}" if isinstance(error, SyntaxError) else ""
                raise RefusedError(
                    f"With the hunks you took, {file.path} is no valid Python{line}.",
                    "Take the hunks that belong together.",
                ) from error
    return tree


def _count(file: FileChange) -> FileCount:
    added, removed = file.counts
    return FileCount(path=file.path, added=added, removed=removed)
