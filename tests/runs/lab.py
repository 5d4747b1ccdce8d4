"""Starts real runs for the tests and looks for what they leave behind."""

import itertools
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import uuid4

import psutil

from mlrcopilot_tui.runs.environment import run_environment
from mlrcopilot_tui.runs.executor import LocalExecutor
from mlrcopilot_tui.runs.spec import RUN_VARIABLE, RunSpec, RunStatus, SandboxLevel, SandboxPolicy

BASE = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"}


class Lab:
    """A folder with a run tree, an executor, and short ways to ask for the usual."""

    def __init__(self, folder: Path) -> None:
        self.tree = folder / "tree"
        self.tree.mkdir()
        self.folder = folder
        self.executor = LocalExecutor()
        self._numbers = itertools.count(1)

    def spec(
        self,
        code: str = "",
        *,
        argv: tuple[str, ...] = (),
        level: SandboxLevel = "plain",
        policy: Mapping[str, Any] | None = None,
        base: Mapping[str, str] | None = None,
        **limits: float | str | tuple[str, ...],
    ) -> RunSpec:
        """A run of the Python `code` in the tree, or of `argv`."""
        run = f"test-{uuid4()}"
        script = self.tree / f"script-{run}.py"
        script.write_text(dedent(code))
        settings: dict[str, Any] = {"metric": "val_error", "timeout_s": 60.0, "silence_s": 0.0, "grace_s": 0.5} | limits
        return RunSpec(
            run=run,
            argv=argv or (sys.executable, str(script)),
            tree=str(self.tree),
            env=run_environment(
                BASE | dict(base or {}),
                extra={},
                passed=(),
                seed=0,
                metrics_file=str(self.tree / f"metrics-{run}.jsonl"),
                run=run,
            ),
            seed=0,
            sandbox=SandboxPolicy(level=level, **({"writable": (str(self.tree),)} | dict(policy or {}))),
            **settings,
        )

    def start(self, spec: RunSpec) -> Path:
        """Start the run and return its folder."""
        folder = self.folder / "runs" / str(next(self._numbers))
        self.executor.start(spec, folder)
        return folder

    async def finish(self, spec: RunSpec) -> tuple[RunStatus, Path]:
        """Start the run, wait for its end, and return its status and folder."""
        folder = self.start(spec)
        return await self.executor.wait(folder), folder

    def mark(self, name: str) -> Path:
        """A file by which a script tells how far it is."""
        return self.tree / name


def survivors(run: str) -> list[psutil.Process]:
    """The live processes of a run, told by its mark in their environment."""
    return [process for process in psutil.process_iter() if _belongs(process, run)]


def await_true(condition: Callable[[], object], patience_s: float = 20.0) -> None:
    """Wait until `condition` holds.

    Raises:
        AssertionError: it never did.
    """
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def _belongs(process: psutil.Process, run: str) -> bool:
    try:
        return process.environ().get(RUN_VARIABLE) == run and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
