"""Settings of the forecaster."""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    horizon: int
    season: int
    lags: int
    ridge: float
    seed: int

    @classmethod
    def load(cls, path="config.toml"):
        values = tomllib.loads(Path(path).read_text())
        return cls(**values, seed=int(os.environ.get("MLRCOPILOT_SEED", "0")))
