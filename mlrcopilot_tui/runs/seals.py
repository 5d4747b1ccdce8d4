"""Seals: what the protected files were when a run began, so that no evaluation starts from forged ones.

A fence that cannot keep a run from changing them leaves this: a forged evaluation could put everything back in order
once it has printed its number, and a look at its end would come too late.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from mlrcopilot_tui.runs.spec import SandboxPolicy


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
