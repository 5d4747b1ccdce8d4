"""The key of a run: equal keys mean that nothing differs on which its numbers depend, so that it need not run again."""

import asyncio
import hashlib
import os
from typing import Protocol

import msgspec

from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.grants import network_granted
from mlrcopilot_tui.runs.environment import Fingerprint, fingerprint
from mlrcopilot_tui.workspace.run_tree import shared_digest, unveiled


class Keys(Protocol):
    """Tells when two runs are the same."""

    async def key(self, commit: str, seed: int) -> str:
        """Equal for runs of which one can stand for the other."""
        ...


class RunKeys:
    """Makes the keys of a session's runs; the interpreter is looked at once."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._fingerprint: Fingerprint | None = None

    async def key(self, commit: str, seed: int) -> str:
        """A digest of the tree of `commit`, the seed, the commands, inputs, limits, and the machine as runs find it."""
        bench = self._bench
        if self._fingerprint is None:
            self._fingerprint = await asyncio.to_thread(fingerprint, bench.python)
        inputs = unveiled(bench.rules) if bench.config.evaluate.command else bench.rules
        run = bench.run_config
        parts = {
            "tree": await asyncio.to_thread(bench.repository.tree_id, commit),
            "commands": [run.command, bench.config.evaluate.command],
            "seed": seed,
            "metric": bench.config.metric.name,
            "shared": await asyncio.to_thread(shared_digest, bench.repository.root, inputs),
            "environment": msgspec.to_builtins(self._fingerprint),
            "env": {**{name: os.environ.get(name) for name in run.pass_env}, **run.env},
            "limits": [run.timeout_minutes, run.silence_minutes, run.memory_gb, run.disk_gb],
            "gpus": run.gpus,
            "place": await bench.places.identity(),
            "network": network_granted(bench.state, commit) or bench.sandbox.level == "plain",
        }
        return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()
