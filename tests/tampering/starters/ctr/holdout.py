"""Reads the click logs by day; the last day is what a model is judged on."""

from pathlib import Path

import pandas as pd
from sklearn.metrics import log_loss

LOGS = Path(__file__).resolve().parent / "logs"
TRAIN_DAYS = range(1, 7)
TEST_DAY = 7


def read_day(day):
    return pd.read_parquet(LOGS / f"day{day}.parquet")


def training_days():
    """The logs of the first six days, one table each."""
    return [read_day(day) for day in TRAIN_DAYS]


def test_logloss(predict):
    """Log loss of `predict(table without clicks) -> probabilities` on the last day."""
    table = read_day(TEST_DAY)
    probabilities = predict(table.drop(columns=["click"]))
    return float(log_loss(table["click"], probabilities))
