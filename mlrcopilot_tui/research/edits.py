"""The researcher's edits in an idea's worktree: found, told from the agent's work, and committed before anything else.

Two ways lead into the record. While a patch waits for its decision, an edit answers the question: it is the idea's next
attempt, and the question is put anew. At any other time an edit is kept aside: as an attempt of the researcher's own,
on which the agent goes on.
"""

import ast
import asyncio
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from mlrcopilot_tui.errors import CopilotError, RefusedError
from mlrcopilot_tui.files import write_whole
from mlrcopilot_tui.research import worktree_watch
from mlrcopilot_tui.research.attempts import Attempts, Kept
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.session.edits import EDITS_NAME, PendingEdit
from mlrcopilot_tui.session.events import GateAnswered
from mlrcopilot_tui.session.model import Attempt, Gate
from mlrcopilot_tui.session.state import ACTIVE_STATUSES, IdeaState
from mlrcopilot_tui.text import printable
from mlrcopilot_tui.workspace.recorded_tree import Foreign, RecordedTree, retired_place

EDITED_MEANWHILE: Final = "You edited {files} meanwhile: that becomes the idea's next attempt, which waits for you."
MOST_LOOKS: Final = 5
"""Who saves without a pause is not waited for any longer."""
FINISH: Final = "Save a version that is whole, or take your change back."


class EditFirstError(RefusedError):
    """A decision is refused because of what the researcher has saved, or has not, in a worktree."""


