"""Patches are kept, taken back and applied again while the researcher works on: nothing of theirs is lost.

The model beside it knows patches as changes of numbered slots of a file, and the line as the set of those that stand.
"""

import asyncio
import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.research import begin
from mlrcopilot_tui.research.begin import begin_session, open_bench
from mlrcopilot_tui.research.deliver import new_decision
from mlrcopilot_tui.research.dependence import undoing
from mlrcopilot_tui.research.desk import DecisionDesk
from mlrcopilot_tui.research.gains import standing
from mlrcopilot_tui.research.keeping import Keeper
from mlrcopilot_tui.research.line_patches import joined
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.research.results import promote_session
from mlrcopilot_tui.research.upkeep import clean
from mlrcopilot_tui.runs.sandbox import PlainSandbox
from mlrcopilot_tui.session.events import (
    IdeaApproved,
    IdeaProposed,
    IdeaStarted,
    PatchCommitted,
    VerdictReached,
)
from mlrcopilot_tui.session.model import Attempt, Idea, Verdict
from mlrcopilot_tui.workspace.idea_tree import IdeaTree
from mlrcopilot_tui.workspace.opening import open_workspace
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT
from tests.research.running import AUTO
from tests.workspace.researcher import begin as begin_repository
from tests.workspace.researcher import belongings, git, write

TRAIN_PY = PurePosixPath("train.py")
SLOTS = 5
PAD = "".join(f"pad_{line} = {line}\n" for line in range(4))
OPEN_IDEA = 99
"""An idea at work all the time, in whose worktree the researcher edits."""


def text_of(values: dict[int, int]) -> str:
    """The file, as these values of its slots have it."""
    return "".join(f"slot_{slot} = {values.get(slot, 0)}\n{PAD}" for slot in range(SLOTS))


@dataclass
class Patch:
    """A change of some slots, from what they were to its own number."""

    number: int
    before: dict[int, int]
    commit: str = ""
    at: int = 0


@dataclass
class Line:
    """What the line has to be: the patches that stand, in the order in which they joined."""

    patches: list[Patch] = field(default_factory=list)
    standing: list[Patch] = field(default_factory=list)
    joined: int = 0

    @property
    def values(self) -> dict[int, int]:
        return {slot: patch.number for patch in self.standing for slot in patch.before}

    def builds_on(self, patch: Patch) -> set[int]:
        return {number for number in patch.before.values() if number}

    def join(self, patch: Patch) -> bool:
        """Whether it fits on what is there; then it stands."""
        fits = all(self.values.get(slot, 0) == before for slot, before in patch.before.items())
        if fits:
            self.joined += 1
            patch.at = self.joined
            self.standing.append(patch)
        return fits

    def leaving(self, patch: Patch) -> set[int]:
        """What goes when it is taken back."""
        gone = {patch.number}
        for _ in self.standing:
            gone |= {other.number for other in self.standing if self.builds_on(other) & gone}
        return gone

    def take_back(self, patch: Patch, *, together: bool) -> bool:
        """Whether it can be taken back, alone or with all that builds on it; then it is gone."""
        gone = self.leaving(patch)
        if len(gone) > 1 and not together:
            return False
        self.standing = [other for other in self.standing if other.number not in gone]
        return True

    def redo(self, patch: Patch, *, together: bool) -> bool:
        """Whether it can be applied again, alone or after all that it needs; then it stands."""
        up, missing = {other.number for other in self.standing}, {patch.number}
        for _ in self.patches:
            missing |= {
                number for other in self.patches if other.number in missing for number in self.builds_on(other) - up
            }
        wanted = sorted((p for p in self.patches if p.number in missing - {patch.number}), key=lambda p: p.at)
        before = list(self.standing)
        if all(self.join(other) for other in ([*wanted, patch] if together else [patch])):
            return True
        self.standing = before
        return False


