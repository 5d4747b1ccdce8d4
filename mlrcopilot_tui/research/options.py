"""What a person may say when they run a session; light enough for a command line that only parses."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """None leaves the workspace's, or the session's, word standing."""

    paper: Path | None = None
    engine: str | None = None
    model: str | None = None
    new: bool = False
    auto: bool = False
    allow_unsandboxed: bool = False
    max_experiments: int | None = None
    minutes: float | None = None
    usd: float | None = None
    gpu_minutes: float | None = None
    seeds: int | None = None
