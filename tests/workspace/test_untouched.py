"""Whatever the copilot does between whatever the researcher does, not one byte of theirs changes."""

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.session.model import Verdict
from mlrcopilot_tui.workspace.adopt import adopt, let_go
from mlrcopilot_tui.workspace.evidence import CommitEvidence, write_note
from mlrcopilot_tui.workspace.idea_tree import IdeaTree
from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.opening import open_workspace
from mlrcopilot_tui.workspace.promote import KeptPatch, promote
from mlrcopilot_tui.workspace.run_tree import export_run_tree
from mlrcopilot_tui.workspace.worktrees import clean_trees
from tests.workspace.researcher import TRAIN, begin, belongings, git, write

SESSION = "0123abcd"
TRAIN_PY = PurePosixPath("train.py")


class Researcher:
    """Works on with plain git, unaware of the copilot."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.count = 0

    def edit(self) -> None:
        self.count += 1
        write(self.root, {"train.py": TRAIN + f"mine_{self.count} = 1\n"})

    def stage(self) -> None:
        self.count += 1
        write(self.root, {"README.md": f"Hello {self.count}\n", "train.py": f"half {self.count}\n"})
        git(self.root, "add", "README.md")

    def leave_files(self) -> None:
        write(self.root, {"data/in.csv": f"{self.count}\n", "notes -x\n.txt": "n\n"})
        (self.root / "link").unlink(missing_ok=True)
        (self.root / "link").symlink_to("README.md")

    def commit(self) -> None:
        self.edit()
        git(self.root, "commit", "-qam", f"Mine {self.count}")

    def stash(self) -> None:
        self.edit()
        git(self.root, "stash", "-q")

    def branch(self) -> None:
        self.count += 1
        git(self.root, "switch", "-qc", f"mine-{self.count}", check=False)

    def detach(self) -> None:
        git(self.root, "switch", "-q", "--detach")

    def remove(self) -> None:
        (self.root / "evaluate.py").unlink(missing_ok=True)

    def leave_a_merge_open(self) -> None:
        git(self.root, "merge", "-q", "--no-commit", "--no-ff", "HEAD~1", check=False)


class Copilot:
    """Works in the same repository."""

    def __init__(self, root: Path) -> None:
        self.workspace = open_workspace(root)
        self.repository = self.workspace.repository
        self.line = SessionLine(self.repository, SESSION)
        self.line.start(self.repository.resolve("HEAD"))
        self.kept: list[str] = []
        self.count = 0

    def keep(self) -> None:
        self.count += 1
        layout, rules = self.workspace.layout, self.workspace.contract.rules
        tree = IdeaTree(self.repository, layout.idea_tree(SESSION, self.count), self.line.tip, rules)
        tree.check_out()
        place = f"line_{(7 * self.count) % 12} "
        tree.write(TRAIN_PY, tree.read(TRAIN_PY).replace(place, f"x{place}", 1))
        commit = tree.commit(f"Idea {self.count}\n")
        assert commit is not None
        self.line.record_attempt(self.count, 1, commit)
        self.line.keep(commit)
        self.kept.append(commit)

    def revert(self) -> None:
        if self.kept:
            self.line.revert(self.kept[0])

    def redo(self) -> None:
        if self.kept:
            self.line.redo(self.kept[0])

    def run(self) -> None:
        layout, rules = self.workspace.layout, self.workspace.contract.rules
        run = export_run_tree(self.repository, layout.run_tree(SESSION, f"r{self.count}"), self.line.tip, rules)
        (run.path / "train.py").write_text("overwritten by the run\n")
        run.remove()

    def note(self) -> None:
        tip, verdict = self.line.tip, Verdict(kind="keep", rule="x")
        evidence = CommitEvidence(
            session=SESSION, idea=1, title="x", commit=tip, parent=tip, metric="m", direction="min", verdict=verdict
        )
        write_note(self.repository, evidence)

    def promote(self) -> None:
        patches = [KeptPatch(number, "Idea", commit, "x") for number, commit in enumerate(self.kept, start=1)]
        promote(self.repository, self.line, patches, "promoted")

    def look(self) -> None:
        self.repository.head()
        self.repository.dirt()
        self.repository.diff(self.line.base, self.line.tip)

    def clean(self) -> None:
        clean_trees(self.workspace.layout, alive=())


RESEARCHER: list[Callable[[Researcher], None]] = [
    *(Researcher.edit, Researcher.stage, Researcher.leave_files, Researcher.commit, Researcher.stash),
    *(Researcher.branch, Researcher.detach, Researcher.remove, Researcher.leave_a_merge_open),
]
COPILOT: list[Callable[[Copilot], None]] = [
    *(Copilot.keep, Copilot.keep, Copilot.revert, Copilot.redo, Copilot.run),
    *(Copilot.note, Copilot.promote, Copilot.look, Copilot.clean),
]
TURNS = st.lists(st.tuples(st.sampled_from(RESEARCHER), st.sampled_from(COPILOT)), min_size=1, max_size=6)


@settings(max_examples=8)
@example([(Researcher.stage, Copilot.keep), (Researcher.stash, Copilot.revert), (Researcher.detach, Copilot.redo)])
@given(TURNS)
def test_nothing_of_the_researcher_changes(
    turns: list[tuple[Callable[[Researcher], None], Callable[[Copilot], None]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = begin(Path(folder, "repo"))
        adopt(root, command="python train.py", metric="m", direction="min", shared=["data/**"])
        researcher, copilot = Researcher(root), Copilot(root)
        for theirs, ours in turns:
            theirs(researcher)
            before = theirs_of(root)
            with contextlib.suppress(RefusedError):  # a refusal too must change nothing
                ours(copilot)
            assert theirs_of(root) == before
        assert len(copilot.kept) == sum(ours is Copilot.keep for _, ours in turns)
        before = theirs_of(root)
        let_go(root, remove_config=True)
        assert theirs_of(root) == before
        assert "mlrcopilot" not in git(root, "for-each-ref") + git(root, "status", "--porcelain", "--ignored")


def theirs_of(root: Path) -> dict[str, list[str]]:
    """The researcher's belongings but for the branch that they asked `promote` for."""
    found = {name: value for name, value in belongings(root).items() if not name.endswith("refs/heads/promoted")}
    return {**found, "refs": [line for line in found["refs"] if "refs/heads/promoted" not in line]}
