"""Trials: commands that an agent runs to look at something, fenced in and short; none of their numbers is a result."""

import asyncio
import contextlib
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlrcopilot_tui.agents.host import Execution
from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.research.run_trees import originals
from mlrcopilot_tui.runs.environment import run_environment
from mlrcopilot_tui.runs.process_tree import sweep_leftovers
from mlrcopilot_tui.runs.spec import LOG_FILE, RunSpec, RunStatus, SandboxPolicy
from mlrcopilot_tui.text import last_carriage_segment, printable
from mlrcopilot_tui.workspace.command import PYTHONS
from mlrcopilot_tui.workspace.run_tree import RunTree, export_run_tree
from mlrcopilot_tui.workspace.worktrees import force_remove

if TYPE_CHECKING:
    from mlrcopilot_tui.research.bench import Bench

SEED: Final = 0
HEAD_BYTES: Final = 24_000
TAIL_BYTES: Final = 40_000
"""Of a longer output the middle is left out: how it began and how it ended tell most."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What is to be tried.

    Attributes:
        snapshot: gives the id of the git tree, or of the commit, whose files it works on; called in a thread.
        argv: the command; a leading `python` is the workspace's interpreter.
        limit_s: seconds after which it is ended with all its processes.
        stdin: what it reads.
    """

    snapshot: Callable[[], str]
    argv: tuple[str, ...]
    limit_s: float
    stdin: str = ""