@dataclass(frozen=True, slots=True)
class Found:
    """What of the researcher's was found in a worktree.

    Attributes:
        files: the files that a patch may hold, as they are told.
        tree: the id of a git tree with them in it; empty where git cannot hold them.
        problem: why they cannot be an attempt as they are, as a sentence; empty where they can.
    """

    files: tuple[str, ...] = ()
    tree: str = ""
    problem: str = ""
    strays: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether there is an edit that can be an attempt."""
        return bool(self.files) and not self.problem


class Edits:
    """Finds the researcher's edits of a session's ideas, and keeps them."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._attempts = Attempts(bench)

    async def found(self, idea: IdeaState) -> Found:
        """What is in the idea's worktree that nobody of ours wrote, and no attempt holds."""
        return await asyncio.to_thread(self.look, idea) if self._bench.watches else Found()

    async def settled(self, idea: IdeaState) -> Found:
        """The same, once two looks find one thing: a save that is under way empties the file first."""
        found = await self.found(idea)
        for _ in range(MOST_LOOKS):
            if not found.files:
                break
            await asyncio.sleep(worktree_watch.QUIET_S)
            before, found = found, await self.found(idea)
            if found.tree == before.tree:
                break
        return found

    def look(self, idea: IdeaState) -> Found:
        """The same, at once and in a replay too."""
        tree = self._bench.recorded_tree(idea)
        try:
            foreign = tree.foreign()
            if not foreign.edited:
                return Found(strays=foreign.strays)
            edited = tree.edited_tree(foreign)
        except CopilotError as error:
            return Found((tree.path.name,), "", str(error))
        newest = idea.attempts[-1] if idea.attempts else None
        if newest is not None and newest.by == "researcher" and newest.tree == edited:  # a crash came in between
            tree.adopt(newest.commit)
            return Found(strays=foreign.strays)
        return Found(foreign.edited, edited, self._problem(idea, tree, foreign, edited), foreign.strays)

    def _problem(self, idea: IdeaState, tree: RecordedTree, foreign: Foreign, edited: str) -> str:
        for path in foreign.edited:
            if path.endswith(".py") and (broken := _broken(tree.path / path)):
                return f"{path} is no valid Python{broken}."
        if edited == self._bench.repository.tree_id(idea.parent_commit):
            return "The edit takes the whole patch back."
        try:
            self._bench.idea_tree(idea).refuse_odd(edited)
        except CopilotError as error:
            return error.sentence
        return ""

    # At a gate

    async def answer(self, idea: IdeaState, gate: Gate) -> None:
        """Waits until the gate is answered: by a decision, or by an edit that is whole."""
        answer = asyncio.create_task(self._bench.gates.answer(gate))
        edit = asyncio.create_task(self._edited(idea))
        try:
            await asyncio.wait({answer, edit}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                self.take_as_answer(gate, edit.result())
        finally:
            for task in (answer, edit):
                task.cancel()
            await asyncio.gather(answer, edit, return_exceptions=True)

    async def _edited(self, idea: IdeaState) -> Found:
        """Returns with the first edit that can be an attempt."""
        bench = self._bench
        if not bench.watches:
            await asyncio.get_running_loop().create_future()
        async with worktree_watch.watched(bench.recorded_tree(idea).path) as quiet:
            while True:
                found = await self.found(idea)
                self._publish(idea, Found(strays=found.strays) if found.ready else found)
                if not found.ready:
                    await quiet()
                elif (settled := await self.settled(idea)).ready:
                    return settled

    def take_as_answer(self, gate: Gate, found: Found) -> None:
        """Lets an edit answer the gate, if nothing has."""
        if gate.id not in self._bench.state.answers:
            told = _listed(found.files)
            self._bench.session.record(GateAnswered(gate=gate.id, answer="edit", by="researcher", text=told))

    async def refuse_unseen(self, gate: Gate) -> None:
        """Refuses to decide about files that the researcher has changed since: these come first.

        Raises:
            RefusedError: what is not whole cannot come in; it stays where it is. What is, answers the gate instead.
        """
        found = await self.found(self._bench.state.ideas[gate.idea])
        if found.files and found.problem:
            raise EditFirstError(
                f"{_listed(found.files)} in the idea's worktree was edited and cannot come in yet. {found.problem}",
                FINISH,
            )
        if found.files:
            self.take_as_answer(gate, found)

    async def refuse_broken(self, gate: Gate) -> None:
        """Refuses to let the agent go on from an edit that is not whole.

        Raises:
            RefusedError: it is not.
        """
        found = await self.found(self._bench.state.ideas[gate.idea])
        if found.files and found.problem:
            raise EditFirstError(f"Your edit cannot come in yet. {found.problem}", FINISH)

    async def take_with(self, gate: Gate, *, whatever: bool = False) -> None:
        """Keeps an edit aside, right before the gate is closed for which that is to be: nothing may come in between.

        An edit that has answered the gate meanwhile is left to that.
        """
        await self.take_aside(self._bench.state.ideas[gate.idea], whatever=whatever, unless=gate)

    async def commit(self, idea: IdeaState, message: str) -> str:
        """Commits the edit as the idea's patch; empty where it takes the whole patch back.

        Raises:
            RefusedError: there is none, or it cannot be an attempt.
        """
        found = await asyncio.to_thread(self.look, idea)
        base = self._bench.repository.tree_id(idea.parent_commit)
        if found.tree == base:
            return ""
        if not found.ready:
            raise EditFirstError(found.problem or "Nothing is changed any more.", FINISH if found.problem else "")
        author = self._attempts.author("researcher")
        written = self._bench.idea_tree(idea).commit_tree
        return await asyncio.to_thread(written, found.tree, message, author) or ""

    # At any other time

    async def take_aside(
        self, idea: IdeaState, *, whatever: bool = False, unless: Gate | None = None
    ) -> Attempt | None:
        """Keeps an edit beside what the idea goes on with; `whatever` it is, or only one that could be run.

        What the agent had done by then is committed first, as the agent's. Nothing is kept where a gate is answered.
        """
        found = await self.settled(idea)
        if not found.tree or (found.problem and not whatever):
            return None
        commits = await asyncio.to_thread(self._written, idea, found)
        if unless is not None and unless.id in self._bench.state.answers:
            return None
        taken = self._attempts.keep_aside(idea, commits)
        self._bench.recorded_tree(idea).adopt(commits[-1].commit)
        self._publish(idea, Found())
        return taken

    def _written(self, idea: IdeaState, found: Found) -> Sequence[Kept]:
        bench, tree = self._bench, self._bench.recorded_tree(idea)
        start, left = tree.start, tree.left_tree()
        known = next((attempt for attempt in idea.attempts if attempt.commit == start), None)
        base = known.parent if known is not None else start
        kept: list[Kept] = []
        if left != bench.repository.tree_id(start):
            subject = f"Work on {idea.idea.title}, as far as it came"
            message = self._attempts.message(idea, subject, "The researcher edited it then.", "agent", aside=True)
            start = bench.repository.write_commit(left, (base,), message)
            kept.append(Kept(start, subject, "agent", ""))
        subject = f"Edit {_listed(found.files)}"
        message = self._attempts.message(
            idea, subject, f"Edited by the researcher, on {start}.", "researcher", aside=True
        )
        author = self._attempts.author("researcher")
        commit = bench.repository.write_commit(found.tree, (base,), message, author=author)
        return [*kept, Kept(commit, subject, "researcher", start)]

    async def check_out(self, idea: IdeaState, commit: str) -> None:
        """Puts the files of `commit` into the worktree; the researcher's are kept first."""
        await self.take_aside(idea, whatever=True)
        self._tell_kept(idea, await asyncio.to_thread(self._bench.recorded_tree(idea).check_out, commit))

    async def end(self, idea: IdeaState) -> None:
        """Removes the worktree of an idea that is decided; an edit that came after that stays in its history."""
        bench = self._bench
        if (late := await self.take_aside(idea, whatever=True)) is not None:
            bench.warn(
                f"{late.subject.removeprefix('Edit ')} was edited after idea {late.idea} was decided.",
                f"The edit is kept as attempt {late.idea}.{late.number}, which is not run.",
                "edit",
            )
        self._tell_kept(idea, await asyncio.to_thread(bench.recorded_tree(idea).remove))

    async def end_decided(self) -> None:
        """Does so for ideas whose copilot died before it could."""
        for idea in self._bench.state.ideas.values():
            tree = self._bench.layout.idea_tree(self._bench.state.session, idea.idea.number)
            decided = idea.parent_commit and idea.status not in ACTIVE_STATUSES
            if decided and (tree.is_dir() or retired_place(tree).is_dir()):
                await self.end(idea)

    def _tell_kept(self, idea: IdeaState, kept: Sequence[Path]) -> None:
        if kept:
            names = _listed([path.name for path in kept])
            folder = self._bench.layout.kept(self._bench.state.session, idea.idea.number).parent
            where = folder / kept[0].relative_to(folder).parts[0]
            self._bench.warn(
                f"{names} in the worktree of idea {idea.idea.number} takes no part in a patch, and was changed.",
                f"Your version is kept in {where}.",
                "edit",
            )
        self._publish(idea, Found())

    def _publish(self, idea: IdeaState, found: Found) -> None:
        """Lets screens know what waits to be taken in."""
        file, number = self._bench.session_folder / EDITS_NAME, idea.idea.number
        try:
            told = msgspec.json.decode(file.read_bytes(), type=dict[int, PendingEdit])
        except (OSError, msgspec.MsgspecError):
            told = {}
        before = dict(told)
        told.pop(number, None)
        if found.files or found.strays:
            files, strays = (tuple(map(printable, names)) for names in (found.files, found.strays))
            told[number] = PendingEdit(files=files, problem=printable(found.problem), strays=strays)
        if told != before:
            write_whole(file, msgspec.json.encode(told), durable=False)


def _broken(file: Path) -> str:
    """Where a Python file stops being one; empty where it is one, or is not there."""
    try:
        with warnings.catch_warnings(action="ignore"):
            ast.parse(file.read_bytes())
    except SyntaxError as error:
        return f" at line {error.lineno}: {error.msg}" if error.lineno else f": {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f": {error}"
    except OSError:
        return ""
    return ""


def _listed(names: Sequence[str]) -> str:
    shown = [printable(name) for name in names[:3]] + ([f"{len(names) - 3} more"] if len(names) > 3 else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
