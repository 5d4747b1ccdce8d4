"""Measuring: one commit at one seed, in a tree of its own, once; and never twice where the result is known."""

import asyncio
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.runs.environment import Fingerprint, fingerprint, run_environment
from mlrcopilot_tui.runs.process_tree import sweep_leftovers
from mlrcopilot_tui.runs.spec import RunSpec, RunStatus, SandboxPolicy
from mlrcopilot_tui.session.events import RunFinished, RunPlanned, RunStarted
from mlrcopilot_tui.session.model import Baseline
from mlrcopilot_tui.session.state import RunState
from mlrcopilot_tui.workspace.command import command_argv
from mlrcopilot_tui.workspace.run_tree import RunTree, export_run_tree, shared_digest
from mlrcopilot_tui.workspace.worktrees import force_remove

Purpose = Literal["baseline", "idea", "parent", "verify"]


class Manifest(msgspec.Struct, frozen=True):
    """What a run's tree held that must not change: digests of protected files; sources and states of shared inputs."""

    digests: Mapping[str, str]
    shared: Mapping[str, str]
    inputs: Mapping[str, str]


class Laboratory:
    """Runs commits and journals what they measure.

    A run's intent is journaled before its folder is made, and its folder is made exclusively: whatever dies when,
    nothing runs twice.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._fingerprint: Fingerprint | None = None

    async def measure(
        self, commit: str, seed: int, purpose: Purpose, *, idea: int = 0, attempt: int = 0, fresh: bool = False
    ) -> RunState:
        """The finished run of `commit` at `seed`.

        A run with the same key answers instead where there is one: a live one is waited for, a successful one is
        reused, unless `fresh` asks for a repetition.
        """
        key = await self.key(commit, seed)
        if not fresh and (known := self._known(key)) is not None:
            return known if not known.live else await self._follow(known)
        run = f"r{len(self._bench.state.runs) + 1}"
        self._bench.session.record(
            RunPlanned(run=run, commit=commit, seed=seed, purpose=purpose, key=key, idea=idea, attempt=attempt)
        )
        return await self._start(self._bench.state.runs[run])

    async def recover(self) -> None:
        """Settles what an earlier process left: a run that never started is closed, the rest is left to `measure`."""
        for run in self._bench.state.live_runs:
            folder = self._folder(run.run)
            status = self._bench.executor.status(folder) if folder.exists() else None
            if status is None:
                self._finish(run, "lost", "The copilot ended before this run was started.")
            elif status.state == "finished":
                await self._settle(run, status)

    async def stop(self, run: RunState) -> None:
        """Asks a live run to end; it gets its time for a checkpoint."""
        await asyncio.to_thread(self._bench.executor.stop, self._folder(run.run))

    async def end(self, run: RunState) -> RunState:
        """Stops a live run and waits for its end."""
        await self.stop(run)
        return await self._follow(run)

    async def baseline(self, commit: str) -> Baseline | RunState:
        """What the starter measures: twice on seed 0 and once on seed 1. A run that failed is returned instead."""
        first = await self.measure(commit, 0, "baseline")
        if first.value is None:
            return first
        again = await self._repetition(commit, first)
        if again.value is None:
            return again
        other = await self.measure(commit, 1, "baseline")
        if other.value is None:
            return other
        repeatable = first.value == again.value
        deterministic = repeatable and other.value == first.value
        values = {0: first.value} if deterministic else {0: first.value, 1: other.value}
        return Baseline(commit=commit, values=values, deterministic=deterministic, repeatable=repeatable)

    async def key(self, commit: str, seed: int) -> str:
        """A digest of everything that the result of a run depends on."""
        bench = self._bench
        if self._fingerprint is None:
            self._fingerprint = await asyncio.to_thread(fingerprint, bench.python)
        run = bench.config.run
        parts = {
            "tree": await asyncio.to_thread(bench.repository.tree_id, commit),
            "commands": [run.command, bench.config.evaluate.command],
            "seed": seed,
            "metric": bench.config.metric.name,
            "shared": await asyncio.to_thread(shared_digest, bench.repository.root, bench.rules),
            "environment": msgspec.to_builtins(self._fingerprint),
            "env": run.env,
            "limits": [run.timeout_minutes, run.silence_minutes],
        }
        return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()

    async def _repetition(self, commit: str, first: RunState) -> RunState:
        twins = [self._bench.state.runs[name] for name in self._bench.state.runs_by_key[first.key]]
        for twin in twins:
            if twin.run != first.run and (twin.live or twin.value is not None):
                return twin if not twin.live else await self._follow(twin)
        return await self.measure(commit, 0, "baseline", fresh=True)

    def _known(self, key: str) -> RunState | None:
        state = self._bench.state
        runs = [state.runs[name] for name in state.runs_by_key.get(key, ())]
        return next((run for run in runs if run.outcome == "ok"), next((run for run in runs if run.live), None))

    async def _start(self, run: RunState) -> RunState:
        bench = self._bench
        folder = self._folder(run.run)
        await asyncio.to_thread(self._make_tree, run)
        spec = self._spec(run)
        await asyncio.to_thread(bench.executor.start, spec, folder)
        bench.session.record(RunStarted(run=run.run, sandbox=bench.sandbox.level, network=spec.sandbox.network))
        return await self._follow(run)

    def _make_tree(self, run: RunState) -> None:
        """Exports the commit, and keeps what its protected files were where no run can reach."""
        bench = self._bench
        session = bench.state.session
        tree = export_run_tree(bench.repository, bench.layout.run_tree(session, run.run), run.commit, bench.rules)
        bench.layout.make(bench.layout.scratch(session, run.run))
        manifest = self._manifest(run.run)
        bench.layout.make(manifest.parent)
        sources = {name: str(source) for name, source in tree.shared.items()}
        manifest.write_bytes(msgspec.json.encode(Manifest(tree.digests, sources, tree.inputs)))

    async def _follow(self, run: RunState) -> RunState:
        status = await self._bench.executor.wait(self._folder(run.run))
        if run.live:
            await self._settle(run, status)
        return run

    async def _settle(self, run: RunState, status: RunStatus) -> None:
        """Closes a run: its tree is checked and removed, its numbers go into the journal."""
        outcome, reason = status.outcome or "lost", status.reason
        if outcome == "lost":
            await asyncio.to_thread(sweep_leftovers, self._name(run))
        changed = await asyncio.to_thread(self._clear_tree, run)
        if changed and outcome == "ok":
            outcome, reason = "voided", f"The run changed protected files: {', '.join(changed[:3])}."
        if run.live:
            self._finish(run, outcome, reason, status)

    def _clear_tree(self, run: RunState) -> list[str]:
        """Removes the run's tree; which of its protected files the run changed."""
        bench = self._bench
        session = bench.state.session
        path, manifest = bench.layout.run_tree(session, run.run), self._manifest(run.run)
        changed: list[str] = []
        if path.exists() and manifest.exists():
            kept = msgspec.json.decode(manifest.read_bytes(), type=Manifest)
            shared = {name: Path(source) for name, source in kept.shared.items()}
            changed = RunTree(path, run.commit, bench.rules, shared, kept.digests, kept.inputs).verify_protected()
        for leftover in (path, bench.layout.scratch(session, run.run), manifest):
            force_remove(leftover)
        return changed

    def _manifest(self, run: str) -> Path:
        return self._bench.session_folder / "trees" / f"{run}.json"

    def _finish(self, run: RunState, outcome: str, reason: str, status: RunStatus | None = None) -> None:
        self._bench.session.record(
            RunFinished(
                run=run.run,
                outcome=outcome,
                reason=reason,
                value=status.value if status and outcome == "ok" else None,
                wall_s=status.wall_s if status else 0.0,
                log_sha256=status.log_sha256 if status else "",
                exit_code=status.exit_code if status else None,
                peak_rss_bytes=status.peak_rss_bytes if status else 0,
                cpu_s=status.cpu_s if status else 0.0,
            )
        )

    def _spec(self, run: RunState) -> RunSpec:
        bench = self._bench
        config = bench.config
        session = bench.state.session
        name = self._name(run)
        tree, scratch = bench.layout.run_tree(session, run.run), bench.layout.scratch(session, run.run)
        env = run_environment(
            os.environ,
            extra={**config.run.env, "TMPDIR": str(scratch)},
            passed=config.run.pass_env,
            seed=run.seed,
            metrics_file=str(scratch / "metrics.jsonl"),
            run=name,
        )
        evaluate = config.evaluate.command
        return RunSpec(
            run=name,
            argv=command_argv(config.run.command, seed=run.seed, python=bench.python),
            evaluate_argv=command_argv(evaluate, seed=run.seed, python=bench.python) if evaluate else (),
            tree=str(tree),
            env=env,
            seed=run.seed,
            metric=config.metric.name,
            timeout_s=config.run.timeout_minutes * 60,
            silence_s=config.run.silence_minutes * 60,
            sandbox=SandboxPolicy(
                level=bench.sandbox.level,
                writable=(str(tree), str(scratch)),
                read_only=self._read_only(run),
                network=False,
            ),
        )

    def _read_only(self, run: RunState) -> tuple[str, ...]:
        """Protected files and shared inputs: a sandbox shows them and lets nobody write them."""
        kept = msgspec.json.decode(self._manifest(run.run).read_bytes(), type=Manifest)
        tree = self._bench.layout.run_tree(self._bench.state.session, run.run)
        return (*(str(tree / name) for name in kept.digests), *kept.shared.values())

    def _name(self, run: RunState) -> str:
        """The run's name on this machine, by which its processes are found."""
        return f"{self._bench.state.session}-{run.run}"

    def _folder(self, run: str) -> Path:
        return self._bench.layout.run(self._bench.state.session, run)
