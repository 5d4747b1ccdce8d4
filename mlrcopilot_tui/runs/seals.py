"""Seals: what an evaluation relies on as it was when the run began, so that none starts from forged files.

A fence that cannot keep a run from changing protected files leaves this: a forged evaluation could put everything back
in order once it has printed its number, and a look at its end would come too late.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from mlrcopilot_tui.runs.shadows import importable, looked_in, shadowing
from mlrcopilot_tui.runs.spec import RunSpec, SandboxPolicy


class Seals:
    """The seals of one run that is to be evaluated; made before it starts."""

    def __init__(self, spec: RunSpec) -> None:
        self._spec = spec
        # Behind bubblewrap protected files cannot change.
        self._files = seal(spec.sandbox) if spec.sandbox.level != "bwrap" else {}
        self._folders = looked_in(spec.evaluate_argv, spec.tree)
        self._modules = importable(self._folders)

    def objection(self) -> str:
        """Why no evaluation may start, as a sentence; empty where it may."""
        if forged := broken(self._files):
            return f"The run changed protected files: {self._named(forged)}."
        policy, python = self._spec.sandbox, self._spec.evaluate_argv[0]
        if shadows := shadowing(self._modules, importable(self._folders), policy.read_only, python):
            return (
                f"The run put files where the evaluation would import them instead of others: {self._named(shadows)}."
            )
        return ""

    def _named(self, paths: list[str]) -> str:
        return ", ".join(os.path.relpath(path, self._spec.tree) for path in paths[:3])


def seal(policy: SandboxPolicy) -> dict[str, str]:
    """A digest of each protected file that lies where the run may write."""
    inside = [path for path in policy.read_only if any(Path(path).is_relative_to(top) for top in policy.writable)]
    return {path: _digest(path) for path in inside}


def broken(seals: Mapping[str, str]) -> list[str]:
    """The sealed files that are no longer what they were."""
    return [path for path, digest in seals.items() if _digest(path) != digest]


def _digest(path: str) -> str:
    """Of the content and of the links by which the path leads there."""
    found = os.path.realpath(path)
    if not Path(found).is_file():
        return f"no file at {found}"
    with Path(found).open("rb") as data:
        return f"{found} {hashlib.file_digest(data, 'sha256').hexdigest()}"
