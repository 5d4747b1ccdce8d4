"""Settings, from the environment where a run is told something."""

import os
from dataclasses import dataclass, field


@dataclass
class TreeSettings:
    rounds: int = 300
    learning_rate: float = 0.1
    leaves: int = 31
    min_rows: int = 50


@dataclass
class Settings:
    trees: TreeSettings = field(default_factory=TreeSettings)
    seed: int = field(default_factory=lambda: int(os.environ.get("MLRCOPILOT_SEED", "0")))
    valid_day: int = 6
    hash_bits: int = 18
