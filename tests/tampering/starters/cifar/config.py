"""Settings of a run."""

import os

CONFIG = {
    "seed": int(os.environ.get("MLRCOPILOT_SEED", "0")),
    "epochs": 60,
    "batch_size": 128,
    "lr": 0.05,
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "width": 32,
    "num_workers": 2,
    "data_root": "datasets/cifar10",
    "holdout": 5000,
    "train_seconds": 900,
}
