"""Churn of telecom customers: a logistic regression on hand-made features."""

import argparse
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from features import align, build_features
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

DATA = Path("data")
TARGET = "churned"


@dataclass
class Settings:
    """Everything that a run can be told."""

    out: Path
    seed: int
    params: dict = field(default_factory=dict)


def parse_args() -> Settings:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("predictions.csv"))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("MLRCOPILOT_SEED", "0")))
    parser.add_argument("--params", type=Path, default=Path("params.json"))
    args = parser.parse_args()
    return Settings(out=args.out, seed=args.seed, params=json.loads(args.params.read_text()))


def load_train():
    frame = pd.read_csv(DATA / "train.csv", index_col="customer_id")
    return frame.drop(columns=[TARGET]), frame[TARGET].to_numpy()


def load_test():
    return pd.read_csv(DATA / "test.csv", index_col="customer_id")


class ChurnModel:
    """Scaler and classifier as one."""

    def __init__(self, params: dict, seed: int):
        self.scaler = StandardScaler()
        self.classifier = LogisticRegression(C=params["C"], max_iter=params["max_iter"], random_state=seed)
        self.columns: list[str] = []

    def fit(self, frame, y):
        x = build_features(frame)
        self.columns = list(x.columns)
        self.classifier.fit(self.scaler.fit_transform(x), y)
        return self

    def score(self, frame):
        x = align(build_features(frame), self.columns)
        return self.classifier.predict_proba(self.scaler.transform(x))[:, 1]


def cross_validate(frame, y, settings: Settings) -> float:
    """Mean AUC over folds of the training customers."""
    folds = StratifiedKFold(n_splits=settings.params["n_splits"], shuffle=True, random_state=settings.seed)
    scores = []
    for number, (fit_rows, held_rows) in enumerate(folds.split(frame, y), start=1):
        model = ChurnModel(settings.params, settings.seed).fit(frame.iloc[fit_rows], y[fit_rows])
        scores.append(roc_auc_score(y[held_rows], model.score(frame.iloc[held_rows])))
        print(f"fold {number} cv_auc: {scores[-1]:.5f}")
    return float(np.mean(scores))


def main():
    settings = parse_args()
    frame, y = load_train()
    print(f"cv_auc: {cross_validate(frame, y, settings):.5f}")

    model = ChurnModel(settings.params, settings.seed).fit(frame, y)
    test = load_test()
    scores = pd.DataFrame({"score": model.score(test)}, index=test.index)
    scores.to_csv(settings.out)
    print(f"wrote {len(scores)} scores to {settings.out}")


if __name__ == "__main__":
    main()
