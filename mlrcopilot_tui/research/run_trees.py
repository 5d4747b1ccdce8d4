"""Run trees: each run's own checkout, what its protected files were before it began, and what became of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from mlrcopilot_tui.research.clean_tree import MODULE, Order, some
from mlrcopilot_tui.runs.spec import CleanTree
from mlrcopilot_tui.runs.watch import Cut
from mlrcopilot_tui.session.state import RunState
from mlrcopilot_tui.workspace.globs import literal_roots
from mlrcopilot_tui.workspace.run_tree import RunTree, differing, export_run_tree, hidden_inputs, input_states
from mlrcopilot_tui.workspace.worktrees import force_remove

if TYPE_CHECKING:
    from mlrcopilot_tui.research.bench import Bench


class Manifest(msgspec.Struct, frozen=True):
    """What a run and its evaluation find that must not change meanwhile, by relative path.

    Digests of protected files; sources and states of shared inputs; states of hidden ones that are in no commit.
    """

    digests: Mapping[str, str]
    shared: Mapping[str, str]
    inputs: Mapping[str, str]
    hidden: Mapping[str, str] = {}


class Trees(Protocol):
    """Gives runs their files."""

    def make(self, run: RunState) -> None:
        """Prepares a run's files."""
        ...

    def read_only(self, run: RunState) -> tuple[str, ...]:
        """What a sandbox shows to the run and lets nobody write."""
        ...

    def hidden(self, run: RunState) -> tuple[str, ...]:
        """What a sandbox covers up beside the run's files."""
        ...

    def clean_tree(self, run: RunState) -> CleanTree | None:
        """How a run's evaluation gets its files."""
        ...

    def objection(self, run: RunState) -> Cut | None:
        """Why nothing that the run gave may count; None where its files are as it found them.

        Raises:
            FileNotFoundError: somebody removed its files, so that nobody can tell.
        """
        ...

    def remove(self, run: str) -> None:
        """Removes all that belongs to a run; nothing there is fine."""
        ...

    def remove_leftovers(self) -> None:
        """Removes what belongs to runs that have ended."""
        ...

    def path(self, run: str) -> Path:
        """Where a run works."""
        ...

    def scratch(self, run: str) -> Path:
        """Where a run keeps temporary files and reports its metrics."""
        ...


class RunTrees:
    """Makes, checks and removes the checkouts of a session's runs."""

    def __init__(self, bench: "Bench") -> None:
        self._bench = bench

    def make(self, run: RunState) -> None:
        """Exports the run's commit, and keeps what its protected files were where no run can reach."""
        bench = self._bench
        tree = export_run_tree(bench.repository, self.path(run.run), run.commit, bench.rules)
        bench.layout.make(self.scratch(run.run))
        sources = {name: str(source) for name, source in tree.shared.items()}
        manifest = self._manifest(run.run)
        bench.layout.make(manifest.parent)
        kept = Manifest(tree.digests, sources, tree.inputs, input_states(self._hidden_inputs(run)))
        manifest.write_bytes(msgspec.json.encode(kept))

    def read_only(self, run: RunState) -> tuple[str, ...]:
        """Protected files and shared inputs: a sandbox shows them and lets nobody write them."""
        kept = self._kept(run.run)
        return (*(str(self.path(run.run) / name) for name in kept.digests), *kept.shared.values())

    def hidden(self, run: RunState) -> tuple[str, ...]:
        """The repository's own files that no run may read, wherever the repository lies."""
        return originals(self._bench, run.commit)

    def clean_tree(self, run: RunState) -> CleanTree | None:
        """The commit with its hidden files, and what the run wrote; our records and git stay out of its reach."""
        bench = self._bench
        order = Order(
            root=str(bench.repository.root),
            commit=run.commit,
            tree=str(self.path(run.run)),
            left=str(self._left(run.run)),
            scratch=str(self.scratch(run.run)),
            files=bench.config.files,
        )
        maker = (MODULE, msgspec.json.encode(order).decode())
        return CleanTree(maker=maker, hidden=(str(bench.layout.home), str(bench.repository.common_dir)))

    def objection(self, run: RunState) -> Cut | None:
        """Why nothing that the run gave may count: protected files, or inputs, are not as it found them.

        Behind a fence no run can write an input, so that it was somebody else.
        """
        path = left if (left := self._left(run.run)).exists() else self.path(run.run)
        kept = self._kept(run.run)
        if not path.is_dir():
            raise FileNotFoundError(path)
        shared = {name: Path(source) for name, source in kept.shared.items()}
        tree = RunTree(path, run.commit, self._bench.rules, shared, kept.digests, kept.inputs)
        if files := tree.changed_files():
            return Cut("voided", f"The run changed protected files: {some(files)}.")
        hidden = differing(kept.hidden, input_states(self._hidden_inputs(run)))
        if inputs := [*tree.changed_inputs(), *hidden]:
            changed = "Its inputs were changed while it was on"
            if run.sandbox == "plain":
                return Cut("voided", f"{changed}, by it or by somebody else: {some(inputs)}.")
            return Cut("disturbed", f"{changed}, though not by it: {some(inputs)}.")
        return None

    def remove(self, run: str) -> None:
        """Removes a run's checkout with all that belongs to it; nothing there is fine."""
        # The tree last: by it the rest is found again after a crash.
        for leftover in (self._left(run), self.scratch(run), self._manifest(run), self.path(run)):
            force_remove(leftover)

    def remove_leftovers(self) -> None:
        """Removes the checkouts of runs that have ended, which an earlier process was about to."""
        session = self._bench.layout.worktrees / self._bench.state.session
        for path in (*session.glob("run-*"), *session.glob("left-*")):
            run = path.name.partition("-")[2]
            if run not in self._bench.state.live:
                self.remove(run)

    def path(self, run: str) -> Path:
        """Where a run works."""
        return self._bench.layout.run_tree(self._bench.state.session, run)

    def scratch(self, run: str) -> Path:
        """Where a run keeps temporary files and reports its metrics."""
        return self._bench.layout.scratch(self._bench.state.session, run)

    def _left(self, run: str) -> Path:
        """What the run left, once its evaluation works in its place."""
        return self._bench.layout.left_tree(self._bench.state.session, run)

    def _hidden_inputs(self, run: RunState) -> dict[str, Path]:
        bench = self._bench
        if not (bench.config.evaluate.command and bench.rules.globs.hidden):
            return {}
        return hidden_inputs(bench.repository, run.commit, bench.rules)

    def _kept(self, run: str) -> Manifest:
        return msgspec.json.decode(self._manifest(run).read_bytes(), type=Manifest)

    def _manifest(self, run: str) -> Path:
        return self._bench.session_folder / "trees" / f"{run}.json"


def originals(bench: "Bench", commit: str) -> tuple[str, ...]:
    """What a sandbox covers up beside a checkout: our records, git's objects, the originals of hidden files."""
    top, hidden = bench.repository.root, bench.rules.hidden
    tracked = {file.path for file in bench.repository.files(commit) if hidden(file.path)}
    roots = {root for root in literal_roots(bench.rules.globs.hidden) if hidden(root) or hidden(f"{root}/-/-")}
    covered = {bench.layout.home, bench.repository.common_dir, *(top / path for path in tracked | roots if path)}
    return tuple(sorted(map(str, covered)))