class Undoing(RuleBasedStateMachine):
    """A researcher and a copilot in one repository."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = contextlib.ExitStack()
        at = Path(self.folder.enter_context(tempfile.TemporaryDirectory()))
        patched = self.folder.enter_context(pytest.MonkeyPatch.context())
        patched.setattr(begin, "make_engine", lambda *_: FakeEngine([]))
        patched.setattr(begin, "best_sandbox", PlainSandbox)
        files = {"train.py": text_of({}), "notes.md": "mine\n", "mlrcopilot.toml": CONTRACT, ".gitignore": "*.log\n"}
        self.root = begin_repository(at / "work", files)
        self.workspace = open_workspace(self.root)
        self.session = begin_session(self.workspace, AUTO)
        self.branch = f"mlrcopilot/{self.session}/main"
        self.model, self.count, self.edits = Line(), 0, 0
        self.commits: set[str] = set()
        self.opened = contextlib.ExitStack()
        self._open()
        self.bench.session.record(
            IdeaProposed(idea=Idea(number=OPEN_IDEA, title="at work", hypothesis="x")),
            IdeaStarted(idea=OPEN_IDEA, parent=self.bench.champion.commit),
        )
        self.bench.idea_tree(self.bench.state.ideas[OPEN_IDEA]).check_out()
        self.before = self._theirs()

    def teardown(self) -> None:
        reachable = git(self.root, "rev-list", "--all", "--reflog").split("\n")
        assert self.commits <= {*reachable}
        named = git(self.root, "rev-list", "--branches", "--remotes", "--tags", "HEAD").split("\n")
        assert self.commits <= {*named}, "what they committed stands on a branch"
        self.opened.close()
        self.folder.close()

    # What the copilot does

    def _open(self) -> None:
        self.opened.close()
        self.bench = self.opened.enter_context(open_bench(self.workspace, self.session, AUTO))
        self.desk = DecisionDesk(self.bench, Laboratory(self.bench))
        asyncio.run(Keeper(self.bench).recover())

    @property
    def looked_at(self) -> bool:
        """Whether somebody stands on the line's branch."""
        return git(self.root, "symbolic-ref", "--short", "-q", "HEAD", check=False) == self.branch

    @precondition(lambda self: not self.looked_at)
    @rule(slots=st.sets(st.integers(0, SLOTS - 1), min_size=1, max_size=2))
    def keep(self, slots: set[int]) -> None:
        self.count += 1
        patch = Patch(self.count, {slot: self.model.values.get(slot, 0) for slot in slots})
        bench, parent = self.bench, self.bench.champion.commit
        path = self.workspace.layout.idea_tree(self.session, self.count)
        tree = IdeaTree(bench.repository, path, parent, bench.rules)
        tree.check_out()
        assert self.model.join(patch)
        tree.write(TRAIN_PY, text_of(self.model.values))
        commit = tree.commit(f"Patch {self.count}\n\nIdea: {self.count}\n")
        tree.remove()
        assert commit is not None
        bench.line.record_attempt(self.count, 1, commit)
        tree_id = bench.repository.tree_id(commit)
        made = Attempt(idea=self.count, number=1, commit=commit, parent=parent, tree=tree_id, subject="p")
        verdict = Verdict(kind="keep", rule="told", effect=1.0, values={0: 1.0}, parent_values={0: 2.0})
        bench.session.record(
            IdeaProposed(idea=Idea(number=self.count, title=f"patch {self.count}", hypothesis="x")),
            IdeaApproved(idea=self.count, by="rule"),
            IdeaStarted(idea=self.count, parent=parent),
            PatchCommitted(attempt=made),
            VerdictReached(idea=self.count, attempt=1, commit=commit, parent=parent, verdict=verdict),
        )
        asyncio.run(Keeper(bench).recover())
        patch.commit = commit
        self.model.patches.append(patch)

    @precondition(lambda self: self.model.patches)
    @rule(data=st.data(), together=st.booleans())
    def revert(self, data: st.DataObject, together: bool) -> None:
        patch = data.draw(st.sampled_from(self.model.patches))
        done = not self.looked_at and patch in self.model.standing and self.model.take_back(patch, together=together)
        assert self._decide("revert", patch, together=together) == done

    @precondition(lambda self: self.model.patches)
    @rule(data=st.data(), together=st.booleans())
    def redo(self, data: st.DataObject, together: bool) -> None:
        patch = data.draw(st.sampled_from(self.model.patches))
        done = not self.looked_at and patch not in self.model.standing and self.model.redo(patch, together=together)
        assert self._decide("redo", patch, together=together) == done

    def _decide(self, kind: str, patch: Patch, *, together: bool) -> bool:
        decision = new_decision(kind, commit=patch.commit, together=together)
        asyncio.run(self.desk.apply(decision))
        return decision.id not in self.bench.state.refused

    @rule()
    def restart(self) -> None:
        self._open()

    @rule()
    def promote(self) -> None:
        with contextlib.suppress(RefusedError):
            promote_session(self.workspace.repository, self.bench.state, "results")

    @rule()
    def clean(self) -> None:
        clean(self.workspace.layout, self.workspace.repository)

    # What the researcher does

    def _works(self) -> None:
        """Takes what the researcher has now for what must stay."""
        if git(self.root, "symbolic-ref", "-q", "HEAD", check=False):  # what they leave on no branch is their own doing
            made = git(self.root, "rev-list", "HEAD", "--not", "--glob=refs/mlrcopilot")
            self.commits |= {*made.split("\n")} - {""}
        self.before = self._theirs()

    @rule(name=st.sampled_from(["train.py", "notes.md", "new.py", "data/x.csv", "run.log"]))
    def edit(self, name: str) -> None:
        self.edits += 1
        write(self.root, {name: f"edit {self.edits}\n"})
        self._works()

    @rule(name=st.sampled_from(["train.py", "notes.md", "new.py"]))
    def remove(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)
        self._works()

    @rule(words=st.sampled_from([("add", "-A"), ("stash", "-q"), ("stash", "pop", "-q"), ("stash", "-qu")]))
    def put(self, words: tuple[str, ...]) -> None:
        git(self.root, *words, check=False)
        self._works()

    @rule()
    def commit(self) -> None:
        git(self.root, "commit", "-qam", "Mine", check=False)
        self._works()

    @rule(where=st.sampled_from(["main", "mine", "detached", "ours"]))
    def switch(self, where: str) -> None:
        words = {"main": ("main",), "mine": ("-c", "mine"), "detached": ("--detach",), "ours": (self.branch,)}[where]
        git(self.root, "switch", "-q", *words, check=False)
        self._works()

    @rule(leave=st.booleans())
    def commit_on_the_line_s_branch(self, leave: bool) -> None:
        git(self.root, "stash", "-qu", check=False)
        git(self.root, "switch", "-q", self.branch, check=False)
        self.edits += 1
        write(self.root, {"notes.md": f"on the line {self.edits}\n"})
        git(self.root, "commit", "-qam", "Mine", check=False)
        self._works()
        if leave:
            git(self.root, "switch", "-q", "main", check=False)
            self._works()

    @rule()
    def edit_in_an_idea_s_worktree(self) -> None:
        tree = self.workspace.layout.idea_tree(self.session, OPEN_IDEA)
        write(tree, {"train.py": f"theirs {self.count}\n", "scratch.txt": "theirs\n"})
        self._works()

    # What must hold

    def _theirs(self) -> dict[str, list[str]]:
        asked_for = ("refs/heads/results", "refs/heads/put-aside")
        found = {n: v for n, v in belongings(self.root).items() if not any(ref in n for ref in asked_for)}
        found["refs"] = [line for line in found["refs"] if not any(ref in line for ref in asked_for)]
        tree = self.workspace.layout.idea_tree(self.session, OPEN_IDEA)
        found |= {str(path): [path.read_text()] for path in sorted(tree.glob("*.*")) if path.is_file()}
        return found

    @invariant()
    def nothing_of_theirs_changes(self) -> None:
        assert self._theirs() == self.before

    @invariant()
    def the_line_is_what_stands_on_it(self) -> None:
        state = self.bench.state
        assert [commit for _, commit in standing(state)] == [patch.commit for patch in self.model.standing]
        tip = self.bench.champion.commit
        assert (self.bench.repository.read_file(tip, "train.py") or b"").decode() == text_of(self.model.values)
        told = [undoing(state, patch) for patch in joined(state).values() if patch.stands]
        builds = {going.patch.idea.idea.number: {other.idea.idea.number for other in going.builds} for going in told}
        assert builds == {p.number: self.model.leaving(p) - {p.number} for p in self.model.standing}
        reverted = {number for number, idea in state.ideas.items() if idea.status == "reverted"}
        up = {patch.number for patch in self.model.standing}
        assert reverted == {patch.number for patch in self.model.patches} - up


QUICK = settings(max_examples=3, stateful_step_count=14, suppress_health_check=list(HealthCheck), deadline=None)
LONG = settings(max_examples=60, stateful_step_count=40, suppress_health_check=list(HealthCheck), deadline=None)


@pytest.mark.timeout(240)
def test_nothing_is_lost() -> None:
    run_state_machine_as_test(Undoing, settings=QUICK)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_nothing_is_lost_for_long() -> None:
    run_state_machine_as_test(Undoing, settings=LONG)
