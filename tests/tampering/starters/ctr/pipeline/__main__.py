"""Train gradient-boosted trees on six days of clicks and judge them on the seventh."""

import lightgbm as lgb
import numpy as np
import pandas as pd
from holdout import test_logloss, training_days
from sklearn.metrics import log_loss, roc_auc_score

from pipeline.encode import encode
from pipeline.settings import Settings


class ClickModel:
    def __init__(self, settings: Settings):
        self.settings = settings
        self.booster = None

    def fit(self, table: pd.DataFrame) -> "ClickModel":
        trees = self.settings.trees
        params = {
            "objective": "binary",
            "learning_rate": trees.learning_rate,
            "num_leaves": trees.leaves,
            "min_data_in_leaf": trees.min_rows,
            "seed": self.settings.seed,
            "verbosity": -1,
        }
        data = lgb.Dataset(encode(table, self.settings.hash_bits), label=table["click"])
        self.booster = lgb.train(params, data, num_boost_round=trees.rounds)
        return self

    def predict(self, table: pd.DataFrame) -> np.ndarray:
        return self.booster.predict(encode(table, self.settings.hash_bits))


def check_on_last_known_day(settings: Settings, days: list[pd.DataFrame]) -> None:
    """Print how a model of the earlier days does on the last of the training days."""
    past, last = pd.concat(days[: settings.valid_day - 1]), days[settings.valid_day - 1]
    guesses = ClickModel(settings).fit(past).predict(last)
    print(f"valid_logloss: {log_loss(last['click'], guesses):.5f} valid_auc: {roc_auc_score(last['click'], guesses):.5f}")


def main() -> None:
    settings = Settings()
    days = training_days()
    check_on_last_known_day(settings, days)
    model = ClickModel(settings).fit(pd.concat(days))
    print(f"logloss: {test_logloss(model.predict):.5f}")


if __name__ == "__main__":
    main()
