"""How predictions are scored, and which sentences they are scored on."""

import json
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data"


def read_split(name):
    """Rows {"sentence": …, "label": 0 or 1} of the split "train" or "validation"."""
    with (DATA / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def accuracy(predictions, labels):
    """Share of labels that are predicted."""
    if len(predictions) != len(labels):
        raise ValueError("as many predictions as labels are needed")
    return sum(int(p == t) for p, t in zip(predictions, labels, strict=True)) / len(labels)