class Trials:
    """Runs the trials of one session, each in a fresh checkout, with the fences of a run and without its network.

    A trial ends with the copilot that started it: its supervisor watches for that. What the researcher lets through
    to runs (`pass_env`) is kept from trials, because their output goes to a model.
    """

    def __init__(self, bench: "Bench") -> None:
        self._bench = bench

    def reserve(self) -> str:
        """The name of the next trial, which no other gets; to be called on the event loop's thread."""
        layout, session = self._bench.layout, self._bench.state.session
        known = [int(path.name[1:]) for path in layout.trials(session).glob("x*") if path.name[1:].isdigit()]
        number = max(known, default=0) + 1
        layout.make(self._scratch("x1").parent)
        while True:
            try:
                self._scratch(f"x{number}").mkdir(mode=0o700)
            except FileExistsError:
                number += 1
            else:
                return f"x{number}"

    async def carry_out(self, name: str, trial: Trial, interruption: Callable[[], Awaitable[None]]) -> Execution:
        """Carries the reserved trial out; when this returns or raises, nothing of it runs any more.

        Args:
            name: the trial's name.
            trial: what is tried.
            interruption: returns when the trial is to be ended at once.

        Raises:
            CopilotError: the files as they stand cannot be checked out, or the command cannot be one.
        """
        stop = asyncio.Event()
        life = asyncio.create_task(self._live(name, trial, stop))
        ear = asyncio.ensure_future(interruption())
        try:
            await asyncio.wait({life, ear}, return_when=asyncio.FIRST_COMPLETED)
        finally:  # also when this is cancelled
            ear.cancel()
            stop.set()
            await asyncio.wait({life})
        return life.result()

    def remove_leftovers(self) -> None:
        """Ends what a killed copilot's trials left, and removes their checkouts; their records stay."""
        trees = self._bench.layout.worktrees / self._bench.state.session
        for tree in trees.glob("trial-*"):
            sweep_leftovers(self._run_name(tree.name.removeprefix("trial-")))
        for leftover in (*trees.glob("trial-*"), *trees.glob("scratch-trial-*")):
            force_remove(leftover)

    async def _live(self, name: str, trial: Trial, stop: asyncio.Event) -> Execution:
        layout, session = self._bench.layout, self._bench.state.session
        folder = layout.trial(session, name)
        try:
            argv = self._argv(trial.argv)
            tree = await asyncio.to_thread(self._export, name, trial)
            if stop.is_set():
                return Execution("stopped", _INTERRUPTED, "", 0, None, 0.0, name)
            await asyncio.to_thread(self._bench.executor.start, self._spec(name, argv, trial, tree), folder)
            status = await self._end(folder, stop)
            if status.outcome == "lost":
                await asyncio.to_thread(sweep_leftovers, self._run_name(name))
            changed = await asyncio.to_thread(tree.verify_protected)
            return await asyncio.to_thread(_execution, name, folder, status, changed, stop.is_set())
        finally:
            for path in (layout.trial_tree(session, name), self._scratch(name)):
                await asyncio.to_thread(force_remove, path)

    async def _end(self, folder: Path, stop: asyncio.Event) -> RunStatus:
        """The trial's end, which comes at once when it is to stop."""
        ending, stopping = asyncio.ensure_future(self._bench.executor.wait(folder)), asyncio.ensure_future(stop.wait())
        await asyncio.wait({ending, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not ending.done():
            await asyncio.to_thread(self._bench.executor.stop, folder)
        return await ending

    def _export(self, name: str, trial: Trial) -> RunTree:
        bench = self._bench
        path = bench.layout.trial_tree(bench.state.session, name)
        return export_run_tree(bench.repository, path, trial.snapshot(), bench.rules)

    def _argv(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        if not argv or any(re.search("[\0\ud800-\udfff]", word) for word in argv):
            raise InputError("The command is empty, or has characters that no command can have.")
        return (self._bench.python if argv[0] in PYTHONS else argv[0], *argv[1:])

    def _spec(self, name: str, argv: tuple[str, ...], trial: Trial, tree: RunTree) -> RunSpec:
        bench, scratch = self._bench, str(self._scratch(name))
        protected = (str(tree.path / path) for path in tree.digests)
        env = run_environment(
            os.environ,
            extra={**bench.config.run.env, "TMPDIR": scratch},
            passed=(),
            seed=SEED,
            metrics_file=f"{scratch}/metrics.jsonl",
            run=self._run_name(name),
        )
        return RunSpec(
            run=self._run_name(name),
            argv=argv,
            tree=str(tree.path),
            env=env,
            seed=SEED,
            metric=bench.config.metric.name,
            timeout_s=trial.limit_s,
            silence_s=0.0,
            grace_s=0.0,
            sandbox=SandboxPolicy(
                level=bench.sandbox.level,
                writable=(str(tree.path), scratch),
                read_only=(*protected, *map(str, tree.shared.values())),
                hidden=originals(bench, tree.commit),
                network=False,
            ),
            stdin=trial.stdin.encode("utf-8", "replace").decode(),
            dies_with=os.getpid(),
        )

    def _run_name(self, name: str) -> str:
        """The trial's name on this machine, by which its processes are found."""
        return f"{self._bench.state.session}-trial-{name}"

    def _scratch(self, name: str) -> Path:
        return self._bench.layout.scratch(self._bench.state.session, f"trial-{name}")


_INTERRUPTED: Final = "The researcher interrupted it."


def _execution(name: str, folder: Path, status: RunStatus, changed: list[str], interrupted: bool) -> Execution:
    outcome, reason = status.outcome or "lost", status.reason
    if outcome == "stopped" and interrupted:
        reason = _INTERRUPTED
    elif outcome in {"ok", "no_metric"}:
        outcome, reason = "ok", "It ended well."
    if changed:
        outcome, reason = "voided", f"It changed protected files: {', '.join(changed[:3])}."
    output, length = read_output(folder / LOG_FILE)
    return Execution(outcome, reason, output, length, status.exit_code, status.wall_s, name)


def read_output(log: Path) -> tuple[str, int]:
    """A log's text without what a terminal obeys, progress bars as they ended; and how long it was.

    Of a long one the middle is left out, and a line says so; its length is told in bytes.
    """
    with contextlib.suppress(FileNotFoundError), log.open("rb") as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        if length <= HEAD_BYTES + TAIL_BYTES:
            text = _shown(file.read())
            return text, len(text)
        head = file.read(HEAD_BYTES)
        file.seek(-TAIL_BYTES, os.SEEK_END)
        left_out = length - HEAD_BYTES - TAIL_BYTES
        return f"{_shown(head)}\n[… {left_out:,} bytes left out …]\n{_shown(file.read())}", length
    return "", 0


def _shown(data: bytes) -> str:
    lines = data.decode("utf-8", "replace").split("\n")
    return "\n".join(printable(last_carriage_segment(line)) for line in lines)


def announcement(name: str, limit_s: float, what: str) -> str:
    """What the agent says when a trial begins."""
    return f"trial {name}, {limit_s:g} s at most: {what}"


def announced(said: str) -> str:
    """The trial that an announcement is about; empty for other words."""
    found = re.match(r"trial (x\d+), ", said)
    return found[1] if found else ""
