"""Scores a file of predictions against the labels that training never sees."""

import sys
from pathlib import Path

import pandas as pd
from sklearn.metrics import roc_auc_score

DATA = Path(__file__).resolve().parent / "data"


def main(predictions_path):
    predictions = pd.read_csv(predictions_path, index_col="customer_id")
    labels = pd.read_csv(DATA / "test_labels.csv", index_col="customer_id")
    joined = labels.join(predictions, how="left", validate="one_to_one")
    if joined["score"].isna().any():
        sys.exit("every customer of the test set needs a score")
    print(f"auc: {roc_auc_score(joined['churned'], joined['score']):.5f}")


if __name__ == "__main__":
    main(sys.argv[1])
